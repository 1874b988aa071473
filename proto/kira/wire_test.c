/* SPDX-License-Identifier: BSD-2-Clause */
/* The vectors, properties of random and of broken messages, and building. The rules of spec §2.7 one by one are in
 * wire_rules_test.c. */
#include "proto/kira/vectors.h"
#include "proto/kira/wire_sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define VECTORS 21
#define MSG_MAX 65535

static struct vector {
	const char *name;
	uint8_t type;
	uint8_t p[1024];
	size_t n;
} vector[VECTORS];

static yyjson_doc *vectors;

static const struct kira_id id_a = {{0x0a, [13] = 0x0a}};
static const struct kira_id id_b = {{0x0b, [13] = 0x0b}};
static const struct kira_id id_c = {{0x8c, [13] = 0xcc}};
static const struct kira_id id_d = {{0xd0, [13] = 0xdd}};

static struct slice bytes_of(const struct vector *v)
{
	return slice_of(v->p, v->n);
}

static const struct vector *named(const char *name)
{
	size_t i;

	for (i = 0; i < VECTORS; i++) {
		if (strcmp(vector[i].name, name) == 0)
			return &vector[i];
	}
	fail_msg("no vector named %s", name);
	return NULL;
}

static struct kira_msg decoded(const struct vector *v)
{
	struct kira_msg m;

	assert_int_equal(kira_wire_decode(&m, bytes_of(v)), KIRA_DROP_NONE);
	return m;
}

static void every_vector_decodes(void **state)
{
	size_t i;

	for (i = 0; i < VECTORS; i++) {
		struct kira_msg m = decoded(&vector[i]);

		assert_int_equal(m.type, vector[i].type);
		assert_string_not_equal(kira_msg_name(m.type), "unknown");
		assert_int_equal(strncmp(vector[i].name, kira_msg_name(m.type), strlen(kira_msg_name(m.type))), 0);
		assert_int_equal(m.msg_id, 0x1111222233334444);
		assert_int_equal(m.domain, 0);
	}
}

static void every_vector_is_rebuilt(void **state)
{
	uint8_t out[1024];
	struct buf b;
	size_t i;

	for (i = 0; i < VECTORS; i++) {
		struct kira_msg m = decoded(&vector[i]);

		buf_fixed(&b, out, sizeof(out));
		assert_true(sample_rebuild(&m, &b));
		assert_int_equal(b.n, vector[i].n);
		assert_memory_equal(out, vector[i].p, b.n);
	}
}

static void fields_of_hello(void **state)
{
	struct kira_msg m = decoded(named("ULNHello"));

	assert_true(kira_id_eq(&m.dest, &kira_id_all_nodes));
	assert_true(kira_id_eq(&m.src, &id_a));
	assert_int_equal(m.flags, 0);
	assert_int_equal(m.ssn, 7);
	assert_int_equal(m.degree, 3);
	assert_null(m.route);
	assert_null(m.contacts.p);
}

static void fields_of_find_node(void **state)
{
	const struct vector *v = named("FindNodeReq exact=1 target D not-via B-D");
	struct kira_msg m = decoded(v);
	struct kira_not_via_entry link;
	struct kira_id hop;

	assert_int_equal(m.flags, KIRA_FLAG_EXACT);
	assert_true(kira_id_eq(&m.dest, &id_d));
	assert_int_equal(m.n_hops, 3);
	assert_int_equal(m.index, 1);
	assert_int_equal(v->p[m.index_at] << 8 | v->p[m.index_at + 1], 1);
	hop = kira_hop(m.route, 2);
	assert_true(kira_id_eq(&hop, &id_c));
	assert_true(m.has_rtable_req);
	assert_int_equal(m.req_type, KIRA_RT_OVERLAY);
	assert_int_equal(m.radius, 20);
	assert_true(kira_not_via_next(&m.not_via, &link));
	assert_true(kira_id_eq(&link.a, &id_b));
	assert_true(kira_id_eq(&link.b, &id_d));
	assert_int_equal(link.age, 1500);
	assert_false(kira_not_via_next(&m.not_via, &link));
}

static void fields_of_update(void **state)
{
	struct kira_msg m = decoded(named("UpdateRouteReq A to B: D unreachable, C change"));
	struct kira_rtable_entry e;
	struct kira_id hop;

	assert_null(m.rtable.p);
	assert_true(kira_update_next(&m.update, &e));
	assert_true(kira_id_eq(&e.contact.id, &id_d));
	assert_int_equal(e.action, KIRA_UNREACHABLE);
	assert_int_equal(e.n_hops, 1);
	assert_true(kira_update_next(&m.update, &e));
	assert_true(kira_id_eq(&e.contact.id, &id_c));
	assert_int_equal(e.action, KIRA_CHANGE);
	assert_int_equal(e.n_hops, 2);
	assert_int_equal(e.contact.ssn, 5);
	assert_int_equal(e.contact.age, KIRA_AGE_UNKNOWN);
	assert_int_equal(e.contact.degree, KIRA_DEGREE_UNKNOWN);
	hop = kira_hop(e.hops, 0);
	assert_true(kira_id_eq(&hop, &id_b));
	assert_false(kira_update_next(&m.update, &e));
}

