/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the core share. kira.c tells the whole story; read it first. */
#ifndef DEP_KIRA_CORE_H
#define DEP_KIRA_CORE_H

#include "base/hash.h"
#include "base/heap.h"
#include "base/list.h"
#include "proto/kira/kira.h"
#include "proto/kira/pool.h"

struct req;
struct rediscovery;

#define NEAR 3 /* paths of up to so many hops are precomputed and need no set-up (spec §2.19) */

/* ---- timers ---- */

struct timer {
	struct heap_node h;
	void (*fire)(struct kira *k, struct timer *t, usec_t now);
};

/* A timer's owner begins and ends with it: there is room for all of them to be armed, so that arming cannot fail. False:
 * no memory, and then there is nothing to end. */
bool timer_begin(struct kira *k, struct timer *t, void (*fire)(struct kira *k, struct timer *t, usec_t now));
void timer_end(struct kira *k, struct timer *t);
/* Arms t for `due`. */
void timer_set(struct kira *k, struct timer *t, usec_t due);
void timer_stop(struct kira *k, struct timer *t);
static inline bool timer_armed(const struct timer *t)
{
	return t->h.pos != 0;
}
/* d * U[0.5, 1.5] */
usec_t jitter(struct kira *k, usec_t d);

/* A token bucket: `rate` a second, `depth` at once. */
struct tokens {
	usec_t at; /* when the bucket would be full */
};
bool tokens_take(struct tokens *t, unsigned rate, unsigned depth, usec_t now);

/* ---- paths (path.c) ---- */

/* A path of a contact, without ourselves: first hop … contact. Immutable, counted by reference; it holds its IDs. */
struct path {
	uint32_t refs;
	uint16_t n;
	bool labelled;
	struct kira_id label; /* PathID of the whole path, see path_label() */
	nid_t hop[];
};

/* Scratch for a path or route being made; the handles are held by somebody else (a path, or hold_for_now()). */
struct hops {
	size_t n;
	nid_t hop[KIRA_ROUTE_MAX];
};

#define LEARN_HOPS (16 * KIRA_ROUTE_MAX) /* of the paths that one message tells of, in all */

struct path *path_new(struct kira *k, const nid_t *hop, size_t n);
struct path *path_ref(struct path *p);
void path_drop(struct kira *k, struct path *p); /* NULL allowed */
bool path_same(const struct path *p, const struct hops *h);
/* PathID that the first hop knows this path by. */
const struct kira_id *path_label(struct kira *k, struct path *p);
/* PathID of the n hops at `hop`. */
struct kira_id hops_label(struct kira *k, const nid_t *hop, size_t n);
/* Does the path, walked from ourselves, use link a–b (unordered)? */
bool path_uses(const struct kira *k, const nid_t *hop, size_t n, nid_t a, nid_t b);
bool path_has(const nid_t *hop, size_t n, nid_t x);
/* Cuts every loop out of h, in order; what comes back to ourselves starts anew. */
void hops_cut_cycles(const struct kira *k, struct hops *h);
/* Starts at the last hop that is a neighbour of ours: what is left of a travelled path is still one. */
void hops_cut_to_uln(struct kira *k, struct hops *h);
/* Replaces the way to a later hop by the shorter path of a valid contact. False: there is none. The parts were proved at
 * different times, so the whole is hearsay. */
bool hops_splice(struct kira *k, struct hops *h);
bool hops_add(struct hops *h, nid_t x);
/* ids[0] = ourselves, then the path; returns their number. ids has room for KIRA_ROUTE_MAX. */
size_t path_ids(const struct kira *k, const struct path *p, struct kira_id *ids);

/* ---- neighbours and links (uln.c) ---- */

struct link {
	struct list in; /* k->links, in the order that they came up */
	struct hash_node node; /* k->link_ids, by id */
	uint32_t id;
	uint32_t mtu;
	usec_t interval; /* of the next hello; 0: none said yet */
	usec_t said;     /* last hello */
	struct timer hello;
	unsigned n_adj;
	struct tokens strangers; /* requests of nodes that are no neighbours */
};

#define ADJ_MAX 2700     /* attachments: more do not fit into the one list that tells of them (65,535 bytes) */
#define ADJ_LINK_MAX 512  /* on one link, so that those of the others have room */

