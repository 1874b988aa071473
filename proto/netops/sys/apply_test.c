/* SPDX-License-Identifier: BSD-2-Clause */
/* Steps against the real kernel, each test in a network namespace of its own; what is there is asked of ip and nft. */
#include "base/config.h"
#include "base/clock.h"
#include "proto/netops/sys/apply.h"
#include "proto/netops/sys/filters.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

extern const char depanneur_sys_yang[];

static struct config_schema *schema;
static struct netlink *nl;
static struct filters *filters;
static bool root;

#define NEEDS_ROOT()                                                                               \
	do {                                                                                       \
		if (!root)                                                                         \
			skip();                                                                    \
	} while (0)

static int setup(void **state)
{
	struct err err = {0};

	schema = config_schema_new("depanneur-sys", depanneur_sys_yang, &err);
	assert_non_null(schema);
	root = unshare(CLONE_NEWNET) == 0;
	if (!root) {
		print_message("# skipped: root is needed for a network namespace\n");
		return 0;
	}
	nl = netlink_open(&err);
	assert_non_null(nl);
	/* No waiting for addresses. */
	assert_int_equal(netlink_sysctl_set("default", "accept_dad", 0, &err), 0);
	filters = filters_open(NULL, &err);
	if (!filters)
		print_message("# no filters: %s\n", err.what);
	return 0;
}

static int teardown(void **state)
{
	filters_close(filters);
	netlink_close(nl);
	config_schema_free(schema);
	filters = NULL;
	nl = NULL;
	return 0;
}

/* ---- Other people's eyes ---- */

/* Runs a program, without a shell; its output is in a static buffer. Returns its exit status. */
static char seen[1 << 18];

static int look(char *const argv[])
{
	int fd[2];
	size_t n = 0;
	ssize_t got;
	int status;
	pid_t pid;
	posix_spawn_file_actions_t actions;

	assert_int_equal(pipe(fd), 0);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fd[1], 1);
	posix_spawn_file_actions_adddup2(&actions, fd[1], 2);
	posix_spawn_file_actions_addclose(&actions, fd[0]);
	posix_spawn_file_actions_addclose(&actions, fd[1]);
	assert_int_equal(posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ), 0);
	posix_spawn_file_actions_destroy(&actions);
	close(fd[1]);
	while ((got = read(fd[0], seen + n, sizeof(seen) - 1 - n)) > 0)
		n += (size_t)got;
	close(fd[0]);
	seen[n] = '\0';
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

#define LOOK(...) look((char *[]){__VA_ARGS__, NULL})

/* Everything that ip tells of the namespace but what changes by itself. */
static char *picture(void)
{
	static char *const what[][6] = {
		{"ip", "-o", "addr"},
		{"ip", "route", "show", "table", "all"},
		{"ip", "-6", "route", "show", "table", "all"},
		{"ip", "neigh", "show", "nud", "permanent"},
		{"ip", "-o", "-d", "link"},
	};
	char *all = calloc(1, 1 << 20);
	size_t i;

	assert_non_null(all);
	for (i = 0; i < sizeof(what) / sizeof(what[0]); i++) {
		char *argv[7] = {0};

		memcpy(argv, what[i], sizeof(what[i]));
		assert_int_equal(look(argv), 0);
		/* A new address is not the old one's: lifetimes and tentativeness go their own way, links are numbered
		 * anew. Only names, addresses, routes are compared. */
		strncat(all, seen, (1 << 20) - strlen(all) - 1);
	}
	return all;
}

/* ---- Applying ---- */

static struct steps parse(const char *json)
{
	struct steps steps = {0};
	struct lyd_node *input;
	struct err err = {0};
	char *text = NULL;
	const struct lyd_node *n;
	struct step s;

	assert_true(asprintf(&text, "{\"depanneur-sys:apply\":{\"step\":%s}}", json) > 0);
	input = config_rpc_input(schema, text, strlen(text), &err);
	if (!input)
		fail_msg("%s: %s", err.where, err.what);
	LY_LIST_FOR(lyd_child(input), n)
	{
		if (n->schema->nodetype != LYS_LIST)
			continue;
		if (step_read(n, &s, &err))
			fail_msg("%s", err.what);
		assert_int_equal(steps_take(&steps, &s), 0);
	}
	lyd_free_all(input);
	free(text);
	return steps;
}

