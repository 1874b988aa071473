/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/kira/wire_sample.h"

enum sample_object {
	PUT_ROUTE,
	PUT_NOT_VIA,
	PUT_CONTACTS,
	PUT_RTABLE_REQ,
	PUT_RTABLE,
	PUT_UPDATE,
	PUT_ERROR,
	PUT_STORE_REQ,
	PUT_STORE_RSP,
	PUT_FETCH_REQ,
	PUT_FETCH_RSP,
	PUT_UNKNOWN,
	N_PUTS
};

static_assert(N_PUTS == sizeof(((struct sample *)0)->order));

static const uint8_t types[] = {
	KIRA_ULN_HELLO,	       KIRA_ULN_DISC_REQ,    KIRA_ULN_DISC_RSP,	     KIRA_FIND_NODE_REQ,
	KIRA_FIND_NODE_RSP,    KIRA_QUERY_ROUTE_REQ, KIRA_QUERY_ROUTE_RSP,   KIRA_UPDATE_ROUTE_REQ,
	KIRA_PROBE_REQ,	       KIRA_PROBE_RSP,	     KIRA_ERROR,	     KIRA_PATH_SETUP_REQ,
	KIRA_PATH_SETUP_RSP,   KIRA_PATH_TEARDOWN_REQ, KIRA_STORE_REQ,	     KIRA_STORE_RSP,
	KIRA_FETCH_REQ,	       KIRA_FETCH_RSP,	     0x02 /* unknown */,     0xff /* unknown */,
};

static bool chance(struct rng *r, unsigned one_in)
{
	return rng_below(r, one_in) == 0;
}

static uint8_t below(struct rng *r, unsigned n)
{
	return (uint8_t)rng_below(r, n);
}

/* Valid, and now and then one bit away from an ID that is not. */
static struct kira_id random_id(struct rng *r)
{
	struct kira_id id;

	do {
		rng_bytes(r, &id, sizeof(id));
		if (chance(r, 8)) {
			id = chance(r, 2) ? kira_id_undefined : kira_id_all_nodes;
			id.b[rng_below(r, KIRA_ID_BYTES)] ^= (uint8_t)(1u << rng_below(r, 8));
		}
	} while (!kira_id_valid(&id));
	return id;
}

static struct kira_contact_entry random_contact(struct rng *r)
{
	struct kira_contact_entry e = {.id = random_id(r), .age = KIRA_AGE_UNKNOWN, .degree = KIRA_DEGREE_UNKNOWN};

	do
		e.ssn = chance(r, 2) ? (uint32_t)rng_below(r, 10) : (uint32_t)rng_u64(r);
	while (e.ssn == KIRA_SSN_INVALID || e.ssn == KIRA_SSN_RESET);
	if (chance(r, 2)) {
		e.age = (uint32_t)rng_u64(r);
		e.degree = (uint16_t)rng_u64(r);
	}
	return e;
}

/* n hops after `from`, none the same as the one before. */
static void random_hops(struct rng *r, struct kira_id *hops, uint8_t n, const struct kira_id *from)
{
	uint8_t i;

	for (i = 0; i < n; i++) {
		do
			hops[i] = random_id(r);
		while (kira_id_eq(&hops[i], i ? &hops[i - 1] : from));
	}
}

static uint8_t random_paths(struct rng *r, struct sample_path *paths, uint8_t least)
{
	uint8_t n = (uint8_t)(least + below(r, SAMPLE_ENTRIES - least));
	uint8_t i;

	for (i = 0; i < n; i++) {
		struct sample_path *p = &paths[i];

		p->contact = random_contact(r);
		p->n_hops = (uint8_t)(1 + below(r, SAMPLE_HOPS));
		random_hops(r, p->hops, p->n_hops, &kira_id_undefined);
		p->contact.id = p->hops[p->n_hops - 1];
		p->action = below(r, 4);
	}
	return n;
}

