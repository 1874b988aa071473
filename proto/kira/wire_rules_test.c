/* SPDX-License-Identifier: BSD-2-Clause */
/* Each rule by which a receiver drops a message (spec §2.7), the lengths of objects (§2.4), and the messages that a
 * node must survive (§2.25), each as a test of its own. */
#include "proto/kira/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#define ROUTE_AT KIRA_HEADER_BYTES /* of a probe(): its source route is its first object */
#define HOP_AT(i) (ROUTE_AT + 5 + (i) * KIRA_ID_BYTES)

static const struct kira_id id_a = {{0x0a, [13] = 0x0a}};
static const struct kira_id id_b = {{0x0b, [13] = 0x0b}};
static const struct kira_id id_c = {{0x8c, [13] = 0xcc}};
static const struct kira_id id_d = {{0xd0, [13] = 0xdd}};

static uint8_t bytes[65600];
static struct buf b;
static struct kira_msg m;

/* Begins a message of A to C. */
static void begin(uint8_t type)
{
	struct kira_header h = {.type = type, .dest = id_c, .src = id_a, .msg_id = 5, .ssn = 7, .degree = 3};

	buf_fixed(&b, bytes, sizeof(bytes));
	kira_wire_begin(&b, &h);
}

static void route(void)
{
	kira_wire_route(&b, 1, (const struct kira_id[]){id_a, id_b, id_c}, 3);
}

/* A ProbeReq A-B-C: header and source route, the smallest message with one. */
static void probe(void)
{
	begin(KIRA_PROBE_REQ);
	route();
}

static void raw_object(uint8_t type, const void *body, size_t n)
{
	buf_u8(&b, type);
	buf_u16(&b, (uint16_t)n);
	buf_bytes(&b, body, n);
}

/* Decodes just the bytes written, without touching the length field. */
static enum kira_drop decode_as_it_is(void)
{
	static uint8_t *tight;

	assert_false(b.failed);
	free(tight);
	tight = malloc(b.n ? b.n : 1);
	assert_non_null(tight);
	memcpy(tight, bytes, b.n);
	return kira_wire_decode(&m, slice_of(tight, b.n));
}

static enum kira_drop decode(void)
{
	assert_true(kira_wire_end(&b));
	return decode_as_it_is();
}

#define ACCEPTED() assert_int_equal(decode(), KIRA_DROP_NONE)
#define DROPPED(why) assert_int_equal(decode(), KIRA_DROP_##why)

static void put_id(size_t at, const struct kira_id *id)
{
	memcpy(bytes + at, id->b, KIRA_ID_BYTES);
}

/* Header. */

static void datagram_under_55_bytes(void **state)
{
	begin(KIRA_ULN_HELLO);
	ACCEPTED();
	for (b.n = 0; b.n < KIRA_HEADER_BYTES; b.n++) {
		bytes[4] = (uint8_t)b.n;
		assert_int_equal(decode_as_it_is(), KIRA_DROP_SHORT);
	}
	assert_int_equal(kira_wire_decode(&m, (struct slice){0}), KIRA_DROP_SHORT);
}

static void version_not_0(void **state)
{
	int v;

	for (v = 1; v < 256; v++) {
		probe();
		bytes[0] = (uint8_t)v;
		DROPPED(VERSION);
	}
}

static void msg_length_is_not_the_datagrams(void **state)
{
	probe();
	ACCEPTED();
	bytes[4]++;
	assert_int_equal(decode_as_it_is(), KIRA_DROP_LENGTH);
	bytes[4] = (uint8_t)(bytes[4] - 2);
	assert_int_equal(decode_as_it_is(), KIRA_DROP_LENGTH);
	bytes[3] = 0xff;
	assert_int_equal(decode_as_it_is(), KIRA_DROP_LENGTH);
	bytes[3] = 0;
	bytes[4] = 0;
	assert_int_equal(decode_as_it_is(), KIRA_DROP_LENGTH);
}