/* One neighbour on one link. A neighbour seen over two links has two of these. */
struct adj {
	struct hash_node node; /* k->adjs, by link and address */
	struct list in;        /* contact.adjs */
	struct contact *c;
	uint32_t link;
	struct kira_addr addr;
	usec_t since;
	usec_t heard;   /* last frame that was meant for us: proof of both directions */
	unsigned tries; /* probes of its silence without answer */
	bool doubted;   /* it said that it does not know us */
	struct timer silence;
	struct tokens requests;
	struct tokens setups;
};

struct link *link_find(const struct kira *k, uint32_t id);
struct adj *adj_find(const struct kira *k, uint32_t link, const struct kira_addr *addr);
void uln_hello(struct kira *k, const struct kira_msg *m, uint32_t link, const struct kira_addr *from, usec_t now);
void uln_disc(struct kira *k, const struct kira_msg *m, uint32_t link, const struct kira_addr *from, usec_t now);
/* The attachment is gone: the neighbour too, if it was its last. */
void adj_down(struct kira *k, struct adj *a, usec_t now);
/* Our set of neighbours changed: new SSN, hellos start anew. */
void uln_changed(struct kira *k, usec_t now);
/* Asks the neighbour for its neighbours (ULNDiscReq). */
void uln_ask(struct kira *k, struct contact *c, usec_t now);
void resync_soon(struct kira *k, usec_t now);
void resync_fire(struct kira *k, struct timer *t, usec_t now);
void gossip_fire(struct kira *k, struct timer *t, usec_t now);
void uln_timeout(struct kira *k, struct req *r, usec_t now);
/* QueryRouteReq for us; QueryRouteRsp to us. */
void query_req(struct kira *k, const struct kira_msg *m, struct adj *a, usec_t now);
void query_rsp(struct kira *k, const struct kira_msg *m, usec_t now);

/* ---- vicinity graph (vicinity.c) ---- */

struct vnode {
	struct hash_node node; /* k->vic, by handle */
	nid_t id;
	uint8_t dist; /* hops from us, 1 to 3; 0 while it is worked out */
	uint32_t observed;
	uint32_t synched; /* 0: we do not hold its list */
	usec_t lower;     /* since when it says lower numbers than observed; 0: it does not */
	usec_t seen;
	nid_t *nb; /* known neighbours, each holding a reference to its ID */
	uint16_t n_nb;
	uint16_t cap_nb;
};

struct vnode *vic_find(const struct kira *k, nid_t id);
/* The SSN of a node in the vicinity was heard, from others. */
void vic_observe(struct kira *k, nid_t id, uint32_t ssn, usec_t now);
/* The same from itself: if its number stays below what was heard before, it has started anew without it (spec §2.8). */
void vic_observe_own(struct kira *k, nid_t id, uint32_t ssn, usec_t now);
/* RESET was heard: forget what we know of its SSN. */
void vic_reset(struct kira *k, nid_t id);
void vic_link(struct kira *k, nid_t a, nid_t b);
void vic_unlink(struct kira *k, nid_t a, nid_t b);
/* The neighbour list of `id` as of `ssn`: links come and go accordingly; none goes where the list is not whole. Returns
 * whether anything changed. */
bool vic_list(struct kira *k, nid_t id, uint32_t ssn, const struct hops *nb, bool whole, usec_t now);
/* Distances anew; drops what is beyond the radius. */
void vic_settle(struct kira *k);
/* Shortest path of at most 3 hops from ourselves to `to` over neighbours other than `not_first` and never through
 * `avoid` (0: none) or an end system. Returns its length, 0: none. */
size_t vic_detour(const struct kira *k, nid_t to, nid_t not_first, nid_t avoid, nid_t path[3]);
/* Puts in what there was no memory for, and asks for what is not known for the same reason. */
void vic_mend(struct kira *k, usec_t now);
void vic_free(struct kira *k);

/* ---- contacts and buckets (rtable.c) ---- */

