/* SPDX-License-Identifier: BSD-2-Clause */
/* Decoding checks every object as it is met, also one that a later object of its type replaces: what is handed on to
 * the next node is then well formed throughout. */
#include "proto/kira/wire.h"

#define OBJ_HEADER 3
#define CONTACT_BYTES 24
#define NOT_VIA_BYTES 32
#define STATE_BYTES 10 /* SSN, age and degree of a contact or rtable entry */
#define ERROR_SEGMENT_BYTES (1 + 3 * KIRA_ID_BYTES)
#define MSG_MAX 65535

static const char *const drop_names[KIRA_DROP_MAX] = {
	[KIRA_DROP_NONE] = "none",	 [KIRA_DROP_SHORT] = "short",
	[KIRA_DROP_VERSION] = "version", [KIRA_DROP_LENGTH] = "length",
	[KIRA_DROP_OBJECT] = "object",	 [KIRA_DROP_ROUTE] = "route",
	[KIRA_DROP_ENTRY] = "entry",	 [KIRA_DROP_MISSING] = "missing",
	[KIRA_DROP_RADIUS] = "radius",	 [KIRA_DROP_SOURCE] = "source",
	[KIRA_DROP_LINK] = "link",	 [KIRA_DROP_SENDER] = "sender",
	[KIRA_DROP_NOT_US] = "not-us",	 [KIRA_DROP_DOMAIN] = "domain",
	[KIRA_DROP_TYPE] = "type",	 [KIRA_DROP_RATE] = "rate",
	[KIRA_DROP_STATE] = "state",	 [KIRA_DROP_MEMORY] = "memory",
};

const char *kira_drop_name(enum kira_drop d)
{
	return (unsigned)d < KIRA_DROP_MAX ? drop_names[d] : "unknown";
}

const char *kira_msg_name(uint8_t type)
{
	switch (type) {
	case KIRA_ULN_HELLO:
		return "ULNHello";
	case KIRA_ULN_DISC_REQ:
		return "ULNDiscReq";
	case KIRA_ULN_DISC_RSP:
		return "ULNDiscRsp";
	case KIRA_FIND_NODE_REQ:
		return "FindNodeReq";
	case KIRA_FIND_NODE_RSP:
		return "FindNodeRsp";
	case KIRA_QUERY_ROUTE_REQ:
		return "QueryRouteReq";
	case KIRA_QUERY_ROUTE_RSP:
		return "QueryRouteRsp";
	case KIRA_UPDATE_ROUTE_REQ:
		return "UpdateRouteReq";
	case KIRA_PROBE_REQ:
		return "ProbeReq";
	case KIRA_PROBE_RSP:
		return "ProbeRsp";
	case KIRA_ERROR:
		return "Error";
	case KIRA_PATH_SETUP_REQ:
		return "PathSetupReq";
	case KIRA_PATH_SETUP_RSP:
		return "PathSetupRsp";
	case KIRA_PATH_TEARDOWN_REQ:
		return "PathTeardownReq";
	case KIRA_STORE_REQ:
		return "StoreReq";
	case KIRA_STORE_RSP:
		return "StoreRsp";
	case KIRA_FETCH_REQ:
		return "FetchReq";
	case KIRA_FETCH_RSP:
		return "FetchRsp";
	default:
		return "unknown";
	}
}

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint64_t get64(const uint8_t *p)
{
	return (uint64_t)get32(p) << 32 | get32(p + 4);
}

static uint8_t *put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
	return p + 2;
}

static uint8_t *put32(uint8_t *p, uint32_t v)
{
	return put16(put16(p, (uint16_t)(v >> 16)), (uint16_t)v);
}

static uint8_t *put_id(uint8_t *p, const struct kira_id *id)
{
	memcpy(p, id->b, KIRA_ID_BYTES);
	return p + KIRA_ID_BYTES;
}

/* An ID where it lies, as two overlapping words: their order does not matter for what is asked here. */
struct words {
	uint64_t head;
	uint64_t tail;
};