static void random_not_via(struct rng *r, struct sample *s)
{
	uint8_t i;

	s->n_not_via = below(r, SAMPLE_ENTRIES);
	for (i = 0; i < s->n_not_via; i++) {
		struct kira_not_via_entry *e = &s->not_via[i];

		e->a = random_id(r);
		random_hops(r, &e->b, 1, &e->a);
		e->age = (uint32_t)rng_u64(r);
	}
}

static void random_error(struct rng *r, struct sample *s)
{
	s->has_error = true;
	s->error = KIRA_ERR_DEAD_END;
	if (chance(r, 2))
		return;
	s->error = KIRA_ERR_SEGMENT_FAILURE;
	s->reporter = random_id(r);
	s->link_a = random_id(r);
	random_hops(r, &s->link_b, 1, &s->link_a);
}

static void random_store_req(struct rng *r, struct sample_body *body)
{
	uint8_t n = below(r, SAMPLE_BODY - KIRA_ID_BYTES - 2 - 8);

	rng_bytes(r, body->b, sizeof(body->b));
	body->b[KIRA_ID_BYTES] = 0;
	body->b[KIRA_ID_BYTES + 1] = n;
	body->n = (uint8_t)(KIRA_ID_BYTES + 2 + n + (chance(r, 2) ? 8 : 0));
	body->there = true;
}

static void random_fetch_rsp(struct rng *r, struct sample_body *body)
{
	uint8_t count = below(r, 6);
	uint8_t i;

	*body = (struct sample_body){.there = true, .n = 1, .b = {1}};
	if (chance(r, 3))
		return;
	body->b[0] = 0;
	body->b[2] = count;
	body->n = 3;
	for (i = 0; i < count; i++) {
		uint8_t n = below(r, 12);

		body->b[body->n + 1] = n;
		rng_bytes(r, body->b + body->n + 2, n);
		body->n = (uint8_t)(body->n + 2 + n);
	}
}

static void random_bytes(struct rng *r, struct sample_body *body, uint8_t n)
{
	body->there = true;
	body->n = n;
	rng_bytes(r, body->b, n);
}

static void random_name_objects(struct rng *r, struct sample *s)
{
	uint8_t type = s->header.type;

	if (type == KIRA_STORE_REQ || chance(r, 30))
		random_store_req(r, &s->store_req);
	if (type == KIRA_STORE_RSP || chance(r, 30)) {
		random_bytes(r, &s->store_rsp, 1);
		s->store_rsp.b[0] %= 3;
	}
	if (type == KIRA_FETCH_REQ || chance(r, 30))
		random_bytes(r, &s->fetch_req, KIRA_ID_BYTES);
	if (type == KIRA_FETCH_RSP || chance(r, 30))
		random_fetch_rsp(r, &s->fetch_rsp);
	if (chance(r, 5))
		random_bytes(r, &s->unknown, below(r, SAMPLE_BODY));
}

static void random_header(struct rng *r, struct sample *s)
{
	struct kira_header *h = &s->header;

	h->type = types[rng_below(r, sizeof(types))];
	h->flags = (uint8_t)rng_u64(r);
	h->dest = h->type == KIRA_ULN_HELLO ? kira_id_all_nodes : random_id(r);
	h->src = random_id(r);
	h->domain = chance(r, 2) ? 0 : rng_u64(r);
	h->msg_id = rng_u64(r);
	h->ssn = chance(r, 8) ? KIRA_SSN_RESET : (uint32_t)rng_between(r, 1, UINT32_MAX);
	h->degree = (uint16_t)rng_u64(r);
}

