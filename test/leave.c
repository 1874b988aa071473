/* SPDX-License-Identifier: BSD-2-Clause */
/* Nothing is left behind: not by a daemon that is told to end, not by one that was killed, started again and told to end, and
 * not by a whole laboratory. What there is in a node's namespace (links, addresses, routes, filters, sysctls), which BPF
 * objects live and which files lie about is the same as before. */
#include "test/e2e.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_BPF 128

/* ---- BPF objects. They belong to no namespace, and other programs have some too: so those of a daemon are noted by
 * their numbers, which the kernel does not use again soon. */

struct bpf_ids {
	unsigned n;
	uint32_t id[MAX_BPF];
	bool map[MAX_BPF];
};

static void note_id(struct bpf_ids *b, uint32_t id, bool map)
{
	for (unsigned k = 0; k < b->n; k++)
		if (b->id[k] == id && b->map[k] == map)
			return;
	assert_true(b->n < MAX_BPF);
	b->id[b->n] = id;
	b->map[b->n++] = map;
}

/* Adds the programs and maps that a process holds. */
static void note_bpf(struct bpf_ids *b, pid_t pid)
{
	char path[320];
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo", (int)pid);
	d = opendir(path);
	assert_non_null(d);
	while ((e = readdir(d))) {
		char line[256];
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%d/fdinfo/%s", (int)pid, e->d_name);
		f = fopen(path, "re");
		while (f && fgets(line, sizeof(line), f)) {
			uint32_t id;

			if (sscanf(line, "prog_id: %u", &id) == 1)
				note_id(b, id, false);
			if (sscanf(line, "map_id: %u", &id) == 1)
				note_id(b, id, true);
		}
		if (f)
			fclose(f);
	}
	closedir(d);
}

static unsigned alive(const struct bpf_ids *b)
{
	unsigned n = 0;

	for (unsigned k = 0; k < b->n; k++) {
		int fd = b->map[k] ? bpf_map_get_fd_by_id(b->id[k]) : bpf_prog_get_fd_by_id(b->id[k]);

		n += fd >= 0;
		if (fd >= 0)
			close(fd);
	}
	return n;
}

/* The kernel frees them a moment after the last user. */
static void assert_bpf_gone(const struct bpf_ids *b)
{
	for (unsigned t = 0; t < 500 && alive(b); t++)
		usleep(10000);
	assert_int_equal(alive(b), 0);
}

/* ---- what there is */

static char *namespace_of(unsigned i)
{
	return e2e_shell(i, "ip -o link; ip -o -6 addr; ip -6 route show table all; ip -6 rule; tc qdisc show;"
			    "for d in $(ip -o link | sed 's/^[0-9]*: \\([^:@]*\\).*/\\1/'); do"
			    " tc filter show dev $d ingress; tc filter show dev $d egress; done 2>&1;"
			    "ip -6 neigh show nud permanent; nft list ruleset;"
			    "grep -rs . /proc/sys/net/ipv6/conf | sort");
}

/* Files outside of the daemons' state directories. */
static char *files(void)
{
	return e2e_shell(0, "find /tmp /run /dev/shm /sys/fs/bpf -path '/run/dep-lab/*/state' -prune -o -path '*/log' -o "
			    "-path /run/dep-lab -o -print | sort");
}

/* Equal, or the lines that differ are shown. */
static void assert_same(const char *before, const char *after, const char *what)
{
	FILE *a;
	FILE *b;
	char *diff;

	if (strcmp(before, after) == 0)
		return;
	a = fopen("/run/before", "we");
	b = fopen("/run/after", "we");
	assert_true(a && b);
	fputs(before, a);
	fputs(after, b);
	fclose(a);
	fclose(b);
	diff = e2e_shell(0, "diff /run/before /run/after");
	for (char *line = strtok(diff, "\n"); line; line = strtok(NULL, "\n"))
		e2e_say("%s: %s", what, line);
	free(diff);
	unlink("/run/before");
	unlink("/run/after");
	fail_msg("%s is not as before", what);
}

static unsigned entries(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	unsigned n = 0;

	while (d && (e = readdir(d)))
		n += e->d_name[0] != '.';
	if (d)
		closedir(d);
	return n;
}

/* ---- tests */

static const struct lab_edge triangle[] = {{0, 1}, {1, 2}, {0, 2}};
#define NODES 3

static char *before[NODES];
static char *files_before;
static struct bpf_ids held;

static void prepare(void)
{
	char path[2 * LAB_PATH + 64];

	held.n = 0;
	e2e_make_edges(NODES, triangle, 3);
	/* What the daemons need before: they find it made by the lab. */
	for (unsigned i = 0; i < NODES; i++) {
		snprintf(path, sizeof(path), "mkdir -p %s/run %s/state", lab_node(net.lab, i)->dir, lab_node(net.lab, i)->dir);
		free(e2e_shell(i, path));
		before[i] = namespace_of(i);
	}
	files_before = files();
	e2e_start_all();
	e2e_expect();
	assert_true(e2e_wait_all(SEC(60)) != USEC_NEVER);
	for (unsigned i = 0; i < NODES; i++) {
		char *now = namespace_of(i);

		/* The comparison can see a daemon. */
		assert_non_null(strstr(now, "kira0"));
		assert_non_null(strstr(now, "clsact"));
		assert_string_not_equal(before[i], now);
		free(now);
		note_bpf(&held, lab_node(net.lab, i)->pid);
	}
	assert_true(held.n >= 2 * NODES);
	assert_int_equal(alive(&held), held.n);
	e2e_say("%u BPF programs and maps", held.n);
}

