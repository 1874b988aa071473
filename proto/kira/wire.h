/* SPDX-License-Identifier: BSD-2-Clause */
/* The wire format (spec §2.3 to §2.7): messages of a 55-byte header and objects of type, length and body, big endian.
 *
 * Decoding makes a view: the slices point into the datagram, nothing is copied or allocated. A message that decodes is
 * well formed in itself (§2.7): what depends on who we are (hops[index] is ourselves, the sender is the previous hop,
 * the source is not us) the receiver checks. */
#ifndef DEP_KIRA_WIRE_H
#define DEP_KIRA_WIRE_H

#include "base/buf.h"
#include "base/slice.h"
#include "proto/kira/id.h"

#define KIRA_VERSION 0
#define KIRA_HEADER_BYTES 55
#define KIRA_ROUTE_MAX 1024 /* hops; the index is at most 1023 */

enum kira_msg_type {
	KIRA_ULN_HELLO = 0x01,
	KIRA_ULN_DISC_REQ = 0x03,
	KIRA_ULN_DISC_RSP = 0x04,
	KIRA_FIND_NODE_REQ = 0x09,
	KIRA_FIND_NODE_RSP = 0x0a,
	KIRA_QUERY_ROUTE_REQ = 0x0b,
	KIRA_QUERY_ROUTE_RSP = 0x0c,
	KIRA_UPDATE_ROUTE_REQ = 0x11,
	KIRA_PROBE_REQ = 0x21,
	KIRA_PROBE_RSP = 0x22,
	KIRA_ERROR = 0x70,
	KIRA_PATH_SETUP_REQ = 0x81,
	KIRA_PATH_SETUP_RSP = 0x82, /* reserved */
	KIRA_PATH_TEARDOWN_REQ = 0x83,
	KIRA_STORE_REQ = 0xa1,
	KIRA_STORE_RSP = 0xa2,
	KIRA_FETCH_REQ = 0xa3,
	KIRA_FETCH_RSP = 0xa4,
};

#define KIRA_FLAG_EXACT 0x01
#define KIRA_FLAG_END_SYSTEM 0x04
#define KIRA_FLAG_DIAGNOSTIC 0x40

enum kira_obj_type {
	KIRA_OBJ_SOURCE_ROUTE = 0x01,
	KIRA_OBJ_NOT_VIA = 0x02,
	KIRA_OBJ_CONTACTS = 0x03,
	KIRA_OBJ_RTABLE_REQ = 0x04,
	KIRA_OBJ_RTABLE = 0x05,
	KIRA_OBJ_RTABLE_UPDATE = 0x06,
	KIRA_OBJ_ERROR = 0x07,
	KIRA_OBJ_STORE_REQ = 0x80,
	KIRA_OBJ_STORE_RSP = 0x81,
	KIRA_OBJ_FETCH_REQ = 0x82,
	KIRA_OBJ_FETCH_RSP = 0x83,
};

enum kira_rtable_req {
	KIRA_RT_NONE = 0,
	KIRA_RT_CONTACTS = 1,
	KIRA_RT_OVERLAY = 2,
	KIRA_RT_OVERLAY_SOURCE = 3,
	KIRA_RT_VICINITY = 4,
};

enum kira_update_action {
	KIRA_ANNOUNCE = 0,
	KIRA_WITHDRAW = 1,
	KIRA_CHANGE = 2,
	KIRA_UNREACHABLE = 3,
};

enum kira_error_kind { KIRA_ERR_SEGMENT_FAILURE = 0x05, KIRA_ERR_DEAD_END = 0x0a };

#define KIRA_SSN_INVALID 0u
#define KIRA_SSN_RESET 0xffffffffu
#define KIRA_AGE_UNKNOWN 0xffffffffu
#define KIRA_DEGREE_UNKNOWN 0xffffu

/* Why a datagram was dropped; also the index of its counter. */
enum kira_drop {
	KIRA_DROP_NONE,
	KIRA_DROP_SHORT,     /* under 55 bytes */
	KIRA_DROP_VERSION,
	KIRA_DROP_LENGTH,    /* msg_length is not the datagram's */
	KIRA_DROP_OBJECT,    /* an object's header or body overruns, or its size is not possible */
	KIRA_DROP_ROUTE,     /* source route: n < 2, index, double or forbidden hop, hops[0] is not the source */
	KIRA_DROP_ENTRY,     /* a contact, path or SSN that is not possible */
	KIRA_DROP_MISSING,   /* a required object is not there */
	KIRA_DROP_RADIUS,    /* radius 0 in a FindNodeReq */
	KIRA_DROP_SOURCE,    /* source ID forbidden, or our own */
	KIRA_DROP_LINK,      /* not from a link-local address, hop limit not 255, unknown link */
	KIRA_DROP_SENDER,    /* the sender is not hops[index-1] or not a neighbour */
	KIRA_DROP_NOT_US,    /* hops[index] is not us */
	KIRA_DROP_DOMAIN,
	KIRA_DROP_TYPE,      /* for us, of a type we do not know */
	KIRA_DROP_RATE,      /* over the rate limit */
	KIRA_DROP_STATE,     /* answers nothing we asked */
	KIRA_DROP_MEMORY,
	KIRA_DROP_MAX
};

