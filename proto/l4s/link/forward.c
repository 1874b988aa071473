/* SPDX-License-Identifier: BSD-2-Clause */
/* One direction of the link: read, queue, rate server, delay line, write. See the story in link.c.
 */
#include "proto/l4s/link/link_priv.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static void big_unref(struct link *l, struct link_big *b)
{
	if (--b->refs == 0)
		pool_put(&l->bigs, b);
}

static void pkt_free(struct link *l, struct link_pkt *p)
{
	if (p->big) {
		big_unref(l, p->big);
		pool_put(&l->segments, p);
	} else {
		pool_put(&l->packets, p);
	}
}

static void trace(struct link_dir *d, const struct link_pkt *p, bool dropped, uint64_t now)
{
	struct link *l = d->l;
	uint8_t head[PACKET_HEADERS_MAX];
	struct virtio_net_hdr h;
	uint32_t payload;

	if (!p->big) {
		l->trace(l->trace_ctx, (unsigned)(d - l->dir), &p->q, p->was, dropped,
			 slice_of(p->data, p->n), p->n, d->from->ethernet, now);
		return;
	}
	payload = packet_gso_cut(&p->big->gso, p->big->data, p->seg, p->seg, p->q.ecn, head, &h);
	l->trace(l->trace_ctx, (unsigned)(d - l->dir), &p->q, p->was, dropped,
		 slice_of(head, p->big->gso.headers), p->big->gso.headers + payload,
		 d->from->ethernet, now);
}

/* Releases what the queue dropped. */
static void take_dropped(struct link_dir *d, uint64_t now)
{
	struct aqm_pkt *q = aqm_dropped(d->q);

	while (q) {
		struct link_pkt *p = (struct link_pkt *)q;

		q = q->next;
		if (d->l->trace)
			trace(d, p, true, now);
		pkt_free(d->l, p);
	}
}

/* ---- the delay line ---- */

static uint64_t draw_jitter(struct link_dir *d)
{
	return d->cfg.jitter ? rng_below(&d->rng, d->cfg.jitter + 1) : 0;
}

/* p left the link at t. */
static void line_put(struct link_dir *d, struct link_pkt *p, uint64_t t)
{
	uint64_t due;

	if (d->cfg.loss && (uint32_t)rng_u64(&d->rng) < d->cfg.loss) {
		d->delay_dropped++;
		d->carried += p->tx_ns;
		pkt_free(d->l, p);
		return;
	}
	due = t + d->cfg.delay + draw_jitter(d);
	/* Jitter and a shorter delay change no order. */
	if (due < d->last_due)
		due = d->last_due;
	d->last_due = due;
	p->due = due;
	p->q.next = NULL;
	if (d->head)
		d->tail->q.next = &p->q;
	else
		d->head = p;
	d->tail = p;
	d->in_flight++;
}

static struct link_pkt *line_next(const struct link_pkt *p)
{
	return (struct link_pkt *)p->q.next;
}

/* ---- the link ---- */

/* The link takes its next packet at the time it is free. */
static void serve(struct link_dir *d)
{
	uint64_t at = d->pace.free_at;
	struct aqm_pkt *q = aqm_dequeue(d->q, at);
	struct link_pkt *p = (struct link_pkt *)q;

	take_dropped(d, at);
	if (!p)
		return;
	/* A segment's headers are written when it leaves. */
	if (p->q.ecn != p->was && !p->big)
		packet_set_ecn(p->data + p->l3, p->n - p->l3, p->version, p->q.ecn);
	if (d->l->trace)
		trace(d, p, false, at);
	p->tx_ns = pace_serve(&d->pace, p->q.len);
	p->cont = !d->was_idle;
	d->was_idle = false;
	line_put(d, p, d->pace.free_at);
}

void dir_advance(struct link_dir *d, uint64_t now)
{
	if (!d->q)
		return;
	for (;;) {
		bool queued = aqm_packets(d->q) > 0;
		uint64_t next = queued ? d->pace.free_at : UINT64_MAX;

		if (d->tick_due <= next) {
			if (d->tick_due > now)
				return;
			d->tick_due = aqm_tick(d->q, d->tick_due);
			take_dropped(d, now);
			continue;
		}
		if (next > now)
			return;
		serve(d);
	}
}

