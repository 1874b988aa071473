/* SPDX-License-Identifier: BSD-2-Clause */
/* TCP: a server that reads and forgets, a client of many flows. Both set the congestion control
 * before listen() and connect(), since it decides what the SYN asks for. */
#include "proto/l4s/bpf/load.h"

#include "base/json.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define CHUNK (256u << 10)
#define NOT_SENT (128 << 10) /* bytes that wait in the socket unsent */
#define LINGER_MS 5000	     /* for the last ACKs */

enum phase {
	WAITING,
	CONNECTING,
	SENDING,
	CLOSING, /* FIN sent; the last ACKs are to come */
	DONE,
};

struct flow {
	const struct load_spec *spec; /* NULL: accepted */
	int fd;
	uint8_t phase;
	int error;
	uint64_t sent; /* bytes handed to the kernel, or read */
	uint64_t begin_ns;
	uint64_t end_ns;
	struct load_info last;
	char cc[LOAD_CC];
	struct sockaddr_storage peer;
	struct load_sample *sample;
	uint32_t n_sample;
};

struct run {
	const struct load_common *c;
	struct flow *flow;
	uint32_t n;
	uint32_t max;
	uint32_t done;
	int epoll;
	int listener;
	uint64_t start_ns;
	uint64_t sample_ns; /* the next one */
};

static char zeroes[CHUNK];

uint64_t load_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint32_t ms_since(uint64_t from, uint64_t now)
{
	return now > from ? (uint32_t)((now - from) / 1000000) : 0;
}

int load_info(int fd, struct load_info *i)
{
	/* what Linux 6.18 has after the members of older headers */
	static const size_t tail = offsetof(struct tcp_info, tcpi_total_rto_time) + 4;
	union {
		struct tcp_info t;
		uint8_t bytes[512];
	} u = {0};
	socklen_t n = sizeof(u);
	uint32_t more[8] = {0};
	uint16_t opt = 0;

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &u, &n))
		return -errno;
	if (n >= tail + 32) {
		memcpy(more, u.bytes + tail, 28);
		memcpy(&i->accecn_fail, u.bytes + tail + 28, 2);
		memcpy(&opt, u.bytes + tail + 30, 2);
	}
	i->now.rtt_us = u.t.tcpi_rtt;
	i->now.cwnd = u.t.tcpi_snd_cwnd;
	i->now.delivered = u.t.tcpi_delivered;
	i->now.delivered_ce = u.t.tcpi_delivered_ce;
	i->now.retrans = u.t.tcpi_total_retrans;
	i->now.acked = u.t.tcpi_bytes_acked;
	i->now.pacing = u.t.tcpi_pacing_rate;
	i->min_rtt_us = u.t.tcpi_min_rtt;
	i->mss = u.t.tcpi_snd_mss;
	i->received = u.t.tcpi_bytes_received;
	i->received_ce = more[0];
	memcpy(i->delivered_bytes, more + 1, sizeof(i->delivered_bytes));
	i->ecn = (u.t.tcpi_options & TCPI_OPT_ECN) != 0;
	i->accecn = opt != 0;
	return 0;
}

/* ---- a flow ---- */

static void flow_look(struct flow *f)
{
	socklen_t n = sizeof(f->cc);

	load_info(f->fd, &f->last);
	getsockopt(f->fd, IPPROTO_TCP, TCP_CONGESTION, f->cc, &n);
}

static void flow_end(struct run *r, struct flow *f, int error)
{
	if (f->phase == DONE)
		return;
	if (f->fd >= 0) {
		flow_look(f);
		close(f->fd);
		f->fd = -1;
	}
	if (!f->end_ns)
		f->end_ns = load_now_ns();
	f->error = error;
	f->phase = DONE;
	r->done++;
}

static void watch(struct run *r, struct flow *f, uint32_t events, int op)
{
	struct epoll_event e = {.events = events, .data.u32 = (uint32_t)(f - r->flow)};

	epoll_ctl(r->epoll, op, f->fd, &e);
}

