/* SPDX-License-Identifier: BSD-2-Clause */
#include "lab/prober.h"

#include "base/rng.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/icmp6.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define RING 8192u /* ticks remembered of each pair */
#define GRACE SEC(1)
#define JUDGE MSEC(200) /* a probe without reply for so long is lost */
#define BIN MSEC(100)
#define MAX_BINS (24u * 3600 * 10)
#define BATCH 64
#define MIN_FAST 64
#define EASE_SECONDS 3
#define EASE_SKIPS 10 /* ticks left out in a second that are too many */

enum probe { PROBE_NONE, PROBE_SENT, PROBE_ANSWERED };

struct pair {
	uint8_t *ring; /* enum probe by tick % RING */
	bool expected;
	bool fast;
	uint16_t phase; /* of a slow pair */
	bool answered_once;
	usec_t last_ok; /* when the newest answered probe was sent */
};

struct probed {
	int fd; /* -1: not probed */
	bool on;
	struct sockaddr_in6 addr;
};

/* What follows the ICMPv6 header; host byte order, it comes back to this process. */
struct payload {
	uint64_t run;
	uint32_t tick;
	uint16_t s;
	uint16_t d;
};

struct packet {
	struct icmp6_hdr icmp;
	struct payload body;
};

struct prober {
	pthread_t thread;
	pthread_mutex_t lock;
	bool stop;
	bool running;
	struct lab *lab;
	unsigned n;
	unsigned max_fast;
	unsigned slow_every; /* ticks, 0: no slow pairs */
	usec_t interval;
	usec_t start;
	uint64_t run;
	uint32_t tick; /* the one being sent */
	struct probed *nodes;
	struct pair *pairs; /* n * n */
	uint8_t *rings;
	int epoll;
	struct prober_bin *bins;
	size_t n_bins;
	size_t cap_bins;
	struct prober_state st;
	uint64_t skipped_seen;
	unsigned bad; /* seconds in a row with too many ticks left out */
	unsigned missing; /* expected pairs that never answered */
};

static usec_t tick_time(const struct prober *p, uint32_t tick, unsigned node)
{
	return p->start + (usec_t)tick * p->interval + (usec_t)node * p->interval / p->n;
}

static struct prober_bin *bin_at(struct prober *p, usec_t t)
{
	size_t k = (size_t)((t - p->start) / BIN);

	if (t < p->start || k >= MAX_BINS)
		return NULL;
	if (k >= p->cap_bins) {
		size_t cap = p->cap_bins ? p->cap_bins * 2 : 1024;
		struct prober_bin *b;

		while (cap <= k)
			cap *= 2;
		b = realloc(p->bins, cap * sizeof(*b));
		if (!b)
			return NULL;
		memset(b + p->cap_bins, 0, (cap - p->cap_bins) * sizeof(*b));
		p->bins = b;
		p->cap_bins = cap;
	}
	if (k >= p->n_bins)
		p->n_bins = k + 1;
	return &p->bins[k];
}

static bool due(const struct prober *p, const struct pair *pair)
{
	return pair->fast || (p->slow_every && p->tick % p->slow_every == pair->phase);
}

/* Sends this tick's probes of node s. */
static void send_node(struct prober *p, unsigned s)
{
	struct packet pkt[BATCH];
	struct iovec iov[BATCH];
	struct mmsghdr msg[BATCH];
	unsigned n = 0;
	struct prober_bin *bin = bin_at(p, tick_time(p, p->tick, s));

	memset(msg, 0, sizeof(msg));
	for (unsigned d = 0; d <= p->n; d++) {
		struct pair *pair;

		if (n == BATCH || (d == p->n && n > 0)) {
			unsigned done = 0;

			/* A probe that the kernel refuses (no route, no buffer) is lost like any other; skip it. */
			while (done < n) {
				int k = sendmmsg(p->nodes[s].fd, msg + done, n - done, MSG_DONTWAIT);

				done += k > 0 ? (unsigned)k : 1;
			}
			n = 0;
		}
		if (d == p->n)
			break;
		if (d == s || !p->nodes[d].on)
			continue;
		pair = &p->pairs[s * p->n + d];
		if (!due(p, pair)) {
			pair->ring[p->tick % RING] = PROBE_NONE;
			continue;
		}
		pair->ring[p->tick % RING] = PROBE_SENT;
		p->st.sent++;
		if (bin && pair->expected)
			bin->expected++;
		pkt[n] = (struct packet){
			.icmp = {.icmp6_type = ICMP6_ECHO_REQUEST},
			.body = {.run = p->run, .tick = p->tick, .s = (uint16_t)s, .d = (uint16_t)d},
		};
		pkt[n].icmp.icmp6_id = htons((uint16_t)p->run);
		pkt[n].icmp.icmp6_seq = htons((uint16_t)p->tick);
		iov[n] = (struct iovec){&pkt[n], sizeof(pkt[n])};
		msg[n].msg_hdr = (struct msghdr){
			.msg_name = &p->nodes[d].addr,
			.msg_namelen = sizeof(p->nodes[d].addr),
			.msg_iov = &iov[n],
			.msg_iovlen = 1,
		};
		n++;
	}
}