struct contact {
	struct hash_node node; /* k->contacts, by handle */
	nid_t id;
	uint32_t at; /* place in k->contact */
	uint8_t state;
	uint8_t bucket;
	bool end_system;
	bool checking;  /* the active path was put together here and is not yet proved */
	bool unset;     /* the active path is not yet set up, so it carries no traffic */
	uint8_t detour; /* hops of the detour that the active path starts with while it is being checked, 0: none */
	uint8_t update; /* action to tell the ID neighbours, + 1; 0: nothing */
	uint8_t proofs; /* of the active path, so far */
	uint8_t told;   /* last action told, + 1 */
	uint16_t degree;
	uint32_t ssn;
	usec_t seen;      /* any word of it */
	usec_t validated; /* the active path was proved */
	usec_t since;     /* the active path is this one */
	usec_t lost;      /* when it became invalid */
	struct path *active;
	struct list adjs; /* not empty: a neighbour (ULN) */
	struct timer refresh; /* set-up beyond the vicinity, or proof of the path */
	struct rediscovery *red;
	struct req *probe; /* the probe of the active path that is under way */
};

/* What was learned of a node. */
struct offer {
	nid_t id;
	const struct hops *path; /* from us to it, ourselves excluded; may have loops */
	uint32_t ssn;
	uint16_t degree;
	bool validated; /* travelled just now; else hearsay that a probe must prove */
	bool set_up;    /* by a probe of ours, so the nodes on the way know its PathIDs */
	bool insert;    /* hearsay may also bring a new contact */
	bool end_system;
};

static inline bool is_uln(const struct contact *c)
{
	return !list_empty(&c->adjs);
}

struct contact *contact_find(const struct kira *k, nid_t id);
/* The first hop's neighbour, or NULL where it is down. */
struct contact *first_hop(const struct kira *k, const struct path *p);
/* The insertion rule (spec §2.10). hops of o->path are cut and shortened in place. Returns the contact where the offer
 * changed or confirmed one. */
struct contact *rtable_offer(struct kira *k, struct offer *o, struct hops *path, usec_t now);
/* A neighbour's contact: path of one hop, outside the buckets' limit. NULL: no memory. */
struct contact *rtable_uln(struct kira *k, nid_t id, const struct kira_msg *m, usec_t now);
void rtable_remove(struct kira *k, struct contact *c, uint8_t event, usec_t now);
/* Bucket counts after c stopped or started being a neighbour; makes room where it came to be one too many. */
void rtable_recount(struct kira *k, struct contact *c, usec_t now);
/* Up to n valid contacts closest to target, closest first; `skip` (or 0) left out. Returns their number. */
size_t rtable_closest(const struct kira *k, const struct kira_id *target, size_t n, nid_t skip, struct contact **out);
unsigned bucket_of(const struct kira *k, const struct kira_id *id);
void contact_set_path(struct kira *k, struct contact *c, struct path *p);
void contact_valid(struct kira *k, struct contact *c, bool set_up, usec_t now);
void emit(struct kira *k, uint8_t type, const struct contact *c, usec_t now);

/* ---- not-via (notvia.c) ---- */

struct not_via {
	nid_t a; /* by ID, a < b; each held */
	nid_t b;
	usec_t when; /* the failure was noticed */
};

#define NOT_VIA_MAX 256
#define NOT_VIA_SENT 16
#define NOT_VIA_READ 64 /* of a message; the rest of a longer list is not looked at */
#define NOT_VIA_LIFE SEC(60)

void not_via_add(struct kira *k, nid_t a, nid_t b, usec_t when);
void not_via_remove(struct kira *k, nid_t a, nid_t b);
/* Does the path use a link that failed after `validated`? */
bool not_via_hits(const struct kira *k, const nid_t *hop, size_t n, usec_t validated, usec_t now);
/* The path was travelled: entries against its links that are not quite new are out of date. */
void not_via_proved(struct kira *k, const nid_t *hop, size_t n, usec_t now);
void not_via_expire(struct kira *k, usec_t now);
/* Appends our newest entries and those of m (or NULL) as one object. */
void not_via_write(struct kira *k, struct buf *b, const struct kira_msg *m, usec_t now);
/* The list of a received message: believed from an end of the link or in an Error to us, else a reason to probe. */
void not_via_receive(struct kira *k, const struct kira_msg *m, bool error_to_us, usec_t now);
/* Does the path use a link of the message's list? */
bool not_via_in_msg(struct kira *k, const struct kira_msg *m, const struct path *p);
void not_via_free(struct kira *k);