/* Takes the steps; how many changed something, or the error. *back, where not NULL, gets the inverse. */
static int take_list(const struct steps *steps, bool dry_run, struct steps *back, struct err *err)
{
	struct apply_result r = {0};
	struct err own = {0};
	int rc;

	err = err ? err : &own;
	*err = (struct err){0};
	rc = apply_steps(nl, filters, steps, dry_run, &r, err);
	if (rc == 0)
		rc = (int)r.n_changed;
	if (back) {
		*back = r.inverse;
		r.inverse = (struct steps){0};
	}
	apply_result_free(&r);
	return rc;
}

static int take(const char *json, struct steps *back, struct err *err)
{
	struct steps steps = parse(json);
	int rc = take_list(&steps, false, back, err);

	steps_free(&steps);
	return rc;
}

static int would(const char *json)
{
	struct steps steps = parse(json);
	int rc = take_list(&steps, true, NULL, NULL);

	steps_free(&steps);
	return rc;
}

#define OK(json)                                                                                   \
	do {                                                                                       \
		struct err e_;                                                                     \
		if (take(json, NULL, &e_) < 0)                                                     \
			fail_msg("%s: %s", e_.where, e_.what);                                     \
	} while (0)

/* The whole life of steps: they would change, they do, they do nothing a second time, their inverse leads back to exactly
 * what was there, and nothing of a dry run is seen. */
static void round_trip(const char *json, int n)
{
	struct steps back;
	struct err err;
	char *before = picture();
	char *after;
	int rc;

	rc = would(json);
	assert_int_equal(rc, n);
	after = picture();
	assert_string_equal(before, after);
	free(after);
	rc = take(json, &back, &err);
	if (rc < 0)
		fail_msg("%s: %s", err.where, err.what);
	assert_int_equal(rc, n);
	after = picture();
	assert_string_not_equal(before, after);
	free(after);
	assert_int_equal(take(json, NULL, &err), 0);
	assert_int_equal(would(json), 0);
	rc = take_list(&back, false, NULL, &err);
	if (rc < 0)
		fail_msg("back: %s: %s", err.where, err.what);
	after = picture();
	assert_string_equal(before, after);
	free(after);
	free(before);
	steps_free(&back);
}

#define PAIR                                                                                       \
	"{\"link\":{\"name\":\"v0\",\"kind\":\"veth\",\"peer\":\"v1\",\"up\":true}},"                \
	"{\"sysctl\":{\"link\":\"v0\",\"key\":\"ipv6-dad-transmits\",\"value\":0}},"                \
	"{\"link\":{\"name\":\"v1\",\"up\":true}},"                                               \
	"{\"address\":{\"link\":\"v0\",\"ip\":\"10.0.0.1/24\"}},"                                 \
	"{\"address\":{\"link\":\"v0\",\"ip\":\"fd00::1/64\",\"no-dad\":[null]}}"

/* fe80:: addresses are tentative for a second. */
static void settle(void)
{
	int i;

	for (i = 0; i < 40; i++) {
		LOOK("ip", "addr", "show", "tentative");
		if (!strstr(seen, "inet6"))
			return;
		usleep(100000);
	}
	fail_msg("an address stays tentative");
}

static void test_links(void **state)
{
	NEEDS_ROOT();
	OK("[{\"link\":{\"name\":\"v0\",\"kind\":\"veth\",\"peer\":\"v1\"}}]");
	round_trip("[{\"link\":{\"name\":\"v0\",\"mtu\":1400,\"alias\":\"to the cellar\"}}]", 1);
	round_trip("[{\"link\":{\"name\":\"v1\",\"mac\":\"02:00:00:00:00:09\"}}]", 1);
	round_trip("[{\"link\":{\"name\":\"br0\",\"kind\":\"bridge\"}}]", 1);
	round_trip("[{\"link\":{\"name\":\"m0\",\"kind\":\"macvlan\",\"lower\":\"v0\",\"mode\":\"private\"}}]", 1);
	round_trip("[{\"link\":{\"name\":\"x0\",\"kind\":\"vxlan\",\"id\":77,\"remote\":\"192.0.2.1\",\"port\":4790}}]", 1);
	round_trip("[{\"link\":{\"name\":\"i0\",\"kind\":\"ifb\"}}]", 1);
	round_trip("[{\"link\":{\"name\":\"t0\",\"kind\":\"tun\"}}]", 1);
	round_trip("[{\"link\":{\"name\":\"t1\",\"kind\":\"tap\"}}]", 1);
	OK("[{\"link\":{\"name\":\"br0\",\"kind\":\"bridge\"}},{\"link\":{\"name\":\"v0\",\"master\":\"br0\"}}]");
	LOOK("ip", "-o", "link", "show", "v0");
	assert_non_null(strstr(seen, "master br0"));
	round_trip("[{\"link\":{\"name\":\"v0\",\"master\":\"\"}}]", 1);
}

