/* SPDX-License-Identifier: BSD-2-Clause */
/* DOC: the core of room kira, the Kademlia-directed ID-based Routing Architecture.
 *
 * A node has a random 112-bit NodeID and no configuration. It finds its neighbours by hellos on its links and a handshake
 * in which both tell their neighbours (uln.c); from these lists each keeps the graph of its vicinity, three hops around
 * (vicinity.c). Of the rest of the network it knows O(log N) contacts, in Kademlia buckets by the distance (XOR) of their
 * IDs to its own, each with a path: the NodeIDs on the way there (rtable.c, path.c). Messages carry their route with them
 * and every node that they pass learns from the part already travelled (here). Look-ups by ID go from contact to closer
 * contact (find.c), and so a node finds those with IDs near its own, and a sample of all others.
 *
 * Data packets carry no routes. A path is named by its PathID, a hash of the IDs from the next node to the last, and each
 * node on it knows the PathID that the rest of the path has at the next one. Short paths are known to everybody around in
 * advance, longer ones are set up by a message (probe.c), and the tables for both go to the forwarding tier (fwd.c). A
 * packet to a NodeID takes the path of a contact that has more leading bits of the destination than we have; the contact
 * does the same, until it arrives.
 *
 * When a link fails, the nodes at its ends go around it at once by what the vicinity shows, contacts whose path is broken
 * are looked up anew avoiding the link, and those nearest to us by ID are told (failure.c, notvia.c, update.c).
 *
 * Everything runs from three entries: kira_receive(), kira_tick() and links coming and going. Timers are entries of one
 * heap; a request that awaits an answer is found by its nonce (req.c). NodeIDs are interned (pool.c): inside the core an
 * ID is a 32-bit handle. */
#include "proto/kira/core.h"

#define SOURCE_VISITS 3 /* a route may bring a message back to us so often: overlay hops are chosen one at a time */

/* ---- time ---- */

bool timer_begin(struct kira *k, struct timer *t, void (*fire)(struct kira *k, struct timer *t, usec_t now))
{
	if (heap_reserve(&k->timers, k->n_timers + 1) < 0)
		return false;
	k->n_timers++;
	t->fire = fire;
	return true;
}

void timer_end(struct kira *k, struct timer *t)
{
	timer_stop(k, t);
	k->n_timers--;
}

void timer_set(struct kira *k, struct timer *t, usec_t due)
{
	heap_set(&k->timers, &t->h, due);
}

void timer_stop(struct kira *k, struct timer *t)
{
	heap_del(&k->timers, &t->h);
}

usec_t jitter(struct kira *k, usec_t d)
{
	return d / 2 + (usec_t)rng_below(&k->rng, (uint64_t)d + 1);
}

bool tokens_take(struct tokens *t, unsigned rate, unsigned depth, usec_t now)
{
	usec_t cost;

	if (rate == 0)
		return true;
	cost = SEC(1) / rate;
	if (t->at < now)
		t->at = now;
	if (t->at - now > cost * (depth - 1))
		return false;
	t->at += cost;
	return true;
}

/* ---- IDs held for the duration of a call ---- */

nid_t hold_for_now(struct kira *k, const struct kira_id *id)
{
	nid_t h;

	if (k->n_held == k->cap_held) {
		size_t cap = k->cap_held ? k->cap_held * 2 : 64;
		void *more = alloc_resize(k->a, k->held, k->cap_held * sizeof(*k->held), cap * sizeof(*k->held));

		if (!more) {
			k->memory_short = true;
			return 0;
		}
		k->held = more;
		k->cap_held = cap;
	}
	h = pool_hold(k->pool, id);
	if (h)
		k->held[k->n_held++] = h;
	else
		k->memory_short = true;
	return h;
}

bool hold_hops(struct kira *k, struct hops *h, const uint8_t *ids, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		struct kira_id id = kira_hop(ids, i);
		nid_t x = hold_for_now(k, &id);

		if (!x || !hops_add(h, x))
			return false;
	}
	return true;
}

static void let_go(struct kira *k)
{
	while (k->n_held > 0)
		pool_drop(k->pool, k->held[--k->n_held]);
}

void leave(struct kira *k, usec_t now)
{
	fwd_flush(k, now);
	let_go(k);
}

/* ---- sending ---- */