void sample_random(struct sample *s, struct rng *r)
{
	uint8_t type;
	uint8_t i;

	*s = (struct sample){0};
	random_header(r, s);
	type = s->header.type;
	if (type > KIRA_ULN_DISC_RSP || chance(r, 8)) {
		s->n_hops = (uint8_t)(2 + below(r, SAMPLE_HOPS - 1));
		s->index = (uint8_t)(1 + below(r, s->n_hops - 1u));
		s->hops[0] = s->header.src;
		random_hops(r, s->hops + 1, (uint8_t)(s->n_hops - 1), &s->header.src);
	}
	if (chance(r, 2))
		random_not_via(r, s);
	if (type == KIRA_ULN_DISC_REQ || type == KIRA_ULN_DISC_RSP || chance(r, 10)) {
		s->n_contacts = below(r, SAMPLE_ENTRIES);
		for (i = 0; i < s->n_contacts; i++)
			s->contacts[i] = random_contact(r);
	}
	if (type == KIRA_FIND_NODE_REQ || type == KIRA_QUERY_ROUTE_REQ || chance(r, 10)) {
		s->has_rtable_req = true;
		s->req_type = below(r, 5);
		s->radius = (uint8_t)(1 + below(r, 255));
	}
	if (type == KIRA_FIND_NODE_RSP || type == KIRA_QUERY_ROUTE_RSP || chance(r, 10))
		s->n_rtable = random_paths(r, s->rtable, 0);
	if (type == KIRA_UPDATE_ROUTE_REQ || chance(r, 10))
		s->n_update = random_paths(r, s->update, type == KIRA_UPDATE_ROUTE_REQ);
	if (type == KIRA_ERROR || chance(r, 20))
		random_error(r, s);
	random_name_objects(r, s);
	for (i = 0; i < N_PUTS; i++) {
		uint8_t at = below(r, i + 1u);

		s->order[i] = s->order[at];
		s->order[at] = i;
	}
}

static void put_body(struct buf *b, uint8_t type, const struct sample_body *body)
{
	size_t at;

	if (!body->there)
		return;
	at = kira_wire_open(b, type);
	buf_bytes(b, body->b, body->n);
	kira_wire_close(b, at);
}

static void put_lists(const struct sample *s, struct buf *b, uint8_t what)
{
	static const uint8_t obj_types[] = {[PUT_NOT_VIA] = KIRA_OBJ_NOT_VIA,
					    [PUT_CONTACTS] = KIRA_OBJ_CONTACTS,
					    [PUT_RTABLE] = KIRA_OBJ_RTABLE,
					    [PUT_UPDATE] = KIRA_OBJ_RTABLE_UPDATE};
	size_t at = kira_wire_open(b, obj_types[what]);
	uint8_t i;

	for (i = 0; what == PUT_NOT_VIA && i < s->n_not_via; i++)
		kira_wire_not_via(b, &s->not_via[i]);
	for (i = 0; what == PUT_CONTACTS && i < s->n_contacts; i++)
		kira_wire_contact(b, &s->contacts[i]);
	for (i = 0; what == PUT_RTABLE && i < s->n_rtable; i++)
		kira_wire_rtable(b, &s->rtable[i].contact, s->rtable[i].hops, s->rtable[i].n_hops);
	for (i = 0; what == PUT_UPDATE && i < s->n_update; i++)
		kira_wire_update(b, s->update[i].action, &s->update[i].contact, s->update[i].hops,
				 s->update[i].n_hops);
	kira_wire_close(b, at);
}

bool sample_build(const struct sample *s, struct buf *b)
{
	uint8_t i;

	kira_wire_begin(b, &s->header);
	for (i = 0; i < N_PUTS; i++) {
		switch (s->order[i]) {
		case PUT_ROUTE:
			if (s->n_hops)
				kira_wire_route(b, s->index, s->hops, s->n_hops);
			break;
		case PUT_RTABLE_REQ:
			if (s->has_rtable_req)
				kira_wire_rtable_req(b, s->req_type, s->radius);
			break;
		case PUT_ERROR:
			if (s->has_error)
				kira_wire_error(b, s->error, &s->reporter, &s->link_a, &s->link_b);
			break;
		case PUT_STORE_REQ:
			put_body(b, KIRA_OBJ_STORE_REQ, &s->store_req);
			break;
		case PUT_STORE_RSP:
			put_body(b, KIRA_OBJ_STORE_RSP, &s->store_rsp);
			break;
		case PUT_FETCH_REQ:
			put_body(b, KIRA_OBJ_FETCH_REQ, &s->fetch_req);
			break;
		case PUT_FETCH_RSP:
			put_body(b, KIRA_OBJ_FETCH_RSP, &s->fetch_rsp);
			break;
		case PUT_UNKNOWN:
			put_body(b, 0xf0, &s->unknown);
			break;
		default:
			put_lists(s, b, s->order[i]);
		}
	}
	return kira_wire_end(b);
}