static void test_link_refusals(void **state)
{
	struct err err;

	NEEDS_ROOT();
	OK("[{\"link\":{\"name\":\"v0\",\"kind\":\"veth\",\"peer\":\"v1\"}}]");
	assert_int_equal(take("[{\"link\":{\"name\":\"nosuch\",\"up\":true}}]", NULL, &err), -ENODEV);
	assert_int_equal(take("[{\"link\":{\"name\":\"v0\",\"kind\":\"bridge\"}}]", NULL, &err), -EEXIST);
	assert_int_equal(take("[{\"link\":{\"name\":\"lo\",\"absent\":[null]}}]", NULL, &err), -EOPNOTSUPP);
	assert_int_equal(take("[{\"link\":{\"name\":\"v0\",\"mtu\":1}}]", NULL, &err), -EINVAL);
	/* The kernel's own words, and which step. */
	assert_non_null(strstr(err.what, "mtu"));
	assert_string_equal(err.where, "step 0, link v0");
	assert_int_equal(take("[{\"link\":{\"name\":\"gone\",\"absent\":[null]}}]", NULL, &err), 0);
}

static void test_addresses(void **state)
{
	NEEDS_ROOT();
	OK("[" PAIR "]");
	settle();
	round_trip("[{\"address\":{\"link\":\"v0\",\"ip\":\"10.7.0.1/16\"}}]", 1);
	round_trip("[{\"address\":{\"link\":\"v0\",\"ip\":\"fd07::1/48\",\"no-dad\":[null]}}]", 1);
	round_trip("[{\"neighbour\":{\"link\":\"v0\",\"ip\":\"10.0.0.9\",\"mac\":\"02:00:00:00:00:09\"}},"
		   "{\"neighbour\":{\"link\":\"v0\",\"ip\":\"fd00::9\",\"mac\":\"02:00:00:00:00:09\"}}]", 2);
	OK("[{\"neighbour\":{\"link\":\"v0\",\"ip\":\"10.0.0.9\",\"mac\":\"02:00:00:00:00:09\"}}]");
	round_trip("[{\"neighbour\":{\"link\":\"v0\",\"ip\":\"10.0.0.9\",\"mac\":\"02:00:00:00:00:0a\"}}]", 1);
	round_trip("[{\"neighbour\":{\"link\":\"v0\",\"ip\":\"10.0.0.9\",\"absent\":[null]}}]", 1);
	/* With it go a second one of the same network, and routes; all come back. */
	OK("[{\"route\":{\"to\":\"198.51.100.0/24\",\"via\":\"10.0.0.2\"}}]");
	assert_int_equal(LOOK("ip", "route", "add", "203.0.113.0/24", "via", "10.0.0.3", "proto", "static", "mtu", "1300"), 0);
	round_trip("[{\"address\":{\"link\":\"v0\",\"ip\":\"10.0.0.1/24\",\"absent\":[null]}}]", 1);
}

static void test_routes(void **state)
{
	NEEDS_ROOT();
	OK("[" PAIR "]");
	settle();
	round_trip("[{\"route\":{\"to\":\"198.51.100.0/24\",\"via\":\"10.0.0.2\"}}]", 1);
	round_trip("[{\"route\":{\"to\":\"0.0.0.0/0\",\"via\":\"10.0.0.2\",\"metric\":50}}]", 1);
	round_trip("[{\"route\":{\"to\":\"198.51.100.0/24\",\"link\":\"v0\",\"table\":100}}]", 1);
	round_trip("[{\"route\":{\"to\":\"fd77::/32\",\"via\":\"fd00::2\"}},{\"route\":{\"to\":\"::/0\",\"via\":\"fe80::9\",\"link\":\"v0\"}}]", 2);
	round_trip("[{\"route\":{\"to\":\"198.51.100.0/25\",\"type\":\"blackhole\"}},"
		   "{\"route\":{\"to\":\"198.51.101.0/24\",\"type\":\"unreachable\"}},"
		   "{\"route\":{\"to\":\"fd78::/32\",\"type\":\"prohibit\"}}]", 3);
	round_trip("[{\"route\":{\"to\":\"198.51.100.0/24\",\"hop\":[{\"via\":\"10.0.0.2\"},{\"via\":\"10.0.0.3\",\"weight\":3}]}}]", 1);
	round_trip("[{\"route\":{\"to\":\"fd79::/32\",\"hop\":[{\"via\":\"fd00::2\"},{\"via\":\"fd00::3\",\"weight\":3}]}}]", 1);
}

