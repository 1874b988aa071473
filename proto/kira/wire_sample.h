/* SPDX-License-Identifier: BSD-2-Clause */
/* For tests, the fuzz target and benches: random well-formed messages as a list of what they hold, their bytes, and
 * messages built again from what decoding gave. */
#ifndef DEP_KIRA_WIRE_SAMPLE_H
#define DEP_KIRA_WIRE_SAMPLE_H

#include "base/rng.h"
#include "proto/kira/wire.h"

#define SAMPLE_HOPS 12
#define SAMPLE_ENTRIES 8
#define SAMPLE_BODY 80

struct sample_path {
	struct kira_contact_entry contact;
	struct kira_id hops[SAMPLE_HOPS];
	uint8_t n_hops;
	uint8_t action;
};

struct sample_body {
	bool there;
	uint8_t n;
	uint8_t b[SAMPLE_BODY];
};

/* A message, as what was put into it. A list with n 0 is not sent. */
struct sample {
	struct kira_header header;
	struct kira_id hops[SAMPLE_HOPS];
	uint8_t n_hops; /* 0: no source route */
	uint8_t index;
	struct kira_not_via_entry not_via[SAMPLE_ENTRIES];
	uint8_t n_not_via;
	struct kira_contact_entry contacts[SAMPLE_ENTRIES];
	uint8_t n_contacts;
	struct sample_path rtable[SAMPLE_ENTRIES];
	uint8_t n_rtable;
	struct sample_path update[SAMPLE_ENTRIES];
	uint8_t n_update;
	bool has_rtable_req;
	uint8_t req_type;
	uint8_t radius;
	bool has_error;
	uint8_t error;
	struct kira_id reporter;
	struct kira_id link_a;
	struct kira_id link_b;
	struct sample_body store_req;
	struct sample_body store_rsp;
	struct sample_body fetch_req;
	struct sample_body fetch_rsp;
	struct sample_body unknown; /* an object of a type that is not known */
	uint8_t order[12];          /* of the objects, by enum sample_object */
};

/* A random message that the receiver must accept. */
void sample_random(struct sample *s, struct rng *r);
/* Its bytes, appended to the empty buffer b. False where they do not fit. */
bool sample_build(const struct sample *s, struct buf *b);

/* Builds m again, object by object in its order, from what decoding gave. Of objects that came twice, the last comes
 * twice. False where it does not fit. */
bool sample_rebuild(const struct kira_msg *m, struct buf *b);
/* True where a and b say the same. An absent and an empty list are the same, and the order of objects is nothing. */
bool sample_same(const struct kira_msg *a, const struct kira_msg *b);
/* True where decoding gave just what was put into s. */
bool sample_matches(const struct sample *s, const struct kira_msg *m);

/* The decoded message, or {"ok":false}, as one line of JSON without its newline; drop is what decoding returned. */
void sample_json(struct buf *b, enum kira_drop drop, const struct kira_msg *m);

#endif