static void datagram_over_65535_bytes(void **state)
{
	begin(KIRA_ULN_HELLO);
	buf_add(&b, 65536);
	bytes[3] = 0;
	bytes[4] = KIRA_HEADER_BYTES; /* the length modulo 2^16 */
	assert_int_equal(decode_as_it_is(), KIRA_DROP_LENGTH);
}

static void source_undefined_or_all_nodes(void **state)
{
	begin(KIRA_ULN_HELLO);
	put_id(19, &kira_id_undefined);
	DROPPED(SOURCE);
	put_id(19, &kira_id_all_nodes);
	DROPPED(SOURCE);
}

static void ssn_0_in_a_header(void **state)
{
	begin(KIRA_ULN_DISC_REQ);
	memset(bytes + 49, 0, 4);
	DROPPED(ENTRY);
}

static void flags_are_preserved(void **state)
{
	probe();
	bytes[2] = 0xba;
	ACCEPTED();
	assert_int_equal(m.flags, 0xba);
}

/* Objects. */

static void object_header_overruns(void **state)
{
	probe();
	buf_u8(&b, KIRA_OBJ_CONTACTS);
	DROPPED(OBJECT);
	buf_u8(&b, 0);
	DROPPED(OBJECT);
	buf_u8(&b, 0);
	ACCEPTED();
}

static void object_body_overruns(void **state)
{
	probe();
	raw_object(0xf0, "abc", 3);
	ACCEPTED();
	bytes[b.n - 4]++;
	DROPPED(OBJECT);
	bytes[b.n - 5] = 0xff;
	DROPPED(OBJECT);
}

static void unknown_objects_are_skipped(void **state)
{
	static const uint8_t body[300];

	begin(KIRA_PROBE_REQ);
	raw_object(0x00, NULL, 0);
	raw_object(0x08, body, sizeof(body));
	route();
	raw_object(0xff, body, 1);
	ACCEPTED();
	assert_int_equal(m.n_hops, 3);
}

static void of_two_objects_the_last_wins(void **state)
{
	begin(KIRA_FIND_NODE_REQ);
	kira_wire_rtable_req(&b, KIRA_RT_OVERLAY, 0);
	kira_wire_rtable_req(&b, KIRA_RT_VICINITY, 9);
	kira_wire_route(&b, 1, (const struct kira_id[]){id_a, id_b}, 2);
	kira_wire_route(&b, 2, (const struct kira_id[]){id_a, id_b, id_c}, 3);
	ACCEPTED();
	assert_int_equal(m.req_type, KIRA_RT_VICINITY);
	assert_int_equal(m.radius, 9);
	assert_int_equal(m.n_hops, 3);
	assert_int_equal(m.index, 2);
	assert_int_equal(m.index_at, KIRA_HEADER_BYTES + 5 + 5 + 3 + 30 + 3);
}

static void an_object_that_is_replaced_must_be_well_formed_too(void **state)
{
	begin(KIRA_PROBE_REQ);
	raw_object(KIRA_OBJ_SOURCE_ROUTE, "\0\1", 2);
	route();
	DROPPED(ROUTE);
}

static void body_is_not_a_multiple_of_the_entry(void **state)
{
	static const uint8_t type[] = {KIRA_OBJ_SOURCE_ROUTE, KIRA_OBJ_NOT_VIA, KIRA_OBJ_CONTACTS};
	static const uint8_t entry[] = {14, 32, 24};
	static uint8_t body[100];
	size_t i;
	size_t n;

	memset(body, 0x11, sizeof(body));
	body[0] = 0;
	body[1] = 1;
	for (i = 0; i < sizeof(type); i++) {
		for (n = 0; n < sizeof(body); n++) {
			probe();
			raw_object(type[i], body, n);
			if ((i == 0 && n >= 2 ? n - 2 : n + (i == 0)) % entry[i] != 0)
				DROPPED(OBJECT);
			else
				assert_int_not_equal(decode(), KIRA_DROP_OBJECT);
		}
	}
}

