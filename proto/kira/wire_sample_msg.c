/* SPDX-License-Identifier: BSD-2-Clause */
/* The half of wire_sample.h that starts from a decoded message: built again, compared, printed. */
#include "proto/kira/wire_sample.h"

/* A list of m, entry by entry; an empty one is written as an empty object. */
static void rebuild_list(const struct kira_msg *m, struct buf *b, uint8_t type)
{
	struct slice not_via = m->not_via;
	struct slice contacts = m->contacts;
	struct slice paths = type == KIRA_OBJ_RTABLE ? m->rtable : m->update;
	struct kira_id hops[KIRA_ROUTE_MAX];
	struct kira_not_via_entry link;
	struct kira_contact_entry c;
	struct kira_rtable_entry e;
	size_t at = kira_wire_open(b, type);
	size_t open = b->n;

	while (type == KIRA_OBJ_NOT_VIA && kira_not_via_next(&not_via, &link))
		kira_wire_not_via(b, &link);
	while (type == KIRA_OBJ_CONTACTS && kira_contact_next(&contacts, &c))
		kira_wire_contact(b, &c);
	while (type == KIRA_OBJ_RTABLE && kira_rtable_next(&paths, &e)) {
		memcpy(hops, e.hops, (size_t)e.n_hops * KIRA_ID_BYTES);
		kira_wire_rtable(b, &e.contact, hops, e.n_hops);
	}
	while (type == KIRA_OBJ_RTABLE_UPDATE && kira_update_next(&paths, &e)) {
		memcpy(hops, e.hops, (size_t)e.n_hops * KIRA_ID_BYTES);
		kira_wire_update(b, e.action, &e.contact, hops, e.n_hops);
	}
	if (b->n > open)
		kira_wire_close(b, at);
}

static void rebuild_body(struct buf *b, uint8_t type, struct slice body)
{
	size_t at = kira_wire_open(b, type);

	buf_bytes(b, body.p, body.n);
	if (body.n)
		kira_wire_close(b, at);
}

static void rebuild_object(const struct kira_msg *m, struct buf *b, uint8_t type, struct slice body)
{
	struct kira_id hops[KIRA_ROUTE_MAX];

	switch (type) {
	case KIRA_OBJ_SOURCE_ROUTE:
		memcpy(hops, m->route, (size_t)m->n_hops * KIRA_ID_BYTES);
		kira_wire_route(b, m->index, hops, m->n_hops);
		break;
	case KIRA_OBJ_NOT_VIA:
	case KIRA_OBJ_CONTACTS:
	case KIRA_OBJ_RTABLE:
	case KIRA_OBJ_RTABLE_UPDATE:
		rebuild_list(m, b, type);
		break;
	case KIRA_OBJ_RTABLE_REQ:
		kira_wire_rtable_req(b, m->req_type, m->radius);
		break;
	case KIRA_OBJ_ERROR:
		kira_wire_error(b, m->error, &m->reporter, &m->link_a, &m->link_b);
		break;
	case KIRA_OBJ_STORE_REQ:
		rebuild_body(b, type, m->store_req);
		break;
	case KIRA_OBJ_STORE_RSP:
		rebuild_body(b, type, m->store_rsp);
		break;
	case KIRA_OBJ_FETCH_REQ:
		rebuild_body(b, type, m->fetch_req);
		break;
	case KIRA_OBJ_FETCH_RSP:
		rebuild_body(b, type, m->fetch_rsp);
		break;
	default:
		rebuild_body(b, type, body);
	}
}

bool sample_rebuild(const struct kira_msg *m, struct buf *b)
{
	struct kira_header h = {.type = m->type,
				.flags = m->flags,
				.dest = m->dest,
				.src = m->src,
				.domain = m->domain,
				.msg_id = m->msg_id,
				.ssn = m->ssn,
				.degree = m->degree};
	struct slice rest = slice_of(m->raw.p + KIRA_HEADER_BYTES, m->raw.n - KIRA_HEADER_BYTES);
	struct slice body;
	uint8_t type;
	uint16_t n;

	kira_wire_begin(b, &h);
	while (slice_u8(&rest, &type) && slice_u16(&rest, &n) && slice_take(&rest, n, &body))
		rebuild_object(m, b, type, body);
	return kira_wire_end(b);
}