static void fields_of_error(void **state)
{
	struct kira_msg m = decoded(named("Error SegmentFailure link B-D seen by B"));

	assert_true(m.has_error);
	assert_int_equal(m.error, KIRA_ERR_SEGMENT_FAILURE);
	assert_true(kira_id_eq(&m.reporter, &id_b));
	assert_true(kira_id_eq(&m.link_a, &id_b));
	assert_true(kira_id_eq(&m.link_b, &id_d));
	m = decoded(named("Error DeadEnd"));
	assert_int_equal(m.error, KIRA_ERR_DEAD_END);
}

static void random_messages_decode_to_what_was_built(void **state)
{
	static struct sample s;
	static uint8_t p[MSG_MAX];
	static uint8_t q[MSG_MAX];
	struct rng r;
	int i;

	rng_seed(&r, 11);
	for (i = 0; i < 20000; i++) {
		struct kira_msg m;
		struct buf b;
		struct buf c;

		sample_random(&s, &r);
		buf_fixed(&b, p, sizeof(p));
		assert_true(sample_build(&s, &b));
		assert_int_equal(kira_wire_decode(&m, buf_slice(&b)), KIRA_DROP_NONE);
		assert_true(sample_matches(&s, &m));
		buf_fixed(&c, q, sizeof(q));
		assert_true(sample_rebuild(&m, &c));
		assert_true(slice_eq(buf_slice(&b), buf_slice(&c)));
	}
}

/* Decodes a copy of just the bytes, so that the sanitizer sees a read past them; what decodes is walked in full. */
static enum kira_drop decode_tight(const uint8_t *p, size_t n)
{
	static uint8_t out[8192];
	uint8_t *copy = malloc(n ? n : 1);
	struct kira_msg m;
	struct kira_msg again;
	struct buf b;
	enum kira_drop drop;

	assert_non_null(copy);
	memcpy(copy, p, n);
	drop = kira_wire_decode(&m, slice_of(copy, n));
	if (drop == KIRA_DROP_NONE) {
		buf_fixed(&b, out, sizeof(out));
		assert_true(sample_rebuild(&m, &b));
		assert_int_equal(kira_wire_decode(&again, buf_slice(&b)), KIRA_DROP_NONE);
		assert_true(sample_same(&m, &again));
	}
	free(copy);
	return drop;
}

static void every_truncation(void **state)
{
	uint8_t p[1024];
	size_t i;
	size_t n;

	for (i = 0; i < VECTORS; i++) {
		memcpy(p, vector[i].p, vector[i].n);
		for (n = 0; n < vector[i].n; n++) {
			assert_int_equal(decode_tight(vector[i].p, n),
					 n < KIRA_HEADER_BYTES ? KIRA_DROP_SHORT : KIRA_DROP_LENGTH);
			/* The same with the length put right: cut at the end of an object it may be well formed. */
			p[3] = (uint8_t)(n >> 8);
			p[4] = (uint8_t)n;
			decode_tight(p, n);
		}
	}
}

static void every_single_byte_mutation(void **state)
{
	uint8_t p[1024];
	unsigned dropped = 0;
	unsigned accepted = 0;
	size_t i;
	size_t at;
	unsigned v;

	for (i = 0; i < VECTORS; i++) {
		memcpy(p, vector[i].p, vector[i].n);
		for (at = 0; at < vector[i].n; at++) {
			for (v = 1; v < 256; v++) {
				p[at] = (uint8_t)(vector[i].p[at] ^ v);
				if (decode_tight(p, vector[i].n) == KIRA_DROP_NONE)
					accepted++;
				else
					dropped++;
			}
			p[at] = vector[i].p[at];
		}
	}
	assert_true(dropped > 10000);
	assert_true(accepted > 10000);
}

static void mutated_random_messages(void **state)
{
	static struct sample s;
	static uint8_t p[MSG_MAX];
	unsigned dropped = 0;
	struct rng r;
	int i;

	rng_seed(&r, 12);
	for (i = 0; i < 20000; i++) {
		struct buf b;
		uint64_t flips;

		sample_random(&s, &r);
		buf_fixed(&b, p, sizeof(p));
		assert_true(sample_build(&s, &b));
		for (flips = 1 + rng_below(&r, 4); flips > 0; flips--)
			p[rng_below(&r, b.n)] ^= (uint8_t)(1u << rng_below(&r, 8));
		if (b.n < 4000)
			dropped += decode_tight(p, b.n) != KIRA_DROP_NONE;
	}
	assert_in_range(dropped, 2000, 18000);
}