/* Source route. */

static void route_of_under_2_hops(void **state)
{
	uint8_t body[2 + KIRA_ID_BYTES] = {0, 1};

	begin(KIRA_PROBE_REQ);
	raw_object(KIRA_OBJ_SOURCE_ROUTE, body, 2);
	DROPPED(ROUTE);
	begin(KIRA_PROBE_REQ);
	memcpy(body + 2, id_a.b, KIRA_ID_BYTES);
	raw_object(KIRA_OBJ_SOURCE_ROUTE, body, sizeof(body));
	DROPPED(ROUTE);
}

static void index_0(void **state)
{
	probe();
	bytes[ROUTE_AT + 4] = 0;
	DROPPED(ROUTE);
}

static void index_past_the_last_hop(void **state)
{
	probe();
	bytes[ROUTE_AT + 4] = 2;
	ACCEPTED();
	assert_int_equal(m.index, 2);
	bytes[ROUTE_AT + 4] = 3;
	DROPPED(ROUTE);
	bytes[ROUTE_AT + 3] = 0x01;
	bytes[ROUTE_AT + 4] = 0x01;
	DROPPED(ROUTE);
}

static void index_over_1023(void **state)
{
	static struct kira_id hops[KIRA_ROUTE_MAX + 1];
	size_t i;

	for (i = 0; i <= KIRA_ROUTE_MAX; i++)
		hops[i] = i % 2 ? id_b : id_a;
	begin(KIRA_PROBE_REQ);
	kira_wire_route(&b, 1023, hops, 1024);
	ACCEPTED();
	assert_int_equal(m.index, 1023);
	begin(KIRA_PROBE_REQ);
	buf_u8(&b, KIRA_OBJ_SOURCE_ROUTE);
	buf_u16(&b, 2 + 1025 * KIRA_ID_BYTES);
	buf_u16(&b, 1024);
	buf_bytes(&b, hops, sizeof(hops));
	DROPPED(ROUTE);
}

static void first_hop_is_not_the_source(void **state)
{
	probe();
	put_id(HOP_AT(0), &id_d);
	DROPPED(ROUTE);
}

static void same_hop_twice_in_a_row(void **state)
{
	probe();
	put_id(HOP_AT(1), &id_a);
	DROPPED(ROUTE);
	probe();
	put_id(HOP_AT(2), &id_b);
	DROPPED(ROUTE);
	/* Not in a row: a loop, for the receiver to cut. */
	probe();
	put_id(HOP_AT(2), &id_a);
	ACCEPTED();
}

static void hop_undefined_or_all_nodes(void **state)
{
	size_t i;

	for (i = 0; i < 3; i++) {
		probe();
		put_id(HOP_AT(i), &kira_id_undefined);
		DROPPED(ROUTE);
		put_id(HOP_AT(i), &kira_id_all_nodes);
		DROPPED(ROUTE);
	}
}

/* Entries of lists. */

static void contact(const struct kira_id *id, uint32_t ssn)
{
	size_t at;

	begin(KIRA_ULN_DISC_REQ);
	at = kira_wire_open(&b, KIRA_OBJ_CONTACTS);
	kira_wire_contact(&b, &(struct kira_contact_entry){.id = id_b, .ssn = 1});
	kira_wire_contact(&b, &(struct kira_contact_entry){.id = *id, .ssn = ssn});
	kira_wire_close(&b, at);
}

static void ssn_0_or_reset_of_a_contact(void **state)
{
	contact(&id_d, 0xfffffffe);
	ACCEPTED();
	contact(&id_d, KIRA_SSN_INVALID);
	DROPPED(ENTRY);
	contact(&id_d, KIRA_SSN_RESET);
	DROPPED(ENTRY);
}