static void test_routes_replaced(void **state)
{
	NEEDS_ROOT();
	OK("[" PAIR ",{\"route\":{\"to\":\"198.51.100.0/24\",\"via\":\"10.0.0.2\"}},"
	   "{\"route\":{\"to\":\"198.51.0.0/16\",\"via\":\"10.0.0.7\"}},"
	   "{\"route\":{\"to\":\"198.51.100.0/25\",\"via\":\"10.0.0.8\"}},"
	   "{\"route\":{\"to\":\"fd77::/32\",\"via\":\"fd00::2\"}},"
	   "{\"route\":{\"to\":\"fd79::/32\",\"hop\":[{\"via\":\"fd00::2\"},{\"via\":\"fd00::3\"}]}}]");
	settle();
	round_trip("[{\"route\":{\"to\":\"198.51.100.0/24\",\"via\":\"10.0.0.4\"}}]", 1);
	round_trip("[{\"route\":{\"to\":\"198.51.0.0/16\",\"type\":\"blackhole\"}}]", 1);
	round_trip("[{\"route\":{\"to\":\"fd77::/32\",\"hop\":[{\"via\":\"fd00::4\"},{\"via\":\"fd00::5\"}]}}]", 1);
	round_trip("[{\"route\":{\"to\":\"fd79::/32\",\"via\":\"fd00::6\"}}]", 1);
	round_trip("[{\"route\":{\"to\":\"fd79::/32\",\"absent\":[null]}},{\"route\":{\"to\":\"198.51.100.0/24\",\"absent\":[null]}},"
		   "{\"route\":{\"to\":\"198.51.100.0/25\",\"absent\":[null]}}]", 3);
}

static void test_foreign(void **state)
{
	struct steps back;
	struct err err;

	NEEDS_ROOT();
	OK("[" PAIR ",{\"route\":{\"to\":\"198.51.100.0/24\",\"via\":\"10.0.0.2\"}}]");
	assert_int_equal(LOOK("ip", "route", "add", "203.0.113.0/24", "via", "10.0.0.3", "proto", "static", "mtu", "1300"), 0);
	assert_int_equal(LOOK("nft", "add table inet other; add chain inet other c; add rule inet other c counter accept"), 0);
	/* Neither replaced nor removed, nor reached by absent of any metric. */
	assert_int_equal(take("[{\"route\":{\"to\":\"203.0.113.0/24\",\"via\":\"10.0.0.9\"}}]", NULL, &err), -EEXIST);
	assert_int_equal(take("[{\"route\":{\"to\":\"203.0.113.0/24\",\"absent\":[null]}}]", NULL, &err), 0);
	assert_int_equal(take("[{\"purge\":{}}]", &back, &err), 1);
	LOOK("ip", "route");
	assert_null(strstr(seen, "198.51.100.0/24"));
	LOOK("nft", "list", "table", "inet", "other");
	assert_non_null(strstr(seen, "accept"));
	/* Its gateway went with the address of ours; the inverse brings back both. */
	assert_true(take_list(&back, false, NULL, &err) >= 0);
	LOOK("ip", "route");
	assert_non_null(strstr(seen, "198.51.100.0/24 via 10.0.0.2"));
	assert_non_null(strstr(seen, "203.0.113.0/24 via 10.0.0.3 dev v0 proto static"));
	steps_free(&back);
	/* An address that is changed for another does not take it away at all. */
	OK("[{\"address\":{\"link\":\"v0\",\"ip\":\"10.0.0.1/24\",\"absent\":[null]}},{\"address\":{\"link\":\"v0\",\"ip\":\"10.0.0.5/24\"}}]");
	LOOK("ip", "route");
	assert_non_null(strstr(seen, "203.0.113.0/24 via 10.0.0.3 dev v0 proto static"));
	assert_non_null(strstr(seen, "198.51.100.0/24 via 10.0.0.2"));
}

