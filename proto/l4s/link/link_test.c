/* SPDX-License-Identifier: BSD-2-Clause */
/* The link as its users see it: packets through a real one, between two namespaces. What depends on
 * time is asserted only of runs that the link itself calls good. */
#include "proto/l4s/aqm/conform.h"
#include "proto/l4s/link/link_priv.h"
#include "proto/l4s/link/rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define TRIES 6
#define RTT_NS 10000000
/* How far a median may be off; instrumented code is slower than a link may be. */
#ifdef __SANITIZE_ADDRESS__
#define RTT_OFF 1000000
#else
#define RTT_OFF 200000
#endif

#define RIG_OR_SKIP()                                                                              \
	do {                                                                                       \
		if (!rig_possible())                                                               \
			skip();                                                                    \
	} while (0)

/* ---- time ---- */

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static uint64_t realtime(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* The answer to echo request seq, and when the kernel had it. */
static bool echo_reply(int fd, uint16_t seq, uint64_t *at)
{
	struct pollfd p = {fd, POLLIN, 0};
	uint8_t answer[256];
	char control[128];
	struct iovec io = {answer, sizeof(answer)};
	struct timespec ts;

	while (poll(&p, 1, 1000) == 1) {
		struct msghdr m = {.msg_iov = &io,
				   .msg_iovlen = 1,
				   .msg_control = control,
				   .msg_controllen = sizeof(control)};
		ssize_t n = recvmsg(fd, &m, 0);
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);

		if (n < 28 || answer[20] != ICMP_ECHOREPLY || answer[26] != seq >> 8 ||
		    answer[27] != (seq & 255) || !c || c->cmsg_type != SCM_TIMESTAMPNS)
			continue;
		memcpy(&ts, CMSG_DATA(c), sizeof(ts));
		*at = (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
		return true;
	}
	return false;
}

static uint64_t ping(int fd, uint16_t seq)
{
	struct icmphdr icmp = {.type = ICMP_ECHO, .un.echo = {htons(7), htons(seq)}};
	struct sockaddr_in to = {.sin_family = AF_INET};
	uint64_t sent;
	uint64_t at;

	inet_pton(AF_INET, "10.9.0.2", &to.sin_addr);
	icmp.checksum = htons((uint16_t)~(ICMP_ECHO * 256 + 7 + seq));
	sent = realtime();
	assert_int_equal(sendto(fd, &icmp, sizeof(icmp), 0, (struct sockaddr *)&to, sizeof(to)),
			 (ssize_t)sizeof(icmp));
	return echo_reply(fd, seq, &at) ? at - sent : UINT64_MAX;
}

#define PINGS 201

/* Least and median of many; false: the link was late, or this process was. */
static bool measure_rtt(uint64_t *least, uint64_t *median)
{
	uint64_t rtt[PINGS];
	struct link_stats s;
	struct link_cfg cfg;
	struct rig r;
	unsigned i;
	int one = 1;
	int fd;

	rig_defaults(&cfg);
	rig_start(&r, &cfg);
	fd = rig_socket(&r, 0, AF_INET, SOCK_RAW, IPPROTO_ICMP);
	setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one));
	for (i = 0; i < PINGS; i++)
		rtt[i] = ping(fd, (uint16_t)(i + 1));
	qsort(rtt, PINGS, sizeof(rtt[0]), by_value);
	*least = rtt[0];
	*median = rtt[PINGS / 2];
	link_stats(r.l, &s);
	close(fd);
	rig_stop(&r);
	print_message("# round trip: least %.3f, median %.3f ms%s\n", (double)*least / 1e6,
		      (double)*median / 1e6, s.bad ? ", bad" : "");
	return !s.bad;
}

