/* SPDX-License-Identifier: BSD-2-Clause */
/* One core whose neighbours are puppets: what it sends is kept, what it receives a test or fuzzer makes up. */
#ifndef DEP_KIRA_PUPPET_H
#define DEP_KIRA_PUPPET_H

#include "proto/kira/core.h"

#define PUPPETS 8
#define PUPPET_SENT 512

struct puppet_frame {
	uint32_t link;
	bool to_all;
	struct kira_addr to;
	size_t n;
	uint8_t *bytes;
};

struct puppet {
	struct alloc a;
	struct kira *k;
	struct kira_id id;
	struct kira_id peer[PUPPETS]; /* neighbour i lives on link i + 1 */
	usec_t now;
	struct puppet_frame sent[PUPPET_SENT]; /* the last ones, round and round */
	size_t n_sent;
	size_t type_sent[256];
	size_t node_writes;
	size_t path_writes;
	unsigned events[16];
	uint32_t ssn; /* of the last event that told one */
	bool broken;  /* an update of the tables contradicts them */
	struct buf b; /* the message being made */
};

/* A node without links at time 100 s; params NULL: the defaults, SSN 1. IDs come from the seed. */
void puppet_init(struct puppet *p, const struct kira_params *params, uint64_t seed);
/* Ends the node. Returns the bytes that it did not give back. */
size_t puppet_free(struct puppet *p);

/* Link i + 1 up, and a handshake with its puppet, which says that its neighbours are we and those n. */
void puppet_meet(struct puppet *p, unsigned i, const struct kira_id *nb, size_t n);
/* The same from any ID and address on a link that is up. */
void puppet_disc(struct puppet *p, uint32_t link, const struct kira_addr *from, const struct kira_id *src, uint32_t ssn,
		 const struct kira_id *nb, size_t n);
/* The list of puppet i, we and those n, as of ssn. */
void puppet_list(struct puppet *p, unsigned i, uint32_t ssn, const struct kira_id *nb, size_t n);
struct kira_addr puppet_addr(unsigned i);

/* Begins a message in p->b, SSN 5; objects are added with kira_wire_*. */
void puppet_msg(struct puppet *p, uint8_t type, uint8_t flags, const struct kira_id *src, const struct kira_id *dest,
		uint64_t msg_id);
/* Ends it; it arrives from puppet i. */
void puppet_say(struct puppet *p, unsigned i);
void puppet_say_from(struct puppet *p, uint32_t link, const struct kira_addr *from);
/* Time passes. */
void puppet_run(struct puppet *p, usec_t d);
/* The last message of this type that the node sent (to link, 0: any); false: it sent none. m points into p. */
bool puppet_heard(const struct puppet *p, uint8_t type, uint32_t link, struct kira_msg *m);
/* Forgets what was sent. */
void puppet_forget(struct puppet *p);

/* The contact of that ID, or NULL. */
struct contact *puppet_contact(const struct puppet *p, const struct kira_id *id);

/* What is not as it must be between two calls of a core, NULL: nothing. */
const char *core_broken(const struct kira *k);

#endif