/* A not-via list may come with the ends of a link in either order; all other lists have one form only. */
static bool same_not_via(struct slice x, struct slice y)
{
	struct kira_not_via_entry a;
	struct kira_not_via_entry b;

	if (x.n != y.n)
		return false;
	while (kira_not_via_next(&x, &a)) {
		if (!kira_not_via_next(&y, &b) || !kira_id_eq(&a.a, &b.a) || !kira_id_eq(&a.b, &b.b) ||
		    a.age != b.age || kira_id_cmp(&a.a, &a.b) >= 0)
			return false;
	}
	return x.n == 0;
}

bool sample_same(const struct kira_msg *a, const struct kira_msg *b)
{
	if (a->type != b->type || a->flags != b->flags || a->domain != b->domain || a->msg_id != b->msg_id ||
	    a->ssn != b->ssn || a->degree != b->degree || !kira_id_eq(&a->dest, &b->dest) ||
	    !kira_id_eq(&a->src, &b->src))
		return false;
	if (a->n_hops != b->n_hops || a->index != b->index || !a->route != !b->route ||
	    (a->route && memcmp(a->route, b->route, (size_t)a->n_hops * KIRA_ID_BYTES) != 0))
		return false;
	if (a->has_rtable_req != b->has_rtable_req || a->req_type != b->req_type || a->radius != b->radius)
		return false;
	if (a->has_error != b->has_error || a->error != b->error || !kira_id_eq(&a->reporter, &b->reporter) ||
	    !kira_id_eq(&a->link_a, &b->link_a) || !kira_id_eq(&a->link_b, &b->link_b))
		return false;
	return same_not_via(a->not_via, b->not_via) && slice_eq(a->contacts, b->contacts) &&
	       slice_eq(a->rtable, b->rtable) && slice_eq(a->update, b->update) &&
	       slice_eq(a->store_req, b->store_req) && slice_eq(a->store_rsp, b->store_rsp) &&
	       slice_eq(a->fetch_req, b->fetch_req) && slice_eq(a->fetch_rsp, b->fetch_rsp);
}

static void json_hex(struct buf *b, const uint8_t *p, size_t n)
{
	size_t i;

	buf_u8(b, '"');
	for (i = 0; i < n; i++)
		buf_printf(b, "%02x", p[i]);
	buf_u8(b, '"');
}

/* A comma after all but the first of a list, which began when b held `from` bytes. */
static void json_next(struct buf *b, size_t from)
{
	if (b->n > from)
		buf_u8(b, ',');
}

static void json_hops(struct buf *b, const uint8_t *hops, size_t n)
{
	size_t i;

	buf_u8(b, '[');
	for (i = 0; i < n; i++) {
		if (i)
			buf_u8(b, ',');
		json_hex(b, hops + i * KIRA_ID_BYTES, KIRA_ID_BYTES);
	}
	buf_u8(b, ']');
}

static void json_contact(struct buf *b, const struct kira_contact_entry *c)
{
	json_hex(b, c->id.b, KIRA_ID_BYTES);
	buf_printf(b, ",%u,%u,%u", c->ssn, c->age, c->degree);
}

static void json_paths(struct buf *b, const char *name, struct slice list, bool update)
{
	struct kira_rtable_entry e;
	size_t from;

	if (!list.p)
		return;
	buf_printf(b, ",\"%s\":[", name);
	from = b->n;
	while (list.n > 0) {
		if (!(update ? kira_update_next(&list, &e) : kira_rtable_next(&list, &e)))
			break;
		json_next(b, from);
		buf_u8(b, '[');
		json_contact(b, &e.contact);
		buf_u8(b, ',');
		json_hops(b, e.hops, e.n_hops);
		if (update)
			buf_printf(b, ",%u", e.action);
		buf_u8(b, ']');
	}
	buf_u8(b, ']');
}