/* The round trip of an idle link is its delay: nothing queues where we do not see it. */
static void test_idle_round_trip_is_the_delay(void **state)
{
	uint64_t least;
	uint64_t median;
	bool any = false;
	unsigned k;

	RIG_OR_SKIP();
	for (k = 0; k < TRIES; k++) {
		bool good = measure_rtt(&least, &median);

		if (good && median <= RTT_NS + RTT_OFF)
			break;
		any = any || good;
		usleep(200000);
	}
	if (k == TRIES && !any) {
		print_message("# skipped: the machine is too busy for a good run\n");
		skip();
	}
	assert_in_range(median, RTT_NS - 200000, RTT_NS + RTT_OFF);
	/* It never comes early. */
	assert_true(least >= RTT_NS);
}

/* Sends `mbits` for ms, in steps of a millisecond at most. Returns the packets sent. */
static uint32_t flood(int fd, double mbits, unsigned ms, uint32_t seq)
{
	uint64_t begin = link_clock();
	uint64_t end = begin + ms * UINT64_C(1000000);
	double gap = 1514 * 8e3 / mbits;
	uint32_t n = 0;
	uint64_t now;

	for (now = begin; now < end; now = link_clock()) {
		while (n < (double)(now - begin) / gap)
			rig_send(fd, seq + n++, 1472);
		usleep(300);
	}
	return n;
}

struct measured {
	uint64_t packets;
	uint64_t first;
	uint64_t last;
};

static void receive_all(int fd, struct measured *m)
{
	uint32_t seq;
	uint64_t at;

	*m = (struct measured){0};
	while (rig_receive(fd, 50, &seq, NULL, &at)) {
		if (m->packets++ == 0)
			m->first = at;
		m->last = at;
	}
}

/* Bits per second between the first and the last packet, with link-layer header. */
static double rate_of(const struct measured *m)
{
	return m->packets > 1 ? (double)(m->packets - 1) * 1514 * 8e9 / (double)(m->last - m->first)
			      : 0;
}

/* One overloaded run; false: the machine was too busy for a verdict. */
static bool measure_rate(uint64_t rate, double *got, uint64_t *ppm)
{
	struct measured m;
	struct link_stats s;
	struct link_cfg cfg;
	struct rig r;
	int a;
	int b;

	rig_defaults(&cfg);
	cfg.dir[0].rate = rate;
	rig_start(&r, &cfg);
	a = rig_udp(&r, 0, AF_INET, 5000);
	b = rig_udp(&r, 1, AF_INET, 5000);
	/* More than enough: a sender that is held up for a moment leaves no gap. */
	flood(a, (double)rate / 1e6 * 1.6, 1500, 0);
	rig_drain(&r, &s);
	receive_all(b, &m);
	*got = rate_of(&m);
	*ppm = s.dir[0].rate_ppm;
	close(a);
	close(b);
	rig_stop(&r);
	print_message("# asked %.1f Mb/s, received %.4f, own account %lu ppm, late p99 %.0f us%s\n",
		      (double)rate / 1e6, *got / 1e6, *ppm,
		      (double)hist_quantile(&s.dir[0].late, 990000) / 1e3, s.bad ? ", bad" : "");
	return !s.bad;
}

static void test_the_rate_is_right(void **state)
{
	static const uint64_t rates[] = {10000000, 100000000};
	uint64_t ppm;
	double got;
	unsigned i;
	unsigned k;

	RIG_OR_SKIP();
	for (i = 0; i < 2; i++) {
		for (k = 0; k < TRIES && !measure_rate(rates[i], &got, &ppm); k++)
			usleep(200000);
		if (k == TRIES) {
			print_message("# skipped: the machine is too busy for a good run\n");
			skip();
		}
		assert_true(got > (double)rates[i] * 0.995 && got < (double)rates[i] * 1.005);
		assert_in_range(ppm, 995000, 1005000);
	}
}