/* Short name of a drop reason ("short", "version", …), for metrics. */
const char *kira_drop_name(enum kira_drop d);
/* Name of a message type ("ULNHello", …), or "unknown". */
const char *kira_msg_name(uint8_t type);

struct kira_msg {
	struct slice raw; /* the datagram */

	uint8_t type;
	uint8_t flags;
	struct kira_id dest;
	struct kira_id src;
	uint64_t domain;
	uint64_t msg_id;
	uint32_t ssn;
	uint16_t degree;

	/* Presence is p != NULL (a present, empty object has n 0 and p not NULL). */
	const uint8_t *route; /* n_hops * 14 bytes */
	uint16_t n_hops;      /* >= 2 */
	uint16_t index;       /* 1 <= index < n_hops */
	uint32_t index_at;    /* offset of the index field in raw */

	struct slice not_via;  /* entries of 32 bytes */
	struct slice contacts; /* entries of 24 bytes */
	struct slice rtable;   /* entries of variable size, checked */
	struct slice update;   /* the same with an action each */

	bool has_rtable_req;
	uint8_t req_type;
	uint8_t radius;

	bool has_error;
	uint8_t error; /* enum kira_error_kind */
	struct kira_id reporter;
	struct kira_id link_a; /* the failed link, as sent */
	struct kira_id link_b;

	/* Name service objects: bodies, checked (§2.4). */
	struct slice store_req;
	struct slice store_rsp;
	struct slice fetch_req;
	struct slice fetch_rsp;
};

static inline struct kira_id kira_hop(const uint8_t *hops, size_t i)
{
	struct kira_id id;

	memcpy(id.b, hops + i * KIRA_ID_BYTES, KIRA_ID_BYTES);
	return id;
}

/* Decodes one datagram. Returns KIRA_DROP_NONE and m, or the first reason against it. Unknown objects are skipped;
 * of two objects of a type the last wins. An unknown message type decodes (it may be in transit). */
enum kira_drop kira_wire_decode(struct kira_msg *m, struct slice datagram);

struct kira_contact_entry {
	struct kira_id id;
	uint32_t ssn;
	uint32_t age; /* milliseconds, KIRA_AGE_UNKNOWN */
	uint16_t degree;
};

struct kira_not_via_entry {
	struct kira_id a; /* a < b */
	struct kira_id b;
	uint32_t age; /* milliseconds since the failure was noticed */
};

struct kira_rtable_entry {
	struct kira_contact_entry contact;
	const uint8_t *hops; /* n_hops * 14 bytes: from the reporter, without it, to the contact */
	uint16_t n_hops;     /* >= 1 */
	uint8_t action;      /* enum kira_update_action, of an rtable-update */
};

/* Take the next entry off a list of a decoded message; false at its end. */
bool kira_contact_next(struct slice *list, struct kira_contact_entry *e);
bool kira_not_via_next(struct slice *list, struct kira_not_via_entry *e);
bool kira_rtable_next(struct slice *list, struct kira_rtable_entry *e);
bool kira_update_next(struct slice *list, struct kira_rtable_entry *e);

/* Building. A message is begun, its objects are added in any order, and it is ended; b->failed, or a false return of
 * kira_wire_end, says that it did not fit (into b, or into 65535 bytes). Lists are objects that are opened, filled and
 * closed; closing an empty list removes the object, as empty lists are not sent (§2.4). */
struct kira_header {
	uint8_t type;
	uint8_t flags;
	struct kira_id dest;
	struct kira_id src;
	uint64_t domain;
	uint64_t msg_id;
	uint32_t ssn;
	uint16_t degree;
};

/* b must be empty. */
void kira_wire_begin(struct buf *b, const struct kira_header *h);
bool kira_wire_end(struct buf *b);

/* hops: n * 14 bytes. */
void kira_wire_route(struct buf *b, uint16_t index, const struct kira_id *hops, size_t n);
void kira_wire_rtable_req(struct buf *b, uint8_t req_type, uint8_t radius);
void kira_wire_error(struct buf *b, uint8_t kind, const struct kira_id *reporter,
		     const struct kira_id *link_a, const struct kira_id *link_b);

/* Opens an object; returns its place, which kira_wire_close takes. */
size_t kira_wire_open(struct buf *b, uint8_t obj_type);
void kira_wire_close(struct buf *b, size_t at);
void kira_wire_contact(struct buf *b, const struct kira_contact_entry *e);
void kira_wire_not_via(struct buf *b, const struct kira_not_via_entry *e); /* stores a < b */
/* hops: n structs; they end in e->contact.id. e->hops and e->n_hops are not looked at. */
void kira_wire_rtable(struct buf *b, const struct kira_contact_entry *c, const struct kira_id *hops, size_t n);
void kira_wire_update(struct buf *b, uint8_t action, const struct kira_contact_entry *c,
		      const struct kira_id *hops, size_t n);

/* Any object of a decoded message but its source route and not-via list, copied as received and in that order (unknown
 * ones too): what an overlay hop keeps of a message that it sends on along another route. */
void kira_wire_copy_others(struct buf *b, const struct kira_msg *m);

#endif