static void contact_undefined_or_all_nodes(void **state)
{
	contact(&kira_id_undefined, 1);
	DROPPED(ENTRY);
	contact(&kira_id_all_nodes, 1);
	DROPPED(ENTRY);
}

/* A FindNodeRsp, or UpdateRouteReq, with the path B-C to C and then one entry as given. */
static void path(uint8_t obj, const struct kira_id *to, uint16_t n, const struct kira_id *hops, uint32_t ssn)
{
	const struct kira_id good[] = {id_b, id_c};
	struct kira_contact_entry c = {.id = id_c, .ssn = 1};
	size_t at;

	begin(obj == KIRA_OBJ_RTABLE ? KIRA_FIND_NODE_RSP : KIRA_UPDATE_ROUTE_REQ);
	route();
	at = kira_wire_open(&b, obj);
	if (obj == KIRA_OBJ_RTABLE)
		kira_wire_rtable(&b, &c, good, 2);
	else
		kira_wire_update(&b, KIRA_CHANGE, &c, good, 2);
	buf_bytes(&b, to->b, KIRA_ID_BYTES);
	buf_u16(&b, n);
	buf_bytes(&b, hops, n * sizeof(*hops));
	buf_u32(&b, ssn);
	buf_u32(&b, KIRA_AGE_UNKNOWN);
	buf_u16(&b, KIRA_DEGREE_UNKNOWN);
	if (obj == KIRA_OBJ_RTABLE_UPDATE)
		buf_u8(&b, KIRA_ANNOUNCE);
	kira_wire_close(&b, at);
}

static const uint8_t both[] = {KIRA_OBJ_RTABLE, KIRA_OBJ_RTABLE_UPDATE};

static void path_is_empty(void **state)
{
	size_t i;

	for (i = 0; i < 2; i++) {
		path(both[i], &id_d, 0, NULL, 1);
		DROPPED(ENTRY);
		path(both[i], &kira_id_undefined, 0, NULL, 1);
		DROPPED(ENTRY);
	}
}

static void path_does_not_end_in_its_contact(void **state)
{
	const struct kira_id hops[] = {id_b, id_d};
	size_t i;

	for (i = 0; i < 2; i++) {
		path(both[i], &id_d, 2, hops, 1);
		ACCEPTED();
		path(both[i], &id_d, 1, hops, 1);
		DROPPED(ENTRY);
	}
}

static void ssn_0_or_reset_of_a_path(void **state)
{
	size_t i;

	for (i = 0; i < 2; i++) {
		path(both[i], &id_d, 1, &id_d, KIRA_SSN_INVALID);
		DROPPED(ENTRY);
		path(both[i], &id_d, 1, &id_d, KIRA_SSN_RESET);
		DROPPED(ENTRY);
	}
}

static void path_through_undefined_or_all_nodes(void **state)
{
	const struct kira_id zero[] = {kira_id_undefined, id_d};
	const struct kira_id ones[] = {kira_id_all_nodes, id_d};
	const struct kira_id twice[] = {id_b, id_d, id_d};
	size_t i;

	for (i = 0; i < 2; i++) {
		path(both[i], &id_d, 2, zero, 1);
		DROPPED(ENTRY);
		path(both[i], &id_d, 2, ones, 1);
		DROPPED(ENTRY);
		path(both[i], &kira_id_undefined, 1, &kira_id_undefined, 1);
		DROPPED(ENTRY);
		path(both[i], &id_d, 3, twice, 1);
		DROPPED(ENTRY);
	}
}

static void path_longer_than_a_route(void **state)
{
	static struct kira_id hops[KIRA_ROUTE_MAX];
	size_t i;

	for (i = 0; i < KIRA_ROUTE_MAX; i++)
		hops[i] = i % 2 ? id_d : id_b;
	path(KIRA_OBJ_RTABLE, &id_b, 1023, hops, 1);
	ACCEPTED();
	path(KIRA_OBJ_RTABLE, &id_d, 1024, hops, 1);
	DROPPED(ENTRY);
}