static struct words words_at(const uint8_t *id)
{
	struct words w;

	memcpy(&w.head, id, sizeof(w.head));
	memcpy(&w.tail, id + KIRA_ID_BYTES - sizeof(w.tail), sizeof(w.tail));
	return w;
}

static bool words_eq(struct words a, struct words b)
{
	return ((a.head ^ b.head) | (a.tail ^ b.tail)) == 0;
}

static bool words_valid(struct words w)
{
	return (w.head | w.tail) != 0 && (w.head & w.tail) != UINT64_MAX;
}

static bool id_ok(const uint8_t *id)
{
	return words_valid(words_at(id));
}

static bool pair_ok(const uint8_t *pair)
{
	struct words a = words_at(pair);
	struct words b = words_at(pair + KIRA_ID_BYTES);

	return words_valid(a) && words_valid(b) && !words_eq(a, b);
}

/* n >= 1 hops that a node may have, none the same as the one before it. */
static bool hops_ok(const uint8_t *hops, size_t n)
{
	struct words last = {0};
	size_t i;

	for (i = 0; i < n; i++, hops += KIRA_ID_BYTES) {
		struct words w = words_at(hops);

		if (!words_valid(w) || words_eq(w, last))
			return false;
		last = w;
	}
	return true;
}

static bool ssn_ok(uint32_t ssn)
{
	return ssn != KIRA_SSN_INVALID && ssn != KIRA_SSN_RESET;
}

static enum kira_drop take_route(struct kira_msg *m, struct slice body)
{
	size_t n;

	if (body.n < 2 || (body.n - 2) % KIRA_ID_BYTES != 0)
		return KIRA_DROP_OBJECT;
	n = (body.n - 2) / KIRA_ID_BYTES;
	if (n < 2 || n > KIRA_ROUTE_MAX)
		return KIRA_DROP_ROUTE;
	m->index = get16(body.p);
	m->index_at = (uint32_t)(body.p - m->raw.p);
	m->route = body.p + 2;
	m->n_hops = (uint16_t)n;
	if (m->index == 0 || m->index >= n || !hops_ok(m->route, n))
		return KIRA_DROP_ROUTE;
	return memcmp(m->route, m->src.b, KIRA_ID_BYTES) == 0 ? KIRA_DROP_NONE : KIRA_DROP_ROUTE;
}

static enum kira_drop take_not_via(struct kira_msg *m, struct slice body)
{
	size_t at;

	if (body.n % NOT_VIA_BYTES != 0)
		return KIRA_DROP_OBJECT;
	for (at = 0; at < body.n; at += NOT_VIA_BYTES) {
		if (!pair_ok(body.p + at))
			return KIRA_DROP_ENTRY;
	}
	m->not_via = body;
	return KIRA_DROP_NONE;
}

static enum kira_drop take_contacts(struct kira_msg *m, struct slice body)
{
	size_t at;

	if (body.n % CONTACT_BYTES != 0)
		return KIRA_DROP_OBJECT;
	for (at = 0; at < body.n; at += CONTACT_BYTES) {
		if (!id_ok(body.p + at) || !ssn_ok(get32(body.p + at + KIRA_ID_BYTES)))
			return KIRA_DROP_ENTRY;
	}
	m->contacts = body;
	return KIRA_DROP_NONE;
}

/* Takes an entry of an rtable or rtable-update, as it lies there, off the front of s. */
static bool rtable_entry(struct slice *s, struct kira_rtable_entry *e, bool update)
{
	size_t path;
	size_t size;
	const uint8_t *p = s->p;

	if (s->n < KIRA_ID_BYTES + 2)
		return false;
	e->n_hops = get16(p + KIRA_ID_BYTES);
	path = (size_t)e->n_hops * KIRA_ID_BYTES;
	size = KIRA_ID_BYTES + 2 + path + STATE_BYTES + update;
	if (s->n < size)
		return false;
	memcpy(e->contact.id.b, p, KIRA_ID_BYTES);
	e->hops = p + KIRA_ID_BYTES + 2;
	p = e->hops + path;
	e->contact.ssn = get32(p);
	e->contact.age = get32(p + 4);
	e->contact.degree = get16(p + 8);
	e->action = update ? p[STATE_BYTES] : 0;
	s->p += size;
	s->n -= size;
	return true;
}

