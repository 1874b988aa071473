/* SPDX-License-Identifier: BSD-2-Clause */
/* Links and underlay neighbours (ULNs): hellos, the ULNDisc handshake, liveness, and keeping the lists of the vicinity
 * in step with their SSNs (spec §2.8, §2.12). */
#include "proto/kira/core.h"

#include <errno.h>

#define ANSWER_ANYWAY SEC(1) /* heuristic_max_wait: our own hellos are rarer than this */
#define DISC_WAIT MSEC(250)
#define DISC_TRIES 3
#define DISC_MAX 256 /* handshakes under way: more are invented ones */
#define QUERY_WAIT SEC(3)
#define QUERY_TRIES 3
#define RESYNC MSEC(100)
#define RESYNC_FLIGHT 10
#define GOSSIP MSEC(100)

/* ---- links and hellos ---- */

struct link *link_find(const struct kira *k, uint32_t id)
{
	struct hash_node *n = hash_first(&k->link_ids, nid_hash(id));

	for (; n; n = hash_next(n)) {
		struct link *l = container_of(n, struct link, node);

		if (l->id == id)
			return l;
	}
	return NULL;
}

/* Says hello and doubles the time to the next, or starts over at the least. */
static void hello_say(struct kira *k, struct link *l, usec_t now)
{
	usec_t next = l->interval ? l->interval * 2 : k->p.hello_min;

	l->interval = next < k->p.hello_max ? next : k->p.hello_max;
	l->said = now;
	msg_begin(k, KIRA_ULN_HELLO, 0, &kira_id_all_nodes, nonce(k));
	if (now < k->reset_until && !k->out.failed)
		memset(k->out.p + 49, 0xff, 4); /* SSN: RESET */
	if (kira_wire_end(&k->out)) {
		k->stats.tx_msgs++;
		k->stats.tx_bytes += k->out.n;
		k->stats.tx_type[KIRA_ULN_HELLO]++;
		k->env.send(k->env.ctx, l->id, NULL, buf_slice(&k->out));
	}
	timer_set(k, &l->hello, now + jitter(k, l->interval));
}

static void hello_fire(struct kira *k, struct timer *t, usec_t now)
{
	hello_say(k, container_of(t, struct link, hello), now);
}

/* Hellos start over at the least interval, the first of them as soon as the last is `gap` old. */
static void hello_restart(struct kira *k, struct link *l, usec_t now)
{
	usec_t gap = k->p.hello_min / 4;
	usec_t due = now - l->said >= gap ? now + (usec_t)rng_below(&k->rng, (uint64_t)MSEC(10)) : l->said + gap;

	l->interval = 0;
	if (!timer_armed(&l->hello) || l->hello.h.due > due)
		timer_set(k, &l->hello, due);
}

int kira_link_up(struct kira *k, uint32_t link, uint32_t mtu, usec_t now)
{
	struct link *l = link_find(k, link);

	k->now = now;
	if (l) {
		l->mtu = mtu;
		return 0;
	}
	l = alloc_zero(k->a, sizeof(*l));
	if (!l)
		return -ENOMEM;
	if (!timer_begin(k, &l->hello, hello_fire)) {
		alloc_free(k->a, l, sizeof(*l));
		return -ENOMEM;
	}
	if (hash_add(&k->link_ids, &l->node, nid_hash(link)) < 0) {
		timer_end(k, &l->hello);
		alloc_free(k->a, l, sizeof(*l));
		return -ENOMEM;
	}
	l->id = link;
	l->mtu = mtu;
	list_add(&k->links, &l->in);
	hello_say(k, l, now);
	return 0;
}

void kira_link_down(struct kira *k, uint32_t link, usec_t now)
{
	struct link *l = link_find(k, link);

	if (!l)
		return;
	k->now = now;
	timer_end(k, &l->hello);
	list_del(&l->in);
	hash_del(&k->link_ids, &l->node);
	alloc_free(k->a, l, sizeof(*l));
	hash_each(it, &k->adjs)
	{
		struct adj *a = container_of(it, struct adj, node);

		if (a->link == link)
			adj_down(k, a, now);
	}
	leave(k, now);
}

/* ---- attachments ---- */