void msg_begin(struct kira *k, uint8_t type, uint8_t flags, const struct kira_id *dest, uint64_t msg_id)
{
	struct kira_header h = {.type = type,
				.flags = flags | (k->p.end_system ? KIRA_FLAG_END_SYSTEM : 0),
				.dest = *dest,
				.src = *id_of(k, k->self),
				.domain = k->p.domain,
				.msg_id = msg_id,
				.ssn = k->ssn,
				.degree = (uint16_t)(k->n_uln < UINT16_MAX ? k->n_uln : UINT16_MAX)};

	buf_clear(&k->out);
	kira_wire_begin(&k->out, &h);
}

static void send_frame(struct kira *k, const struct adj *a, struct slice frame)
{
	k->stats.tx_msgs++;
	k->stats.tx_bytes += frame.n;
	k->stats.tx_type[frame.p[1]]++;
	k->env.send(k->env.ctx, a->link, &a->addr, frame);
}

bool msg_send(struct kira *k, struct contact *c, struct adj *a)
{
	if (!kira_wire_end(&k->out) || !is_uln(c))
		return false;
	/* An answer to a neighbour goes back over the link that it came by: so it proves that link. */
	if (!a || a->c != c)
		a = container_of(c->adjs.next, struct adj, in);
	send_frame(k, a, buf_slice(&k->out));
	return true;
}

size_t msg_room(const struct kira *k, const struct contact *c)
{
	const struct adj *a = container_of(c->adjs.next, struct adj, in);
	const struct link *l = link_find(k, a->link);

	return (l && l->mtu > 1280 ? l->mtu : 1280) - 48; /* IPv6 and UDP headers */
}

struct contact *answer_begin(struct kira *k, const struct kira_msg *m, uint8_t type, usec_t now)
{
	struct kira_id ids[KIRA_ROUTE_MAX];
	struct hops h = {.n = 0};
	struct contact *first;
	size_t i;

	for (i = m->index; i-- > 0;) {
		struct kira_id id = kira_hop(m->route, i);
		nid_t x = hold_for_now(k, &id);

		if (!x || !hops_add(&h, x))
			return NULL;
	}
	hops_cut_cycles(k, &h);
	if (h.n == 0)
		return NULL;
	first = contact_find(k, h.hop[0]);
	if (!first || !is_uln(first))
		return NULL;
	msg_begin(k, type, 0, &m->src, m->msg_id);
	ids[0] = *id_of(k, k->self);
	for (i = 0; i < h.n; i++)
		ids[i + 1] = *id_of(k, h.hop[i]);
	kira_wire_route(&k->out, 1, ids, h.n + 1);
	return first;
}

/* ---- receiving ---- */

/* The route must lead to us, from the neighbour that sent it, and not round in circles. */
static enum kira_drop check_route(struct kira *k, const struct kira_msg *m, const struct adj *a)
{
	const struct kira_id *self = id_of(k, k->self);
	unsigned visits = 0;
	struct kira_id prev;
	uint16_t i;

	if (memcmp(m->route + m->index * KIRA_ID_BYTES, self, KIRA_ID_BYTES) != 0)
		return KIRA_DROP_NOT_US;
	prev = kira_hop(m->route, m->index - 1u);
	if (!a || !kira_id_eq(&prev, id_of(k, a->c->id)))
		return KIRA_DROP_SENDER;
	for (i = 0; i < m->index; i++)
		visits += memcmp(m->route + i * KIRA_ID_BYTES, self, KIRA_ID_BYTES) == 0;
	return visits > SOURCE_VISITS ? KIRA_DROP_ROUTE : KIRA_DROP_NONE;
}

static uint32_t ssn_of(const struct kira_msg *m)
{
	return m->ssn == KIRA_SSN_RESET ? 1 : m->ssn;
}

/* The originator and the way it took to us. */
static void learn_source(struct kira *k, const struct kira_msg *m, const struct hops *back, bool set_up, usec_t now)
{
	struct hops path = {.n = back->n};
	struct offer o = {.id = back->hop[back->n - 1],
			  .ssn = ssn_of(m),
			  .degree = m->degree,
			  .validated = true,
			  .set_up = set_up,
			  .end_system = m->flags & KIRA_FLAG_END_SYSTEM};

	memcpy(path.hop, back->hop, back->n * sizeof(nid_t));
	if (m->ssn == KIRA_SSN_RESET) {
		struct contact *c = contact_find(k, o.id);

		vic_reset(k, o.id);
		if (c)
			c->ssn = 0;
	} else {
		vic_observe_own(k, o.id, m->ssn, now);
	}
	rtable_offer(k, &o, &path, now);
}

