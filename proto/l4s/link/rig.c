/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/l4s/link/rig.h"

#include "proto/l4s/link/link_priv.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static const char *const address[2][2] = {{"10.9.0.1", "fd09::1"}, {"10.9.0.2", "fd09::2"}};

static void check(int rc, const struct err *err)
{
	if (rc < 0)
		err_print(err, "rig", stderr);
	assert_true(rc >= 0);
}

bool rig_possible(void)
{
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	bool ok = geteuid() == 0 && fd >= 0;

	if (fd >= 0)
		close(fd);
	if (!ok)
		print_message("# skipped: this needs root and /dev/net/tun\n");
	return ok;
}

void rig_defaults(struct link_cfg *cfg)
{
	*cfg = (struct link_cfg){.netns = {-1, -1}, .name = {"l0", "r0"}, .seed = 1};
	cfg->dir[0] = cfg->dir[1] = (struct link_dir_cfg){.delay = 5000000, .overhead = 14};
	cfg->dir[0].rate = 100000000;
	aqm_cfg_defaults(&cfg->dir[0].aqm, AQM_FIFO, AQM_PROFILE_LINUX, 100000000);
	aqm_cfg_defaults(&cfg->dir[1].aqm, AQM_FIFO, AQM_PROFILE_LINUX, 0);
}

void rig_enter(struct rig *r, unsigned i)
{
	assert_int_equal(setns(r->ns[i], CLONE_NEWNET), 0);
}

void rig_leave(struct rig *r)
{
	if (setns(r->home, CLONE_NEWNET) != 0)
		abort();
}

static void add_address(struct rig *r, unsigned i, int family)
{
	struct netlink_addr a = {
		.ifindex = r->l->port[i].ifindex,
		.family = (uint8_t)family,
		.prefix = family == AF_INET ? 24 : 64,
		.flags = family == AF_INET ? 0 : IFA_F_NODAD,
	};
	struct err err = {0};

	assert_int_equal(inet_pton(family, address[i][family == AF_INET6], a.addr), 1);
	check(netlink_addr_add(r->l->port[i].nl, &a, &err), &err);
}

/* Other work on the machine is not what is tested here: where it may, the link goes first. */
static void *forward(void *arg)
{
	struct sched_param p = {.sched_priority = 10};
	struct rig *r = arg;

	sched_setscheduler(0, SCHED_FIFO, &p);
	r->rc = link_run(r->l, &r->err);
	return NULL;
}

void rig_start(struct rig *r, const struct link_cfg *cfg)
{
	struct err err = {0};
	unsigned i;

	*r = (struct rig){.cfg = *cfg};
	r->home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	assert_true(r->home >= 0);
	for (i = 0; i < 2; i++) {
		assert_int_equal(unshare(CLONE_NEWNET), 0);
		r->ns[i] = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
		assert_true(r->ns[i] >= 0);
		r->cfg.netns[i] = r->ns[i];
	}
	rig_leave(r);
	check(link_new(&r->l, &r->cfg, &err), &err);
	for (i = 0; i < 2; i++) {
		add_address(r, i, AF_INET);
		add_address(r, i, AF_INET6);
	}
	assert_int_equal(pthread_create(&r->thread, NULL, forward, r), 0);
}

void rig_stop(struct rig *r)
{
	link_stop(r->l);
	pthread_join(r->thread, NULL);
	check(r->rc, &r->err);
	link_free(r->l);
	close(r->ns[0]);
	close(r->ns[1]);
	close(r->home);
}

int rig_socket(struct rig *r, unsigned i, int family, int type, int protocol)
{
	int fd;

	rig_enter(r, i);
	fd = socket(family, type | SOCK_CLOEXEC, protocol);
	rig_leave(r);
	assert_true(fd >= 0);
	return fd;
}

static void fill(struct sockaddr_storage *s, unsigned i, int family, unsigned port)
{
	struct sockaddr_in *four = (struct sockaddr_in *)s;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)s;

	memset(s, 0, sizeof(*s));
	s->ss_family = (sa_family_t)family;
	four->sin_port = htons((uint16_t)port);
	inet_pton(family, address[i][family == AF_INET6],
		  family == AF_INET ? (void *)&four->sin_addr : (void *)&six->sin6_addr);
}

int rig_udp(struct rig *r, unsigned i, int family, unsigned port)
{
	int fd = rig_socket(r, i, family, SOCK_DGRAM, 0);
	struct sockaddr_storage a;
	int size = 32 << 20;
	int one = 1;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one));
	if (family == AF_INET)
		setsockopt(fd, IPPROTO_IP, IP_RECVTOS, &one, sizeof(one));
	else
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, &one, sizeof(one));
	fill(&a, i, family, port);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	fill(&a, 1 - i, family, port);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

