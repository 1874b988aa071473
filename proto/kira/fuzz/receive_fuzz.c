/* SPDX-License-Identifier: BSD-2-Clause */
/* A node with three neighbours, and an input that is a list of things that happen to it: frames of any bytes, frames that
 * are well formed but lie, answers to what it asked, time, links that go and come. Whatever happens, its tables stay
 * consistent and bounded, and it gives all memory back. */
#include "proto/kira/puppet.h"

#include <stdio.h>
#include <stdlib.h>

#define N_IDS 32
#define N_NEIGHBOURS 3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct kira_id ids[N_IDS]; /* [0] is the node, then its neighbours */
static struct {
	uint8_t bytes[2048];
	size_t n;
} asked; /* its last request */
static size_t sent;
static size_t entries[2];

/* Aborts, and says where. */
#define check(ok) ((ok) ? (void)0 : (fprintf(stderr, "line %d: not so: %s\n", __LINE__, #ok), abort()))

static void on_send(void *ctx, uint32_t link, const struct kira_addr *to, struct slice frame)
{
	struct kira_msg m;

	/* What it sends decodes. */
	check(kira_wire_decode(&m, frame) == KIRA_DROP_NONE);
	sent++;
	if (frame.n <= sizeof(asked.bytes) && m.route && (m.type == KIRA_FIND_NODE_REQ || m.type == KIRA_PROBE_REQ ||
							  m.type == KIRA_QUERY_ROUTE_REQ)) {
		memcpy(asked.bytes, frame.p, frame.n);
		asked.n = frame.n;
	}
}

static void on_node(void *ctx, const struct kira_id *id, unsigned bits, const struct kira_fwd *to)
{
	check(bits <= KIRA_ID_BITS);
	entries[0] += to->kind != KIRA_FWD_NONE;
}

static void on_path(void *ctx, const struct kira_id *path_id, const struct kira_fwd *to)
{
	entries[1] += to->kind != KIRA_FWD_NONE;
}

static void on_event(void *ctx, const struct kira_event *ev)
{
	check(ev->type <= KIRA_EV_TRACE);
}

static uint8_t byte(struct slice *in)
{
	uint8_t b = 0;

	slice_u8(in, &b);
	return b;
}

static const struct kira_id *any_id(struct slice *in)
{
	return &ids[byte(in) % N_IDS];
}

static struct kira_addr addr_of(unsigned neighbour)
{
	struct kira_addr a = {{0xfe, 0x80}};

	a.b[15] = (uint8_t)neighbour;
	return a;
}

static void put_entry(struct buf *b, struct slice *in, uint8_t obj)
{
	struct kira_contact_entry c = {.id = *any_id(in), .ssn = 1u + byte(in), .age = byte(in), .degree = byte(in)};
	struct kira_not_via_entry v = {.a = *any_id(in), .b = *any_id(in), .age = byte(in) * 100u};
	struct kira_id hops[4];
	size_t n = 1 + byte(in) % 4;
	size_t i;

	for (i = 0; i + 1 < n; i++)
		hops[i] = *any_id(in);
	hops[n - 1] = c.id;
	switch (obj) {
	case KIRA_OBJ_NOT_VIA:
		if (!kira_id_eq(&v.a, &v.b))
			kira_wire_not_via(b, &v);
		return;
	case KIRA_OBJ_CONTACTS:
		kira_wire_contact(b, &c);
		return;
	case KIRA_OBJ_RTABLE:
		kira_wire_rtable(b, &c, hops, n);
		return;
	default:
		kira_wire_update(b, byte(in) % 4, &c, hops, n);
	}
}

static void put_list(struct buf *b, struct slice *in, uint8_t obj)
{
	size_t at = kira_wire_open(b, obj);
	unsigned n = byte(in) % 8;

	while (n-- > 0)
		put_entry(b, in, obj);
	kira_wire_close(b, at);
}