/* A path that fits into a source route, and that leads to the contact. */
static bool rtable_entry_ok(const struct kira_rtable_entry *e)
{
	const uint8_t *last;

	if (e->n_hops == 0 || e->n_hops >= KIRA_ROUTE_MAX || e->action > KIRA_UNREACHABLE)
		return false;
	last = e->hops + (size_t)(e->n_hops - 1) * KIRA_ID_BYTES;
	return memcmp(last, e->contact.id.b, KIRA_ID_BYTES) == 0 && ssn_ok(e->contact.ssn) &&
	       hops_ok(e->hops, e->n_hops);
}

/* The one place that knows how an rtable or rtable-update object begins. Here its entries begin at once; the draft may
 * put their number in front of them (spec §2.25), which would be skipped here, and written by kira_wire_open(). */
static enum kira_drop take_rtable(struct slice body, bool update, struct slice *entries)
{
	struct slice rest = body;
	struct kira_rtable_entry e;

	while (rest.n > 0) {
		if (!rtable_entry(&rest, &e, update))
			return KIRA_DROP_OBJECT;
		if (!rtable_entry_ok(&e))
			return KIRA_DROP_ENTRY;
	}
	*entries = body;
	return KIRA_DROP_NONE;
}

static enum kira_drop take_rtable_req(struct kira_msg *m, struct slice body)
{
	if (body.n != 2)
		return KIRA_DROP_OBJECT;
	m->has_rtable_req = true;
	m->req_type = body.p[0];
	m->radius = body.p[1];
	return KIRA_DROP_NONE;
}

static enum kira_drop take_error(struct kira_msg *m, struct slice body)
{
	const uint8_t *id = body.p + 1;

	if (body.n == 1 && body.p[0] == KIRA_ERR_DEAD_END) {
		m->reporter = kira_id_undefined;
		m->link_a = kira_id_undefined;
		m->link_b = kira_id_undefined;
	} else if (body.n == ERROR_SEGMENT_BYTES && body.p[0] == KIRA_ERR_SEGMENT_FAILURE) {
		if (!id_ok(id) || !pair_ok(id + KIRA_ID_BYTES))
			return KIRA_DROP_ENTRY;
		m->reporter = kira_hop(id, 0);
		m->link_a = kira_hop(id, 1);
		m->link_b = kira_hop(id, 2);
	} else {
		return KIRA_DROP_OBJECT;
	}
	m->has_error = true;
	m->error = body.p[0];
	return KIRA_DROP_NONE;
}

static bool store_req_ok(struct slice body)
{
	size_t n;

	if (body.n < KIRA_ID_BYTES + 2)
		return false;
	n = KIRA_ID_BYTES + 2 + (size_t)get16(body.p + KIRA_ID_BYTES);
	return body.n == n || body.n == n + 8;
}

static bool fetch_rsp_ok(struct slice body)
{
	struct slice value;
	uint8_t status;
	uint16_t count;
	uint16_t n;

	if (!slice_u8(&body, &status))
		return false;
	if (status != 0)
		return status == 1 && body.n == 0;
	if (!slice_u16(&body, &count))
		return false;
	for (; count > 0; count--) {
		if (!slice_u16(&body, &n) || !slice_take(&body, n, &value))
			return false;
	}
	return body.n == 0;
}

static enum kira_drop take_if(bool ok, struct slice *to, struct slice body)
{
	if (!ok)
		return KIRA_DROP_OBJECT;
	*to = body;
	return KIRA_DROP_NONE;
}