/* Peers choose their addresses, so the hash has a seed that they do not know. */
static uint32_t adj_hash(const struct kira *k, uint32_t link, const struct kira_addr *addr)
{
	uint64_t seed;

	memcpy(&seed, k->secret, sizeof(seed));
	return hash_bytes(addr, sizeof(*addr), seed ^ link);
}

struct adj *adj_find(const struct kira *k, uint32_t link, const struct kira_addr *addr)
{
	struct hash_node *n = hash_first(&k->adjs, adj_hash(k, link, addr));

	for (; n; n = hash_next(n)) {
		struct adj *a = container_of(n, struct adj, node);

		if (a->link == link && memcmp(&a->addr, addr, sizeof(*addr)) == 0)
			return a;
	}
	return NULL;
}

static void disc_start(struct kira *k, const struct kira_id *id, uint32_t link, const struct kira_addr *to, usec_t now);

static void silence_fire(struct kira *k, struct timer *t, usec_t now)
{
	struct adj *a = container_of(t, struct adj, silence);

	if (now - a->heard < k->p.silence) {
		a->tries = 0;
		a->doubted = false;
		timer_set(k, t, a->heard + k->p.silence);
		return;
	}
	if (a->tries >= k->p.silence_tries) {
		/* Where it still hears us, our list without it tells it so; and if it is back it answers. Before the shell
		 * hears that it is gone, and forgets the link-layer address, which could not be asked for again. */
		if (a->c->adjs.next == a->c->adjs.prev)
			k->leaving = a->c;
		disc_start(k, id_of(k, a->c->id), a->link, &a->addr, now);
		k->leaving = NULL;
		adj_down(k, a, now);
		return;
	}
	a->tries++;
	timer_set(k, t, now + (a->doubted ? k->p.silence_gap / 3 : k->p.silence_gap));
	probe_silent(k, a, now);
}

static struct adj *adj_new(struct kira *k, uint32_t link, const struct kira_addr *from, usec_t now)
{
	struct link *l = link_find(k, link);
	struct adj *a;

	if (!l || l->n_adj >= ADJ_LINK_MAX || k->adjs.n >= ADJ_MAX)
		return NULL;
	a = alloc_zero(k->a, sizeof(*a));
	if (!a)
		return NULL;
	if (!timer_begin(k, &a->silence, silence_fire)) {
		alloc_free(k->a, a, sizeof(*a));
		return NULL;
	}
	if (hash_add(&k->adjs, &a->node, adj_hash(k, link, from)) < 0) {
		timer_end(k, &a->silence);
		alloc_free(k->a, a, sizeof(*a));
		return NULL;
	}
	a->link = link;
	a->addr = *from;
	a->heard = now;
	a->since = now;
	list_init(&a->in);
	l->n_adj++;
	return a;
}

/* It leaves the lists it is in. */
static void adj_free(struct kira *k, struct adj *a)
{
	struct link *l = link_find(k, a->link);

	if (l)
		l->n_adj--;
	timer_end(k, &a->silence);
	hash_del(&k->adjs, &a->node);
	list_del(&a->in);
	alloc_free(k->a, a, sizeof(*a));
}

/* The handshake succeeded with `m` from here: a new attachment, or news of one. */
static struct adj *adj_up(struct kira *k, const struct kira_msg *m, uint32_t link, const struct kira_addr *from,
			  usec_t now)
{
	struct adj *a = adj_find(k, link, from);
	nid_t id = hold_for_now(k, &m->src);
	struct contact *c;
	bool fresh;

	if (!id)
		return NULL;
	/* Another node took over the address: the old one is gone. */
	if (a && a->c->id != id) {
		adj_down(k, a, now);
		a = NULL;
	}
	if (a) {
		a->heard = now;
		return a;
	}
	a = adj_new(k, link, from, now);
	if (!a)
		return NULL;
	c = contact_find(k, id);
	fresh = !c || !is_uln(c);
	if (fresh)
		c = rtable_uln(k, id, m, now);
	if (!c) {
		adj_free(k, a);
		return NULL;
	}
	a->c = c;
	list_add(&c->adjs, &a->in);
	timer_set(k, &a->silence, now + jitter(k, k->p.silence));
	if (fresh) {
		k->n_uln++;
		k->uln_bits |= (uint64_t)1 << (id & 63);
		rtable_recount(k, c, now);
		not_via_remove(k, k->self, id);
		vic_link(k, k->self, id);
		vic_settle(k);
		emit(k, KIRA_EV_NEIGHBOUR_UP, c, now);
		fwd_dirty(k, true, now);
		uln_changed(k, now);
		learned(k, now);
		ond_soon(k, now);
	}
	return a;
}