/* What a link takes with it when it goes down or away. */
static void test_link_with_all(void **state)
{
	NEEDS_ROOT();
	OK("[" PAIR ",{\"route\":{\"to\":\"198.51.100.0/24\",\"via\":\"10.0.0.2\"}},"
	   "{\"route\":{\"to\":\"fd77::/32\",\"via\":\"fd00::2\"}},"
	   "{\"neighbour\":{\"link\":\"v0\",\"ip\":\"10.0.0.9\",\"mac\":\"02:00:00:00:00:09\"}}]");
	settle();
	{
		static const char down[] = "[{\"link\":{\"name\":\"v0\",\"up\":false}}]";
		static const char gone[] = "[{\"link\":{\"name\":\"v0\",\"absent\":[null]}}]";
		static const char *const both[] = {down, gone};
		int i;

		for (i = 0; i < 2; i++) {
			struct steps back;
			struct err err;

			assert_int_equal(take(both[i], &back, &err), 1);
			LOOK("ip", "route");
			assert_null(strstr(seen, "198.51.100.0/24"));
			if (take_list(&back, false, NULL, &err) < 0)
				fail_msg("%s: %s", err.where, err.what);
			steps_free(&back);
			LOOK("ip", "route");
			assert_non_null(strstr(seen, "198.51.100.0/24 via 10.0.0.2 dev v0 proto 124"));
			LOOK("ip", "-6", "route");
			assert_non_null(strstr(seen, "fd77::/32 via fd00::2 dev v0 proto 124"));
			LOOK("ip", "addr", "show", "v0");
			assert_non_null(strstr(seen, "10.0.0.1/24"));
			assert_non_null(strstr(seen, "fd00::1/64"));
			LOOK("ip", "neigh");
			assert_non_null(strstr(seen, "10.0.0.9 dev v0 lladdr 02:00:00:00:00:09 PERMANENT"));
			LOOK("ip", "-o", "link", "show", "v1");
			assert_non_null(strstr(seen, "UP"));
		}
	}
}

static void test_sysctl(void **state)
{
	struct steps back;
	struct err err;
	int v;

	NEEDS_ROOT();
	OK("[{\"link\":{\"name\":\"v0\",\"kind\":\"veth\",\"peer\":\"v1\"}}]");
	assert_int_equal(take("[{\"sysctl\":{\"link\":\"v0\",\"key\":\"ipv4-forwarding\",\"value\":1}},"
			      "{\"sysctl\":{\"link\":\"v0\",\"key\":\"ipv6-mtu\",\"value\":1300}}]", &back, &err), 2);
	assert_int_equal(netlink_sysctl_read(AF_INET, "v0", "forwarding", &v), 0);
	assert_int_equal(v, 1);
	assert_int_equal(take_list(&back, false, NULL, &err), 2);
	assert_int_equal(netlink_sysctl_read(AF_INET, "v0", "forwarding", &v), 0);
	assert_int_equal(v, 0);
	steps_free(&back);
}

/* The k-th step is impossible: whatever k, everything is as before, and the error names it. */
static void test_failure_at_each_step(void **state)
{
	static const char *const good[] = {
		"{\"link\":{\"name\":\"w0\",\"kind\":\"veth\",\"peer\":\"w1\",\"up\":true,\"mtu\":1300}}",
		"{\"address\":{\"link\":\"v0\",\"ip\":\"10.0.0.1/24\",\"absent\":[null]}}",
		"{\"address\":{\"link\":\"v0\",\"ip\":\"10.0.0.5/24\"}}",
		"{\"link\":{\"name\":\"v0\",\"mtu\":1400}}",
		"{\"route\":{\"to\":\"198.51.100.0/24\",\"via\":\"10.0.0.9\"}}",
		"{\"route\":{\"to\":\"198.51.103.0/24\",\"via\":\"10.0.0.9\"}}",
		"{\"acl\":{\"name\":\"guard\",\"ace\":[{\"name\":\"a\",\"action\":\"drop\",\"source\":\"10.9.0.0/16\"}]}}",
	};
	static const char bad[] = "{\"route\":{\"to\":\"198.51.104.0/24\",\"via\":\"192.0.2.99\"}}";
	enum { N = sizeof(good) / sizeof(good[0]) };
	size_t k;

	NEEDS_ROOT();
	OK("[" PAIR ",{\"route\":{\"to\":\"198.51.100.0/24\",\"via\":\"10.0.0.2\"}}]");
	settle();
	for (k = 0; k <= N; k++) {
		char json[4096] = "[";
		char where[64];
		char *before = picture();
		char *after;
		struct err err;
		size_t i;

		for (i = 0; i <= N; i++) {
			if (i == k)
				strcat(json, bad);
			else
				strcat(json, good[i < k ? i : i - 1]);
			strcat(json, i < N ? "," : "]");
		}
		assert_int_equal(take(json, NULL, &err), -ENETUNREACH);
		snprintf(where, sizeof(where), "step %zu, route 198.51.104.0/24", k);
		assert_string_equal(err.where, where);
		assert_non_null(strstr(err.what, "gateway")); /* the kernel's word */
		assert_string_equal(err.mend, "");
		after = picture();
		assert_string_equal(before, after);
		assert_int_not_equal(LOOK("nft", "list", "table", "inet", "depanneur"), 0);
		free(before);
		free(after);
	}
}

