/* SPDX-License-Identifier: BSD-2-Clause */
/* What is on the wires: packets under way are GRE in IPv6 to path addresses whose PathIDs anybody
 * can recompute from the topology and the NodeIDs; each hop takes the first node off the path. And
 * that the kernels alone forward them. */
#include "test/e2e.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LONGEST 12 /* nodes on a path */
#define SEEN 32768

/* ---- all paths of the topology by their PathIDs */

struct path {
	struct kira_id id;
	uint8_t n;
	uint8_t node[LONGEST];
};

static struct path *paths;
static size_t n_paths;
static size_t cap_paths;

static void add_path(const uint8_t *node, unsigned n)
{
	struct kira_id hops[LONGEST];
	struct path *p;

	if (n_paths == cap_paths) {
		cap_paths = cap_paths ? 2 * cap_paths : 4096;
		paths = realloc(paths, cap_paths * sizeof(*paths));
		assert_non_null(paths);
	}
	for (unsigned k = 0; k < n; k++)
		hops[k] = e2e_id(node[k]);
	p = &paths[n_paths++];
	p->id = kira_path_id(KIRA_HASH_SHA1, hops, n);
	p->n = (uint8_t)n;
	memcpy(p->node, node, n);
}

/* Every path without a loop from `from`, of at most LONGEST nodes. */
static void paths_from(unsigned from)
{
	uint8_t node[LONGEST] = {(uint8_t)from};
	uint32_t next[LONGEST] = {0}; /* arc to try next at each place */
	unsigned n = 1;

	add_path(node, 1);
	while (n > 0) {
		unsigned at = node[n - 1];
		uint32_t arc = net.graph.first[at] + next[n - 1]++;
		unsigned to;
		bool on = false;

		if (arc >= net.graph.first[at + 1] || n >= LONGEST) {
			n--;
			continue;
		}
		to = net.graph.arc[arc].to;
		for (unsigned k = 0; k < n; k++)
			on = on || node[k] == to;
		if (on)
			continue;
		node[n] = (uint8_t)to;
		next[n++] = 0;
		add_path(node, n);
	}
}

static int by_id(const void *a, const void *b)
{
	return kira_id_cmp(&((const struct path *)a)->id, &((const struct path *)b)->id);
}

static const struct path *path_of(const struct kira_id *id)
{
	struct path key = {.id = *id};

	return bsearch(&key, paths, n_paths, sizeof(*paths), by_id);
}

static void all_paths(void)
{
	n_paths = 0;
	for (unsigned i = 0; i < net.n; i++)
		paths_from(i);
	qsort(paths, n_paths, sizeof(*paths), by_id);
}

/* ---- captured packets */

/* One packet as it passed a link: from node u to node v, on which path it still was. */
struct seen {
	unsigned u;
	unsigned v;
	unsigned hop_limit;
	unsigned round; /* of reading, in which it was found */
	const struct path *path;
	uint8_t inner[64]; /* from the inner IPv6 header on */
};

static struct seen seen[SEEN];
static unsigned n_seen;

/* Checks one frame that passed link l; true where it is data under way on a path. */
static bool look(unsigned l, const uint8_t *f, size_t n, unsigned round)
{
	const struct lab_link *link = lab_link(net.lab, l);
	bool to_v = memcmp(f, link->end[1].mac, 6) == 0;
	struct kira_addr outer;
	struct kira_id id;
	struct seen *s = &seen[n_seen];
	const struct path *p;

	if (n < 14 + 44 + 48 || f[12] != 0x86 || f[13] != 0xdd)
		return false;
	memcpy(outer.b, f + 14 + 24, 16);
	if (!kira_addr_id(0xfcaa, &outer, &id))
		return false;
	/* IPv6, next header GRE; GRE without options, IPv6 in it. */
	assert_int_equal(f[14] >> 4, 6);
	assert_int_equal(f[14 + 6], IPPROTO_GRE);
	assert_int_equal(f[54], 0);
	assert_int_equal(f[55], 0);
	assert_int_equal(f[56], 0x86);
	assert_int_equal(f[57], 0xdd);
	assert_int_equal((f[18] << 8) + f[19] + 40 + 14, n);
	assert_int_equal(f[58] >> 4, 6);
	/* From a node, and the path starts where the frame is going. */
	memcpy(outer.b, f + 14 + 8, 16);
	p = path_of(&id);
	if (!p)
		fail_msg("a PathID that is no path of the topology");
	assert_true(kira_addr_id(0xfc00, &outer, &id));
	assert_true(e2e_node(&id) >= 0);
	s->u = link->end[to_v ? 0 : 1].node;
	s->v = link->end[to_v ? 1 : 0].node;
	assert_int_equal(p->node[0], s->v);
	/* Of the probes one in 16 is kept, on all of its links: by the checksum, as all pairs of a
	 * round share their number. */
	if (f[58 + 6] != IPPROTO_ICMPV6 || f[58 + 43] % 16 != 0 || n_seen == SEEN - 1)
		return true;
	s->hop_limit = f[21];
	s->round = round;
	s->path = p;
	memcpy(s->inner, f + 58, 48);
	n_seen++;
	return true;
}