void rig_send(int fd, uint32_t seq, size_t n)
{
	uint8_t bytes[1472] = {0};

	assert_true(n <= sizeof(bytes) && n >= sizeof(seq));
	memcpy(bytes, &seq, sizeof(seq));
	assert_int_equal(send(fd, bytes, n, 0), (ssize_t)n);
}

void rig_set_ecn(int fd, int family, unsigned ecn)
{
	int v = (int)ecn;
	int rc = family == AF_INET ? setsockopt(fd, IPPROTO_IP, IP_TOS, &v, sizeof(v))
				   : setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &v, sizeof(v));

	assert_int_equal(rc, 0);
}

static void read_control(struct msghdr *m, unsigned *ecn, uint64_t *at)
{
	struct cmsghdr *c;
	struct timespec ts;
	int tclass;

	for (c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS && ecn)
			*ecn = *CMSG_DATA(c) & 3;
		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS && ecn) {
			memcpy(&tclass, CMSG_DATA(c), sizeof(tclass));
			*ecn = (unsigned)tclass & 3;
		}
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS && at) {
			memcpy(&ts, CMSG_DATA(c), sizeof(ts));
			*at = (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
		}
	}
}

bool rig_receive(int fd, int ms, uint32_t *seq, unsigned *ecn, uint64_t *at)
{
	struct pollfd p = {fd, POLLIN, 0};
	uint8_t bytes[2048];
	char control[256];
	struct iovec io = {bytes, sizeof(bytes)};
	struct msghdr m = {
		.msg_iov = &io,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n;

	do {
		n = recvmsg(fd, &m, MSG_DONTWAIT);
	} while (n < 0 && ms > 0 && poll(&p, 1, ms) == 1);
	if (n < (ssize_t)sizeof(*seq))
		return false;
	memcpy(seq, bytes, sizeof(*seq));
	read_control(&m, ecn, at);
	return true;
}

void rig_drain(struct rig *r, struct link_stats *s)
{
	uint64_t end = link_clock() + 20000000000u;
	uint64_t read = 0;
	unsigned calm = 0;

	/* Twice the same: nothing waits to be read, either. */
	while (calm < 2 && link_clock() < end) {
		const struct link_dir_stats *d = &s->dir[0];

		usleep(200);
		link_stats(r->l, s);
		if (d->read_packets == read && d->in_flight == 0 &&
		    d->aqm.q[0].packets + d->aqm.q[1].packets == 0)
			calm++;
		else
			calm = 0;
		read = d->read_packets;
	}
	assert_int_equal(calm, 2);
}

uint64_t rig_counter(struct rig *r, unsigned i, const char *name)
{
	const char *colon = strchr(name, ':');
	uint64_t v = UINT64_MAX;
	char names[2048];
	char line[2048];
	FILE *f;

	rig_enter(r, i);
	f = fopen(colon ? "/proc/thread-self/net/snmp" : "/proc/thread-self/net/snmp6", "r");
	rig_leave(r);
	assert_non_null(f);
	while (v == UINT64_MAX && fgets(line, sizeof(line), f)) {
		char *key_at = NULL;
		char *value_at = NULL;
		char *key;
		char *value;

		if (!colon) {
			key = strtok_r(line, " \t\n", &key_at);
			value = strtok_r(NULL, " \t\n", &key_at);
			if (key && value && strcmp(key, name) == 0)
				v = strtoull(value, NULL, 10);
			continue;
		}
		if (strncmp(line, name, (size_t)(colon - name) + 1) != 0)
			continue;
		snprintf(names, sizeof(names), "%s", line);
		if (!fgets(line, sizeof(line), f))
			break;
		key = strtok_r(names, " \n", &key_at);
		value = strtok_r(line, " \n", &value_at);
		while (key && value && v == UINT64_MAX) {
			if (strcmp(key, colon + 1) == 0)
				v = strtoull(value, NULL, 10);
			key = strtok_r(NULL, " \n", &key_at);
			value = strtok_r(NULL, " \n", &value_at);
		}
	}
	fclose(f);
	assert_true(v != UINT64_MAX);
	return v;
}

void rig_sysctl(struct rig *r, unsigned i, const char *name, const char *value)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/%s", name);
	rig_enter(r, i);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, value, strlen(value)), (ssize_t)strlen(value));
	close(fd);
	rig_leave(r);
}