static void arrive(struct link_dir *d, struct link_pkt *p, uint64_t now)
{
	p->q.len = p->q.len + d->cfg.overhead;
	d->read_packets++;
	d->read_bytes += p->q.len;
	if (!d->q) {
		p->tx_ns = 0;
		p->cont = 0;
		line_put(d, p, now);
		return;
	}
	if (aqm_packets(d->q) == 0 && d->pace.free_at <= now) {
		/* Between a packet that ended long ago and this one the link had nothing to do. */
		d->was_idle = d->was_idle || d->pace.free_at < now;
		pace_idle(&d->pace, now);
	}
	aqm_enqueue(d->q, &p->q, now);
	take_dropped(d, now);
}

/* ---- reading ---- */

/* The packet in data becomes p's. link: bytes of the link-layer header, which cfg.overhead stands
 * for. */
static void describe(struct link_dir *d, struct link_pkt *p, const struct packet *info, uint32_t n)
{
	p->big = NULL;
	p->n = n;
	p->l3 = info->l3;
	p->version = info->version;
	p->was = info->ecn;
	p->q = (struct aqm_pkt){
		.len = d->from->ethernet && n >= ETH_HLEN ? n - ETH_HLEN : n,
		.flow = info->flow,
		.ecn = info->ecn,
	};
}

/* Cuts the large packet in `big` and lets its segments arrive. */
static void arrive_big(struct link_dir *d, struct link_big *big, const struct packet *info,
		       uint64_t now)
{
	struct link *l = d->l;
	struct packet_gso g = big->gso;
	uint32_t i;

	big->refs = 1;
	for (i = 0; i < g.segs; i++) {
		struct link_pkt *p = pool_get(&l->segments);

		if (!p) {
			d->no_memory += g.segs - i;
			break;
		}
		describe(d, p, info, g.headers + packet_gso_len(&g, i));
		p->n = packet_gso_len(&g, i);
		p->big = big;
		p->seg = i;
		big->refs++;
		arrive(d, p, now);
	}
	big_unref(l, big);
}

/* One packet in GSO mode. Small ones are copied out of the large buffer. */
static void arrive_vnet(struct link_dir *d, const struct virtio_net_hdr *h, uint32_t n,
			uint64_t now)
{
	struct link *l = d->l;
	struct link_big *big = l->spare;
	struct packet info;
	struct link_pkt *p;

	packet_parse(slice_of(big->data, n), d->from->ethernet, l->hash_seed, &info);
	if (h->gso_type != VIRTIO_NET_HDR_GSO_NONE && info.version &&
	    packet_gso(slice_of(big->data, n), &info, h, &big->gso)) {
		l->spare = NULL;
		arrive_big(d, big, &info, now);
		return;
	}
	p = sizeof(*p) + n <= l->packets.item ? pool_get(&l->packets) : NULL;
	if (!p) {
		d->no_memory++;
		return;
	}
	describe(d, p, &info, n);
	p->vnet = *h;
	memcpy(p->data, big->data, n);
	arrive(d, p, now);
}

static int read_vnet(struct link_dir *d)
{
	struct link *l = d->l;
	struct virtio_net_hdr h;
	struct iovec io[2];
	ssize_t n;

	if (!l->spare)
		l->spare = pool_get(&l->bigs);
	io[0] = (struct iovec){&h, sizeof(h)};
	io[1] = (struct iovec){l->spare ? l->spare->data : NULL, l->spare ? LINK_BIG_BYTES : 0};
	n = readv(d->from->fd, io, 2);
	if (n < (ssize_t)sizeof(h))
		return n < 0 ? -errno : -EIO;
	l->now = link_clock();
	dir_advance(d, l->now);
	if (l->spare)
		arrive_vnet(d, &h, (uint32_t)((size_t)n - sizeof(h)), l->now);
	else
		d->no_memory++;
	return 0;
}

static int read_plain(struct link_dir *d)
{
	struct link *l = d->l;
	struct link_pkt *p = pool_get(&l->packets);
	uint8_t waste[64];
	struct packet info;
	ssize_t n;

	if (p)
		n = read(d->from->fd, p->data, l->packets.item - sizeof(*p));
	else
		n = read(d->from->fd, waste, sizeof(waste));
	if (n <= 0) {
		int rc = n < 0 ? -errno : -EIO;

		if (p)
			pool_put(&l->packets, p);
		return rc;
	}
	l->now = link_clock();
	if (!p) {
		d->no_memory++;
		return 0;
	}
	dir_advance(d, l->now);
	packet_parse(slice_of(p->data, (size_t)n), d->from->ethernet, l->hash_seed, &info);
	describe(d, p, &info, (uint32_t)n);
	arrive(d, p, l->now);
	return 0;
}