/* What the originator tells of others: hearsay. Its paths in all have no more hops than an honest answer's. */
static void learn_rtable(struct kira *k, const struct kira_msg *m, const struct hops *back, usec_t now)
{
	struct slice list = m->rtable;
	struct kira_rtable_entry e;
	size_t hops = 0;

	while (list.p && hops < LEARN_HOPS && kira_rtable_next(&list, &e)) {
		size_t mark = k->n_held;
		struct hops path = {.n = back->n};
		struct offer o = {.ssn = e.contact.ssn, .degree = e.contact.degree, .insert = true};

		hops += back->n + e.n_hops;
		memcpy(path.hop, back->hop, back->n * sizeof(nid_t));
		o.id = hold_for_now(k, &e.contact.id);
		if (o.id && o.id != k->self && hold_hops(k, &path, e.hops, e.n_hops)) {
			vic_observe(k, o.id, e.contact.ssn, now);
			rtable_offer(k, &o, &path, now);
		}
		while (k->n_held > mark)
			pool_drop(k->pool, k->held[--k->n_held]);
	}
}

/* What every node on the way does (spec §2.11, steps 1 to 6). False: the message ends here. */
static bool overhear(struct kira *k, const struct kira_msg *m, struct adj *a, usec_t now)
{
	struct hops back = {.n = 0};
	struct req *r;
	bool set_up;
	bool ours;
	size_t i;

	if (m->type == KIRA_PATH_SETUP_REQ || m->type == KIRA_PROBE_REQ) {
		/* A probe that went on would prove a path that has no entry here. */
		if (!fwd_setup(k, m, a, now))
			return false;
	} else if (m->type == KIRA_PATH_TEARDOWN_REQ) {
		fwd_teardown(k, m, now);
	}
	for (i = m->index; i-- > 0;) {
		struct kira_id id = kira_hop(m->route, i);
		nid_t x = hold_for_now(k, &id);

		if (!x || !hops_add(&back, x))
			return false;
	}
	r = m->type == KIRA_ERROR || m->type == KIRA_PROBE_RSP ? req_find(k, m->msg_id) : NULL;
	ours = r && m->index == m->n_hops - 1 && kira_id_eq(&m->dest, id_of(k, k->self));
	set_up = ours && m->type == KIRA_PROBE_RSP && path_same(r->path, &back);
	/* This may end r. */
	if (m->not_via.p)
		not_via_receive(k, m, ours && m->type == KIRA_ERROR, now);
	note_user(k, m, &back, now);
	learn_source(k, m, &back, set_up, now);
	if (m->type == KIRA_FIND_NODE_RSP || m->type == KIRA_QUERY_ROUTE_RSP)
		learn_rtable(k, m, &back, now);
	if (m->type == KIRA_ERROR && m->error == KIRA_ERR_SEGMENT_FAILURE) {
		nid_t x = pool_find(k->pool, &m->link_a);
		nid_t y = pool_find(k->pool, &m->link_b);

		/* Believed from an end of the link, and of links that are not our own. */
		if (x && y && x != k->self && y != k->self && kira_id_eq(&m->reporter, &m->src) &&
		    (kira_id_eq(&m->src, &m->link_a) || kira_id_eq(&m->src, &m->link_b)))
			link_failed(k, x, y, now, now);
	}
	return true;
}

/* Not for us: to the next hop of its route. */
static void forward(struct kira *k, const struct kira_msg *m, usec_t now)
{
	struct kira_id next = kira_hop(m->route, m->index + 1u);
	nid_t id = pool_find(k->pool, &next);
	struct contact *c = id ? contact_find(k, id) : NULL;

	if (k->p.end_system)
		return;
	if (!c || !is_uln(c)) {
		send_error(k, m, &next, now);
		return;
	}
	buf_clear(&k->out);
	buf_bytes(&k->out, m->raw.p, m->raw.n);
	buf_patch_u16(&k->out, m->index_at, (uint16_t)(m->index + 1));
	if (k->out.failed) {
		k->stats.drop[KIRA_DROP_MEMORY]++;
		return;
	}
	k->stats.forwarded++;
	send_frame(k, container_of(c->adjs.next, struct adj, in), buf_slice(&k->out));
}