static void json_lists(struct buf *b, const struct kira_msg *m)
{
	struct slice not_via = m->not_via;
	struct slice contacts = m->contacts;
	struct kira_not_via_entry link;
	struct kira_contact_entry c;
	size_t from;

	if (not_via.p) {
		buf_printf(b, ",\"not_via\":[");
		from = b->n;
		while (kira_not_via_next(&not_via, &link)) {
			json_next(b, from);
			buf_u8(b, '[');
			json_hex(b, link.a.b, KIRA_ID_BYTES);
			buf_u8(b, ',');
			json_hex(b, link.b.b, KIRA_ID_BYTES);
			buf_printf(b, ",%u]", link.age);
		}
		buf_u8(b, ']');
	}
	if (contacts.p) {
		buf_printf(b, ",\"contacts\":[");
		from = b->n;
		while (kira_contact_next(&contacts, &c)) {
			json_next(b, from);
			buf_u8(b, '[');
			json_contact(b, &c);
			buf_u8(b, ']');
		}
		buf_u8(b, ']');
	}
	json_paths(b, "rtable", m->rtable, false);
	json_paths(b, "update", m->update, true);
}

static void json_names(struct buf *b, const struct kira_msg *m)
{
	struct slice s = m->store_req;
	struct slice value;
	uint64_t age;
	uint16_t n;

	if (s.p) {
		buf_printf(b, ",\"store_req\":[");
		json_hex(b, s.p, KIRA_ID_BYTES);
		slice_take(&s, KIRA_ID_BYTES, &value);
		if (slice_u16(&s, &n) && slice_take(&s, n, &value)) {
			buf_u8(b, ',');
			json_hex(b, value.p, value.n);
		}
		if (slice_u64(&s, &age))
			buf_printf(b, ",%llu", (unsigned long long)age);
		buf_u8(b, ']');
	}
	if (m->store_rsp.p)
		buf_printf(b, ",\"store_rsp\":%u", m->store_rsp.p[0]);
	if (m->fetch_req.p) {
		buf_printf(b, ",\"fetch_req\":");
		json_hex(b, m->fetch_req.p, m->fetch_req.n);
	}
	s = m->fetch_rsp;
	if (s.p) {
		buf_printf(b, ",\"fetch_rsp\":[%u", s.p[0]);
		slice_take(&s, s.n < 3 ? s.n : 3, &value);
		while (slice_u16(&s, &n) && slice_take(&s, n, &value)) {
			buf_u8(b, ',');
			json_hex(b, value.p, value.n);
		}
		buf_u8(b, ']');
	}
}

void sample_json(struct buf *b, enum kira_drop drop, const struct kira_msg *m)
{
	if (drop) {
		buf_printf(b, "{\"ok\":false}");
		return;
	}
	buf_printf(b, "{\"ok\":true,\"type\":%u,\"flags\":%u,\"dest\":", m->type, m->flags);
	json_hex(b, m->dest.b, KIRA_ID_BYTES);
	buf_printf(b, ",\"src\":");
	json_hex(b, m->src.b, KIRA_ID_BYTES);
	buf_printf(b, ",\"domain\":%llu,\"msg_id\":%llu,\"ssn\":%u,\"degree\":%u", (unsigned long long)m->domain,
		   (unsigned long long)m->msg_id, m->ssn, m->degree);
	if (m->route) {
		buf_printf(b, ",\"route\":[%u,", m->index);
		json_hops(b, m->route, m->n_hops);
		buf_u8(b, ']');
	}
	json_lists(b, m);
	if (m->has_rtable_req)
		buf_printf(b, ",\"rtable_req\":[%u,%u]", m->req_type, m->radius);
	if (m->has_error) {
		buf_printf(b, ",\"error\":[%u", m->error);
		if (m->error == KIRA_ERR_SEGMENT_FAILURE) {
			buf_u8(b, ',');
			json_hex(b, m->reporter.b, KIRA_ID_BYTES);
			buf_u8(b, ',');
			json_hex(b, m->link_a.b, KIRA_ID_BYTES);
			buf_u8(b, ',');
			json_hex(b, m->link_b.b, KIRA_ID_BYTES);
		}
		buf_u8(b, ']');
	}
	json_names(b, m);
	buf_u8(b, '}');
}