static void path_entry_is_cut(void **state)
{
	size_t i;
	size_t cut;

	for (i = 0; i < 2; i++) {
		for (cut = 1; cut < 14 + 2 + 14 + 10 + i; cut++) {
			size_t at = ROUTE_AT + 3 + 2 + 3 * KIRA_ID_BYTES;

			path(both[i], &id_d, 1, &id_d, 1);
			b.n -= cut;
			buf_patch_u16(&b, at + 1, (uint16_t)(b.n - at - 3));
			DROPPED(OBJECT);
		}
	}
}

static void update_of_an_unknown_action(void **state)
{
	path(KIRA_OBJ_RTABLE_UPDATE, &id_d, 1, &id_d, 1);
	bytes[b.n - 1] = KIRA_UNREACHABLE;
	ACCEPTED();
	bytes[b.n - 1] = KIRA_UNREACHABLE + 1;
	DROPPED(ENTRY);
}

static void not_via(const struct kira_id *x, const struct kira_id *y)
{
	uint8_t body[32] = {0};

	memcpy(body, x->b, KIRA_ID_BYTES);
	memcpy(body + KIRA_ID_BYTES, y->b, KIRA_ID_BYTES);
	probe();
	raw_object(KIRA_OBJ_NOT_VIA, body, sizeof(body));
}

static void not_via_of_no_link(void **state)
{
	not_via(&id_b, &id_b);
	DROPPED(ENTRY);
	not_via(&kira_id_undefined, &id_b);
	DROPPED(ENTRY);
	not_via(&id_b, &kira_id_all_nodes);
	DROPPED(ENTRY);
}

static void not_via_in_either_order(void **state)
{
	struct kira_not_via_entry e;

	not_via(&id_d, &id_b);
	ACCEPTED();
	assert_true(kira_not_via_next(&m.not_via, &e));
	assert_true(kira_id_eq(&e.a, &id_b));
	assert_true(kira_id_eq(&e.b, &id_d));
}

/* Required objects. */

static void message_without_its_source_route(void **state)
{
	static const uint8_t none[] = {KIRA_ULN_HELLO, KIRA_ULN_DISC_REQ, KIRA_ULN_DISC_RSP};
	unsigned type;

	for (type = 0; type < 256; type++) {
		begin((uint8_t)type);
		if (memchr(none, (int)type, sizeof(none)) || strcmp(kira_msg_name((uint8_t)type), "unknown") == 0)
			ACCEPTED();
		else
			DROPPED(MISSING);
	}
}

static void put_required(uint8_t type)
{
	static const uint8_t zeros[16];

	switch (type) {
	case KIRA_FIND_NODE_REQ:
	case KIRA_QUERY_ROUTE_REQ:
		kira_wire_rtable_req(&b, KIRA_RT_OVERLAY, 20);
		break;
	case KIRA_UPDATE_ROUTE_REQ:
		raw_object(KIRA_OBJ_RTABLE_UPDATE, NULL, 0);
		break;
	case KIRA_ERROR:
		kira_wire_error(&b, KIRA_ERR_DEAD_END, NULL, NULL, NULL);
		break;
	case KIRA_STORE_REQ:
		raw_object(KIRA_OBJ_STORE_REQ, zeros, 16);
		break;
	case KIRA_STORE_RSP:
		raw_object(KIRA_OBJ_STORE_RSP, zeros, 1);
		break;
	case KIRA_FETCH_REQ:
		raw_object(KIRA_OBJ_FETCH_REQ, zeros, 14);
		break;
	case KIRA_FETCH_RSP:
		raw_object(KIRA_OBJ_FETCH_RSP, "\1", 1);
		break;
	default:
		fail();
	}
}