static void test_the_rate_may_change_while_packets_flow(void **state)
{
	struct link_cfg cfg;
	struct link_stats s[3];
	struct err err = {0};
	struct rig r;
	uint64_t t[3];
	unsigned i;
	int a;
	int b;

	RIG_OR_SKIP();
	rig_defaults(&cfg);
	cfg.dir[0].rate = 10000000;
	rig_start(&r, &cfg);
	a = rig_udp(&r, 0, AF_INET, 5000);
	b = rig_udp(&r, 1, AF_INET, 5000);
	for (i = 0; i < 3; i++) {
		link_stats(r.l, &s[i]);
		t[i] = link_clock();
		if (i == 2)
			break;
		r.cfg.dir[0].rate = i ? 30000000 : 10000000;
		assert_int_equal(link_change(r.l, &r.cfg, &err), 0);
		flood(a, 40, 500, 0);
	}
	for (i = 0; i < 2; i++) {
		double mbits = (double)(s[i + 1].dir[0].sent_bytes - s[i].dir[0].sent_bytes) * 8e3 /
			       (double)(t[i + 1] - t[i]);

		print_message("# %.2f Mb/s\n", mbits);
		assert_true(mbits > (i ? 28 : 9) && mbits < (i ? 31 : 10.5));
	}
	/* Another kind of queue: what waits is kept. */
	aqm_cfg_defaults(&r.cfg.dir[0].aqm, AQM_DUALPI2, AQM_PROFILE_LINUX, 30000000);
	assert_int_equal(link_change(r.l, &r.cfg, &err), 0);
	rig_drain(&r, &s[0]);
	assert_int_equal(s[0].dir[0].sent_packets, s[0].dir[0].read_packets -
							   s[2].dir[0].aqm.q[0].dropped_not_ect -
							   s[0].dir[0].aqm.q[0].dropped_not_ect);
	/* Another parameter of the same kind: it goes on, and its figures. */
	r.cfg.dir[0].aqm.target = 20000000;
	assert_int_equal(link_change(r.l, &r.cfg, &err), 0);
	link_stats(r.l, &s[1]);
	assert_true(s[0].dir[0].aqm.q[0].arrived > 0);
	assert_true(s[1].dir[0].aqm.q[0].arrived >= s[0].dir[0].aqm.q[0].arrived);
	assert_true(s[1].dir[0].aqm.q[0].delay.n >= s[0].dir[0].aqm.q[0].delay.n);
	/* What does not fit together changes nothing. */
	r.cfg.dir[0].aqm.coupling = 0;
	r.cfg.dir[0].aqm.tupdate = 0;
	assert_true(link_change(r.l, &r.cfg, &err) < 0);
	close(a);
	close(b);
	rig_stop(&r);
}

/* ---- delay, jitter, loss ---- */

static void test_jitter_and_loss_keep_order_and_are_counted(void **state)
{
	struct link_stats s;
	struct link_cfg cfg;
	struct rig r;
	uint32_t next = 0;
	uint32_t got = 0;
	uint32_t seq;
	uint32_t n;
	uint64_t lost;
	int a;
	int b;

	RIG_OR_SKIP();
	rig_defaults(&cfg);
	cfg.dir[0].jitter = 3000000;
	cfg.dir[0].loss = UINT32_MAX / 10;
	rig_start(&r, &cfg);
	a = rig_udp(&r, 0, AF_INET6, 5000);
	b = rig_udp(&r, 1, AF_INET6, 5000);
	for (n = 0; n < 5000; n++) {
		rig_send(a, n, 100);
		if (n % 50 == 0)
			usleep(1000);
	}
	rig_drain(&r, &s);
	for (; rig_receive(b, 50, &seq, NULL, NULL); got++) {
		assert_true(seq >= next);
		next = seq + 1;
	}
	/* Nothing is lost that is not counted. The kernel's own packets (router solicitations) are
	 * lost as often. */
	lost = s.dir[0].delay_dropped + s.dir[0].aqm.q[0].dropped_not_ect;
	assert_true(n - got <= lost);
	assert_true(lost - (n - got) <= s.dir[0].read_packets - n);
	/* 10 % within 5 sigma */
	assert_in_range(s.dir[0].delay_dropped, 394, 606);
	assert_int_equal(s.dir[0].write_failed + s.dir[0].tun_dropped + s.dir[0].no_memory, 0);
	close(a);
	close(b);
	rig_stop(&r);
}

/* ---- marking ---- */

