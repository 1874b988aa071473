/* SPDX-License-Identifier: BSD-2-Clause */
/* Decoding rate of the KIRA wire format on one core, in messages a second. The limit is memcpy(3) of the same bytes,
 * which any decoder must at least read. */
#include "base/clock.h"
#include "proto/kira/wire.h"

#include <stdio.h>
#include <stdlib.h>

#define COPIES 64 /* messages at different places, as datagrams are */
#define MSG_ROOM 2048

static uint8_t datagrams[COPIES][MSG_ROOM];
static uint8_t copy[COPIES][MSG_ROOM];
static size_t size;
static struct kira_id ids[24];

static void begin(struct buf *b, size_t i, uint8_t type)
{
	struct kira_header h = {.type = type, .dest = ids[7], .src = ids[0], .msg_id = i, .ssn = 7, .degree = 3};

	buf_fixed(b, datagrams[i], MSG_ROOM);
	kira_wire_begin(b, &h);
}

static void hello(struct buf *b, size_t i)
{
	begin(b, i, KIRA_ULN_HELLO);
}

static void probe(struct buf *b, size_t i)
{
	begin(b, i, KIRA_PROBE_REQ);
	kira_wire_route(b, 1, ids, 4);
}

static void find_node(struct buf *b, size_t i)
{
	struct kira_not_via_entry e = {.a = ids[1], .b = ids[2], .age = 1500};
	size_t at;

	begin(b, i, KIRA_FIND_NODE_REQ);
	kira_wire_rtable_req(b, KIRA_RT_OVERLAY, 20);
	kira_wire_route(b, 3, ids, 8);
	at = kira_wire_open(b, KIRA_OBJ_NOT_VIA);
	kira_wire_not_via(b, &e);
	kira_wire_close(b, at);
}

/* 20 contacts over 3 hops each, as the answer to a lookup. */
static void find_node_rsp(struct buf *b, size_t i)
{
	struct kira_contact_entry c = {.ssn = 9, .age = KIRA_AGE_UNKNOWN, .degree = KIRA_DEGREE_UNKNOWN};
	size_t at;
	size_t j;

	begin(b, i, KIRA_FIND_NODE_RSP);
	kira_wire_route(b, 1, ids, 8);
	at = kira_wire_open(b, KIRA_OBJ_RTABLE);
	for (j = 0; j < 20; j++) {
		c.id = ids[j + 2];
		kira_wire_rtable(b, &c, ids + j, 3);
	}
	kira_wire_close(b, at);
}

/* One round over all copies; the sum keeps the work from being left out. */
static uint64_t decode_round(void)
{
	struct kira_msg m;
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < COPIES; i++)
		sum += kira_wire_decode(&m, slice_of(datagrams[i], size)) + m.msg_id;
	return sum;
}

static uint64_t copy_round(void)
{
	size_t i;

	for (i = 0; i < COPIES; i++) {
		memcpy(copy[i], datagrams[i], size);
		__asm__ volatile("" : : "r"(copy[i]) : "memory");
	}
	return COPIES * (COPIES - 1) / 2;
}

/* Messages a second, the best of five runs of `run` each; exits where a round goes wrong. */
static double rate(uint64_t (*round)(void), usec_t run, uint64_t *n)
{
	double best = 0;
	int i;

	for (i = 0; i < 5; i++) {
		usec_t start = clock_now();
		usec_t took;
		uint64_t done = 0;
		double r;

		do {
			int j;

			for (j = 0; j < 100; j++) {
				if (round() != COPIES * (COPIES - 1) / 2) {
					fprintf(stderr, "kira_wire: a message did not decode\n");
					exit(1);
				}
			}
			done += 100 * COPIES;
			took = clock_now() - start;
		} while (took < run);
		r = (double)done * 1e6 / (double)took;
		if (r > best)
			best = r;
		*n += done;
	}
	return best;
}

static void measure(const char *name, void (*make)(struct buf *, size_t), usec_t run)
{
	uint64_t n = 0;
	uint64_t copied = 0;
	double ours;
	double limit;
	size_t i;

	for (i = 0; i < COPIES; i++) {
		struct buf b;

		make(&b, i);
		if (!kira_wire_end(&b)) {
			fprintf(stderr, "kira_wire: could not build %s\n", name);
			exit(1);
		}
		size = b.n;
	}
	ours = rate(decode_round, run, &n);
	limit = rate(copy_round, run, &copied);
	printf("{\"bench\":\"kira_wire\",\"case\":\"decode %s, %zu bytes\",\"unit\":\"msg/s\",\"ours\":%.0f,"
	       "\"limit\":%.0f,\"limit_is\":\"memcpy of the same bytes\",\"ratio\":%.3f,\"n\":%llu}\n",
	       name, size, ours, limit, ours / limit, (unsigned long long)n);
}

int main(int argc, char **argv)
{
	bool quick = argc == 2 && strcmp(argv[1], "--quick") == 0;
	usec_t run = quick ? MSEC(20) : MSEC(400);
	size_t i;

	if (argc > 2 || (argc == 2 && !quick)) {
		fprintf(stderr, "usage: kira_wire [--quick]\n");
		return 2;
	}
	for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		memset(ids[i].b, (int)(i * 7 + 3), KIRA_ID_BYTES);
	measure("ULNHello", hello, run);
	measure("ProbeReq over 4 nodes", probe, run);
	measure("FindNodeReq over 8 nodes", find_node, run);
	measure("FindNodeRsp of 20 contacts", find_node_rsp, run);
	return 0;
}