static enum kira_drop take_object(struct kira_msg *m, uint8_t type, struct slice body)
{
	switch (type) {
	case KIRA_OBJ_SOURCE_ROUTE:
		return take_route(m, body);
	case KIRA_OBJ_NOT_VIA:
		return take_not_via(m, body);
	case KIRA_OBJ_CONTACTS:
		return take_contacts(m, body);
	case KIRA_OBJ_RTABLE_REQ:
		return take_rtable_req(m, body);
	case KIRA_OBJ_RTABLE:
		return take_rtable(body, false, &m->rtable);
	case KIRA_OBJ_RTABLE_UPDATE:
		return take_rtable(body, true, &m->update);
	case KIRA_OBJ_ERROR:
		return take_error(m, body);
	case KIRA_OBJ_STORE_REQ:
		return take_if(store_req_ok(body), &m->store_req, body);
	case KIRA_OBJ_STORE_RSP:
		return take_if(body.n == 1 && body.p[0] <= 2, &m->store_rsp, body);
	case KIRA_OBJ_FETCH_REQ:
		return take_if(body.n == KIRA_ID_BYTES, &m->fetch_req, body);
	case KIRA_OBJ_FETCH_RSP:
		return take_if(fetch_rsp_ok(body), &m->fetch_rsp, body);
	default:
		return KIRA_DROP_NONE;
	}
}

/* Which objects a message must have (spec §2.5, §2.7). Lists that may be empty are not among them: the empty list is
 * the absent object. */
static enum kira_drop check_required(const struct kira_msg *m)
{
	bool ok = true;

	switch (m->type) {
	case KIRA_ULN_HELLO:
	case KIRA_ULN_DISC_REQ:
	case KIRA_ULN_DISC_RSP:
		return KIRA_DROP_NONE;
	case KIRA_FIND_NODE_REQ:
	case KIRA_QUERY_ROUTE_REQ:
		ok = m->has_rtable_req;
		break;
	case KIRA_FIND_NODE_RSP:
	case KIRA_QUERY_ROUTE_RSP:
	case KIRA_PROBE_REQ:
	case KIRA_PROBE_RSP:
	case KIRA_PATH_SETUP_REQ:
	case KIRA_PATH_SETUP_RSP:
	case KIRA_PATH_TEARDOWN_REQ:
		break;
	case KIRA_UPDATE_ROUTE_REQ:
		ok = m->update.p;
		break;
	case KIRA_ERROR:
		ok = m->has_error;
		break;
	case KIRA_STORE_REQ:
		ok = m->store_req.p;
		break;
	case KIRA_STORE_RSP:
		ok = m->store_rsp.p;
		break;
	case KIRA_FETCH_REQ:
		ok = m->fetch_req.p;
		break;
	case KIRA_FETCH_RSP:
		ok = m->fetch_rsp.p;
		break;
	default:
		return KIRA_DROP_NONE;
	}
	if (!ok || !m->route)
		return KIRA_DROP_MISSING;
	return m->type == KIRA_FIND_NODE_REQ && m->radius == 0 ? KIRA_DROP_RADIUS : KIRA_DROP_NONE;
}

static enum kira_drop take_header(struct kira_msg *m)
{
	const uint8_t *p = m->raw.p;

	if (m->raw.n < KIRA_HEADER_BYTES)
		return KIRA_DROP_SHORT;
	if (p[0] != KIRA_VERSION)
		return KIRA_DROP_VERSION;
	if (get16(p + 3) != m->raw.n)
		return KIRA_DROP_LENGTH;
	m->type = p[1];
	m->flags = p[2];
	memcpy(m->dest.b, p + 5, KIRA_ID_BYTES);
	memcpy(m->src.b, p + 19, KIRA_ID_BYTES);
	m->domain = get64(p + 33);
	m->msg_id = get64(p + 41);
	m->ssn = get32(p + 49);
	m->degree = get16(p + 53);
	if (!id_ok(p + 19))
		return KIRA_DROP_SOURCE;
	return m->ssn == KIRA_SSN_INVALID ? KIRA_DROP_ENTRY : KIRA_DROP_NONE;
}

