/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/kira/puppet.h"

#include <stdlib.h>

struct kira_addr puppet_addr(unsigned i)
{
	struct kira_addr a = {{0xfe, 0x80}};

	a.b[8] = 0x77;
	a.b[15] = (uint8_t)(i + 1);
	return a;
}

static void on_send(void *ctx, uint32_t link, const struct kira_addr *to, struct slice frame)
{
	struct puppet *p = ctx;
	struct puppet_frame *f = &p->sent[p->n_sent++ % PUPPET_SENT];

	free(f->bytes);
	*f = (struct puppet_frame){.link = link, .to_all = !to, .n = frame.n, .bytes = malloc(frame.n)};
	if (to)
		f->to = *to;
	if (f->bytes)
		memcpy(f->bytes, frame.p, frame.n);
	p->type_sent[frame.p[1]]++;
}

static void on_node(void *ctx, const struct kira_id *id, unsigned bits, const struct kira_fwd *to)
{
	struct puppet *p = ctx;

	p->node_writes++;
	p->broken |= bits > KIRA_ID_BITS;
}

static void on_path(void *ctx, const struct kira_id *path_id, const struct kira_fwd *to)
{
	struct puppet *p = ctx;

	p->path_writes++;
}

static void on_event(void *ctx, const struct kira_event *ev)
{
	struct puppet *p = ctx;

	p->events[ev->type]++;
	if (ev->type == KIRA_EV_SSN)
		p->ssn = ev->ssn;
}

void puppet_init(struct puppet *p, const struct kira_params *params, uint64_t seed)
{
	const struct kira_env env = {on_send, on_node, on_path, on_event, p};
	struct kira_params own;
	uint8_t secret[32];
	struct rng rng;
	unsigned i;

	memset(p, 0, sizeof(*p));
	alloc_init(&p->a, 0);
	buf_init(&p->b, &p->a);
	p->now = SEC(100);
	rng_seed(&rng, seed);
	if (params) {
		own = *params;
	} else {
		kira_params_default(&own);
		own.ssn = 1;
	}
	rng_bytes(&rng, &p->id, sizeof(p->id));
	if (kira_id_valid(&own.id))
		p->id = own.id;
	own.id = p->id;
	for (i = 0; i < PUPPETS; i++)
		rng_bytes(&rng, &p->peer[i], sizeof(p->peer[i]));
	rng_bytes(&rng, secret, sizeof(secret));
	p->k = kira_new(&own, &env, &rng, secret, &p->a, NULL, p->now);
}

void puppet_forget(struct puppet *p)
{
	size_t i;

	for (i = 0; i < PUPPET_SENT; i++) {
		free(p->sent[i].bytes);
		p->sent[i] = (struct puppet_frame){0};
	}
	p->n_sent = 0;
	memset(p->type_sent, 0, sizeof(p->type_sent));
}

size_t puppet_free(struct puppet *p)
{
	kira_free(p->k);
	p->k = NULL;
	buf_free(&p->b);
	puppet_forget(p);
	return p->a.used;
}

void puppet_msg(struct puppet *p, uint8_t type, uint8_t flags, const struct kira_id *src, const struct kira_id *dest,
		uint64_t msg_id)
{
	struct kira_header h = {.type = type, .flags = flags, .dest = *dest, .src = *src,
				.domain = p->k->p.domain, .msg_id = msg_id, .ssn = 5, .degree = 3};

	buf_clear(&p->b);
	kira_wire_begin(&p->b, &h);
}

void puppet_say_from(struct puppet *p, uint32_t link, const struct kira_addr *from)
{
	uint8_t *exact;

	if (!kira_wire_end(&p->b))
		return;
	/* Of exactly its length, so that the sanitizer sees a read beyond it. */
	exact = malloc(p->b.n);
	memcpy(exact, p->b.p, p->b.n);
	kira_receive(p->k, link, from, slice_of(exact, p->b.n), p->now);
	free(exact);
}

void puppet_say(struct puppet *p, unsigned i)
{
	struct kira_addr from = puppet_addr(i);

	puppet_say_from(p, i + 1, &from);
}

void puppet_disc(struct puppet *p, uint32_t link, const struct kira_addr *from, const struct kira_id *src, uint32_t ssn,
		 const struct kira_id *nb, size_t n)
{
	struct kira_contact_entry e = {.id = p->id, .ssn = 2, .degree = 1};
	size_t at;
	size_t i;

	puppet_msg(p, KIRA_ULN_DISC_REQ, 0, src, &p->id, 77);
	p->b.p[49] = (uint8_t)(ssn >> 24);
	p->b.p[50] = (uint8_t)(ssn >> 16);
	p->b.p[51] = (uint8_t)(ssn >> 8);
	p->b.p[52] = (uint8_t)ssn;
	at = kira_wire_open(&p->b, KIRA_OBJ_CONTACTS);
	kira_wire_contact(&p->b, &e);
	for (i = 0; i < n; i++) {
		e.id = nb[i];
		kira_wire_contact(&p->b, &e);
	}
	kira_wire_close(&p->b, at);
	puppet_say_from(p, link, from);
}

void puppet_list(struct puppet *p, unsigned i, uint32_t ssn, const struct kira_id *nb, size_t n)
{
	struct kira_addr from = puppet_addr(i);

	puppet_disc(p, i + 1, &from, &p->peer[i], ssn, nb, n);
}