int dir_read(struct link_dir *d, unsigned budget)
{
	unsigned n;
	int rc = 0;

	for (n = 0; n < budget; n++) {
		rc = d->l->gso ? read_vnet(d) : read_plain(d);
		if (rc < 0)
			break;
		dir_release(d, d->l->now);
	}
	return rc < 0 && rc != -EAGAIN && rc != -EINTR ? rc : (int)n;
}

/* ---- writing ---- */

/* Counts p as written at t. */
static void count_written(struct link_dir *d, struct link_pkt *p, uint64_t t)
{
	hist_add(&d->late, t - p->due);
	d->in_flight--;
	d->sent_packets++;
	d->sent_bytes += p->q.len;
	if (p->cont && d->last_write) {
		d->busy_want += p->tx_ns + d->carried;
		d->busy_took += t - d->last_write;
	}
	d->carried = 0;
	d->last_write = t;
}

static void write_out(struct link_dir *d, const struct iovec *io, int n_io, unsigned packets)
{
	d->writes++;
	if (writev(d->to->out, io, n_io) >= 0)
		return;
	d->write_failed += packets;
	d->write_errno = errno;
}

static void write_single(struct link_dir *d, struct link_pkt *p, uint64_t t)
{
	struct iovec io[2];
	int n = 0;

	count_written(d, p, t);
	if (d->l->gso)
		io[n++] = (struct iovec){&p->vnet, sizeof(p->vnet)};
	io[n++] = (struct iovec){p->data, p->n};
	write_out(d, io, n, 1);
	pkt_free(d->l, p);
}

static bool follows(const struct link_pkt *p, const struct link_pkt *next)
{
	return next && next->big == p->big && next->seg == p->seg + 1 && next->q.ecn == p->q.ecn;
}

/* Writes the run of segments that begins at the head and is due, as one packet. False: it may still
 * grow. */
static bool write_run(struct link_dir *d, uint64_t now)
{
	struct link_pkt *first = d->head;
	struct link_pkt *last = first;
	struct link_big *big = first->big;
	uint32_t most = d->l->cfg.gso_max_segs ? d->l->cfg.gso_max_segs : UINT32_MAX;
	uint8_t head[PACKET_HEADERS_MAX];
	struct virtio_net_hdr h;
	struct iovec io[3];
	struct link_pkt *p;
	struct link_pkt *next;
	unsigned n = 1;

	while (n < most && follows(last, line_next(last)) && line_next(last)->due <= now) {
		last = line_next(last);
		n++;
	}
	next = line_next(last);
	if (n < most && last->seg + 1 < big->gso.segs && (!next || follows(last, next)) &&
	    now < first->due + d->hold)
		return false;
	next = line_next(last);
	io[0] = (struct iovec){&h, sizeof(h)};
	io[1] = (struct iovec){head, big->gso.headers};
	io[2].iov_len =
		packet_gso_cut(&big->gso, big->data, first->seg, last->seg, first->q.ecn, head, &h);
	io[2].iov_base = big->data + big->gso.headers + (size_t)first->seg * big->gso.size;
	write_out(d, io, 3, n);
	d->head = next;
	for (p = first; n > 0; n--) {
		next = line_next(p);
		count_written(d, p, now);
		pkt_free(d->l, p);
		p = next;
	}
	return true;
}

void dir_release(struct link_dir *d, uint64_t now)
{
	while (d->head && d->head->due <= now) {
		struct link_pkt *p = d->head;

		if (p->big) {
			if (!write_run(d, now))
				return;
		} else {
			d->head = line_next(p);
			write_single(d, p, now);
		}
		now = link_clock();
		dir_advance(d, now);
	}
	d->l->now = now;
}

/* How much longer the head may wait, for others that are due soon after it. */
static uint64_t slack(const struct link_dir *d)
{
	const struct link_pkt *next = line_next(d->head);

	if (d->head->big && d->hold)
		return d->hold;
	if (d->l->cfg.busy)
		return 0;
	if (next)
		return next->due <= d->head->due + LINK_SLACK_NS ? LINK_SLACK_NS : 0;
	return d->q && aqm_packets(d->q) > 0 && d->head->tx_ns < LINK_SLACK_NS ? LINK_SLACK_NS : 0;
}

