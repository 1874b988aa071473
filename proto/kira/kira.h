/* SPDX-License-Identifier: BSD-2-Clause */
/* The core of room kira: one node's R²/Kad routing tier and the tables of its forwarding tier.
 *
 * No system call, clock or randomness: a shell (dep-kira), the simulator (dep-kira-sim) or a test hands in links,
 * datagrams and the time, and gets datagrams, table entries and events through struct kira_env. One node is one struct
 * kira; nothing is shared or global. The functions of env are called from inside the functions here and must not call
 * back into the same node. */
#ifndef DEP_KIRA_H
#define DEP_KIRA_H

#include "base/alloc.h"
#include "base/clock.h"
#include "base/rng.h"
#include "base/slice.h"
#include "proto/kira/id.h"
#include "proto/kira/wire.h"

struct kira;

/* Constants of spec §2.24 under their names there. kira_params_default() sets all but id; times in microseconds. */
struct kira_params {
	struct kira_id id;
	uint32_t ssn;       /* the last state sequence number used before; 0: none */
	uint64_t domain;    /* 0: the default domain */
	uint16_t node_prefix; /* 0xfc00 */
	uint16_t path_prefix; /* 0xfcaa */
	enum kira_hash hash;
	unsigned k;         /* bucket size, 20 */
	unsigned acc;       /* acceleration, bits a level, 1 */
	bool end_system;    /* §2.22: does not forward */

	usec_t hello_min;   /* 200 ms */
	usec_t hello_max;   /* 30 s */
	usec_t silence;     /* a neighbour is probed after so long without a frame of its own to us, 3 s */
	usec_t silence_gap; /* between those probes, 300 ms */
	unsigned silence_tries; /* 3 */
	usec_t rod_min;     /* 400 ms */
	usec_t rod_max;     /* 300 s */
	usec_t ond;         /* 5 s */
	usec_t probe_age;   /* 40 s */
	usec_t path_refresh; /* 20 s */
	usec_t path_expiry;  /* 60 s */
	unsigned max_path_ids; /* cap on entries set up by others, 100,000 */
	unsigned max_vicinity; /* cap on nodes of the vicinity graph, 4,096 */
	unsigned rate_requests; /* per neighbour and second, 200; 0: no limit */
	unsigned rate_setups;   /* per neighbour and second, 50; 0: no limit */
};

void kira_params_default(struct kira_params *p);

/* Where a packet goes. */
enum kira_fwd_kind {
	KIRA_FWD_NONE,        /* no entry */
	KIRA_FWD_LOCAL,       /* NodeID: deliver; PathID: decapsulate, then look at the inner packet */
	KIRA_FWD_NEIGHBOUR,   /* NodeID: as it is to the neighbour */
	KIRA_FWD_PATH,        /* NodeID: encapsulate with `label` as destination PathID; PathID: rewrite to `label` */
	KIRA_FWD_UNREACHABLE, /* NodeID: ICMPv6 type 1 code 3 to the source */
};

#define KIRA_HOP_LIMIT 64 /* of a header put in front, unless the path is longer than that allows (spec §2.19) */

struct kira_fwd {
	uint8_t kind;        /* enum kira_fwd_kind */
	uint8_t hop_limit;   /* of the header put in front with `label`; 0: KIRA_HOP_LIMIT */
	bool bypass;         /* after the above, encapsulate once more with destination PathID `outer` (spec §4.1) */
	uint32_t link;
	struct kira_addr via; /* the neighbour's link-local address */
	struct kira_id label;
	struct kira_id outer;
};

/* What a person or another program may want to know at once. */
enum kira_event_type {
	KIRA_EV_NEIGHBOUR_UP,
	KIRA_EV_NEIGHBOUR_DOWN,
	KIRA_EV_CONTACT_NEW,
	KIRA_EV_CONTACT_VALID,   /* became valid again, or by another path */
	KIRA_EV_CONTACT_INVALID,
	KIRA_EV_CONTACT_DEAD,    /* given up and removed */
	KIRA_EV_CONTACT_REPLACED,
	KIRA_EV_SSN,             /* our own state sequence number changed: keep it (spec §2.8) */
	KIRA_EV_TRACE,           /* kira_trace() has an answer */
};

struct kira_event {
	uint8_t type;
	struct kira_id id;  /* the neighbour or contact, or the trace's target */
	uint32_t link;      /* of a neighbour */
	struct kira_addr addr;
	uint32_t ssn;
	usec_t took;        /* TRACE: round trip; CONTACT_VALID: time since it became invalid, or 0 */
	const struct kira_id *path; /* TRACE: the route there, self first; NULL: no answer came */
	size_t n_path;
};

struct kira_env {
	/* Sends one datagram out of `link` to the neighbour at `to`, or to all of them (ff02::1) where to is NULL. Losing
	 * it silently is allowed. The bytes are valid during the call only. */
	void (*send)(void *ctx, uint32_t link, const struct kira_addr *to, struct slice frame);
	/* Entry of the NodeID table: all IDs that share the first `bits` bits with `id` (longest prefix wins). kind NONE
	 * removes it. */
	void (*fwd_node)(void *ctx, const struct kira_id *id, unsigned bits, const struct kira_fwd *to);
	/* Entry of the PathID table, exact match. kind NONE removes it. */
	void (*fwd_path)(void *ctx, const struct kira_id *path_id, const struct kira_fwd *to);
	void (*event)(void *ctx, const struct kira_event *ev); /* may be NULL */
	void *ctx;
};