static const uint8_t types[] = {KIRA_FIND_NODE_REQ, KIRA_FIND_NODE_RSP, KIRA_QUERY_ROUTE_REQ, KIRA_QUERY_ROUTE_RSP,
				KIRA_UPDATE_ROUTE_REQ, KIRA_PROBE_REQ, KIRA_PROBE_RSP, KIRA_ERROR, KIRA_PATH_SETUP_REQ,
				KIRA_PATH_TEARDOWN_REQ, KIRA_ULN_HELLO, KIRA_ULN_DISC_REQ, KIRA_ULN_DISC_RSP, 0x55};

/* A message that is well formed, from neighbour `from`; where route is needed it comes by that neighbour. answer: copies
 * destination and nonce of what the node last asked. */
static void put_message(struct buf *b, struct slice *in, unsigned from, bool answer)
{
	struct kira_header h = {.type = types[byte(in) % sizeof(types)], .flags = byte(in), .msg_id = byte(in)};
	struct kira_msg q;
	struct kira_id hops[10];
	size_t index = 1 + byte(in) % 4;
	size_t n = index + 1 + byte(in) % 4;
	size_t i;
	uint8_t kind = byte(in);

	for (i = 0; i < n; i++)
		hops[i] = *any_id(in);
	hops[index - 1] = ids[from];
	hops[index] = ids[0];
	h.src = hops[0];
	h.dest = byte(in) % 2 ? ids[0] : *any_id(in);
	h.ssn = byte(in) == 255 ? KIRA_SSN_RESET : 1u + byte(in);
	if (answer && asked.n && kira_wire_decode(&q, slice_of(asked.bytes, asked.n)) == KIRA_DROP_NONE) {
		h.msg_id = q.msg_id;
		h.dest = ids[0];
		n = index + 1;
		h.type = byte(in) % 4 ? (uint8_t)(q.type + 1) : KIRA_ERROR;
	}
	kira_wire_begin(b, &h);
	if (h.type != KIRA_ULN_HELLO && h.type != KIRA_ULN_DISC_REQ && h.type != KIRA_ULN_DISC_RSP)
		kira_wire_route(b, (uint16_t)index, hops, n);
	if (h.type == KIRA_FIND_NODE_REQ || h.type == KIRA_QUERY_ROUTE_REQ)
		kira_wire_rtable_req(b, h.type == KIRA_FIND_NODE_REQ ? KIRA_RT_OVERLAY : KIRA_RT_VICINITY,
				     (uint8_t)(1 + byte(in) % 40));
	if (h.type == KIRA_ERROR)
		kira_wire_error(b, kind % 2 ? KIRA_ERR_DEAD_END : KIRA_ERR_SEGMENT_FAILURE, any_id(in), any_id(in),
				any_id(in));
	if (kind & 2)
		put_list(b, in, KIRA_OBJ_NOT_VIA);
	if (h.type == KIRA_ULN_DISC_REQ || h.type == KIRA_ULN_DISC_RSP)
		put_list(b, in, KIRA_OBJ_CONTACTS);
	if (h.type == KIRA_FIND_NODE_RSP || h.type == KIRA_QUERY_ROUTE_RSP)
		put_list(b, in, KIRA_OBJ_RTABLE);
	if (h.type == KIRA_UPDATE_ROUTE_REQ)
		put_list(b, in, KIRA_OBJ_RTABLE_UPDATE);
	kira_wire_end(b);
}

/* The handshake of a neighbour that knows the node already. */
static void greet(struct kira *k, unsigned i, usec_t now)
{
	struct kira_header h = {.type = KIRA_ULN_DISC_REQ, .dest = ids[0], .src = ids[i], .msg_id = i, .ssn = 5};
	struct kira_contact_entry self = {.id = ids[0], .ssn = 3, .degree = 3};
	struct kira_addr from = addr_of(i);
	uint8_t bytes[256];
	struct buf b;
	size_t at;

	buf_fixed(&b, bytes, sizeof(bytes));
	kira_wire_begin(&b, &h);
	at = kira_wire_open(&b, KIRA_OBJ_CONTACTS);
	kira_wire_contact(&b, &self);
	kira_wire_close(&b, at);
	check(kira_wire_end(&b));
	kira_receive(k, i, &from, buf_slice(&b), now);
}