void adj_down(struct kira *k, struct adj *a, usec_t now)
{
	struct contact *c = a->c;

	if (is_uln(c) && c->adjs.next == c->adjs.prev)
		emit(k, KIRA_EV_NEIGHBOUR_DOWN, c, now);
	adj_free(k, a);
	fwd_vicinity(k);
	fwd_dirty(k, true, now);
	if (is_uln(c))
		return;
	k->n_uln--;
	rtable_recount(k, c, now);
	uln_lost(k, c, now);
}

void uln_changed(struct kira *k, usec_t now)
{
	struct kira_event ev = {.type = KIRA_EV_SSN};

	if (k->ssn + 1 >= KIRA_SSN_RESET) {
		k->ssn = 1;
		k->reset_until = now + SEC(3);
	} else {
		k->ssn++;
	}
	list_each(it, &k->links)
		hello_restart(k, container_of(it, struct link, in), now);
	ev.ssn = k->ssn;
	if (k->env.event)
		k->env.event(k->env.ctx, &ev);
}

/* ---- hello and handshake ---- */

static struct req *disc_pending(const struct kira *k, uint32_t link, const struct kira_addr *addr)
{
	hash_each(it, &k->reqs)
	{
		struct req *r = container_of(it, struct req, node);

		if (r->kind == REQ_DISC && r->link == link && memcmp(&r->addr, addr, sizeof(*addr)) == 0)
			return r;
	}
	return NULL;
}

/* ULNDiscReq or ULNDiscRsp with our neighbours to an address on a link. */
static void disc_send(struct kira *k, uint8_t type, const struct kira_id *dest, uint64_t msg_id, uint32_t link,
		      const struct kira_addr *to)
{
	size_t at;

	msg_begin(k, type, 0, dest, msg_id);
	at = kira_wire_open(&k->out, KIRA_OBJ_CONTACTS);
	for (uint32_t i = 0; i < k->n_contacts; i++) {
		struct contact *c = k->contact[i];
		struct kira_contact_entry e = {
			.id = *id_of(k, c->id), .ssn = c->ssn, .age = 0, .degree = c->degree};

		if (is_uln(c) && c != k->leaving && c->ssn != KIRA_SSN_INVALID)
			kira_wire_contact(&k->out, &e);
	}
	kira_wire_close(&k->out, at);
	if (!kira_wire_end(&k->out))
		return;
	k->stats.tx_msgs++;
	k->stats.tx_bytes += k->out.n;
	k->stats.tx_type[type]++;
	k->env.send(k->env.ctx, link, to, buf_slice(&k->out));
}

static void disc_start(struct kira *k, const struct kira_id *id, uint32_t link, const struct kira_addr *to, usec_t now)
{
	nid_t h = hold_for_now(k, id);
	struct req *r = h && k->n_disc < DISC_MAX ? req_new(k, REQ_DISC, h, NULL, now) : NULL;

	if (!r)
		return;
	k->n_disc++;
	r->link = link;
	r->addr = *to;
	r->tries = 1;
	r->wait = DISC_WAIT;
	timer_set(k, &r->timer, now + r->wait);
	disc_send(k, KIRA_ULN_DISC_REQ, id, r->msg_id, link, to);
}

void uln_ask(struct kira *k, struct contact *c, usec_t now)
{
	struct adj *a = container_of(c->adjs.next, struct adj, in);

	if (!disc_pending(k, a->link, &a->addr))
		disc_start(k, id_of(k, c->id), a->link, &a->addr, now);
}