/* ---- requests under way (req.c) ---- */

enum req_kind {
	REQ_DISC,    /* ULNDiscReq */
	REQ_QUERY,   /* QueryRouteReq to a node two hops away */
	REQ_OND,
	REQ_ROD,
	REQ_PROBE,   /* of a contact's active path */
	REQ_CANDIDATE, /* of a path that we were told of */
	REQ_SILENCE, /* of a silent neighbour */
	REQ_REDISCOVER,
	REQ_TRACE,
	REQ_WANT,
};

struct req {
	struct hash_node node; /* k->reqs, by msg_id */
	struct timer timer;
	uint64_t msg_id;
	uint8_t kind;
	uint8_t tries;
	nid_t target; /* held; 0: none */
	struct path *path;
	uint32_t link;
	struct kira_addr addr;
	usec_t began;
	usec_t wait;
};

#define REQ_MAX 4096

/* A request whose message is about to be sent; its timer is not armed. NULL: no memory or too many. */
struct req *req_new(struct kira *k, uint8_t kind, nid_t target, struct path *path, usec_t now);
/* A nonce for the next try: answers to the old one no longer count. */
void req_renew(struct kira *k, struct req *r);
void req_free(struct kira *k, struct req *r);
struct req *req_find(const struct kira *k, uint64_t msg_id);
/* An answer (or with error, an Error message) to r came: r is finished or retried, and may be freed. */
void req_answered(struct kira *k, struct req *r, const struct kira_msg *m, usec_t now);
void req_error(struct kira *k, struct req *r, const struct kira_msg *m, usec_t now);
uint64_t nonce(struct kira *k);

/* ---- look-ups (find.c) ---- */

void find_req(struct kira *k, const struct kira_msg *m, struct adj *a, usec_t now);
/* Sends a FindNodeReq of r to r->target by the first overlay hop `c`. False: not sent. */
bool find_send(struct kira *k, struct req *r, const struct kira_id *target, uint8_t flags, struct contact *c, usec_t now);
void ond_fire(struct kira *k, struct timer *t, usec_t now);
void ond_soon(struct kira *k, usec_t now);
void ond_done(struct kira *k, struct req *r, bool ok, usec_t now);
void rod_fire(struct kira *k, struct timer *t, usec_t now);
void rod_done(struct kira *k, struct req *r, usec_t now);
/* The table changed for the better: look-ups that found nothing new may be worth it again. */
void learned(struct kira *k, usec_t now);
void want_done(struct kira *k, struct req *r, const struct kira_msg *m, usec_t now);

/* ---- probes and path set-up (probe.c) ---- */

void probe_req(struct kira *k, const struct kira_msg *m, struct adj *a, usec_t now);
/* Probes the contact's active path unless that is under way. */
void probe_contact(struct kira *k, struct contact *c, usec_t now);
/* Probes a path we were told of; on answer the insertion rule sees it as travelled. */
void probe_candidate(struct kira *k, nid_t id, const struct hops *path, bool important, usec_t now);
/* 1-hop ProbeReq over this attachment. */
void probe_silent(struct kira *k, struct adj *a, usec_t now);
void probe_timeout(struct kira *k, struct req *r, usec_t now);
void probe_failed(struct kira *k, struct req *r, usec_t now);
void refresh_fire(struct kira *k, struct timer *t, usec_t now);
/* The contact's path is new (and perhaps set up by a probe already): set it up where it leads beyond the vicinity, and
 * keep it so. */
void path_setup(struct kira *k, struct contact *c, bool set_up, bool again, usec_t now);
void path_teardown(struct kira *k, struct path *p, usec_t since, usec_t now);
void scan_fire(struct kira *k, struct timer *t, usec_t now);

/* ---- failures (failure.c) ---- */

struct rediscovery {
	struct timer timer;
	struct contact *c;
	uint8_t round;
	uint8_t n_via;
	uint8_t next;
	uint8_t in_flight;
	uint8_t dead_ends;
	nid_t via[20]; /* held */
};

