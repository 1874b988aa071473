/* SPDX-License-Identifier: BSD-2-Clause */
/* Helper of bench/l4s_link.py. Each command prints one JSON object. It has a real-time priority
 * where it may, so that other work on the machine does not count.
 *
 * relay: two TUN devices, l0 and r0, and the least that can be done between them, one read and one
 * write a packet.
 *
 * flood: UDP datagrams of 1472 bytes at a rate, from the namespace it is started in.
 *
 * watch: the packets that a device receives meanwhile. */
#include "proto/l4s/link/link_priv.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH 32
#define PAYLOAD 1472

static void die(const char *what)
{
	fprintf(stderr, "l4s_link_tool: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t cpu(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static int netns(const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die(path);
	return fd;
}

static uint64_t pump(int from, int to, uint8_t *buf, size_t cap)
{
	uint64_t n = 0;
	ssize_t got;

	while (n < 64 && (got = read(from, buf, cap)) > 0) {
		if (write(to, buf, (size_t)got) != got)
			die("write");
		n++;
	}
	return n;
}

static int relay(char **argv)
{
	struct link_cfg cfg = {.name = {"l0", "r0"}};
	struct link_port port[2] = {{.fd = -1, .out = -1}, {.fd = -1, .out = -1}};
	uint64_t end = link_clock() + strtoul(argv[2], NULL, 10) * 1000000000u;
	static uint8_t buf[2048];
	uint64_t n[2] = {0};
	struct pollfd fds[2];
	struct err err = {0};
	uint64_t first;
	int i;

	for (i = 0; i < 2; i++) {
		cfg.netns[i] = netns(argv[i]);
		if (port_open_tun(&port[i], &cfg, (unsigned)i, &err) < 0) {
			err_print(&err, "l4s_link_tool", stderr);
			return 1;
		}
		fds[i] = (struct pollfd){port[i].fd, POLLIN, 0};
	}
	puts("ready");
	fflush(stdout);
	first = cpu();
	while (link_clock() < end) {
		if (poll(fds, 2, 100) <= 0)
			continue;
		for (i = 0; i < 2; i++)
			if (fds[i].revents)
				n[i] += pump(port[i].fd, port[!i].fd, buf, sizeof(buf));
	}
	printf("{\"packets\":%lu,\"back\":%lu,\"cpu_ns\":%lu,\"dropped\":%lu}\n", n[0], n[1],
	       cpu() - first, port_dropped(&port[0]));
	return 0;
}

static int flood(char **argv)
{
	double mbits = strtod(argv[1], NULL);
	uint64_t gap = (uint64_t)((PAYLOAD + 28 + 14) * 8e3 / mbits);
	uint64_t start = link_clock();
	uint64_t end = start + (uint64_t)(strtod(argv[2], NULL) * 1e9);
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
	static uint8_t payload[PAYLOAD];
	struct iovec io = {payload, sizeof(payload)};
	struct mmsghdr m[BATCH] = {0};
	uint64_t sent = 0;
	uint64_t now;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int i;

	if (fd < 0 || inet_pton(AF_INET, argv[0], &to.sin_addr) != 1 ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		die(argv[0]);
	prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
	for (i = 0; i < BATCH; i++)
		m[i].msg_hdr = (struct msghdr){.msg_iov = &io, .msg_iovlen = 1};
	for (now = start; now < end; now = link_clock()) {
		uint64_t due = (now - start) / gap + 1;
		struct timespec ts = {0, 50000};
		int n;

		if (sent >= due) {
			nanosleep(&ts, NULL);
			continue;
		}
		n = due - sent > BATCH ? BATCH : (int)(due - sent);
		n = sendmmsg(fd, m, (unsigned)n, 0);
		if (n < 0 && errno != ENOBUFS && errno != ECONNREFUSED)
			die("sendmmsg");
		if (n > 0)
			sent += (uint64_t)n;
	}
	printf("{\"sent\":%lu,\"ns\":%lu}\n", sent, now - start);
	return 0;
}

struct reading {
	uint64_t at;
	uint64_t packets;
};

/* The counter, at a time known within 50 µs if at all possible. */
static struct reading look(struct netlink *nl, const char *dev)
{
	struct netlink_link link;
	struct reading r = {0};
	uint64_t before;
	unsigned i;

	for (i = 0; i < 50; i++) {
		before = link_clock();
		if (netlink_link_get(nl, 0, dev, &link) < 0)
			die(dev);
		r.at = link_clock();
		r.packets = link.stats.rx_packets;
		if (r.at - before < 50000)
			break;
	}
	return r;
}

static int watch(char **argv)
{
	struct netlink *nl = netlink_open(NULL);
	struct timespec ts = {(time_t)strtoul(argv[1], NULL, 10), 0};
	struct reading a;
	struct reading b;

	if (!nl)
		die("netlink");
	a = look(nl, argv[0]);
	nanosleep(&ts, NULL);
	b = look(nl, argv[0]);
	netlink_close(nl);
	printf("{\"packets\":%lu,\"ns\":%lu}\n", b.packets - a.packets, b.at - a.at);
	return 0;
}

int main(int argc, char **argv)
{
	struct sched_param p = {.sched_priority = 5};

	sched_setscheduler(0, SCHED_FIFO, &p);
	if (argc == 4 && strcmp(argv[1], "watch") == 0)
		return watch(argv + 2);
	if (argc == 5 && strcmp(argv[1], "relay") == 0)
		return relay(argv + 2);
	if (argc == 5 && strcmp(argv[1], "flood") == 0)
		return flood(argv + 2);
	fprintf(stderr, "usage: l4s_link_tool relay NETNS_A NETNS_B SECONDS\n"
			"       l4s_link_tool flood ADDRESS MBITS SECONDS\n"
			"       l4s_link_tool watch DEV SECONDS\n");
	return 2;
}