/* We are the overlay hop. */
static void handle(struct kira *k, const struct kira_msg *m, struct adj *a, usec_t now)
{
	struct req *r;

	switch (m->type) {
	case KIRA_FIND_NODE_REQ:
	case KIRA_QUERY_ROUTE_REQ:
	case KIRA_PROBE_REQ:
	case KIRA_UPDATE_ROUTE_REQ:
		if (!tokens_take(&a->requests, k->p.rate_requests, k->p.rate_requests * 10, now)) {
			k->stats.drop[KIRA_DROP_RATE]++;
			return;
		}
		if (m->type == KIRA_FIND_NODE_REQ)
			find_req(k, m, a, now);
		else if (m->type == KIRA_QUERY_ROUTE_REQ)
			query_req(k, m, a, now);
		else if (m->type == KIRA_PROBE_REQ)
			probe_req(k, m, a, now);
		else
			update_req(k, m, now);
		return;
	case KIRA_PATH_SETUP_REQ:
	case KIRA_PATH_TEARDOWN_REQ:
		return;
	case KIRA_QUERY_ROUTE_RSP:
		query_rsp(k, m, now);
		return;
	case KIRA_FIND_NODE_RSP:
	case KIRA_PROBE_RSP:
	case KIRA_ERROR:
		r = req_find(k, m->msg_id);
		if (!r || !kira_id_eq(&m->dest, id_of(k, k->self)))
			k->stats.drop[KIRA_DROP_STATE]++;
		else if (m->type == KIRA_ERROR)
			req_error(k, r, m, now);
		else
			req_answered(k, r, m, now);
		return;
	default:
		k->stats.drop[KIRA_DROP_TYPE]++;
	}
}

static enum kira_drop receive(struct kira *k, uint32_t link, const struct kira_addr *from, struct slice frame, usec_t now)
{
	struct kira_msg m;
	enum kira_drop drop = kira_wire_decode(&m, frame);
	struct adj *a;

	if (drop)
		return drop;
	k->stats.rx_type[m.type]++;
	if (kira_id_eq(&m.src, id_of(k, k->self)))
		return KIRA_DROP_SOURCE;
	if (m.domain != k->p.domain)
		return KIRA_DROP_DOMAIN;
	if (!link_find(k, link))
		return KIRA_DROP_LINK;
	if (m.type == KIRA_ULN_HELLO) {
		uln_hello(k, &m, link, from, now);
		return KIRA_DROP_NONE;
	}
	if (m.type == KIRA_ULN_DISC_REQ || m.type == KIRA_ULN_DISC_RSP) {
		uln_disc(k, &m, link, from, now);
		return KIRA_DROP_NONE;
	}
	if (!m.route)
		return KIRA_DROP_TYPE;
	a = adj_find(k, link, from);
	drop = check_route(k, &m, a);
	if (drop)
		return drop;
	a->heard = now;
	if (!overhear(k, &m, a, now))
		return KIRA_DROP_NONE;
	/* What was overheard may have cost us the neighbour. */
	a = adj_find(k, link, from);
	if (!a)
		return KIRA_DROP_NONE;
	if (m.index + 1 < m.n_hops)
		forward(k, &m, now);
	else
		handle(k, &m, a, now);
	return KIRA_DROP_NONE;
}

void kira_receive(struct kira *k, uint32_t link, const struct kira_addr *from, struct slice frame, usec_t now)
{
	enum kira_drop drop;

	k->now = now;
	k->stats.rx_msgs++;
	k->stats.rx_bytes += frame.n;
	drop = receive(k, link, from, frame, now);
	if (drop)
		k->stats.drop[drop]++;
	leave(k, now);
}

usec_t kira_tick(struct kira *k, usec_t now)
{
	k->now = now;
	for (;;) {
		struct heap_node *n = heap_min(&k->timers);
		struct timer *t;

		if (!n || n->due > now)
			break;
		t = container_of(n, struct timer, h);
		heap_del(&k->timers, n);
		t->fire(k, t, now);
		let_go(k);
	}
	leave(k, now);
	return kira_next(k);
}

usec_t kira_next(const struct kira *k)
{
	struct heap_node *n = heap_min(&k->timers);

	return n ? n->due : USEC_NEVER;
}

/* ---- life ---- */

void kira_params_default(struct kira_params *p)
{
	*p = (struct kira_params){
		.node_prefix = 0xfc00,
		.path_prefix = 0xfcaa,
		.hash = KIRA_HASH_SHA1,
		.k = 20,
		.acc = 1,
		.hello_min = MSEC(200),
		.hello_max = SEC(30),
		.silence = SEC(3),
		.silence_gap = MSEC(300),
		.silence_tries = 3,
		.rod_min = MSEC(400),
		.rod_max = SEC(300),
		.ond = SEC(5),
		.probe_age = SEC(40),
		.path_refresh = SEC(20),
		.path_expiry = SEC(60),
		.max_path_ids = 100000,
		.max_vicinity = 4096,
		.rate_requests = 200,
		.rate_setups = 50,
	};
}