static unsigned count(const char *text, const char *what)
{
	unsigned n = 0;

	while ((text = strstr(text, what))) {
		n++;
		text++;
	}
	return n;
}

/* Many at once; and one bad among them. */
static void test_many(void **state)
{
	enum { N = 10000 };
	char *json = malloc(N * 96 + 100);
	struct steps steps;
	struct steps back;
	struct err err;
	size_t n = 0;
	usec_t t;
	int rc;
	int i;

	assert_non_null(json);
	if (!root) {
		free(json);
		skip();
	}
	OK("[" PAIR "]");
	json[n++] = '[';
	for (i = 0; i < N; i++)
		n += (size_t)sprintf(json + n, "%s{\"route\":{\"to\":\"10.%d.%d.0/24\",\"via\":\"10.0.0.2\"}}",
				     i ? "," : "", 20 + i / 256, i % 256);
	strcpy(json + n, "]");
	t = clock_now();
	steps = parse(json);
	print_message("# %d steps read in %lld us\n", N, (long long)(clock_now() - t));
	t = clock_now();
	rc = take_list(&steps, false, &back, &err);
	print_message("# %d routes applied in %lld us\n", N, (long long)(clock_now() - t));
	assert_int_equal(rc, N);
	LOOK("ip", "route", "show", "10.21.0.0/16");
	LOOK("ip", "route", "show", "root", "10.21.0.0/16");
	assert_int_equal(count(seen, " via 10.0.0.2 dev v0 proto 124"), 256);
	t = clock_now();
	assert_int_equal(take_list(&back, false, NULL, &err), N);
	print_message("# %d routes removed in %lld us\n", N, (long long)(clock_now() - t));
	steps_free(&back);
	/* One in the middle: none stays. */
	steps.at[5000].route.one.via.a[0] = 99;
	assert_int_equal(take_list(&steps, false, NULL, &err), -ENETUNREACH);
	assert_int_equal(strncmp(err.where, "step 5000, ", 11), 0);
	LOOK("ip", "route", "show", "proto", "124");
	assert_string_equal(seen, "");
	steps_free(&steps);
	free(json);
}