static struct kira_header header(uint8_t type)
{
	return (struct kira_header){.type = type, .dest = id_c, .src = id_a, .msg_id = 1, .ssn = 7, .degree = 3};
}

static void empty_lists_are_not_sent(void **state)
{
	struct kira_header h = header(KIRA_ULN_DISC_REQ);
	uint8_t p[256];
	struct buf b;

	buf_fixed(&b, p, sizeof(p));
	kira_wire_begin(&b, &h);
	kira_wire_close(&b, kira_wire_open(&b, KIRA_OBJ_CONTACTS));
	kira_wire_close(&b, kira_wire_open(&b, KIRA_OBJ_NOT_VIA));
	assert_true(kira_wire_end(&b));
	assert_int_equal(b.n, KIRA_HEADER_BYTES);
}

static void not_via_is_stored_in_order(void **state)
{
	struct kira_header h = header(KIRA_ULN_DISC_REQ);
	struct kira_not_via_entry e = {.a = id_d, .b = id_b, .age = 9};
	uint8_t p[256];
	struct kira_msg m;
	struct buf b;
	size_t at;

	buf_fixed(&b, p, sizeof(p));
	kira_wire_begin(&b, &h);
	at = kira_wire_open(&b, KIRA_OBJ_NOT_VIA);
	kira_wire_not_via(&b, &e);
	kira_wire_close(&b, at);
	assert_true(kira_wire_end(&b));
	assert_memory_equal(p + KIRA_HEADER_BYTES + 3, id_b.b, KIRA_ID_BYTES);
	assert_int_equal(kira_wire_decode(&m, buf_slice(&b)), KIRA_DROP_NONE);
	assert_true(kira_not_via_next(&m.not_via, &e));
	assert_true(kira_id_eq(&e.a, &id_b));
	assert_true(kira_id_eq(&e.b, &id_d));
	assert_int_equal(e.age, 9);
}

/* At every size of the buffer that is too small, building fails and writes nothing past it. */
static void building_into_too_little_room_fails(void **state)
{
	static struct sample s;
	static uint8_t p[MSG_MAX];
	struct rng r;
	int i;

	rng_seed(&r, 13);
	for (i = 0; i < 30; i++) {
		struct buf b;
		size_t whole;
		size_t n;

		sample_random(&s, &r);
		buf_fixed(&b, p, sizeof(p));
		assert_true(sample_build(&s, &b));
		whole = b.n;
		for (n = 0; n < whole; n++) {
			uint8_t *tight = malloc(n ? n : 1);

			assert_non_null(tight);
			buf_fixed(&b, tight, n);
			assert_false(sample_build(&s, &b));
			free(tight);
		}
	}
}

static void building_over_65535_bytes_fails(void **state)
{
	struct kira_header h = header(KIRA_ULN_DISC_REQ);
	struct kira_contact_entry c = {.id = id_d, .ssn = 1};
	struct alloc a;
	struct buf b;
	size_t at;
	int i;

	alloc_init(&a, 0);
	buf_init(&b, &a);
	kira_wire_begin(&b, &h);
	at = kira_wire_open(&b, KIRA_OBJ_CONTACTS);
	for (i = 0; i < 65476 / 24; i++)
		kira_wire_contact(&b, &c);
	kira_wire_close(&b, at);
	assert_true(kira_wire_end(&b));
	at = kira_wire_open(&b, 0xf0);
	buf_bytes(&b, (const uint8_t[30]){0}, 30);
	kira_wire_close(&b, at);
	assert_true(b.n > 65535);
	assert_false(kira_wire_end(&b));
	buf_clear(&b);

	kira_wire_begin(&b, &h);
	at = kira_wire_open(&b, KIRA_OBJ_CONTACTS);
	for (i = 0; i < 65536 / 24 + 1; i++)
		kira_wire_contact(&b, &c);
	kira_wire_close(&b, at);
	assert_true(b.failed);
	assert_false(kira_wire_end(&b));
	buf_free(&b);
	assert_int_equal(a.used, 0);
}