void puppet_meet(struct puppet *p, unsigned i, const struct kira_id *nb, size_t n)
{
	kira_link_up(p->k, i + 1, 1500, p->now);
	puppet_list(p, i, 5, nb, n);
}

void puppet_run(struct puppet *p, usec_t d)
{
	usec_t until = p->now + d;

	while (kira_next(p->k) <= until) {
		if (kira_next(p->k) > p->now)
			p->now = kira_next(p->k);
		kira_tick(p->k, p->now);
	}
	p->now = until;
}

bool puppet_heard(const struct puppet *p, uint8_t type, uint32_t link, struct kira_msg *m)
{
	size_t i;

	for (i = p->n_sent; i > 0 && p->n_sent - i < PUPPET_SENT; i--) {
		const struct puppet_frame *f = &p->sent[(i - 1) % PUPPET_SENT];

		if (!f->bytes || f->bytes[1] != type || (link && f->link != link))
			continue;
		return kira_wire_decode(m, slice_of(f->bytes, f->n)) == KIRA_DROP_NONE;
	}
	return false;
}

struct contact *puppet_contact(const struct puppet *p, const struct kira_id *id)
{
	nid_t h = pool_find(p->k->pool, id);

	return h ? contact_find(p->k, h) : NULL;
}

/* ---- what must hold ---- */

static const char *contact_broken(const struct kira *k, const struct contact *c, uint32_t at)
{
	uint16_t i;
	uint16_t j;

	if (c->at != at || contact_find(k, c->id) != c)
		return "a contact is not where it says";
	if (c->id == k->self || !c->active || c->active->n == 0)
		return "a contact without a path";
	if (c->active->hop[c->active->n - 1] != c->id)
		return "a path that leads elsewhere";
	for (i = 0; i < c->active->n; i++) {
		if (c->active->hop[i] == k->self)
			return "a path through ourselves";
		for (j = 0; j < i && c->active->n < 64; j++)
			if (c->active->hop[j] == c->active->hop[i])
				return "a path with a loop";
	}
	if (c->bucket != bucket_of(k, id_of(k, c->id)))
		return "a contact in the wrong bucket";
	if (is_uln(c) && (c->state != KIRA_VALID || c->active->n != 1))
		return "a neighbour that is not its own path";
	if (c->state == KIRA_VALID && c->red)
		return "a valid contact being rediscovered";
	if (c->probe && (c->probe->target != c->id || req_find(k, c->probe->msg_id) != c->probe))
		return "a probe that is not there";
	return NULL;
}

static const char *contacts_broken(const struct kira *k)
{
	unsigned bucket_n[KIRA_ID_BITS + 1] = {0};
	uint32_t n_uln = 0;
	uint32_t n_adj = 0;

	if (k->contacts.n != k->n_contacts)
		return "the number of contacts";
	for (uint32_t i = 0; i < k->n_contacts; i++) {
		const struct contact *c = k->contact[i];
		const char *what = contact_broken(k, c, i);

		if (what)
			return what;
		n_uln += is_uln(c);
		bucket_n[c->bucket] += !is_uln(c);
		list_each(it, &c->adjs)
			n_adj++;
	}
	for (unsigned i = 0; i <= KIRA_ID_BITS; i++) {
		if (bucket_n[i] != k->bucket_n[i])
			return "the count of a bucket";
		if (bucket_n[i] > k->p.k + 1u)
			return "a bucket that is too full";
	}
	return n_uln != k->n_uln || n_adj != k->adjs.n ? "the number of neighbours" : NULL;
}

static const char *paths_broken(const struct kira *k)
{
	uint32_t n_explicit = 0;
	uint32_t n = 0;

	hash_each(it, &k->paths)
	{
		const struct path_entry *e = container_of(it, struct path_entry, node);

		n++;
		n_explicit += !e->precomputed;
	}
	if (n != k->paths.n || n_explicit != k->n_explicit || n - n_explicit != k->pairs.n)
		return "the number of PathIDs";
	for (size_t i = 1; i < k->n_nodes; i++)
		if (kira_id_cmp(&k->nodes[i - 1].id, &k->nodes[i].id) > 0)
			return "the order of the NodeID table";
	return NULL;
}

static const char *vicinity_broken(const struct kira *k)
{
	hash_each(it, &k->vic)
	{
		const struct vnode *v = container_of(it, struct vnode, node);

		for (uint16_t i = 0; i < v->n_nb; i++) {
			const struct vnode *o = vic_find(k, v->nb[i]);

			if (!o || v->nb[i] == v->id || !path_has(o->nb, o->n_nb, v->id))
				return "a link of the vicinity that has one end";
		}
	}
	return k->vic.n > k->p.max_vicinity ? "the size of the vicinity" : NULL;
}

const char *core_broken(const struct kira *k)
{
	const char *what = contacts_broken(k);

	if (!what)
		what = paths_broken(k);
	if (!what)
		what = vicinity_broken(k);
	if (!what && k->reqs.n > REQ_MAX)
		what = "too many requests";
	if (!what && k->n_held != 0)
		what = "IDs held after the call";
	hash_each(it, &k->reqs)
		if (!timer_armed(&container_of(it, struct req, node)->timer))
			what = "a request that never ends";
	return what;
}