/* Sends n packets of a codepoint, counts what arrives by codepoint. */
static void pass_ecn(struct rig *r, const int fd[2], int family, unsigned ecn, uint32_t n,
		     uint32_t got[4])
{
	struct link_stats s;
	uint32_t seq;
	uint32_t i;

	memset(got, 0, 4 * sizeof(*got));
	rig_set_ecn(fd[0], family, ecn);
	for (i = 0; i < n; i++)
		rig_send(fd[0], i, 1000);
	rig_drain(r, &s);
	for (;;) {
		unsigned is = 99;

		if (!rig_receive(fd[1], 20, &seq, &is, NULL))
			return;
		assert_true(is < 4);
		got[is]++;
	}
}

static void check_family(struct rig *r, int family)
{
	const int fd[2] = {rig_udp(r, 0, family, 5000), rig_udp(r, 1, family, 5000)};
	uint32_t got[4];
	unsigned ecn;

	for (ecn = 0; ecn < 4; ecn++) {
		pass_ecn(r, fd, family, ecn, 1000, got);
		print_message("# %u sent: %u %u %u %u\n", ecn, got[0], got[1], got[2], got[3]);
		if (ecn == ECN_NOT_ECT) {
			/* p_C = 0.16: some were dropped */
			assert_in_range(got[ECN_NOT_ECT], 700, 999);
			assert_int_equal(got[1] + got[2] + got[3], 0);
			continue;
		}
		assert_int_equal(got[ecn] + (ecn == ECN_CE ? 0 : got[ECN_CE]), 1000);
		assert_true(ecn == ECN_CE || got[ECN_CE] > 50);
	}
	close(fd[0]);
	close(fd[1]);
}

static void test_only_ect_becomes_ce_and_checksums_stay_right(void **state)
{
	static const char *const counters[] = {"Ip:InHdrErrors", "Ip:InCsumErrors",
					       "Udp:InCsumErrors", "Ip6InHdrErrors",
					       "Udp6InCsumErrors"};
	struct link_stats s;
	struct link_cfg cfg;
	struct rig r;
	unsigned i;

	RIG_OR_SKIP();
	rig_defaults(&cfg);
	aqm_cfg_defaults(&cfg.dir[0].aqm, AQM_DUALPI2, AQM_PROFILE_LINUX, cfg.dir[0].rate);
	rig_start(&r, &cfg);
	link_force(r.l, 0, (uint32_t)(0.4 * UINT32_MAX));
	check_family(&r, AF_INET);
	check_family(&r, AF_INET6);
	link_stats(r.l, &s);
	assert_true(s.dir[0].aqm.q[0].marked > 0 && s.dir[0].aqm.q[1].marked > 0);
	for (i = 0; i < 5; i++) {
		/* Not every kernel has each of them. */
		if (strcmp(counters[i], "Ip:InCsumErrors") != 0)
			assert_int_equal(rig_counter(&r, 1, counters[i]), 0);
	}
	rig_stop(&r);
}

/* ---- the coupling, through the devices ---- */

struct open_loop {
	struct rig *r;
	int fd[2];
	uint64_t sent;
};

static int dut_force(void *ctx, uint32_t prob)
{
	struct open_loop *o = ctx;

	link_force(o->r->l, 0, prob);
	return 0;
}

/* Slow while the batch comes in, so that it is a backlog, then fast. */
static int set_rate(struct rig *r, uint64_t rate)
{
	struct err err = {0};

	r->cfg.dir[0].rate = rate;
	return link_change(r->l, &r->cfg, &err);
}

static int dut_pass(void *ctx, const uint8_t *ecn, uint8_t *fate, size_t n)
{
	struct open_loop *o = ctx;
	struct link_stats s;
	uint32_t seq;
	unsigned is;
	uint32_t i;

	memset(fate, CONFORM_DROPPED, n);
	if (set_rate(o->r, 100000000) < 0)
		return -EINVAL;
	for (i = 0; i < n; i++) {
		if (i == 0 || ecn[i] != ecn[i - 1])
			rig_set_ecn(o->fd[0], AF_INET, ecn[i]);
		rig_send(o->fd[0], i, 1472);
	}
	o->sent += n;
	do
		link_stats(o->r->l, &s);
	while (s.dir[0].read_packets < o->sent);
	if (set_rate(o->r, 10000000000) < 0)
		return -EINVAL;
	rig_drain(o->r, &s);
	while (rig_receive(o->fd[1], 0, &seq, &is, NULL)) {
		if (seq >= n || is > 3)
			return -EPROTO;
		fate[seq] = (uint8_t)is;
	}
	return s.dir[0].tun_dropped || s.dir[0].write_failed ? -EIO : 0;
}