/* With every required object of the other types, but not with its own. */
static void message_without_its_object(void **state)
{
	static const uint8_t type[] = {KIRA_FIND_NODE_REQ, KIRA_UPDATE_ROUTE_REQ, KIRA_ERROR,	  KIRA_STORE_REQ,
				       KIRA_STORE_RSP,	   KIRA_FETCH_REQ,	  KIRA_FETCH_RSP, KIRA_QUERY_ROUTE_REQ};
	size_t i;
	size_t j;

	for (i = 0; i < sizeof(type); i++) {
		uint8_t same = type[i] == KIRA_QUERY_ROUTE_REQ ? KIRA_FIND_NODE_REQ : type[i];

		begin(type[i]);
		route();
		DROPPED(MISSING);
		for (j = 0; j < sizeof(type) - 1; j++) {
			if (type[j] != same)
				put_required(type[j]);
		}
		DROPPED(MISSING);
		put_required(type[i]);
		ACCEPTED();
	}
}

static void lists_that_may_be_absent(void **state)
{
	static const uint8_t type[] = {KIRA_FIND_NODE_RSP, KIRA_QUERY_ROUTE_RSP, KIRA_PROBE_REQ, KIRA_PROBE_RSP,
				       KIRA_PATH_SETUP_REQ, KIRA_PATH_SETUP_RSP, KIRA_PATH_TEARDOWN_REQ};
	size_t i;

	for (i = 0; i < sizeof(type); i++) {
		begin(type[i]);
		route();
		ACCEPTED();
		assert_null(m.rtable.p);
		assert_null(m.not_via.p);
	}
}

static void lists_that_are_present_and_empty(void **state)
{
	struct kira_contact_entry e;

	begin(KIRA_ULN_DISC_REQ);
	raw_object(KIRA_OBJ_CONTACTS, NULL, 0);
	ACCEPTED();
	assert_non_null(m.contacts.p);
	assert_int_equal(m.contacts.n, 0);
	assert_false(kira_contact_next(&m.contacts, &e));
}

static void radius_0_in_a_find_node_req(void **state)
{
	begin(KIRA_FIND_NODE_REQ);
	route();
	kira_wire_rtable_req(&b, KIRA_RT_OVERLAY, 0);
	DROPPED(RADIUS);
	begin(KIRA_QUERY_ROUTE_REQ);
	route();
	kira_wire_rtable_req(&b, KIRA_RT_VICINITY, 0);
	ACCEPTED();
}

/* Lengths of the objects that are not lists. */

static void lengths(uint8_t obj, const uint8_t *body, size_t right, enum kira_drop wrong)
{
	uint8_t longer[128] = {0};
	size_t n;

	memcpy(longer, body, right);
	for (n = 0; n < sizeof(longer); n++) {
		probe();
		raw_object(obj, longer, n);
		assert_int_equal(decode(), n == right ? KIRA_DROP_NONE : wrong);
	}
}

static void rtable_request_is_2_bytes(void **state)
{
	lengths(KIRA_OBJ_RTABLE_REQ, (const uint8_t[]){2, 20}, 2, KIRA_DROP_OBJECT);
}

static void error_data_is_1_or_43_bytes(void **state)
{
	uint8_t body[1 + 3 * KIRA_ID_BYTES] = {KIRA_ERR_SEGMENT_FAILURE};

	memcpy(body + 1, id_b.b, KIRA_ID_BYTES);
	memcpy(body + 15, id_b.b, KIRA_ID_BYTES);
	memcpy(body + 29, id_d.b, KIRA_ID_BYTES);
	lengths(KIRA_OBJ_ERROR, body, sizeof(body), KIRA_DROP_OBJECT);
	body[0] = KIRA_ERR_DEAD_END;
	lengths(KIRA_OBJ_ERROR, body, 1, KIRA_DROP_OBJECT);
}