/* The other side did not answer our ULNDiscReq: try again, then give up; a neighbour that does not answer is none. */
static void disc_timeout(struct kira *k, struct req *r, usec_t now)
{
	struct adj *a = adj_find(k, r->link, &r->addr);

	if (r->tries < DISC_TRIES && link_find(k, r->link)) {
		r->tries++;
		r->wait *= 2;
		req_renew(k, r);
		timer_set(k, &r->timer, now + r->wait);
		disc_send(k, KIRA_ULN_DISC_REQ, id_of(k, r->target), r->msg_id, r->link, &r->addr);
		return;
	}
	if (a && a->c->id == r->target && now - a->heard > SEC(1))
		adj_down(k, a, now);
	req_free(k, r);
}

void uln_hello(struct kira *k, const struct kira_msg *m, uint32_t link, const struct kira_addr *from, usec_t now)
{
	struct link *l = link_find(k, link);
	nid_t id = pool_find(k->pool, &m->src);
	struct adj *a = adj_find(k, link, from);
	bool fresh = !a || a->c->id != id;
	struct vnode *v = id ? vic_find(k, id) : NULL;
	bool reset = m->ssn == KIRA_SSN_RESET;
	bool ours;

	if (disc_pending(k, link, from) && !fresh)
		return;
	if (!fresh) {
		a->c->degree = m->degree;
		if (reset)
			vic_reset(k, id);
		else
			vic_observe_own(k, id, m->ssn, now);
	}
	if (!fresh && !reset && v && m->ssn <= v->synched)
		return;
	if (disc_pending(k, link, from))
		return;
	ours = kira_answers_hello(id_of(k, k->self), &m->src);
	if (ours || l->interval == 0 || l->interval > ANSWER_ANYWAY) {
		disc_start(k, &m->src, link, from, now);
		return;
	}
	/* It is for the other side to ask; so let it hear us at once. */
	if (fresh && l->interval > k->p.hello_min)
		hello_restart(k, l, now);
}

void uln_disc(struct kira *k, const struct kira_msg *m, uint32_t link, const struct kira_addr *from, usec_t now)
{
	struct slice list = m->contacts;
	struct kira_contact_entry e;
	struct hops nb = {.n = 0};
	struct req *r = NULL;
	struct adj *a;
	uint32_t ssn = m->ssn == KIRA_SSN_RESET ? 1 : m->ssn;
	bool news;
	bool known;
	bool named = false;
	bool whole = true;

	if (!kira_id_eq(&m->dest, id_of(k, k->self))) {
		k->stats.drop[KIRA_DROP_NOT_US]++;
		return;
	}
	if (m->type == KIRA_ULN_DISC_RSP) {
		r = req_find(k, m->msg_id);
		if (!r || r->kind != REQ_DISC || r->link != link || memcmp(&r->addr, from, sizeof(*from)) != 0 ||
		    !kira_id_eq(id_of(k, r->target), &m->src)) {
			k->stats.drop[KIRA_DROP_STATE]++;
			return;
		}
		req_free(k, r);
	}
	a = adj_find(k, link, from);
	if (m->type == KIRA_ULN_DISC_REQ && !tokens_take(a ? &a->requests : &link_find(k, link)->strangers, k->p.rate_requests,
							 k->p.rate_requests * 10, now)) {
		k->stats.drop[KIRA_DROP_RATE]++;
		return;
	}
	while (list.p && kira_contact_next(&list, &e))
		named |= kira_id_eq(&e.id, id_of(k, k->self));
	list = m->contacts;
	/* A request shows that we hear its sender, not that it hears us, unless it names us already. So we answer, and
	 * ask in turn; its answer makes it a neighbour. */
	if (!a && m->type == KIRA_ULN_DISC_REQ && !named) {
		disc_send(k, KIRA_ULN_DISC_RSP, &m->src, m->msg_id, link, from);
		if (!disc_pending(k, link, from))
			disc_start(k, &m->src, link, from, now);
		return;
	}
	known = a != NULL;
	a = adj_up(k, m, link, from, now);
	if (!a) {
		k->stats.drop[KIRA_DROP_MEMORY]++;
		return;
	}
	a->c->ssn = ssn;
	a->c->degree = m->degree;
	a->c->seen = now;
	while (list.p && kira_contact_next(&list, &e)) {
		nid_t x = hold_for_now(k, &e.id);

		if (x != k->self && x != a->c->id)
			whole = x && hops_add(&nb, x) && whole;
	}
	/* A neighbour that does not count us as one of its own has started anew, or does not hear us. */
	if (known && !named && m->type == KIRA_ULN_DISC_REQ && now - a->since > SEC(1)) {
		a->heard = now - k->p.silence;
		if (!a->doubted) {
			a->doubted = true;
			a->tries = 0;
			timer_set(k, &a->silence, now + MSEC(20));
		}
	}
	news = vic_list(k, a->c->id, ssn, &nb, whole, now);
	if (news)
		vic_settle(k);
	if (m->type == KIRA_ULN_DISC_REQ)
		disc_send(k, KIRA_ULN_DISC_RSP, &m->src, m->msg_id, link, from);
	/* Its neighbours are nodes that we may not know: hearsay, two hops away. */
	list = m->contacts;
	while (list.p && kira_contact_next(&list, &e)) {
		struct hops path = {.n = 0};
		struct offer o = {.ssn = e.ssn, .degree = e.degree, .insert = true};

		o.id = hold_for_now(k, &e.id);
		if (!o.id || o.id == k->self)
			continue;
		vic_observe(k, o.id, e.ssn, now);
		hops_add(&path, a->c->id);
		hops_add(&path, o.id);
		rtable_offer(k, &o, &path, now);
	}
	/* Our other neighbours know this one as two hops away and hear nothing of it but through us. */
	if (news) {
		if (k->gossip_about)
			pool_drop(k->pool, k->gossip_about);
		k->gossip_about = pool_ref(k->pool, a->c->id);
		if (!timer_armed(&k->gossip))
			timer_set(k, &k->gossip, now + jitter(k, GOSSIP));
	}
	resync_soon(k, now);
}