static void first_answer(struct prober *p, struct pair *pair, usec_t now)
{
	if (pair->answered_once)
		return;
	pair->answered_once = true;
	if (!pair->expected || p->missing == 0)
		return;
	if (--p->missing == 0 && p->st.all_at == 0)
		p->st.all_at = now;
}

static void on_reply(struct prober *p, unsigned at, const struct packet *pkt, const struct sockaddr_in6 *from, usec_t now)
{
	const struct payload *b = &pkt->body;
	struct pair *pair;
	struct prober_bin *bin;
	usec_t sent;

	if (pkt->icmp.icmp6_type != ICMP6_ECHO_REPLY || b->run != p->run || b->s != at || b->d >= p->n ||
	    b->d == at || b->tick > p->tick)
		return;
	if (memcmp(&from->sin6_addr, &p->nodes[b->d].addr.sin6_addr, 16) != 0)
		return;
	sent = tick_time(p, b->tick, at);
	if (now - sent > GRACE) {
		p->st.late++;
		return;
	}
	pair = &p->pairs[at * p->n + b->d];
	if (pair->ring[b->tick % RING] != PROBE_SENT) {
		p->st.doubled++;
		return;
	}
	pair->ring[b->tick % RING] = PROBE_ANSWERED;
	p->st.received++;
	if (sent > pair->last_ok)
		pair->last_ok = sent;
	bin = pair->expected ? bin_at(p, sent) : NULL;
	if (bin)
		bin->answered++;
	first_answer(p, pair, now);
}

static void receive_node(struct prober *p, unsigned i)
{
	struct packet pkt[BATCH];
	struct iovec iov[BATCH];
	struct mmsghdr msg[BATCH];
	struct sockaddr_in6 from[BATCH];
	usec_t now = clock_now();
	int k;

	memset(msg, 0, sizeof(msg));
	for (unsigned m = 0; m < BATCH; m++) {
		iov[m] = (struct iovec){&pkt[m], sizeof(pkt[m])};
		msg[m].msg_hdr = (struct msghdr){.msg_name = &from[m], .msg_iov = &iov[m], .msg_iovlen = 1};
	}
	do {
		for (unsigned m = 0; m < BATCH; m++)
			msg[m].msg_hdr.msg_namelen = sizeof(from[m]);
		k = recvmmsg(p->nodes[i].fd, msg, BATCH, MSG_DONTWAIT, NULL);
		for (int m = 0; m < k; m++)
			if (msg[m].msg_len == sizeof(pkt[m]))
				on_reply(p, i, &pkt[m], &from[m], now);
	} while (k == BATCH);
}

static void receive_ready(struct prober *p)
{
	struct epoll_event ev[64];
	int k = epoll_wait(p->epoll, ev, 64, 0);

	for (int m = 0; m < k; m++)
		if (p->nodes[ev[m].data.u32].fd >= 0)
			receive_node(p, ev[m].data.u32);
}