static bool same_contact(const struct kira_contact_entry *x, const struct kira_contact_entry *y)
{
	return kira_id_eq(&x->id, &y->id) && x->ssn == y->ssn && x->age == y->age && x->degree == y->degree;
}

static bool matches_path(const struct sample_path *want, const struct kira_rtable_entry *got, bool update)
{
	return same_contact(&want->contact, &got->contact) && want->n_hops == got->n_hops &&
	       memcmp(want->hops, got->hops, (size_t)got->n_hops * KIRA_ID_BYTES) == 0 &&
	       (!update || want->action == got->action);
}

static bool matches_lists(const struct sample *s, const struct kira_msg *m)
{
	struct slice not_via = m->not_via;
	struct slice contacts = m->contacts;
	struct slice rtable = m->rtable;
	struct slice update = m->update;
	struct kira_not_via_entry link;
	struct kira_contact_entry c;
	struct kira_rtable_entry e;
	uint8_t i;

	for (i = 0; i < s->n_not_via; i++) {
		bool swap = kira_id_cmp(&s->not_via[i].a, &s->not_via[i].b) > 0;

		if (!kira_not_via_next(&not_via, &link) || link.age != s->not_via[i].age ||
		    !kira_id_eq(&link.a, swap ? &s->not_via[i].b : &s->not_via[i].a) ||
		    !kira_id_eq(&link.b, swap ? &s->not_via[i].a : &s->not_via[i].b))
			return false;
	}
	for (i = 0; i < s->n_contacts; i++) {
		if (!kira_contact_next(&contacts, &c) || !same_contact(&s->contacts[i], &c))
			return false;
	}
	for (i = 0; i < s->n_rtable; i++) {
		if (!kira_rtable_next(&rtable, &e) || !matches_path(&s->rtable[i], &e, false))
			return false;
	}
	for (i = 0; i < s->n_update; i++) {
		if (!kira_update_next(&update, &e) || !matches_path(&s->update[i], &e, true))
			return false;
	}
	return not_via.n + contacts.n + rtable.n + update.n == 0 && !s->n_not_via == !m->not_via.p &&
	       !s->n_contacts == !m->contacts.p && !s->n_rtable == !m->rtable.p && !s->n_update == !m->update.p;
}

static bool matches_body(const struct sample_body *want, struct slice got)
{
	return want->there == (got.p != NULL) && (!want->there || slice_eq(got, slice_of(want->b, want->n)));
}

bool sample_matches(const struct sample *s, const struct kira_msg *m)
{
	const struct kira_header *h = &s->header;

	if (h->type != m->type || h->flags != m->flags || h->domain != m->domain || h->msg_id != m->msg_id ||
	    h->ssn != m->ssn || h->degree != m->degree || !kira_id_eq(&h->dest, &m->dest) ||
	    !kira_id_eq(&h->src, &m->src))
		return false;
	if (s->n_hops != m->n_hops || s->index != m->index || !s->n_hops != !m->route ||
	    (m->route && (memcmp(s->hops, m->route, (size_t)m->n_hops * KIRA_ID_BYTES) != 0 ||
			  m->raw.p[m->index_at + 1] != s->index)))
		return false;
	if (s->has_rtable_req != m->has_rtable_req || s->req_type != m->req_type || s->radius != m->radius)
		return false;
	if (s->has_error != m->has_error || s->error != m->error || !kira_id_eq(&s->reporter, &m->reporter) ||
	    !kira_id_eq(&s->link_a, &m->link_a) || !kira_id_eq(&s->link_b, &m->link_b))
		return false;
	return matches_lists(s, m) && matches_body(&s->store_req, m->store_req) &&
	       matches_body(&s->store_rsp, m->store_rsp) && matches_body(&s->fetch_req, m->fetch_req) &&
	       matches_body(&s->fetch_rsp, m->fetch_rsp);
}