/* Tells the other neighbours, by our list with its SSNs, that the list of one of us changed. */
void gossip_fire(struct kira *k, struct timer *t, usec_t now)
{
	for (uint32_t i = 0; i < k->n_contacts; i++) {
		struct contact *c = k->contact[i];

		if (is_uln(c) && c->id != k->gossip_about)
			uln_ask(k, c, now);
	}
	if (k->gossip_about)
		pool_drop(k->pool, k->gossip_about);
	k->gossip_about = 0;
}

/* ---- lists of nodes two hops away ---- */

static void query_send(struct kira *k, struct req *r)
{
	struct kira_id ids[4];
	size_t n = path_ids(k, r->path, ids);
	struct contact *c = first_hop(k, r->path);

	if (!c)
		return;
	msg_begin(k, KIRA_QUERY_ROUTE_REQ, KIRA_FLAG_EXACT, id_of(k, r->target), r->msg_id);
	kira_wire_rtable_req(&k->out, KIRA_RT_VICINITY, (uint8_t)(k->n_uln < 255 ? k->n_uln : 255));
	kira_wire_route(&k->out, 1, ids, n);
	msg_send(k, c, NULL);
}

static bool query_pending(const struct kira *k, nid_t id)
{
	hash_each(it, &k->reqs)
	{
		struct req *r = container_of(it, struct req, node);

		if (r->kind == REQ_QUERY && r->target == id)
			return true;
	}
	return false;
}

static void query_start(struct kira *k, struct vnode *v, usec_t now)
{
	nid_t hop[3];
	size_t n = vic_detour(k, v->id, 0, 0, hop);
	struct path *p = n == 2 ? path_new(k, hop, n) : NULL;
	struct req *r = p ? req_new(k, REQ_QUERY, v->id, p, now) : NULL;

	if (p)
		path_drop(k, p);
	if (!r)
		return;
	r->tries = 1;
	r->wait = QUERY_WAIT;
	timer_set(k, &r->timer, now + r->wait);
	query_send(k, r);
}