uint64_t dir_deadline(const struct link_dir *d)
{
	uint64_t next = UINT64_MAX;

	if (d->head)
		next = d->head->due + slack(d);
	if (!d->q)
		return next;
	/* What the link takes at free_at is due `delay` later at the earliest, so that until then
	 * nobody can tell whether it was taken in time. */
	if (aqm_packets(d->q) > 0 && d->pace.free_at + d->cfg.delay < next)
		next = d->pace.free_at + d->cfg.delay;
	return d->tick_due < next ? d->tick_due : next;
}

/* ---- making ---- */

static void set_hold(struct link_dir *d)
{
	uint64_t tx = d->cfg.rate ? UINT64_C(8000000000) * 1514 / d->cfg.rate : 0;

	/* At lower rates the next segment comes too late to be waited for. */
	d->hold = d->l->gso && tx <= LINK_HOLD_NS / 2 ? LINK_HOLD_NS : 0;
}

static struct aqm *make_queue(struct link_dir *d, const struct link_dir_cfg *cfg, uint64_t now,
			      struct err *err)
{
	struct aqm_cfg a = cfg->aqm;
	struct aqm *q;

	a.rate = cfg->rate;
	if (aqm_cfg_check(&a, err) < 0)
		return NULL;
	q = aqm_new(&a, rng_u64(&d->rng), now, &d->l->alloc);
	if (!q)
		err_set(err, -ENOMEM, "no memory for the queue");
	return q;
}

static int set_rate(struct link_dir *d, const struct link_dir_cfg *cfg, uint64_t now,
		    struct err *err)
{
	if (cfg->rate == 0)
		return 0;
	d->q = make_queue(d, cfg, now, err);
	if (!d->q)
		return err->code;
	pace_set(&d->pace, cfg->rate);
	pace_idle(&d->pace, now);
	d->was_idle = true;
	d->tick_due = aqm_tick(d->q, now);
	return 0;
}

int dir_init(struct link_dir *d, const struct link_dir_cfg *cfg, uint64_t seed, struct err *err)
{
	struct err local = {0};

	d->cfg = *cfg;
	rng_seed(&d->rng, seed);
	hist_reset(&d->late);
	d->tick_due = UINT64_MAX;
	set_hold(d);
	return set_rate(d, cfg, link_clock(), err ? err : &local);
}

static void requeue(struct link_dir *d, struct aqm_pkt *list, uint64_t now)
{
	while (list) {
		struct aqm_pkt *p = list;

		list = p->next;
		if (d->q) {
			aqm_enqueue(d->q, p, now);
			take_dropped(d, now);
		} else {
			line_put(d, (struct link_pkt *)p, now);
		}
	}
}

static bool same_queue(const struct link_dir_cfg *a, const struct link_dir_cfg *b)
{
	struct aqm_cfg x = a->aqm;
	struct aqm_cfg y = b->aqm;

	x.rate = y.rate = 0;
	return a->rate != 0 && b->rate != 0 && memcmp(&x, &y, sizeof(x)) == 0;
}

int dir_change(struct link_dir *d, const struct link_dir_cfg *cfg, struct err *err)
{
	uint64_t now = link_clock();
	struct err local = {0};
	struct aqm *old = d->q;
	struct aqm_pkt *list;
	int rc = 0;

	if (same_queue(&d->cfg, cfg)) {
		aqm_set_rate(d->q, cfg->rate);
		pace_set(&d->pace, cfg->rate);
	} else {
		d->q = NULL;
		d->tick_due = UINT64_MAX;
		rc = set_rate(d, cfg, now, err ? err : &local);
		if (rc < 0) {
			d->q = old;
			d->tick_due = old ? aqm_tick(old, now) : UINT64_MAX;
			return rc;
		}
		list = old ? aqm_flush(old) : NULL;
		aqm_free(old);
		d->cfg = *cfg;
		requeue(d, list, now);
	}
	d->cfg = *cfg;
	set_hold(d);
	return rc;
}

void dir_free(struct link_dir *d)
{
	struct link_pkt *p;

	if (d->q) {
		struct aqm_pkt *q = aqm_flush(d->q);

		while (q) {
			p = (struct link_pkt *)q;
			q = q->next;
			pkt_free(d->l, p);
		}
		aqm_free(d->q);
		d->q = NULL;
	}
	while (d->head) {
		p = d->head;
		d->head = line_next(p);
		pkt_free(d->l, p);
	}
}