/* The neighbour's last attachment is gone. */
void uln_lost(struct kira *k, struct contact *c, usec_t now);
/* c's active path does not work (any more), because of link a–b if not 0. c stays in the table. */
void contact_invalid(struct kira *k, struct contact *c, nid_t a, nid_t b, usec_t now);
/* Link a–b failed, says somebody we believe: every contact that uses it becomes invalid. */
void link_failed(struct kira *k, nid_t a, nid_t b, usec_t when, usec_t now);
/* Starts the rediscovery of a lost contact that there was no memory for. */
void rediscovery_due(struct kira *k, struct contact *c, usec_t now);
void rediscovery_stop(struct kira *k, struct contact *c);
void rediscovery_answer(struct kira *k, struct req *r, bool dead_end, usec_t now);
/* Error to the originator of m: the link from us to `next` is down, or (next NULL) nobody is closer. */
void send_error(struct kira *k, const struct kira_msg *m, const struct kira_id *next, usec_t now);

/* Who sends through us to a neighbour: those whose probes and set-ups went that way. They are told when the link is gone
 * and there is no way around it, for nothing else would tell them before their next probe. */
struct user {
	struct hash_node node; /* k->users, by next and source */
	nid_t next;            /* held */
	nid_t source;          /* held */
	struct path *back;
	uint64_t msg_id; /* of its last message */
	usec_t when;
};

#define USERS_MAX 8192
#define USERS_HOPS (8 * USERS_MAX) /* of the ways back to them, in all */

void note_user(struct kira *k, const struct kira_msg *m, const struct hops *back, usec_t now);
/* Errors to the users of lost neighbours to which there is no detour. */
void users_warn(struct kira *k, usec_t now);
void users_expire(struct kira *k, usec_t now);
void users_free(struct kira *k);

/* ---- updates (update.c) ---- */

/* Tell the nodes closest to us what became of c; batched. */
void update_tell(struct kira *k, struct contact *c, uint8_t action, usec_t now);
void update_fire(struct kira *k, struct timer *t, usec_t now);
void update_req(struct kira *k, const struct kira_msg *m, usec_t now);

/* ---- forwarding tables (fwd.c, fwd_node.c, fwd_path.c) ---- */

struct node_entry {
	struct kira_id id; /* masked to bits */
	uint8_t bits;
	uint8_t rank; /* of entries for one prefix the least is taken */
	uint32_t above; /* place + 1 of the longest shorter prefix of it; 0: none */
	struct kira_fwd to;
};

/* An entry of the PathID table: packets labelled `in` go to n1 (then n2) and are called out1 there (out2 at n2). */
struct path_entry {
	struct hash_node node; /* k->paths, by `in` */
	struct hash_node pair; /* k->pairs, by n1 and n2: the precomputed ones */
	struct kira_id in;
	struct kira_id out1;
	struct kira_id out2;
	nid_t n1; /* 0: ourselves, decapsulate */
	nid_t n2; /* 0: the path ends at n1 */
	bool precomputed;
	bool idle; /* a user of it said that it goes; refresh clears this */
	uint32_t round; /* of the last precomputation that wanted it */
	usec_t refreshed; /* by others; 0: never */
	struct kira_fwd to;
};

/* The NodeID table may have changed; written out soon, or with urgent at the end of this call. */
void fwd_dirty(struct kira *k, bool urgent, usec_t now);
/* The vicinity or the neighbours changed: precomputed PathIDs anew, at the end of this call. */
void fwd_vicinity(struct kira *k);
/* Writes out what has changed, if it is due. */
void fwd_flush(struct kira *k, usec_t now);
void fwd_fire(struct kira *k, struct timer *t, usec_t now);
void fwd_expire(struct kira *k, usec_t now);
/* PathSetupReq or ProbeReq passes: hops[index…] is the remaining path, ourselves first. False: the entry is refused. */
bool fwd_setup(struct kira *k, const struct kira_msg *m, struct adj *a, usec_t now);
void fwd_teardown(struct kira *k, const struct kira_msg *m, usec_t now);
void fwd_clear(struct kira *k);

/* Link and address of the neighbour c into f. */
void fwd_to_neighbour(const struct contact *c, struct kira_fwd *f);
bool fwd_same(const struct kira_fwd *a, const struct kira_fwd *b);
/* The NodeID table (fwd_node.c) anew, written out by difference; gone. */
void nodes_write(struct kira *k, usec_t now);
void nodes_clear(struct kira *k);
/* The PathID table (fwd_path.c): precomputed entries anew, and where all entries lead; gone. */
void paths_precompute(struct kira *k, usec_t now);
void paths_clear(struct kira *k);