static void query_timeout(struct kira *k, struct req *r, usec_t now)
{
	struct vnode *v = vic_find(k, r->target);

	if (v && v->dist == 2 && r->tries < QUERY_TRIES) {
		r->tries++;
		r->wait *= 2;
		req_renew(k, r);
		timer_set(k, &r->timer, now + r->wait);
		query_send(k, r);
		return;
	}
	/* It does not answer: do not ask again for this SSN. */
	if (v) {
		v->observed = v->observed ? v->observed : 1;
		v->synched = v->observed;
	}
	req_free(k, r);
}

void uln_timeout(struct kira *k, struct req *r, usec_t now)
{
	if (r->kind == REQ_DISC)
		disc_timeout(k, r, now);
	else
		query_timeout(k, r, now);
}

void query_req(struct kira *k, const struct kira_msg *m, struct adj *a, usec_t now)
{
	const struct kira_id *self = id_of(k, k->self);
	struct contact *back;
	size_t at;

	if (!kira_id_eq(&m->dest, self) || m->req_type != KIRA_RT_VICINITY) {
		k->stats.drop[KIRA_DROP_TYPE]++;
		return;
	}
	back = answer_begin(k, m, KIRA_QUERY_ROUTE_RSP, now);
	if (!back)
		return;
	at = kira_wire_open(&k->out, KIRA_OBJ_RTABLE);
	for (uint32_t i = 0; i < k->n_contacts; i++) {
		struct contact *c = k->contact[i];
		struct kira_contact_entry e = {
			.id = *id_of(k, c->id), .ssn = c->ssn, .age = 0, .degree = c->degree};

		/* A list that is not whole would look like lost links, so it may be fragmented; 64 KiB end it. */
		if (is_uln(c) && c->ssn != KIRA_SSN_INVALID && k->out.n < 65535 - 64)
			kira_wire_rtable(&k->out, &e, &e.id, 1);
	}
	kira_wire_close(&k->out, at);
	msg_send(k, back, a);
}

void query_rsp(struct kira *k, const struct kira_msg *m, usec_t now)
{
	struct req *r = req_find(k, m->msg_id);
	struct slice list = m->rtable;
	struct kira_rtable_entry e;
	struct hops nb = {.n = 0};
	bool whole = true;
	nid_t id;

	if (!r || r->kind != REQ_QUERY || !kira_id_eq(id_of(k, r->target), &m->src)) {
		k->stats.drop[KIRA_DROP_STATE]++;
		return;
	}
	id = hold_for_now(k, &m->src);
	req_free(k, r);
	while (list.p && kira_rtable_next(&list, &e)) {
		nid_t x;

		if (e.n_hops != 1)
			continue;
		x = hold_for_now(k, &e.contact.id);
		if (x)
			vic_observe(k, x, e.contact.ssn, now);
		if (x != k->self && x != id)
			whole = x && hops_add(&nb, x) && whole;
	}
	if (vic_find(k, id) && vic_list(k, id, m->ssn == KIRA_SSN_RESET ? 1 : m->ssn, &nb, whole, now))
		vic_settle(k);
	resync_soon(k, now);
}

/* ---- resynchronisation ---- */

void resync_soon(struct kira *k, usec_t now)
{
	if (!timer_armed(&k->resync))
		timer_set(k, &k->resync, now + jitter(k, RESYNC / 10));
}

void resync_fire(struct kira *k, struct timer *t, usec_t now)
{
	unsigned flight = 0;
	bool more = false;
	unsigned dist;

	hash_each(it, &k->reqs)
	{
		struct req *r = container_of(it, struct req, node);

		flight += r->kind == REQ_DISC || r->kind == REQ_QUERY;
	}
	for (dist = 1; dist <= 2; dist++) {
		hash_each(it, &k->vic)
		{
			struct vnode *v = container_of(it, struct vnode, node);
			struct contact *c;

			if (v->dist != dist || v->synched == (v->observed ? v->observed : UINT32_MAX))
				continue;
			if (flight >= RESYNC_FLIGHT) {
				more = true;
				continue;
			}
			c = dist == 1 ? contact_find(k, v->id) : NULL;
			if (c && is_uln(c)) {
				uln_ask(k, c, now);
				flight++;
			} else if (dist == 2 && !query_pending(k, v->id)) {
				query_start(k, v, now);
				flight++;
			}
		}
	}
	if (more)
		timer_set(k, t, now + jitter(k, RESYNC));
}