static void step(struct kira *k, struct slice *in, usec_t *now)
{
	uint8_t op = byte(in);
	unsigned neighbour = 1 + op / 8 % N_NEIGHBOURS;
	struct kira_addr from = addr_of(neighbour);
	uint8_t bytes[4096];
	struct slice raw;
	struct buf b;

	switch (op % 8) {
	case 0:
		if (!slice_take(in, byte(in), &raw))
			slice_take(in, in->n, &raw);
		kira_receive(k, neighbour, &from, raw, *now);
		return;
	case 1:
		*now += MSEC(10) * byte(in) * byte(in);
		check(kira_tick(k, *now) > *now);
		return;
	case 2:
		if (byte(in) % 2)
			kira_link_down(k, neighbour, *now);
		else
			kira_link_up(k, neighbour, 1500, *now);
		return;
	case 3:
		greet(k, neighbour, *now);
		return;
	case 4:
		if (byte(in) % 2)
			kira_want(k, any_id(in), *now);
		else
			kira_trace(k, any_id(in), *now);
		return;
	default:
		buf_fixed(&b, bytes, sizeof(bytes));
		put_message(&b, in, neighbour, op % 8 == 7);
		if (!b.failed)
			kira_receive(k, neighbour, &from, buf_slice(&b), *now);
	}
}

static bool contact_ok(void *ctx, const struct kira_contact_info *c)
{
	size_t *n = ctx;

	++*n;
	check(c->n_path >= 1 && kira_id_eq(&c->path[c->n_path - 1], &c->id));
	check(!kira_id_eq(&c->id, &ids[0]));
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kira_env env = {on_send, on_node, on_path, on_event, NULL};
	struct slice in = slice_of(data, size);
	struct kira_params p;
	uint8_t secret[32] = {1};
	struct alloc a;
	struct rng rng;
	struct kira *k;
	usec_t now = SEC(1);
	size_t contacts = 0;
	unsigned i;

	rng_seed(&rng, 1);
	for (i = 0; i < N_IDS; i++)
		rng_bytes(&rng, &ids[i], sizeof(ids[i]));
	/* Some close to the node, for its deep buckets. */
	for (i = N_IDS - 8; i < N_IDS; i++)
		memcpy(&ids[i], &ids[0], i - (N_IDS - 8) + 4);
	asked.n = 0;
	alloc_init(&a, 0);
	kira_params_default(&p);
	p.id = ids[0];
	p.ssn = 2;
	p.k = 4;
	p.max_path_ids = 64;
	p.max_vicinity = 64;
	k = kira_new(&p, &env, &rng, secret, &a, NULL, now);
	check(k != NULL);
	for (i = 1; i <= N_NEIGHBOURS; i++) {
		kira_link_up(k, i, 1500, now);
		greet(k, i, now);
	}
	check(kira_n_neighbours(k) == N_NEIGHBOURS);
	while (in.n > 0) {
		const char *what;

		step(k, &in, &now);
		what = core_broken(k);
		if (!what)
			continue;
		fprintf(stderr, "not so: %s\n", what);
		abort();
	}
	kira_each_contact(k, contact_ok, &contacts);
	check(contacts == kira_n_contacts(k));
	check(kira_n_neighbours(k) <= contacts);
	check(k->n_explicit <= p.max_path_ids + 64 && k->vic.n <= p.max_vicinity && k->reqs.n <= REQ_MAX);
	check(k->n_held == 0);
	kira_free(k);
	check(a.used == 0);
	return 0;
}