/* ---- the node (kira.c) ---- */

struct kira {
	struct kira_params p;
	struct kira_env env;
	struct rng rng;
	struct alloc *a;
	struct kira_pool *pool;
	bool own_pool;
	nid_t self;
	uint32_t ssn;
	usec_t reset_until; /* hellos carry RESET until then */
	uint8_t secret[32];
	uint64_t nonces;
	usec_t now;

	struct heap timers;
	uint32_t n_timers; /* armed or not */
	struct list links;
	struct hash link_ids;
	struct hash adjs;

	struct hash contacts;
	struct contact **contact;
	uint32_t n_contacts;
	uint32_t cap_contacts;
	uint32_t n_uln;
	const struct contact *leaving; /* a neighbour that our list no longer names, though it is in the table still */
	uint64_t uln_bits; /* bit (handle mod 64) of each neighbour there ever was: most nodes are none */
	unsigned n_buckets;
	uint16_t bucket_n[KIRA_ID_BITS + 1]; /* contacts that are not neighbours */

	struct hash vic;
	struct hash reqs;
	unsigned n_disc; /* of them, handshakes */
	struct not_via not_via[NOT_VIA_MAX];
	unsigned n_not_via;

	struct node_entry *nodes;
	size_t n_nodes;
	size_t cap_nodes;
	bool nodes_dirty;
	bool nodes_urgent;
	bool vicinity_dirty;
	bool memory_short; /* something of the vicinity or of its PathIDs is missing for want of memory */
	usec_t nodes_written;
	struct hash paths;
	struct hash pairs;
	struct hash users;
	uint32_t users_hops;
	bool users_lost; /* some of them sent to a neighbour that is lost */
	usec_t expire_at;
	uint32_t n_explicit;
	uint32_t round;

	struct timer resync;
	struct timer gossip;
	nid_t gossip_about; /* held */
	struct timer ond;
	usec_t ond_wait;
	unsigned ond_turn;
	usec_t ond_news; /* when the deepest bucket last got somebody new */
	struct timer rod;
	usec_t rod_wait;
	bool rod_learned;
	struct timer scan;
	uint32_t scan_from;    /* where the next scan of the vicinity goes on */
	uint32_t scan_contact; /* and that of the contacts */
	struct timer update;
	usec_t update_wait;
	usec_t updated;
	struct timer fwd;
	struct tokens candidates;
	struct tokens important;
	struct tokens errors;
	struct tokens doubts; /* probes for hearsay against a path */
	struct tokens wants;
	unsigned traces;

	struct buf out;
	nid_t *held; /* handles held until the end of this call */
	size_t n_held;
	size_t cap_held;
	struct kira_stats stats;
};

/* The handle of id, held until the current call of the core returns. 0: no memory. */
nid_t hold_for_now(struct kira *k, const struct kira_id *id);
/* The same for n IDs on the wire, appended to h. */
bool hold_hops(struct kira *k, struct hops *h, const uint8_t *ids, size_t n);

/* The end of each entry into the core: writes out tables that are due, lets go of what was held. */
void leave(struct kira *k, usec_t now);

/* Starts a message of ours in k->out: type, flags, destination, nonce. */
void msg_begin(struct kira *k, uint8_t type, uint8_t flags, const struct kira_id *dest, uint64_t msg_id);
/* Ends k->out and sends it to the neighbour c (over attachment a, NULL: its first). False: not sent. */
bool msg_send(struct kira *k, struct contact *c, struct adj *a);
/* Begins and addresses an answer to m along the reverse of what it travelled, loops cut. Returns the neighbour that it
 * goes to, NULL: there is no way back. */
struct contact *answer_begin(struct kira *k, const struct kira_msg *m, uint8_t type, usec_t now);
/* Bytes that a message of ours should not pass, so that it is not fragmented on its first link. */
size_t msg_room(const struct kira *k, const struct contact *c);

static inline const struct kira_id *id_of(const struct kira *k, nid_t h)
{
	return pool_id(k->pool, h);
}

static inline uint32_t nid_hash(nid_t h)
{
	return h * 2654435761u;
}

#endif