static void error_data_of_no_kind_or_no_link(void **state)
{
	probe();
	raw_object(KIRA_OBJ_ERROR, "\x01", 1);
	DROPPED(OBJECT);
	probe();
	kira_wire_error(&b, KIRA_ERR_SEGMENT_FAILURE, &id_b, &id_b, &id_b);
	DROPPED(ENTRY);
	probe();
	kira_wire_error(&b, KIRA_ERR_SEGMENT_FAILURE, &kira_id_undefined, &id_b, &id_d);
	DROPPED(ENTRY);
	probe();
	kira_wire_error(&b, KIRA_ERR_SEGMENT_FAILURE, &id_b, &id_b, &kira_id_all_nodes);
	DROPPED(ENTRY);
}

static void store_req_lengths(void **state)
{
	uint8_t body[16 + 5 + 8] = {[15] = 5};
	size_t n;

	for (n = 0; n <= sizeof(body); n++) {
		probe();
		raw_object(KIRA_OBJ_STORE_REQ, body, n);
		assert_int_equal(decode(), n == 21 || n == 29 ? KIRA_DROP_NONE : KIRA_DROP_OBJECT);
	}
}

static void store_rsp_of_an_unknown_status(void **state)
{
	lengths(KIRA_OBJ_STORE_RSP, (const uint8_t[]){2}, 1, KIRA_DROP_OBJECT);
	probe();
	raw_object(KIRA_OBJ_STORE_RSP, "\3", 1);
	DROPPED(OBJECT);
}

static void fetch_req_is_14_bytes(void **state)
{
	lengths(KIRA_OBJ_FETCH_REQ, id_b.b, KIRA_ID_BYTES, KIRA_DROP_OBJECT);
}

static void fetch_rsp_with_values_that_do_not_fill_it(void **state)
{
	static const uint8_t body[] = {0, 0, 2, 0, 1, 'x', 0, 2, 'y', 'z', 0};
	size_t n;

	for (n = 0; n <= sizeof(body); n++) {
		probe();
		raw_object(KIRA_OBJ_FETCH_RSP, body, n);
		assert_int_equal(decode(), n == sizeof(body) - 1 ? KIRA_DROP_NONE : KIRA_DROP_OBJECT);
	}
	lengths(KIRA_OBJ_FETCH_RSP, (const uint8_t[]){1}, 1, KIRA_DROP_OBJECT);
	probe();
	raw_object(KIRA_OBJ_FETCH_RSP, "\2", 1);
	DROPPED(OBJECT);
}

/* Spec §2.25: what stops the reference. */

static void hello_with_an_invalid_ssn_stops_the_reference(void **state)
{
	begin(KIRA_ULN_HELLO);
	memset(bytes + 49, 0, 4);
	DROPPED(ENTRY);
}

static void ssn_reset_stops_the_reference(void **state)
{
	static const uint8_t type[] = {KIRA_ULN_HELLO, KIRA_ULN_DISC_REQ, KIRA_ULN_DISC_RSP, KIRA_PROBE_REQ};
	size_t i;

	for (i = 0; i < sizeof(type); i++) {
		begin(type[i]);
		route();
		memset(bytes + 49, 0xff, 4);
		ACCEPTED();
		assert_int_equal(m.ssn, KIRA_SSN_RESET);
	}
}

static void reset_in_a_list_stops_the_reference(void **state)
{
	contact(&id_d, KIRA_SSN_RESET);
	DROPPED(ENTRY);
}

static void contact_that_is_not_the_last_hop_stops_the_reference(void **state)
{
	path(KIRA_OBJ_RTABLE, &id_d, 1, &id_b, 1);
	DROPPED(ENTRY);
}