struct kira *kira_new(const struct kira_params *params, const struct kira_env *env, const struct rng *rng,
		      const uint8_t secret[32], struct alloc *a, struct kira_pool *pool, usec_t now)
{
	struct kira *k;

	if (!kira_id_valid(&params->id) || params->k == 0 || params->acc == 0 || params->acc > 4)
		return NULL;
	k = alloc_zero(a, sizeof(*k));
	if (!k)
		return NULL;
	k->p = *params;
	k->env = *env;
	k->rng = *rng;
	k->a = a;
	k->now = now;
	memcpy(k->secret, secret, sizeof(k->secret));
	heap_init(&k->timers, a);
	list_init(&k->links);
	hash_init(&k->link_ids, a);
	hash_init(&k->adjs, a);
	hash_init(&k->contacts, a);
	hash_init(&k->vic, a);
	hash_init(&k->reqs, a);
	hash_init(&k->paths, a);
	hash_init(&k->pairs, a);
	hash_init(&k->users, a);
	buf_init(&k->out, a);
	k->n_buckets = 1;
	k->own_pool = !pool;
	k->pool = pool ? pool : kira_pool_new(a, rng_u64(&k->rng));
	k->self = k->pool ? pool_hold(k->pool, &params->id) : 0;
	if (!k->self || !timer_begin(k, &k->resync, resync_fire) || !timer_begin(k, &k->gossip, gossip_fire) ||
	    !timer_begin(k, &k->ond, ond_fire) || !timer_begin(k, &k->rod, rod_fire) ||
	    !timer_begin(k, &k->scan, scan_fire) || !timer_begin(k, &k->update, update_fire) ||
	    !timer_begin(k, &k->fwd, fwd_fire)) {
		if (k->self)
			pool_drop(k->pool, k->self);
		if (k->own_pool)
			kira_pool_free(k->pool);
		heap_free(&k->timers);
		alloc_free(a, k, sizeof(*k));
		return NULL;
	}
	k->ond_wait = k->p.ond;
	k->rod_wait = k->p.rod_min;
	k->update_wait = MSEC(75);
	k->updated = now;
	timer_set(k, &k->ond, now + jitter(k, k->p.ond));
	timer_set(k, &k->rod, now + jitter(k, k->p.rod_min));
	timer_set(k, &k->scan, now + jitter(k, SEC(1)));
	/* A number above all used before; without one, or at the end of numbers, hellos say so (spec §2.8). */
	if (k->p.ssn == KIRA_SSN_INVALID || k->p.ssn >= KIRA_SSN_RESET - 1) {
		k->ssn = 1;
		k->reset_until = now + SEC(3);
	} else {
		k->ssn = k->p.ssn + 1;
	}
	fwd_vicinity(k);
	fwd_dirty(k, true, now);
	fwd_flush(k, now);
	return k;
}

void kira_free(struct kira *k)
{
	struct kira_pool *own;

	if (!k)
		return;
	fwd_clear(k);
	while (k->n_contacts > 0) {
		struct contact *c = k->contact[k->n_contacts - 1];

		while (is_uln(c)) {
			struct adj *a = container_of(c->adjs.next, struct adj, in);

			hash_del(&k->adjs, &a->node);
			timer_end(k, &a->silence);
			list_del(&a->in);
			alloc_free(k->a, a, sizeof(*a));
		}
		rediscovery_stop(k, c);
		timer_end(k, &c->refresh);
		hash_del(&k->contacts, &c->node);
		path_drop(k, c->active);
		pool_drop(k->pool, c->id);
		alloc_free(k->a, c, sizeof(*c));
		k->n_contacts--;
	}
	hash_each(it, &k->reqs)
		req_free(k, container_of(it, struct req, node));
	list_each_safe(it, &k->links)
	{
		struct link *l = container_of(it, struct link, in);

		timer_end(k, &l->hello);
		list_del(&l->in);
		alloc_free(k->a, l, sizeof(*l));
	}
	users_free(k);
	not_via_free(k);
	vic_free(k);
	if (k->gossip_about)
		pool_drop(k->pool, k->gossip_about);
	let_go(k);
	pool_drop(k->pool, k->self);
	hash_free(&k->link_ids);
	hash_free(&k->adjs);
	hash_free(&k->contacts);
	hash_free(&k->reqs);
	heap_free(&k->timers);
	buf_free(&k->out);
	alloc_free(k->a, k->held, k->cap_held * sizeof(*k->held));
	alloc_free(k->a, k->contact, k->cap_contacts * sizeof(*k->contact));
	own = k->own_pool ? k->pool : NULL;
	alloc_free(k->a, k, sizeof(*k));
	kira_pool_free(own);
}
