/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets through a chain of four nodes (three links, two nodes of transit): PathID forwarding
 * beside the kernel's own IPv6 forwarding by static routes, and the user-space back-end beside
 * both. veth hands a packet on in the context of its sender, so the whole way is one processor's
 * work; what counts is how many packets arrive at the last node in a second of processor time,
 * which other load on the machine does not change much.
 *
 * kira_dataplane [--quick]   one JSON line a measure. Needs root. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "proto/kira/dataplane_chain.h"

#define NODES 4
#define BATCH 64
#define ROUNDS_MAX 15

struct net {
	struct chain c;
	struct kira_addr to;
	int out;
	int in;
	pthread_t pump; /* the user-space back-end's */
	bool pumping;
	atomic_bool stop;
};

static void die(const char *what, const struct err *err)
{
	fprintf(stderr, "kira_dataplane: %s: %s\n", what,
		err && err->what[0] ? err->what : strerror(errno));
	exit(1);
}

/* Datagrams that reached the last node's socket; nobody reads it, so they are counted as errors
 * when it is full. */
static uint64_t arrived(struct net *n)
{
	char line[256];
	char name[64];
	uint64_t sum = 0;
	uint64_t v;
	FILE *f;

	chain_enter(&n->c, NODES - 1);
	f = fopen("/proc/thread-self/net/snmp6", "r");
	chain_home(&n->c);
	if (!f)
		die("/proc/thread-self/net/snmp6", NULL);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%63s %lu", name, &v) == 2 &&
		    (strcmp(name, "Udp6InDatagrams") == 0 || strcmp(name, "Udp6InErrors") == 0))
			sum += v;
	fclose(f);
	return sum;
}

static void open_sockets(struct net *n)
{
	struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons(9)};
	int small = 1;

	memcpy(&a.sin6_addr, &n->to, 16);
	n->in = chain_socket(&n->c, NODES - 1, AF_INET6, SOCK_DGRAM, 0);
	n->out = chain_socket(&n->c, 0, AF_INET6, SOCK_DGRAM, 0);
	setsockopt(n->in, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	if (bind(n->in, (struct sockaddr *)&a, sizeof(a)) ||
	    connect(n->out, (struct sockaddr *)&a, sizeof(a)))
		die("sockets", NULL);
}

static void *pump(void *ctx)
{
	struct net *n = ctx;

	while (!atomic_load(&n->stop))
		chain_pump(&n->c, -1, 20);
	return NULL;
}

static void open_kira(struct net *n, enum dataplane_kind kind)
{
	struct err err = {0};

	*n = (struct net){.out = -1};
	if (chain_new(&n->c, NODES) || chain_open_all(&n->c, kind, &err))
		die("cannot make the chain (root is needed)", &err);
	n->to = n->c.node[NODES - 1].addr;
	open_sockets(n);
	n->pumping = kind == DATAPLANE_TUN;
	if (n->pumping && pthread_create(&n->pump, NULL, pump, n))
		die("thread", NULL);
}

static struct kira_addr plain_addr(unsigned i)
{
	return (struct kira_addr){{0xfd, 0x77, [15] = (uint8_t)(i + 1)}};
}

/* Static routes between addresses of lo. */
static void open_plain(struct net *n)
{
	struct netlink_addr a = {.family = AF_INET6, .prefix = 128, .ifindex = 1};
	struct netlink_route r;
	struct netlink_route got;
	struct kira_addr addr;
	struct err err = {0};
	unsigned i;
	unsigned j;

	*n = (struct net){.out = -1};
	if (chain_new(&n->c, NODES))
		die("cannot make the chain", NULL);
	for (i = 0; i < NODES; i++) {
		chain_enter(&n->c, i);
		addr = plain_addr(i);
		memcpy(a.addr, &addr, 16);
		if (netlink_addr_add(n->c.node[i].nl, &a, &err) ||
		    netlink_sysctl_set("all", "forwarding", 1, &err))
			die("static routes", &err);
		for (j = 0; j < NODES; j++) {
			unsigned side = j > i;

			if (j == i)
				continue;
			r = (struct netlink_route){
				.prefix = 128, .has_via = true, .ifindex = n->c.node[i].link[side]};
			addr = plain_addr(j);
			memcpy(r.dst, &addr, 16);
			memcpy(r.via, &n->c.node[side ? i + 1 : i - 1].local[!side], 16);
			if (netlink_route_set(n->c.node[i].nl, &r, &err))
				die("static routes", &err);
		}
		addr = plain_addr(i);
		while (netlink_route_get(n->c.node[i].nl, addr.b, &got) || got.type != RTN_LOCAL)
			usleep(1000);
	}
	chain_home(&n->c);
	n->to = plain_addr(NODES - 1);
	open_sockets(n);
}