/* Its parser drops the path, and leaves after the first entry that matches. */
static void every_update_is_read_with_its_path(void **state)
{
	const struct kira_id hops[] = {id_b, id_c, id_d};
	struct kira_contact_entry c = {.id = id_d, .ssn = 9};
	struct kira_rtable_entry e;
	size_t at;
	unsigned i;

	begin(KIRA_UPDATE_ROUTE_REQ);
	route();
	at = kira_wire_open(&b, KIRA_OBJ_RTABLE_UPDATE);
	for (i = 0; i < 40; i++)
		kira_wire_update(&b, (uint8_t)(i % 4), &c, hops + i % 3, 3 - i % 3);
	kira_wire_close(&b, at);
	ACCEPTED();
	for (i = 0; i < 40; i++) {
		assert_true(kira_update_next(&m.update, &e));
		assert_int_equal(e.action, i % 4);
		assert_int_equal(e.n_hops, 3 - i % 3);
		assert_memory_equal(e.hops, hops + i % 3, e.n_hops * sizeof(*hops));
	}
	assert_false(kira_update_next(&m.update, &e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(datagram_under_55_bytes),
		cmocka_unit_test(version_not_0),
		cmocka_unit_test(msg_length_is_not_the_datagrams),
		cmocka_unit_test(datagram_over_65535_bytes),
		cmocka_unit_test(source_undefined_or_all_nodes),
		cmocka_unit_test(ssn_0_in_a_header),
		cmocka_unit_test(flags_are_preserved),
		cmocka_unit_test(object_header_overruns),
		cmocka_unit_test(object_body_overruns),
		cmocka_unit_test(unknown_objects_are_skipped),
		cmocka_unit_test(of_two_objects_the_last_wins),
		cmocka_unit_test(an_object_that_is_replaced_must_be_well_formed_too),
		cmocka_unit_test(body_is_not_a_multiple_of_the_entry),
		cmocka_unit_test(route_of_under_2_hops),
		cmocka_unit_test(index_0),
		cmocka_unit_test(index_past_the_last_hop),
		cmocka_unit_test(index_over_1023),
		cmocka_unit_test(first_hop_is_not_the_source),
		cmocka_unit_test(same_hop_twice_in_a_row),
		cmocka_unit_test(hop_undefined_or_all_nodes),
		cmocka_unit_test(ssn_0_or_reset_of_a_contact),
		cmocka_unit_test(contact_undefined_or_all_nodes),
		cmocka_unit_test(path_is_empty),
		cmocka_unit_test(path_does_not_end_in_its_contact),
		cmocka_unit_test(ssn_0_or_reset_of_a_path),
		cmocka_unit_test(path_through_undefined_or_all_nodes),
		cmocka_unit_test(path_longer_than_a_route),
		cmocka_unit_test(path_entry_is_cut),
		cmocka_unit_test(update_of_an_unknown_action),
		cmocka_unit_test(not_via_of_no_link),
		cmocka_unit_test(not_via_in_either_order),
		cmocka_unit_test(message_without_its_source_route),
		cmocka_unit_test(message_without_its_object),
		cmocka_unit_test(lists_that_may_be_absent),
		cmocka_unit_test(lists_that_are_present_and_empty),
		cmocka_unit_test(radius_0_in_a_find_node_req),
		cmocka_unit_test(rtable_request_is_2_bytes),
		cmocka_unit_test(error_data_is_1_or_43_bytes),
		cmocka_unit_test(error_data_of_no_kind_or_no_link),
		cmocka_unit_test(store_req_lengths),
		cmocka_unit_test(store_rsp_of_an_unknown_status),
		cmocka_unit_test(fetch_req_is_14_bytes),
		cmocka_unit_test(fetch_rsp_with_values_that_do_not_fill_it),
		cmocka_unit_test(hello_with_an_invalid_ssn_stops_the_reference),
		cmocka_unit_test(ssn_reset_stops_the_reference),
		cmocka_unit_test(reset_in_a_list_stops_the_reference),
		cmocka_unit_test(contact_that_is_not_the_last_hop_stops_the_reference),
		cmocka_unit_test(every_update_is_read_with_its_path),
	};

	return cmocka_run_group_tests_name("kira wire rules", tests, NULL, NULL);
}