static void conform(enum aqm_profile profile)
{
	static const double prob[] = {0.1, 0.3};
	const struct conform_cfg want = {
		.coupling = 2,
		.prob = prob,
		.n_prob = 2,
		.tolerance = 0.02,
		.max_packets = 6000,
		.overload_drops = true,
		.seed = 7,
	};
	struct conform_row rows[CONFORM_ROWS(2)];
	struct conform_dut dut = {.force = dut_force, .pass = dut_pass};
	struct open_loop o;
	struct link_cfg cfg;
	struct err err = {0};
	struct rig r;
	size_t n;

	rig_defaults(&cfg);
	cfg.dir[0].rate = 1000000000;
	cfg.dir[0].delay = 0;
	aqm_cfg_defaults(&cfg.dir[0].aqm, AQM_DUALPI2, profile, cfg.dir[0].rate);
	/* The L queue's own AQM rests. */
	cfg.dir[0].aqm.step = cfg.dir[0].aqm.ramp_min = 4000000000;
	rig_start(&r, &cfg);
	o = (struct open_loop){
		&r, {rig_udp(&r, 0, AF_INET, 5000), rig_udp(&r, 1, AF_INET, 5000)}, 0};
	dut.ctx = &o;
	if (conform_run(&dut, &want, rows, &n, &err) < 0)
		err_print(&err, "conform", stderr);
	assert_int_equal(err.code, 0);
	if (conform_failed(rows, n))
		conform_print(rows, n, stderr);
	assert_int_equal(conform_failed(rows, n), 0);
	close(o.fd[0]);
	close(o.fd[1]);
	rig_stop(&r);
}

static void test_the_coupling_holds_through_the_devices(void **state)
{
	RIG_OR_SKIP();
	/* Sanitizers are slow; both profiles pass the suite without devices, too. */
#ifndef __SANITIZE_ADDRESS__
	conform(AQM_PROFILE_RFC);
#endif
	conform(AQM_PROFILE_LINUX);
}

/* ---- large packets ---- */

#define STREAM (24u << 20)

struct stream {
	int fd;
	bool ok;
};

static uint8_t pattern(uint64_t i)
{
	return (uint8_t)(i * 131 + (i >> 11));
}

static void *send_stream(void *arg)
{
	struct stream *s = arg;
	static _Thread_local uint8_t buf[1 << 16];
	uint64_t at = 0;

	while (at < STREAM) {
		ssize_t n;
		size_t i;

		for (i = 0; i < sizeof(buf); i++)
			buf[i] = pattern(at + i);
		n = send(s->fd, buf, sizeof(buf), MSG_NOSIGNAL);
		if (n <= 0)
			return NULL;
		at += (uint64_t)n;
	}
	shutdown(s->fd, SHUT_WR);
	s->ok = true;
	return NULL;
}

static void *receive_stream(void *arg)
{
	struct stream *s = arg;
	static _Thread_local uint8_t buf[1 << 16];
	uint64_t at = 0;
	ssize_t n;
	ssize_t i;

	while ((n = recv(s->fd, buf, sizeof(buf), 0)) > 0) {
		for (i = 0; i < n; i++)
			if (buf[i] != pattern(at + (uint64_t)i))
				return NULL;
		at += (uint64_t)n;
	}
	s->ok = n == 0 && at >= STREAM;
	return NULL;
}