static void sleep_until(usec_t t)
{
	struct timespec ts = {.tv_sec = t / 1000000, .tv_nsec = t % 1000000 * 1000};

	while (clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

/* With a third of the budget of fast pairs, in each tick, for the rest. */
static void set_pace(struct prober *p, unsigned n_fast)
{
	unsigned slow = p->n * (p->n - 1) - n_fast;
	unsigned budget = p->max_fast / 3 + 1;
	unsigned phase = 0;

	p->slow_every = slow ? (slow + budget - 1) / budget : 0;
	p->st.fast = n_fast;
	p->st.slow_every = p->slow_every * p->interval;
	for (unsigned x = 0; slow && x < p->n * p->n; x++)
		if (!p->pairs[x].fast && x / p->n != x % p->n)
			p->pairs[x].phase = (uint16_t)(phase++ % p->slow_every);
}

/* Where the machine cannot keep pace, half of the fast pairs become slow ones, down to MIN_FAST. */
static void ease(struct prober *p)
{
	unsigned left = 0;

	p->bad = p->st.skipped - p->skipped_seen > EASE_SKIPS ? p->bad + 1 : 0;
	if (p->bad < EASE_SECONDS || p->st.fast <= MIN_FAST)
		return;
	p->bad = 0;
	for (unsigned x = 0; x < p->n * p->n; x++) {
		if (!p->pairs[x].fast)
			continue;
		p->pairs[x].fast = left++ % 2 == 0;
	}
	p->max_fast = (left + 1) / 2;
	set_pace(p, (left + 1) / 2);
}

/* The ticks after `tick` are not sent; nobody's silence in that time counts. */
static void leave_out(struct prober *p, uint32_t tick, uint32_t skip)
{
	for (unsigned x = 0; x < p->n * p->n; x++) {
		struct pair *pair = &p->pairs[x];

		for (uint32_t k = 1; k <= skip && k < RING; k++)
			pair->ring[(tick + k) % RING] = PROBE_NONE;
		if (pair->last_ok)
			pair->last_ok += (usec_t)skip * p->interval;
	}
}

/* Nodes take their turns spread over the interval, so that neither queues nor processors see bursts. Where the thread
 * is more than an interval late it leaves whole ticks out and says so, instead of catching up in a burst. */
static void *prober_main(void *ctx)
{
	struct prober *p = ctx;
	usec_t looked = p->start;

	for (uint32_t tick = 0;; tick++) {
		usec_t late;

		for (unsigned s = 0; s < p->n; s++) {
			usec_t at = tick_time(p, tick, s);
			usec_t now = clock_now();

			if (now < at)
				sleep_until(at);
			pthread_mutex_lock(&p->lock);
			if (p->stop) {
				pthread_mutex_unlock(&p->lock);
				return NULL;
			}
			p->tick = tick;
			late = clock_now() - at;
			if (late > p->st.worst_late)
				p->st.worst_late = late;
			receive_ready(p);
			if (p->nodes[s].on)
				send_node(p, s);
			pthread_mutex_unlock(&p->lock);
		}
		late = clock_now() - tick_time(p, tick + 1, 0);
		if (late > p->interval) {
			uint32_t skip = (uint32_t)(late / p->interval);

			pthread_mutex_lock(&p->lock);
			leave_out(p, tick, skip);
			p->st.skipped += skip;
			pthread_mutex_unlock(&p->lock);
			tick += skip;
		}
		if (tick_time(p, tick, 0) - looked >= SEC(1)) {
			looked = tick_time(p, tick, 0);
			pthread_mutex_lock(&p->lock);
			ease(p);
			p->skipped_seen = p->st.skipped;
			pthread_mutex_unlock(&p->lock);
		}
	}
}

static void pick_fast(struct prober *p, uint64_t seed)
{
	unsigned all = p->n * (p->n - 1);
	unsigned want = all < p->max_fast ? all : p->max_fast;
	unsigned left = all;
	struct rng rng;
	unsigned n = 0;

	rng_seed(&rng, seed);
	for (unsigned x = 0; x < p->n * p->n; x++) {
		if (x / p->n == x % p->n)
			continue;
		p->pairs[x].fast = rng_below(&rng, left--) < want - n;
		n += p->pairs[x].fast;
	}
	set_pace(p, n);
}

struct prober *prober_new(const struct prober_params *params, struct err *err)
{
	struct prober *p = calloc(1, sizeof(*p));
	unsigned n = lab_n(params->lab);

	if (!p) {
		err_set(err, -ENOMEM, "no memory");
		return NULL;
	}
	p->lab = params->lab;
	p->n = n;
	p->interval = params->interval ? params->interval : MSEC(10);
	p->max_fast = params->max_fast ? params->max_fast : 400;
	pthread_mutex_init(&p->lock, NULL);
	rng_os_bytes(&p->run, sizeof(p->run));
	p->nodes = calloc(n, sizeof(*p->nodes));
	p->pairs = calloc(n * n, sizeof(*p->pairs));
	p->rings = calloc((size_t)n * n, RING);
	p->epoll = epoll_create1(EPOLL_CLOEXEC);
	for (unsigned i = 0; p->nodes && i < n; i++)
		p->nodes[i].fd = -1;
	if (!p->nodes || !p->pairs || !p->rings || p->epoll < 0) {
		err_set(err, -ENOMEM, "no memory for the prober");
		prober_free(p);
		return NULL;
	}
	for (unsigned x = 0; x < n * n; x++)
		p->pairs[x].ring = p->rings + (size_t)x * RING;
	pick_fast(p, params->seed);
	p->start = clock_now();
	if (pthread_create(&p->thread, NULL, prober_main, p) != 0) {
		err_set(err, -EAGAIN, "cannot start the prober's thread");
		prober_free(p);
		return NULL;
	}
	p->running = true;
	return p;
}

void prober_free(struct prober *p)
{
	if (!p)
		return;
	if (p->running) {
		pthread_mutex_lock(&p->lock);
		p->stop = true;
		pthread_mutex_unlock(&p->lock);
		pthread_join(p->thread, NULL);
	}
	for (unsigned i = 0; p->nodes && i < p->n; i++)
		if (p->nodes[i].fd >= 0)
			close(p->nodes[i].fd);
	if (p->epoll >= 0)
		close(p->epoll);
	pthread_mutex_destroy(&p->lock);
	free(p->nodes);
	free(p->pairs);
	free(p->rings);
	free(p->bins);
	free(p);
}

static int open_socket(const struct in6_addr *addr)
{
	struct sockaddr_in6 sa = {.sin6_family = AF_INET6, .sin6_addr = *addr};
	struct icmp6_filter filter;
	int fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMPV6);
	int one = 1;
	int size = 1 << 20;
	int rc;

	if (fd < 0)
		return -errno;
	ICMP6_FILTER_SETBLOCKALL(&filter);
	ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter);
	/* The address may come and go with links; the socket stays. */
	if (setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &one, sizeof(one)) == 0 &&
	    setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof(filter)) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) == 0 &&
	    bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0)
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