/* Captures on every link, in rounds of reading: for t, then two rounds more, in which what was on
 * its way goes on. What is found in the last three rounds may lack its next link. Returns how many
 * packets on paths there were. */
static unsigned capture(usec_t t, unsigned *rounds)
{
	unsigned m = lab_n_links(net.lab);
	int *fd = calloc(m, sizeof(*fd));
	usec_t until = clock_now() + t;
	unsigned more = 0;
	unsigned n = 0;

	assert_non_null(fd);
	for (unsigned l = 0; l < m; l++) {
		int size = 16 << 20;

		fd[l] = lab_capture(net.lab, l, 0);
		assert_true(fd[l] >= 0);
		setsockopt(fd[l], SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	}
	for (*rounds = 0; *rounds < 5 || more < 2; (*rounds)++) {
		uint8_t frame[2048];
		ssize_t got;

		more += clock_now() >= until;
		e2e_rest(MSEC(20));
		for (unsigned l = 0; l < m; l++)
			while ((got = recv(fd[l], frame, sizeof(frame), 0)) > 0)
				n += look(l, frame, (size_t)got, *rounds);
	}
	for (unsigned l = 0; l < m; l++)
		close(fd[l]);
	free(fd);
	return n;
}

/* The same packet one link later on its path: same inner packet byte for byte, PathID of the rest
 * of the path, outer hop limit one less. */
static bool goes_on(const struct seen *a)
{
	for (unsigned k = 0; k < n_seen; k++) {
		const struct seen *b = &seen[k];

		if (b->u == a->v && b->path->n == a->path->n - 1 &&
		    b->hop_limit == a->hop_limit - 1 &&
		    memcmp(b->path->node, a->path->node + 1, b->path->n) == 0 &&
		    memcmp(a->inner, b->inner, 48) == 0)
			return true;
	}
	return false;
}

static void path_ids_are_recomputed(void **state)
{
	unsigned longest = 0;
	unsigned followed = 0;
	unsigned of = 0;
	unsigned rounds;
	unsigned n;

	e2e_make("grid:4x4");
	e2e_start_all();
	e2e_expect();
	assert_true(e2e_wait_all(SEC(60)) != USEC_NEVER);
	e2e_rest(SEC(2));
	all_paths();
	n_seen = 0;
	n = capture(MSEC(150), &rounds);
	for (unsigned k = 0; k < n_seen; k++) {
		if (seen[k].path->n > longest)
			longest = seen[k].path->n;
		if (seen[k].path->n < 2 || seen[k].round + 3 >= rounds)
			continue;
		of++;
		followed += goes_on(&seen[k]);
	}
	e2e_say("%zu paths of up to %d nodes; %u packets on paths, the longest rest of a path %u "
		"nodes; %u of %u followed to the next link",
		n_paths, LONGEST, n, longest, followed, of);
	assert_true(n > 100);
	assert_true(longest >= 3);
	assert_true(of > 20);
	/* A busy machine may lose some frames of the capture. */
	assert_true(followed * 10 >= of * 9);
}

/* ---- TCP */

#define TCP_BYTES (8u << 20)

static uint8_t pattern(size_t at)
{
	return (uint8_t)((at * 2654435761u) >> 13 ^ at);
}

static int tcp_socket(unsigned i)
{
	int fd;

	assert_int_equal(lab_enter(net.lab, i), 0);
	fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	lab_leave(net.lab);
	assert_true(fd >= 0);
	return fd;
}

static bool ready(int fd, short what, usec_t limit)
{
	struct pollfd p = {.fd = fd, .events = what};

	return poll(&p, 1, (int)(limit / 1000)) == 1;
}

/* Connects s to d; both ends' descriptors. */
static void tcp_connect(unsigned s, unsigned d, int *a, int *b)
{
	struct sockaddr_in6 to = {.sin6_family = AF_INET6,
				  .sin6_addr = lab_node(net.lab, d)->addr,
				  .sin6_port = htons(7777)};
	int l = tcp_socket(d);
	int one = 1;
	int e = 0;
	socklen_t len = sizeof(e);

	setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	assert_int_equal(bind(l, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(listen(l, 1), 0);
	*a = tcp_socket(s);
	assert_true(connect(*a, (struct sockaddr *)&to, sizeof(to)) == 0 || errno == EINPROGRESS);
	assert_true(ready(*a, POLLOUT, SEC(10)));
	assert_int_equal(getsockopt(*a, SOL_SOCKET, SO_ERROR, &e, &len), 0);
	assert_int_equal(e, 0);
	assert_true(ready(l, POLLIN, SEC(10)));
	*b = accept4(l, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	assert_true(*b >= 0);
	close(l);
}

/* Sends what the socket takes of the pattern from *at on. */
static void push(int fd, size_t *at)
{
	uint8_t buf[16384];
	size_t n = TCP_BYTES - *at < sizeof(buf) ? TCP_BYTES - *at : sizeof(buf);
	ssize_t k;

	for (size_t i = 0; i < n; i++)
		buf[i] = pattern(*at + i);
	k = n ? send(fd, buf, n, MSG_NOSIGNAL) : 0;
	assert_true(k >= 0 || errno == EAGAIN);
	*at += k > 0 ? (size_t)k : 0;
	if (*at == TCP_BYTES)
		shutdown(fd, SHUT_WR);
}

/* TCP_BYTES from s to d: all of them arrive, in order and unharmed. */
static void transfer(unsigned s, unsigned d)
{
	static uint8_t buf[65536];
	usec_t began = clock_now();
	size_t sent = 0;
	size_t got = 0;
	ssize_t k = 1;
	int a;
	int b;

	tcp_connect(s, d, &a, &b);
	while (k != 0) {
		assert_true(clock_now() - began < SEC(60));
		if (sent < TCP_BYTES)
			push(a, &sent);
		if (!ready(b, POLLIN, sent < TCP_BYTES ? MSEC(1) : SEC(5)))
			continue;
		k = recv(b, buf, sizeof(buf), 0);
		assert_true(k >= 0 || errno == EAGAIN);
		for (ssize_t i = 0; i < k; i++)
			if (buf[i] != pattern(got + (size_t)i))
				fail_msg("byte %zu is wrong", got + (size_t)i);
		got += k > 0 ? (size_t)k : 0;
	}
	assert_int_equal(got, TCP_BYTES);
	e2e_say("%u MB of TCP from %u to %u: %.0f Mbit/s", TCP_BYTES >> 20, s, d,
		8.0 * TCP_BYTES / (double)(clock_now() - began));
	close(a);
	close(b);
}

/* Over 8 links; by the daemons' tables, but not by the daemons: they are stopped the second time.
 */
static void tcp_unharmed(void **state)
{
	struct lab_usage before;
	struct lab_usage after;

	e2e_make("grid:9x2");
	prober_focus(net.prober, NULL, 0);
	e2e_start_all();
	e2e_expect();
	assert_true(e2e_wait_all(SEC(60)) != USEC_NEVER);
	e2e_rest(SEC(3));
	transfer(0, net.n - 1);
	lab_signal_all(net.lab, SIGSTOP);
	assert_int_equal(lab_usage(net.lab, net.n / 2, &before), 0);
	transfer(0, net.n - 1);
	transfer(net.n - 1, 0);
	assert_int_equal(lab_usage(net.lab, net.n / 2, &after), 0);
	assert_int_equal(after.cpu, before.cpu);
	lab_signal_all(net.lab, SIGCONT);
	assert_true(e2e_settle(SEC(1), SEC(20)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(path_ids_are_recomputed, e2e_down),
		cmocka_unit_test_teardown(tcp_unharmed, e2e_down),
	};
	int rc = e2e_begin() ? cmocka_run_group_tests(tests, NULL, NULL) : 0;

	free(paths);
	return rc;
}