/* Pool of NodeIDs that the nodes of one process share (the simulator's), so that a path costs 4 bytes a hop. */
struct kira_pool;
struct kira_pool *kira_pool_new(struct alloc *a, uint64_t seed);
void kira_pool_free(struct kira_pool *p);

/* A node without links. params, env and rng are copied; alloc and pool must outlive it; pool NULL: one of its own.
 * secret: 32 bytes nobody can guess, for nonces. Returns NULL where memory or params->id does not allow it. */
struct kira *kira_new(const struct kira_params *params, const struct kira_env *env, const struct rng *rng,
		      const uint8_t secret[32], struct alloc *a, struct kira_pool *pool, usec_t now);
/* Removes all table entries through env, tells nobody (peers notice), releases everything. */
void kira_free(struct kira *k);

/* A link came up, or its MTU changed: `mtu` bytes of IPv6 packet. Says hello at once. Returns 0 or -ENOMEM. */
int kira_link_up(struct kira *k, uint32_t link, uint32_t mtu, usec_t now);
/* Carrier lost or interface gone: its neighbours are down from now on. */
void kira_link_down(struct kira *k, uint32_t link, usec_t now);

/* One datagram from the neighbour at `from` on `link` (the shell has checked hop limit 255 and fe80::/10). Never fails:
 * what is wrong is dropped and counted. */
void kira_receive(struct kira *k, uint32_t link, const struct kira_addr *from, struct slice frame, usec_t now);

/* Does what is due and returns when it next wants to be called (USEC_NEVER: on input only). Any other function may move
 * that time forward; kira_next() tells it. */
usec_t kira_tick(struct kira *k, usec_t now);
usec_t kira_next(const struct kira *k);

/* Data for `dest` is waiting or flowing (the forwarding tier missed, or saw use): sets up its path now. */
void kira_want(struct kira *k, const struct kira_id *dest, usec_t now);

/* Asks for the path to `target`; KIRA_EV_TRACE comes with the answer or, after 3 s, without. Returns 0, -EBUSY (16 are
 * under way) or -EINVAL. */
int kira_trace(struct kira *k, const struct kira_id *target, usec_t now);

/* State, for people, metrics and tests. */
struct kira_stats {
	uint64_t rx_msgs, rx_bytes, tx_msgs, tx_bytes;
	uint64_t rx_type[256], tx_type[256]; /* messages by type */
	uint64_t forwarded;
	uint64_t drop[KIRA_DROP_MAX];
	uint64_t lookups, lookups_failed;
	uint64_t rediscoveries, rediscovered, given_up;
	uint64_t setup_refused; /* cap or hash collision */
	uint64_t not_via_refused; /* entries that were not believed, §2.23 */
};

const struct kira_stats *kira_stats(const struct kira *k);
const struct kira_id *kira_own_id(const struct kira *k);
uint32_t kira_ssn(const struct kira *k);
const struct kira_params *kira_params(const struct kira *k);

enum kira_contact_state {
	KIRA_UNKNOWN,
	KIRA_VALID,
	KIRA_INVALID,
	KIRA_REDISCOVERING,
	KIRA_DEAD,
};
const char *kira_contact_state_name(enum kira_contact_state s);

struct kira_neighbour_info {
	struct kira_id id;
	uint32_t link;
	struct kira_addr addr;
	uint32_t ssn;
	uint16_t degree;
	usec_t heard; /* last frame that proves both directions */
};

struct kira_contact_info {
	struct kira_id id;
	enum kira_contact_state state;
	bool neighbour; /* a ULN, outside the buckets' limit */
	unsigned bucket;
	uint32_t ssn;
	uint16_t degree;
	usec_t seen;
	usec_t validated;
	const struct kira_id *path; /* from the first hop to the contact */
	size_t n_path;
};

struct kira_vicinity_info {
	struct kira_id id;
	unsigned distance; /* hops */
	uint32_t ssn_observed;
	uint32_t ssn_synched;
	const struct kira_id *neighbours;
	size_t n_neighbours;
};

/* Each calls f for every entry in a stable order; f returning false ends it. f must not change the node. */
void kira_each_neighbour(const struct kira *k, bool (*f)(void *ctx, const struct kira_neighbour_info *), void *ctx);
void kira_each_contact(const struct kira *k, bool (*f)(void *ctx, const struct kira_contact_info *), void *ctx);
void kira_each_vicinity(const struct kira *k, bool (*f)(void *ctx, const struct kira_vicinity_info *), void *ctx);
void kira_each_fwd_node(const struct kira *k,
			bool (*f)(void *ctx, const struct kira_id *id, unsigned bits, const struct kira_fwd *), void *ctx);
/* refreshed: when an entry set up by others was last refreshed, 0 for our own and precomputed ones. */
void kira_each_fwd_path(const struct kira *k,
			bool (*f)(void *ctx, const struct kira_id *path_id, const struct kira_fwd *, usec_t refreshed),
			void *ctx);
size_t kira_n_contacts(const struct kira *k);
size_t kira_n_neighbours(const struct kira *k);

/* Look-ups as the data plane makes them, for the simulator and the TUN fallback; NULL: no entry. */
const struct kira_fwd *kira_lookup_node(const struct kira *k, const struct kira_id *id);
const struct kira_fwd *kira_lookup_path(const struct kira *k, const struct kira_id *path_id);

#endif