static void test_filters(void **state)
{
	static const char guard[] =
		"[{\"acl\":{\"name\":\"my guard\",\"ace\":["
		"{\"name\":\"web\",\"family\":\"ipv4\",\"source\":\"10.0.0.0/8\",\"l4\":\"tcp\",\"destination-port\":{\"op\":\"range\",\"port\":80,\"upper\":90},\"action\":\"reject\"},"
		"{\"name\":\"ping\",\"family\":\"ipv4\",\"l4\":\"icmp\",\"icmp-type\":8,\"action\":\"drop\"},"
		"{\"name\":\"syn\",\"l4\":\"tcp\",\"tcp-flag\":[\"syn\"],\"action\":\"accept\"},"
		"{\"name\":\"not\",\"l4\":\"udp\",\"source-port\":{\"op\":\"neq\",\"port\":53},\"action\":\"accept\"},"
		"{\"name\":\"six\",\"family\":\"ipv6\",\"destination\":\"fd00::/8\",\"dscp\":10,\"action\":\"drop\"}]}},"
		"{\"attach\":{\"link\":\"lo\",\"direction\":\"ingress\",\"acl\":[\"my guard\"]}}]";
	static const char less[] = "[{\"acl\":{\"name\":\"my guard\",\"ace\":[{\"name\":\"all\",\"action\":\"accept\"}]}}]";
	struct steps back;
	struct steps undo;
	struct err err;

	NEEDS_ROOT();
	if (!filters)
		skip();
	OK("[{\"link\":{\"name\":\"lo\",\"up\":true}}]");
	assert_int_equal(LOOK("nft", "add table inet other; add chain inet other c; add rule inet other c counter accept"), 0);
	assert_int_equal(LOOK("ping", "-c1", "-W1", "127.0.0.1"), 0);
	assert_int_equal(would(guard), 2);
	assert_int_equal(take(guard, &back, &err), 2);
	assert_int_equal(take(guard, NULL, &err), 0);
	assert_int_not_equal(LOOK("ping", "-c1", "-W1", "127.0.0.1"), 0);
	LOOK("nft", "list", "table", "inet", "depanneur");
	assert_non_null(strstr(seen, "ip saddr 10.0.0.0/8 tcp dport 80-90 counter"));
	assert_non_null(strstr(seen, "udp sport != 53"));
	assert_non_null(strstr(seen, "ip6 daddr fd00::/8 ip6 dscp af11"));
	/* Another's hand in our table is seen, and put right. */
	assert_int_equal(LOOK("nft", "add rule inet depanneur a_my_20guard accept"), 0);
	assert_int_equal(would(guard), 1);
	assert_int_equal(take(guard, NULL, &err), 1);
	assert_int_equal(would(guard), 0);
	/* Changed and back; a list that is used cannot go. */
	assert_int_equal(take(less, &undo, &err), 1);
	assert_int_equal(LOOK("ping", "-c1", "-W1", "127.0.0.1"), 0);
	assert_int_equal(take_list(&undo, false, NULL, &err), 1);
	assert_int_not_equal(LOOK("ping", "-c1", "-W1", "127.0.0.1"), 0);
	assert_true(take("[{\"acl\":{\"name\":\"my guard\",\"absent\":[null]}}]", NULL, &err) < 0);
	steps_free(&undo);
	assert_int_equal(take_list(&back, false, NULL, &err), 2);
	assert_int_equal(LOOK("ping", "-c1", "-W1", "127.0.0.1"), 0);
	assert_int_not_equal(LOOK("nft", "list", "table", "inet", "depanneur"), 0);
	assert_int_equal(LOOK("nft", "list", "table", "inet", "other"), 0);
	steps_free(&back);
}

static void test_purge(void **state)
{
	struct err err;

	NEEDS_ROOT();
	OK("[" PAIR ",{\"route\":{\"to\":\"198.51.100.0/24\",\"via\":\"10.0.0.2\"}},{\"route\":{\"to\":\"198.51.101.0/24\",\"via\":\"10.0.0.2\"}}]");
	assert_int_equal(LOOK("ip", "addr", "add", "192.0.2.1/24", "dev", "v1"), 0);
	/* All there is is wanted: nothing changes. */
	assert_int_equal(take("[{\"purge\":{}}," PAIR ",{\"route\":{\"to\":\"198.51.100.0/24\",\"via\":\"10.0.0.2\"}},"
			      "{\"route\":{\"to\":\"198.51.101.0/24\",\"via\":\"10.0.0.2\"}}]", NULL, &err), 0);
	assert_int_equal(take("[{\"purge\":{}}," PAIR ",{\"route\":{\"to\":\"198.51.101.0/24\",\"via\":\"10.0.0.2\"}}]", NULL, &err), 1);
	LOOK("ip", "route");
	assert_null(strstr(seen, "198.51.100.0/24"));
	assert_non_null(strstr(seen, "198.51.101.0/24"));
	LOOK("ip", "addr", "show", "v1");
	assert_non_null(strstr(seen, "192.0.2.1/24"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_links, setup, teardown),
		cmocka_unit_test_setup_teardown(test_link_refusals, setup, teardown),
		cmocka_unit_test_setup_teardown(test_addresses, setup, teardown),
		cmocka_unit_test_setup_teardown(test_routes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_routes_replaced, setup, teardown),
		cmocka_unit_test_setup_teardown(test_foreign, setup, teardown),
		cmocka_unit_test_setup_teardown(test_link_with_all, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sysctl, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failure_at_each_step, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many, setup, teardown),
		cmocka_unit_test_setup_teardown(test_filters, setup, teardown),
		cmocka_unit_test_setup_teardown(test_purge, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