int prober_add(struct prober *p, unsigned i)
{
	const struct lab_node *node = lab_node(p->lab, i);
	struct epoll_event ev = {.events = EPOLLIN, .data.u32 = i};
	int rc = lab_enter(p->lab, i);
	int fd;

	if (rc < 0)
		return rc;
	fd = open_socket(&node->addr);
	lab_leave(p->lab);
	if (fd < 0)
		return fd;
	pthread_mutex_lock(&p->lock);
	if (p->nodes[i].fd >= 0)
		close(p->nodes[i].fd);
	p->nodes[i].fd = fd;
	p->nodes[i].on = true;
	p->nodes[i].addr = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_addr = node->addr};
	epoll_ctl(p->epoll, EPOLL_CTL_ADD, fd, &ev);
	pthread_mutex_unlock(&p->lock);
	return 0;
}

static bool counts(const struct prober *p, unsigned x)
{
	return p->pairs[x].expected && p->nodes[x / p->n].on && p->nodes[x % p->n].on;
}

static void recount(struct prober *p)
{
	p->missing = 0;
	for (unsigned x = 0; x < p->n * p->n; x++)
		if (p->pairs[x].expected && !p->pairs[x].answered_once)
			p->missing++;
}

void prober_remove(struct prober *p, unsigned i)
{
	pthread_mutex_lock(&p->lock);
	p->nodes[i].on = false;
	for (unsigned j = 0; j < p->n; j++) {
		memset(p->pairs[i * p->n + j].ring, PROBE_NONE, RING);
		memset(p->pairs[j * p->n + i].ring, PROBE_NONE, RING);
	}
	pthread_mutex_unlock(&p->lock);
}

void prober_expect(struct prober *p, const bool *pairs)
{
	pthread_mutex_lock(&p->lock);
	for (unsigned x = 0; x < p->n * p->n; x++)
		p->pairs[x].expected = pairs[x] && x / p->n != x % p->n;
	recount(p);
	pthread_mutex_unlock(&p->lock);
}

void prober_focus(struct prober *p, const unsigned *pairs, unsigned n)
{
	unsigned n_fast = 0;

	pthread_mutex_lock(&p->lock);
	for (unsigned x = 0; x < p->n * p->n; x++)
		p->pairs[x].fast = false;
	for (unsigned k = 0; k < n && n_fast < p->max_fast; k++) {
		unsigned x = pairs[k];

		if (x / p->n == x % p->n || p->pairs[x].fast)
			continue;
		p->pairs[x].fast = true;
		n_fast++;
	}
	set_pace(p, n_fast);
	pthread_mutex_unlock(&p->lock);
}

/* The newest answered probe was sent not longer ago than three periods and the time that judging takes, as of the tick that
 * is being sent: that the thread is late is no pair's fault. */
