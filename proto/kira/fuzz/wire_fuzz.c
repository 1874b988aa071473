/* SPDX-License-Identifier: BSD-2-Clause */
/* Any datagram decodes or is dropped. One that decodes is built again, whole and as an overlay hop sends it on, and
 * must then say the same. */
#include "proto/kira/wire_sample.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static bool has_twins(const struct kira_msg *m)
{
	struct slice rest = slice_of(m->raw.p + KIRA_HEADER_BYTES, m->raw.n - KIRA_HEADER_BYTES);
	bool seen[256] = {0};
	struct slice body;
	uint8_t type;
	uint16_t n;

	while (slice_u8(&rest, &type) && slice_u16(&rest, &n) && slice_take(&rest, n, &body)) {
		if (seen[type])
			return true;
		seen[type] = true;
	}
	return false;
}

/* Through the builder function of each object. Twins, which come out as two of the last, may not fit. */
static void rebuild(const struct kira_msg *m, uint8_t *p, size_t cap)
{
	struct kira_msg again;
	struct buf b;

	buf_fixed(&b, p, cap);
	if (!sample_rebuild(m, &b)) {
		check(has_twins(m));
		return;
	}
	check(kira_wire_decode(&again, buf_slice(&b)) == KIRA_DROP_NONE);
	check(sample_same(m, &again));
	check(has_twins(m) || b.n == m->raw.n);
}

/* With the source route and not-via list anew and all else copied. */
static void send_on(const struct kira_msg *m, uint8_t *p, size_t cap)
{
	struct kira_header h = {m->type, m->flags, m->dest, m->src, m->domain, m->msg_id, m->ssn, m->degree};
	struct slice not_via = m->not_via;
	struct kira_id hops[KIRA_ROUTE_MAX];
	struct kira_not_via_entry e;
	struct kira_msg again;
	struct buf b;
	size_t at;

	buf_fixed(&b, p, cap);
	kira_wire_begin(&b, &h);
	if (m->route) {
		memcpy(hops, m->route, (size_t)m->n_hops * KIRA_ID_BYTES);
		kira_wire_route(&b, m->index, hops, m->n_hops);
	}
	at = kira_wire_open(&b, KIRA_OBJ_NOT_VIA);
	while (kira_not_via_next(&not_via, &e))
		kira_wire_not_via(&b, &e);
	kira_wire_close(&b, at);
	kira_wire_copy_others(&b, m);
	check(kira_wire_end(&b));
	check(kira_wire_decode(&again, buf_slice(&b)) == KIRA_DROP_NONE);
	check(sample_same(m, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t p[65535];
	static uint8_t json[1 << 20];
	struct kira_msg m;
	enum kira_drop drop = kira_wire_decode(&m, slice_of(data, size));
	struct buf b;

	buf_fixed(&b, json, sizeof(json));
	sample_json(&b, drop, &m);
	check(!b.failed);
	if (drop)
		return 0;
	check(m.type == data[1] && (!m.route || (m.index > 0 && m.index < m.n_hops)));
	rebuild(&m, p, sizeof(p));
	send_on(&m, p, sizeof(p));
	return 0;
}