/* Sockets: 0 of a's connection, 1 of b's. */
static void connect_tcp(struct rig *r, int family, int fd[2])
{
	struct sockaddr_storage to = {.ss_family = (sa_family_t)family};
	struct sockaddr_in *four = (struct sockaddr_in *)&to;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)&to;
	int listener = rig_socket(r, 1, family, SOCK_STREAM, 0);

	four->sin_port = htons(5001);
	inet_pton(family, family == AF_INET ? "10.9.0.2" : "fd09::2",
		  family == AF_INET ? (void *)&four->sin_addr : (void *)&six->sin6_addr);
	assert_int_equal(bind(listener, (struct sockaddr *)&to, sizeof(to)), 0);
	fd[0] = rig_socket(r, 0, family, SOCK_STREAM, 0);
	/* The host's default may be one that does not answer to marks. */
	assert_int_equal(setsockopt(listener, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5), 0);
	assert_int_equal(setsockopt(fd[0], IPPROTO_TCP, TCP_CONGESTION, "cubic", 5), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(connect(fd[0], (struct sockaddr *)&to, sizeof(to)), 0);
	fd[1] = accept(listener, NULL, NULL);
	assert_true(fd[1] >= 0);
	close(listener);
}

/* Both ways at once: the bytes arrive as they were. */
static void stream_both_ways(struct rig *r, int family)
{
	struct timeval limit = {20, 0};
	struct stream s[4];
	pthread_t t[4];
	int fd[2];
	unsigned i;

	connect_tcp(r, family, fd);
	for (i = 0; i < 4; i++) {
		s[i] = (struct stream){fd[i & 1], false};
		setsockopt(fd[i & 1], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
		setsockopt(fd[i & 1], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
		assert_int_equal(
			pthread_create(&t[i], NULL, i < 2 ? send_stream : receive_stream, &s[i]),
			0);
	}
	for (i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	for (i = 0; i < 4; i++)
		assert_true(s[i].ok);
	close(fd[0]);
	close(fd[1]);
}

static void test_large_packets_carry_tcp_both_ways(void **state)
{
	struct link_stats s;
	struct link_cfg cfg;
	struct rig r;
	unsigned i;

	RIG_OR_SKIP();
	rig_defaults(&cfg);
	cfg.mode = LINK_TUN_GSO;
	for (i = 0; i < 2; i++) {
		cfg.dir[i].rate = 2000000000;
		cfg.dir[i].delay = 500000;
		aqm_cfg_defaults(&cfg.dir[i].aqm, AQM_PI2, AQM_PROFILE_LINUX, cfg.dir[i].rate);
	}
	rig_start(&r, &cfg);
	/* Both ends ask for ECN, and every 50th packet is marked. */
	for (i = 0; i < 2; i++) {
		rig_sysctl(&r, i, "net/ipv4/tcp_ecn", "1");
		link_force(r.l, i, (uint32_t)(0.14 * UINT32_MAX));
	}
	stream_both_ways(&r, AF_INET);
	stream_both_ways(&r, AF_INET6);
	link_stats(r.l, &s);
	for (i = 0; i < 2; i++) {
		print_message("# %lu packets by %lu writes, %lu marked\n", s.dir[i].sent_packets,
			      s.dir[i].writes, s.dir[i].aqm.q[0].marked);
		assert_true(s.dir[i].writes * 2 < s.dir[i].sent_packets);
		assert_true(s.dir[i].aqm.q[0].marked > 100);
		assert_int_equal(rig_counter(&r, i, "Tcp:InCsumErrors"), 0);
		assert_int_equal(rig_counter(&r, i, "Ip:InHdrErrors"), 0);
	}
	rig_stop(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_idle_round_trip_is_the_delay),
		cmocka_unit_test(test_the_rate_is_right),
		cmocka_unit_test(test_the_rate_may_change_while_packets_flow),
		cmocka_unit_test(test_jitter_and_loss_keep_order_and_are_counted),
		cmocka_unit_test(test_only_ect_becomes_ce_and_checksums_stay_right),
		cmocka_unit_test(test_the_coupling_holds_through_the_devices),
		cmocka_unit_test(test_large_packets_carry_tcp_both_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