static bool answers(const struct prober *p, const struct pair *pair)
{
	usec_t now = tick_time(p, p->tick, 0);
	usec_t period = pair->fast ? p->interval : (usec_t)p->slow_every * p->interval;

	return pair->last_ok != 0 && now - pair->last_ok < 3 * period + MSEC(70);
}

void prober_state(struct prober *p, struct prober_state *out)
{
	clockid_t clock;
	struct timespec ts;

	pthread_mutex_lock(&p->lock);
	*out = p->st;
	out->expected = 0;
	out->answering = 0;
	for (unsigned x = 0; x < p->n * p->n; x++) {
		if (!p->pairs[x].expected)
			continue;
		out->expected++;
		if (counts(p, x) && answers(p, &p->pairs[x]))
			out->answering++;
	}
	pthread_mutex_unlock(&p->lock);
	if (pthread_getcpuclockid(p->thread, &clock) == 0 && clock_gettime(clock, &ts) == 0)
		out->cpu = (usec_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

void prober_restart(struct prober *p)
{
	pthread_mutex_lock(&p->lock);
	for (unsigned x = 0; x < p->n * p->n; x++) {
		p->pairs[x].answered_once = false;
		p->pairs[x].last_ok = 0;
	}
	p->st.all_at = 0;
	recount(p);
	pthread_mutex_unlock(&p->lock);
}

void prober_matrix(struct prober *p, uint8_t *out)
{
	pthread_mutex_lock(&p->lock);
	for (unsigned x = 0; x < p->n * p->n; x++) {
		if (x / p->n == x % p->n || !p->nodes[x / p->n].on || !p->nodes[x % p->n].on)
			out[x] = PAIR_OFF;
		else if (answers(p, &p->pairs[x]))
			out[x] = PAIR_OK;
		else
			out[x] = p->pairs[x].expected ? PAIR_BAD : PAIR_CUT;
	}
	pthread_mutex_unlock(&p->lock);
}

/* Longest gap of one pair among the ticks [first, last]. */
static bool pair_gap(const struct prober *p, unsigned x, uint32_t first, uint32_t last, struct prober_gap *best)
{
	const struct pair *pair = &p->pairs[x];
	struct prober_gap g = {.s = x / p->n, .d = x % p->n};

	best->length = 0;
	for (uint32_t t = first; t <= last; t++) {
		uint8_t probe = pair->ring[t % RING];

		if (probe == PROBE_SENT && g.lost++ == 0)
			g.from = tick_time(p, t, g.s);
		if (probe != PROBE_ANSWERED && t != last)
			continue;
		g.open = probe != PROBE_ANSWERED;
		g.length = g.lost ? tick_time(p, t, g.s) - g.from : 0;
		if (g.lost >= 2 && g.length >= best->length)
			*best = g;
		g.lost = 0;
	}
	return best->length > 0;
}

static int longer(const void *a, const void *b)
{
	const struct prober_gap *x = a;
	const struct prober_gap *y = b;

	if (x->length != y->length)
		return x->length > y->length ? -1 : 1;
	return x->s != y->s ? (x->s > y->s) - (x->s < y->s) : (x->d > y->d) - (x->d < y->d);
}

int prober_gaps(struct prober *p, usec_t from, usec_t to, struct prober_gap *out)
{
	usec_t newest = clock_now() - JUDGE;
	uint32_t first;
	uint32_t last;
	int n = 0;

	pthread_mutex_lock(&p->lock);
	to = to < newest ? to : newest;
	from = from > p->start ? from : p->start;
	first = (uint32_t)((from - p->start) / p->interval);
	last = to > p->start ? (uint32_t)((to - p->start) / p->interval) : 0;
	last = last < p->tick ? last : p->tick;
	if (p->tick >= RING - 1 && first < p->tick - (RING - 2))
		first = p->tick - (RING - 2);
	for (unsigned x = 0; x < p->n * p->n; x++)
		if (counts(p, x) && pair_gap(p, x, first, last, &out[n]))
			n++;
	pthread_mutex_unlock(&p->lock);
	qsort(out, (size_t)n, sizeof(*out), longer);
	return n;
}

size_t prober_bins(struct prober *p, size_t first, struct prober_bin *out, size_t max, usec_t *start, usec_t *width)
{
	size_t n;

	pthread_mutex_lock(&p->lock);
	n = p->n_bins;
	for (size_t k = 0; k < max && first + k < n; k++)
		out[k] = p->bins[first + k];
	pthread_mutex_unlock(&p->lock);
	*start = p->start;
	*width = BIN;
	return n;
}