/* Takes the next object off the front of s; false where its header or body overruns. */
static bool object_next(struct slice *s, uint8_t *type, struct slice *body)
{
	size_t n;

	if (s->n < OBJ_HEADER)
		return false;
	n = get16(s->p + 1);
	if (s->n - OBJ_HEADER < n)
		return false;
	*type = s->p[0];
	*body = slice_of(s->p + OBJ_HEADER, n);
	s->p += OBJ_HEADER + n;
	s->n -= OBJ_HEADER + n;
	return true;
}

static struct slice objects_of(const struct kira_msg *m)
{
	return slice_of(m->raw.p + KIRA_HEADER_BYTES, m->raw.n - KIRA_HEADER_BYTES);
}

enum kira_drop kira_wire_decode(struct kira_msg *m, struct slice datagram)
{
	enum kira_drop drop;
	struct slice rest;
	struct slice body;
	uint8_t type;

	*m = (struct kira_msg){.raw = datagram};
	drop = take_header(m);
	if (drop)
		return drop;
	rest = objects_of(m);
	while (rest.n > 0) {
		if (!object_next(&rest, &type, &body))
			return KIRA_DROP_OBJECT;
		drop = take_object(m, type, body);
		if (drop)
			return drop;
	}
	return check_required(m);
}

bool kira_contact_next(struct slice *list, struct kira_contact_entry *e)
{
	struct slice s;

	if (!slice_take(list, CONTACT_BYTES, &s))
		return false;
	memcpy(e->id.b, s.p, KIRA_ID_BYTES);
	e->ssn = get32(s.p + 14);
	e->age = get32(s.p + 18);
	e->degree = get16(s.p + 22);
	return true;
}

bool kira_not_via_next(struct slice *list, struct kira_not_via_entry *e)
{
	struct slice s;
	bool swap;

	if (!slice_take(list, NOT_VIA_BYTES, &s))
		return false;
	swap = memcmp(s.p, s.p + KIRA_ID_BYTES, KIRA_ID_BYTES) > 0;
	e->a = kira_hop(s.p, swap);
	e->b = kira_hop(s.p, !swap);
	e->age = get32(s.p + 28);
	return true;
}

bool kira_rtable_next(struct slice *list, struct kira_rtable_entry *e)
{
	return rtable_entry(list, e, false);
}

bool kira_update_next(struct slice *list, struct kira_rtable_entry *e)
{
	return rtable_entry(list, e, true);
}

void kira_wire_begin(struct buf *b, const struct kira_header *h)
{
	buf_u8(b, KIRA_VERSION);
	buf_u8(b, h->type);
	buf_u8(b, h->flags);
	buf_u16(b, 0);
	buf_bytes(b, h->dest.b, KIRA_ID_BYTES);
	buf_bytes(b, h->src.b, KIRA_ID_BYTES);
	buf_u64(b, h->domain);
	buf_u64(b, h->msg_id);
	buf_u32(b, h->ssn);
	buf_u16(b, h->degree);
}

bool kira_wire_end(struct buf *b)
{
	if (b->n > MSG_MAX)
		b->failed = true;
	buf_patch_u16(b, 3, (uint16_t)b->n);
	return !b->failed;
}

void kira_wire_route(struct buf *b, uint16_t index, const struct kira_id *hops, size_t n)
{
	size_t at;

	if (n < 2 || n > KIRA_ROUTE_MAX || index == 0 || index >= n) {
		b->failed = true;
		return;
	}
	at = kira_wire_open(b, KIRA_OBJ_SOURCE_ROUTE);
	buf_u16(b, index);
	buf_bytes(b, hops, n * sizeof(*hops));
	kira_wire_close(b, at);
}