static void close_net(struct net *n)
{
	if (n->pumping) {
		atomic_store(&n->stop, true);
		pthread_join(n->pump, NULL);
	}
	close(n->in);
	close(n->out);
	chain_free(&n->c);
}

static double cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Packets that arrive in a second of processor time, of `size` bytes of IPv6. */
static double measure(struct net *n, size_t size, usec_t length)
{
	static char payload[2048];
	struct iovec iov = {payload, size - 48};
	struct mmsghdr m[BATCH] = {0};
	uint64_t before;
	usec_t begin;
	double cpu;
	int i;

	for (i = 0; i < BATCH; i++)
		m[i].msg_hdr = (struct msghdr){.msg_iov = &iov, .msg_iovlen = 1};
	sendmmsg(n->out, m, BATCH, 0); /* neighbours, caches */
	usleep(50000);
	before = arrived(n);
	begin = clock_now();
	cpu = cpu_seconds();
	do {
		if (sendmmsg(n->out, m, BATCH, 0) < 0)
			usleep(10);
	} while (clock_now() - begin < length);
	cpu = cpu_seconds() - cpu;
	return (double)(arrived(n) - before) / cpu;
}

static int by_value(const void *a, const void *b)
{
	return (*(const double *)a > *(const double *)b) -
	       (*(const double *)a < *(const double *)b);
}

static void report(const char *name, size_t size, double *ours, double *peer, unsigned rounds)
{
	struct utsname u;

	uname(&u);
	qsort(ours, rounds, sizeof(*ours), by_value);
	qsort(peer, rounds, sizeof(*peer), by_value);
	printf("{\"bench\":\"kira-dataplane\",\"case\":\"%s-udp-%zu\",\"unit\":\"pps per "
	       "core\",\"ours\":%.0f,\"peer\":%.0f,"
	       "\"peer_name\":\"kernel IPv6 static "
	       "routes\",\"peer_version\":\"%s\",\"ratio\":%.3f,\"n\":%u}\n",
	       name, size, ours[rounds / 2], peer[rounds / 2], u.release,
	       ours[rounds / 2] / peer[rounds / 2], rounds);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static const size_t sizes[] = {64, 1400};
	bool quick = argc > 1 && strcmp(argv[1], "--quick") == 0;
	unsigned rounds = quick ? 5 : ROUNDS_MAX;
	usec_t length = quick ? MSEC(200) : MSEC(1000);
	double pps[3][ROUNDS_MAX];
	struct net net[3];
	unsigned s;
	unsigned i;
	unsigned k;

	if (argc > 2 || (argc == 2 && !quick)) {
		fprintf(stderr, "usage: kira_dataplane [--quick]\n");
		return 2;
	}
	open_plain(&net[0]);
	open_kira(&net[1], DATAPLANE_BPF);
	open_kira(&net[2], DATAPLANE_TUN);
	for (s = 0; s < 2; s++) {
		/* Turn by turn, so that a disturbance meets all alike. */
		for (i = 0; i < rounds; i++)
			for (k = 0; k < 3; k++)
				pps[k][i] = measure(&net[k], sizes[s], length);
		report("bpf", sizes[s], pps[1], pps[0], rounds);
		report("tun", sizes[s], pps[2], pps[0], rounds);
	}
	for (k = 0; k < 3; k++)
		close_net(&net[k]);
	return 0;
}