static void building_what_no_receiver_takes_fails(void **state)
{
	static struct kira_id many[KIRA_ROUTE_MAX + 1];
	struct kira_id hops[3] = {id_a, id_b, id_c};
	struct kira_contact_entry c = {.id = id_c, .ssn = 1};
	static uint8_t p[MSG_MAX];
	struct buf b;

#define FAILS(call)                                                                                \
	do {                                                                                       \
		buf_fixed(&b, p, sizeof(p));                                                       \
		call;                                                                              \
		assert_true(b.failed);                                                             \
		assert_int_equal(b.n, 0);                                                          \
	} while (0)
	FAILS(kira_wire_route(&b, 1, hops, 1));
	FAILS(kira_wire_route(&b, 0, hops, 3));
	FAILS(kira_wire_route(&b, 3, hops, 3));
	FAILS(kira_wire_route(&b, 1, many, KIRA_ROUTE_MAX + 1));
	FAILS(kira_wire_rtable(&b, &c, hops, 0));
	FAILS(kira_wire_rtable(&b, &c, hops, 2));
	FAILS(kira_wire_update(&b, KIRA_ANNOUNCE, &c, hops, 2));
#undef FAILS
	buf_fixed(&b, p, sizeof(p));
	kira_wire_route(&b, KIRA_ROUTE_MAX - 1, many, KIRA_ROUTE_MAX);
	assert_false(b.failed);
}

static void copy_others_keeps_all_but_route_and_not_via(void **state)
{
	struct kira_msg m = decoded(named("FindNodeReq exact=1 target D not-via B-D"));
	struct kira_header h = header(KIRA_FIND_NODE_REQ);
	static const uint8_t unknown[] = {0xf1, 0, 2, 7, 8};
	struct kira_id hops[2] = {id_a, id_d};
	uint8_t p[256];
	uint8_t q[256];
	struct kira_msg n;
	struct buf b;
	struct buf c;

	/* The vector, with an unknown object at its end. */
	buf_fixed(&b, p, sizeof(p));
	buf_bytes(&b, m.raw.p, m.raw.n);
	buf_bytes(&b, unknown, sizeof(unknown));
	assert_true(kira_wire_end(&b));
	assert_int_equal(kira_wire_decode(&m, buf_slice(&b)), KIRA_DROP_NONE);

	buf_fixed(&c, q, sizeof(q));
	kira_wire_begin(&c, &h);
	kira_wire_copy_others(&c, &m);
	kira_wire_route(&c, 1, hops, 2);
	assert_true(kira_wire_end(&c));
	assert_int_equal(kira_wire_decode(&n, buf_slice(&c)), KIRA_DROP_NONE);
	assert_true(n.has_rtable_req);
	assert_int_equal(n.radius, 20);
	assert_null(n.not_via.p);
	assert_int_equal(n.n_hops, 2);
	assert_memory_equal(q + KIRA_HEADER_BYTES + 5, unknown, sizeof(unknown));
	assert_int_equal(c.n, KIRA_HEADER_BYTES + 5 + sizeof(unknown) + 3 + 2 + 28);
}

static void names(void **state)
{
	unsigned i;
	unsigned j;

	for (i = 0; i < KIRA_DROP_MAX; i++) {
		assert_non_null(kira_drop_name(i));
		for (j = 0; j < i; j++)
			assert_string_not_equal(kira_drop_name(i), kira_drop_name(j));
	}
	assert_string_equal(kira_drop_name(KIRA_DROP_VERSION), "version");
	assert_string_equal(kira_drop_name(KIRA_DROP_MAX), "unknown");
	assert_string_equal(kira_msg_name(0x82), "PathSetupRsp");
	assert_string_equal(kira_msg_name(0x02), "unknown");
}

static int load(void **state)
{
	yyjson_val *o;
	size_t i;
	size_t n;

	vectors = vectors_load();
	yyjson_arr_foreach(yyjson_obj_get(yyjson_doc_get_root(vectors), "messages"), i, n, o)
	{
		long got;

		if (i >= VECTORS)
			return -1;
		vector[i].name = vectors_text(o, "name");
		vector[i].type = (uint8_t)yyjson_get_uint(yyjson_obj_get(o, "type"));
		got = hex_bytes(vectors_text(o, "hex"), vector[i].p, sizeof(vector[i].p));
		if (got < KIRA_HEADER_BYTES)
			return -1;
		vector[i].n = (size_t)got;
	}
	return n == VECTORS ? 0 : -1;
}

static int unload(void **state)
{
	yyjson_doc_free(vectors);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_vector_decodes),
		cmocka_unit_test(every_vector_is_rebuilt),
		cmocka_unit_test(fields_of_hello),
		cmocka_unit_test(fields_of_find_node),
		cmocka_unit_test(fields_of_update),
		cmocka_unit_test(fields_of_error),
		cmocka_unit_test(random_messages_decode_to_what_was_built),
		cmocka_unit_test(every_truncation),
		cmocka_unit_test(every_single_byte_mutation),
		cmocka_unit_test(mutated_random_messages),
		cmocka_unit_test(empty_lists_are_not_sent),
		cmocka_unit_test(not_via_is_stored_in_order),
		cmocka_unit_test(building_into_too_little_room_fails),
		cmocka_unit_test(building_over_65535_bytes_fails),
		cmocka_unit_test(building_what_no_receiver_takes_fails),
		cmocka_unit_test(copy_others_keeps_all_but_route_and_not_via),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests_name("kira wire", tests, load, unload);
}