void kira_wire_rtable_req(struct buf *b, uint8_t req_type, uint8_t radius)
{
	size_t at = kira_wire_open(b, KIRA_OBJ_RTABLE_REQ);

	buf_u8(b, req_type);
	buf_u8(b, radius);
	kira_wire_close(b, at);
}

void kira_wire_error(struct buf *b, uint8_t kind, const struct kira_id *reporter,
		     const struct kira_id *link_a, const struct kira_id *link_b)
{
	size_t at = kira_wire_open(b, KIRA_OBJ_ERROR);

	buf_u8(b, kind);
	if (kind == KIRA_ERR_SEGMENT_FAILURE) {
		buf_bytes(b, reporter->b, KIRA_ID_BYTES);
		buf_bytes(b, link_a->b, KIRA_ID_BYTES);
		buf_bytes(b, link_b->b, KIRA_ID_BYTES);
	}
	kira_wire_close(b, at);
}

size_t kira_wire_open(struct buf *b, uint8_t obj_type)
{
	size_t at = b->n;

	buf_u8(b, obj_type);
	buf_u16(b, 0);
	return at;
}

void kira_wire_close(struct buf *b, size_t at)
{
	size_t n;

	if (b->failed)
		return;
	n = b->n - at - OBJ_HEADER;
	if (n > UINT16_MAX)
		b->failed = true;
	else if (n == 0)
		b->n = at;
	else
		buf_patch_u16(b, at + 1, (uint16_t)n);
}

static uint8_t *put_state(uint8_t *p, const struct kira_contact_entry *e)
{
	return put16(put32(put32(p, e->ssn), e->age), e->degree);
}

void kira_wire_contact(struct buf *b, const struct kira_contact_entry *e)
{
	uint8_t *p = buf_add(b, CONTACT_BYTES);

	if (p)
		put_state(put_id(p, &e->id), e);
}

void kira_wire_not_via(struct buf *b, const struct kira_not_via_entry *e)
{
	bool swap = kira_id_cmp(&e->a, &e->b) > 0;
	uint8_t *p = buf_add(b, NOT_VIA_BYTES);

	if (!p)
		return;
	p = put_id(p, swap ? &e->b : &e->a);
	p = put_id(p, swap ? &e->a : &e->b);
	put32(p, e->age);
}

/* Writes an rtable entry with room for `more` bytes after it. Returns where those are, or NULL. */
static uint8_t *put_entry(struct buf *b, const struct kira_contact_entry *c, const struct kira_id *hops,
			  size_t n, size_t more)
{
	uint8_t *p;

	if (n == 0 || n >= KIRA_ROUTE_MAX || !kira_id_eq(&hops[n - 1], &c->id)) {
		b->failed = true;
		return NULL;
	}
	p = buf_add(b, KIRA_ID_BYTES + 2 + n * KIRA_ID_BYTES + STATE_BYTES + more);
	if (!p)
		return NULL;
	p = put16(put_id(p, &c->id), (uint16_t)n);
	memcpy(p, hops, n * KIRA_ID_BYTES);
	return put_state(p + n * KIRA_ID_BYTES, c);
}

void kira_wire_rtable(struct buf *b, const struct kira_contact_entry *c, const struct kira_id *hops, size_t n)
{
	put_entry(b, c, hops, n, 0);
}

void kira_wire_update(struct buf *b, uint8_t action, const struct kira_contact_entry *c,
		      const struct kira_id *hops, size_t n)
{
	uint8_t *p = put_entry(b, c, hops, n, 1);

	if (p)
		*p = action;
}

void kira_wire_copy_others(struct buf *b, const struct kira_msg *m)
{
	struct slice rest = objects_of(m);
	const uint8_t *from = rest.p;
	struct slice body;
	uint8_t type;

	while (object_next(&rest, &type, &body)) {
		if (type != KIRA_OBJ_SOURCE_ROUTE && type != KIRA_OBJ_NOT_VIA)
			buf_bytes(b, from, OBJ_HEADER + body.n);
		from = rest.p;
	}
}