static void flow_start(struct run *r, struct flow *f)
{
	const struct load_spec *s = f->spec;
	int low = NOT_SENT;

	f->begin_ns = load_now_ns();
	f->phase = CONNECTING;
	f->fd = socket(r->c->addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (f->fd < 0) {
		flow_end(r, f, errno);
		return;
	}
	setsockopt(f->fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &low, sizeof(low));
	if (s->cc[0] &&
	    setsockopt(f->fd, IPPROTO_TCP, TCP_CONGESTION, s->cc, (socklen_t)strlen(s->cc))) {
		flow_end(r, f, errno);
		return;
	}
	if (connect(f->fd, (const struct sockaddr *)&r->c->addr, r->c->addr_len) &&
	    errno != EINPROGRESS) {
		flow_end(r, f, errno);
		return;
	}
	watch(r, f, EPOLLOUT, EPOLL_CTL_ADD);
}

/* The peer closes when it has everything. */
static void flow_finish(struct run *r, struct flow *f)
{
	f->end_ns = load_now_ns();
	f->phase = CLOSING;
	shutdown(f->fd, SHUT_WR);
	watch(r, f, EPOLLIN, EPOLL_CTL_MOD);
}

static void flow_send(struct run *r, struct flow *f)
{
	size_t n = CHUNK;
	ssize_t k;

	if (f->spec->bytes && f->spec->bytes - f->sent < n)
		n = (size_t)(f->spec->bytes - f->sent);
	k = send(f->fd, zeroes, n, MSG_NOSIGNAL);
	if (k < 0 && errno != EAGAIN) {
		flow_end(r, f, errno);
		return;
	}
	if (k > 0)
		f->sent += (uint64_t)k;
	if (f->spec->bytes && f->sent >= f->spec->bytes)
		flow_finish(r, f);
}

static void flow_connected(struct run *r, struct flow *f)
{
	socklen_t n = sizeof(int);
	int error = 0;

	getsockopt(f->fd, SOL_SOCKET, SO_ERROR, &error, &n);
	if (error) {
		flow_end(r, f, error);
		return;
	}
	f->begin_ns = load_now_ns();
	f->phase = SENDING;
}

/* Reads what came. The bytes are not even copied (MSG_TRUNC). */
static void flow_read(struct run *r, struct flow *f)
{
	ssize_t k = recv(f->fd, NULL, 16u << 20, MSG_TRUNC);

	if (k < 0 && errno == EAGAIN)
		return;
	if (k > 0)
		f->sent += (uint64_t)k;
	else
		flow_end(r, f, k < 0 && f->phase != CLOSING ? errno : 0);
}

static void flow_event(struct run *r, struct flow *f)
{
	if (f->phase == CONNECTING)
		flow_connected(r, f);
	else if (f->phase == SENDING && f->spec)
		flow_send(r, f);
	else if (f->phase != DONE)
		flow_read(r, f);
}

static void flow_sample(struct run *r, struct flow *f, uint64_t now)
{
	struct load_sample *s;

	if (f->phase != SENDING || f->n_sample >= LOAD_SAMPLES_MAX)
		return;
	if (!f->sample)
		f->sample = calloc(LOAD_SAMPLES_MAX, sizeof(*f->sample));
	if (!f->sample || load_info(f->fd, &f->last))
		return;
	s = &f->sample[f->n_sample++];
	*s = f->last.now;
	s->at_ms = ms_since(r->start_ns, now);
}

/* ---- the run ---- */

static void accept_one(struct run *r)
{
	struct sockaddr_storage peer;
	socklen_t n = sizeof(peer);
	int fd = accept4(r->listener, (struct sockaddr *)&peer, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct flow *f;

	if (fd < 0)
		return;
	if (r->n == r->max) {
		close(fd);
		return;
	}
	f = &r->flow[r->n++];
	f->fd = fd;
	f->peer = peer;
	f->phase = SENDING;
	f->begin_ns = load_now_ns();
	watch(r, f, EPOLLIN, EPOLL_CTL_ADD);
}

static void times(struct run *r, uint64_t now)
{
	uint32_t i;

	for (i = 0; i < r->n; i++) {
		struct flow *f = &r->flow[i];

		if (f->phase == WAITING && ms_since(r->start_ns, now) >= f->spec->start_ms)
			flow_start(r, f);
		else if (f->phase == SENDING && f->spec &&
			 ms_since(f->begin_ns, now) >= f->spec->ms)
			flow_finish(r, f);
		else if (f->phase == CLOSING && ms_since(f->end_ns, now) >= LINGER_MS)
			flow_end(r, f, ETIMEDOUT);
	}
	if (!r->c->sample_ms || now < r->sample_ns)
		return;
	r->sample_ns += r->c->sample_ms * 1000000ull;
	for (i = 0; i < r->n; i++)
		flow_sample(r, &r->flow[i], now);
}

static void run(struct run *r)
{
	struct epoll_event e[64];
	uint64_t now = load_now_ns();
	int k;
	int i;

	r->start_ns = now;
	r->sample_ns = now;
	while (r->done < r->max && ms_since(r->start_ns, now) < r->c->ms) {
		times(r, now);
		k = epoll_wait(r->epoll, e, 64, 5);
		for (i = 0; i < k; i++)
			if (e[i].data.u32 == UINT32_MAX)
				accept_one(r);
			else
				flow_event(r, &r->flow[e[i].data.u32]);
		now = load_now_ns();
	}
	for (k = 0; (uint32_t)k < r->n; k++)
		flow_end(r, &r->flow[k], ETIME);
}

static int run_new(struct run *r, const struct load_common *c, uint32_t max, struct err *err)
{
	*r = (struct run){.c = c, .max = max, .listener = -1};
	r->flow = calloc(max, sizeof(*r->flow));
	r->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!r->flow || r->epoll < 0)
		return err_set(err, -ENOMEM, "no memory for %u flows", max);
	return 0;
}

static void run_free(struct run *r)
{
	uint32_t i;

	for (i = 0; r->flow && i < r->n; i++)
		free(r->flow[i].sample);
	free(r->flow);
	if (r->epoll >= 0)
		close(r->epoll);
	if (r->listener >= 0)
		close(r->listener);
}

/* ---- the report ---- */

static void add_samples(yyjson_mut_doc *doc, yyjson_mut_val *o, const struct flow *f)
{
	yyjson_mut_val *list = json_add_arr(doc, o, "samples");
	uint32_t i;

	for (i = 0; i < f->n_sample; i++) {
		const struct load_sample *s = &f->sample[i];
		yyjson_mut_val *v = yyjson_mut_arr_add_obj(doc, list);

		yyjson_mut_obj_add_uint(doc, v, "ms", s->at_ms);
		yyjson_mut_obj_add_uint(doc, v, "acked", s->acked);
		yyjson_mut_obj_add_uint(doc, v, "rtt-us", s->rtt_us);
		yyjson_mut_obj_add_uint(doc, v, "cwnd", s->cwnd);
		yyjson_mut_obj_add_uint(doc, v, "delivered", s->delivered);
		yyjson_mut_obj_add_uint(doc, v, "delivered-ce", s->delivered_ce);
		yyjson_mut_obj_add_uint(doc, v, "pacing", s->pacing);
	}
}

static void add_flow(yyjson_mut_doc *doc, yyjson_mut_val *list, const struct flow *f)
{
	const struct load_info *i = &f->last;
	uint64_t ns = f->end_ns > f->begin_ns ? f->end_ns - f->begin_ns : 1;
	uint64_t bytes = f->spec ? i->now.acked : f->sent;
	yyjson_mut_val *o = yyjson_mut_arr_add_obj(doc, list);

	json_add_text(doc, o, "cc", "%s", f->cc);
	json_add_text(doc, o, "asked", "%s", f->spec ? f->spec->cc : "");
	json_add_text(doc, o, "ecn", "%s", !i->ecn ? "none" : i->accecn ? "accecn" : "classic");
	yyjson_mut_obj_add_uint(doc, o, "seconds-ms", ns / 1000000);
	yyjson_mut_obj_add_uint(doc, o, "bytes", bytes);
	yyjson_mut_obj_add_real(doc, o, "goodput-mbps", (double)bytes * 8e3 / (double)ns);
	yyjson_mut_obj_add_uint(doc, o, "delivered", i->now.delivered);
	yyjson_mut_obj_add_uint(doc, o, "delivered-ce", i->now.delivered_ce);
	yyjson_mut_obj_add_uint(doc, o, "received-ce", i->received_ce);
	yyjson_mut_obj_add_uint(doc, o, "retransmitted", i->now.retrans);
	yyjson_mut_obj_add_uint(doc, o, "rtt-us", i->now.rtt_us);
	yyjson_mut_obj_add_uint(doc, o, "min-rtt-us", i->min_rtt_us);
	yyjson_mut_obj_add_uint(doc, o, "cwnd", i->now.cwnd);
	yyjson_mut_obj_add_uint(doc, o, "mss", i->mss);
	yyjson_mut_obj_add_uint(doc, o, "accecn-fail", i->accecn_fail);
	if (f->error)
		json_add_text(doc, o, "error", "%s", strerror(f->error));
	if (f->n_sample)
		add_samples(doc, o, f);
}

/* What to do about an error of a socket, where that can be said. */
static void mend(struct err *err, int error, const char *host)
{
	if (error == ECONNREFUSED)
		err_mend(err, "start dep-l4s-load server there, with the same --port");
	else if (error == ENOENT)
		err_mend(err, "load the congestion control first: dep l4s load, or its module");
	else if (error == EPERM)
		err_mend(err, "root may use it, or net.ipv4.tcp_allowed_congestion_control");
	else if (error == EADDRNOTAVAIL)
		err_mend(err, "%s, or leave it out for all", host);
	else if (error == EADDRINUSE)
		err_mend(err, "end the program that has the port, or give another --port");
}

static int report(const struct run *r, struct err *err)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc);
	yyjson_mut_val *list = json_add_arr(doc, root, "flows");
	int rc = 0;
	char *text;
	uint32_t i;

	yyjson_mut_doc_set_root(doc, root);
	for (i = 0; i < r->n; i++) {
		add_flow(doc, list, &r->flow[i]);
		if (!r->flow[i].error || rc)
			continue;
		rc = err_set(err, -r->flow[i].error, "flow %u: %s", i, strerror(r->flow[i].error));
		mend(err, r->flow[i].error, "--to names an address of the other end");
	}
	text = yyjson_mut_write(doc, 0, NULL);
	if (text)
		puts(text);
	free(text);
	yyjson_mut_doc_free(doc);
	return rc;
}