static void end_all(void)
{
	for (unsigned i = 0; i < NODES; i++) {
		prober_remove(net.prober, i);
		lab_stop(net.lab, i, SEC(20));
		if (lab_node(net.lab, i)->status != 0)
			fail_msg("dep-kira of node %u ended with wait status 0x%x", i, (unsigned)lab_node(net.lab, i)->status);
	}
}

static void assert_nothing_left(void)
{
	char *now;

	assert_bpf_gone(&held);
	for (unsigned i = 0; i < NODES; i++) {
		now = namespace_of(i);
		assert_same(before[i], now, "the namespace");
		free(now);
		free(before[i]);
	}
	now = files();
	assert_same(files_before, now, "the list of files");
	free(now);
	free(files_before);
}

static void told_to_end(void **state)
{
	prepare();
	end_all();
	assert_nothing_left();
}

/* Killed, all at once; what they left is taken over by the next daemons, which reach each other, and it goes with them. */
static void killed(void **state)
{
	struct kira_id id[NODES];

	prepare();
	for (unsigned i = 0; i < NODES; i++) {
		id[i] = e2e_id(i);
		lab_signal(net.lab, i, SIGKILL);
		lab_stop(net.lab, i, 0);
	}
	/* The kernel still has the programs: they forward on. */
	assert_true(alive(&held) > 0);
	prober_restart(net.prober);
	e2e_start_all();
	e2e_expect();
	assert_true(e2e_wait_all(SEC(60)) != USEC_NEVER);
	/* Which the kernels did without them, so far: they serve when they answer themselves. */
	for (unsigned i = 0; i < NODES; i++) {
		yyjson_doc *answer = NULL;

		for (unsigned k = 0; k < 100 && !answer; k++) {
			e2e_rest(MSEC(100));
			answer = e2e_dep(i, "show");
		}
		assert_non_null(answer);
		yyjson_doc_free(answer);
	}
	for (unsigned i = 0; i < NODES; i++) {
		struct kira_id now = e2e_id(i);

		assert_true(kira_id_eq(&now, &id[i]));
		note_bpf(&held, lab_node(net.lab, i)->pid);
	}
	end_all();
	assert_nothing_left();
}

/* Also while it starts: ended a few milliseconds after it began, at different moments. */
static void told_to_end_early(void **state)
{
	char *was;
	char *now;

	e2e_make_edges(NODES, triangle, 3);
	/* The kernel settles the operational state of links a moment after their carrier. */
	e2e_rest(SEC(3));
	was = namespace_of(0);
	for (unsigned k = 0; k < (E2E_SMALL ? 8u : 20u); k++) {
		struct lab_node *node = lab_node(net.lab, 0);
		bool by_signal;

		e2e_start(0);
		usleep(E2E_BOUND(2000) * k);
		lab_stop(net.lab, 0, SEC(20));
		by_signal = WIFSIGNALED(node->status) && WTERMSIG(node->status) == SIGTERM;
		/* Before it took over the signal it may end by it, with nothing made yet. */
		if (!by_signal && node->status != 0)
			fail_msg("wait status 0x%x", (unsigned)node->status);
		now = namespace_of(0);
		assert_same(was, now, "the namespace");
		free(now);
	}
	free(was);
}

static void whole_laboratory(void **state)
{
	e2e_make("grid:3x3");
	e2e_start_all();
	e2e_expect();
	assert_true(e2e_wait_all(SEC(60)) != USEC_NEVER);
	held.n = 0;
	for (unsigned i = 0; i < net.n; i++)
		note_bpf(&held, lab_node(net.lab, i)->pid);
	note_bpf(&held, getpid());
	assert_true(alive(&held) > 0);
	e2e_down(NULL);
	assert_int_equal(entries("/run/netns"), 0);
	assert_int_equal(entries("/run/dep-lab"), 0);
	assert_bpf_gone(&held);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(told_to_end, e2e_down),
		cmocka_unit_test_teardown(killed, e2e_down),
		cmocka_unit_test_teardown(told_to_end_early, e2e_down),
		cmocka_unit_test_teardown(whole_laboratory, e2e_down),
	};

	if (!e2e_begin())
		return 0;
	/* Other tests use /tmp at the same time. */
	if (strncmp(e2e_build(), "/tmp/", 5) != 0 && mount("tmp", "/tmp", "tmpfs", 0, "mode=1777") != 0)
		e2e_say("/tmp is shared: %s", strerror(errno));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