/* ---- both ends ---- */

static int listen_on(struct run *r, const char *cc, struct err *err)
{
	struct epoll_event e = {.events = EPOLLIN, .data.u32 = UINT32_MAX};
	int on = 1;

	r->listener = socket(r->c->addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (r->listener < 0)
		return err_set(err, -errno, "no socket: %s", strerror(errno));
	setsockopt(r->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (*cc && setsockopt(r->listener, IPPROTO_TCP, TCP_CONGESTION, cc, (socklen_t)strlen(cc)))
		err_set(err, -errno, "congestion control %s: %s", cc, strerror(errno));
	else if (bind(r->listener, (const struct sockaddr *)&r->c->addr, r->c->addr_len) ||
		 listen(r->listener, LOAD_FLOWS_MAX))
		err_set(err, -errno, "cannot listen: %s", strerror(errno));
	if (err->code) {
		mend(err, -err->code, "--listen names an address of this machine");
		return err->code;
	}
	epoll_ctl(r->epoll, EPOLL_CTL_ADD, r->listener, &e);
	fputs("listening\n", stderr);
	return 0;
}

int load_server(const struct load_common *c, const char *cc, uint32_t flows, struct err *err)
{
	struct run r;
	int rc = run_new(&r, c, flows, err);

	if (rc == 0)
		rc = listen_on(&r, cc, err);
	if (rc == 0) {
		run(&r);
		rc = report(&r, err);
	}
	run_free(&r);
	return rc;
}

int load_client(const struct load_common *c, const struct load_spec *spec, unsigned n,
		struct err *err)
{
	uint32_t total = 0;
	struct run r;
	unsigned i;
	unsigned j;
	int rc;

	for (i = 0; i < n; i++)
		total += spec[i].count;
	if (!total || total > LOAD_FLOWS_MAX)
		return err_set(err, -E2BIG, "%u flows: 1 to %u", total, LOAD_FLOWS_MAX);
	rc = run_new(&r, c, total, err);
	for (i = 0; rc == 0 && i < n; i++)
		for (j = 0; j < spec[i].count; j++)
			r.flow[r.n++] = (struct flow){.spec = &spec[i], .fd = -1};
	if (rc == 0) {
		run(&r);
		rc = report(&r, err);
	}
	run_free(&r);
	return rc;
}
