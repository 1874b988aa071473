/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the forwarding tier share. */
#ifndef DEP_KIRA_DATAPLANE_PRIV_H
#define DEP_KIRA_DATAPLANE_PRIV_H

#include "base/hash.h"
#include "base/netlink.h"
#include "proto/kira/dataplane.h"

#define DATAPLANE_ENCAP 44
#define DATAPLANE_ROOM (2 * DATAPLANE_ENCAP) /* kept free below the least link MTU (spec §4.1) */
#define DATAPLANE_LEVELS 3 /* encapsulations taken off one packet */
#define DATAPLANE_LINKS_MAX 1024
/* Marks our routes, addresses and neighbour entries in the kernel (as RTPROT_*, IFA_PROTO,
 * NDA_PROTOCOL). */
#define DATAPLANE_PROTO 75

struct dataplane_link {
	uint32_t ifindex;
	char name[IFNAMSIZ];
	uint32_t mtu;
	bool kira;	 /* else only guarded */
	bool forwarding; /* we switched it on */
};

/* A bucket of tokens: so many a second, and so many at once. */
struct dataplane_rate {
	unsigned tokens;
	usec_t since;
};

enum dataplane_place { DATAPLANE_AT_DEVICE, DATAPLANE_AT_LINK, DATAPLANE_AT_GUARD };

/* A back-end: the tables, and the programs that use them. */
struct dataplane_backend {
	int (*open)(struct dataplane *dp, struct err *err);
	void (*close)(struct dataplane *dp);
	int (*attach)(struct dataplane *dp, enum dataplane_place place, uint32_t ifindex,
		      struct err *err);
	int (*set_node)(struct dataplane *dp, const struct kira_id *id, unsigned bits,
			const struct kira_fwd *to);
	int (*set_path)(struct dataplane *dp, const struct kira_id *id, const struct kira_fwd *to);
	bool (*get_node)(struct dataplane *dp, const struct kira_id *id, struct kira_fwd *to);
	bool (*get_path)(struct dataplane *dp, const struct kira_id *id, struct kira_fwd *to);
	int (*stats)(struct dataplane *dp, struct dataplane_stats *add);
	int (*activity)(struct dataplane *dp, uint32_t ifindex, struct dataplane_activity *out);
};

extern const struct dataplane_backend dataplane_bpf;
extern const struct dataplane_backend dataplane_tun;

struct dataplane_bpf_state;
struct dataplane_tun_state;

struct dataplane {
	struct dataplane_params params;
	char name[IFNAMSIZ];
	enum dataplane_kind kind;
	const struct dataplane_backend *back; /* NULL: not open */
	struct dataplane_bpf_state *bpf;
	struct dataplane_tun_state *tun;
	struct alloc alloc;
	struct netlink *nl;
	struct kira_addr own;

	uint32_t device; /* 0: none yet */
	uint8_t device_mac[6];
	uint32_t mtu; /* for packets to NodeIDs */
	int tap;
	int icmp;	  /* raw ICMPv6, for sending */
	int packet;	  /* AF_PACKET, for sending */
	bool forward_all; /* we switched net.ipv6.conf.all.forwarding on */
	uint32_t *ra;	  /* interfaces whose accept_ra we set from 1 to 2 */
	unsigned n_ra;
	bool settled; /* what a predecessor left is gone; from here on close removes what we made */

	struct dataplane_link *links;
	unsigned n_links;
	struct hash neighbours;
	unsigned n_unknown; /* neighbours whose address is not known */
	usec_t asked;	    /* when the kernel was last asked about them */

	struct dataplane_stats stats; /* of what the daemon itself forwarded or dropped */
	struct dataplane_rate misses;
	struct dataplane_rate errors;
};

/* The link's record, or NULL. */
struct dataplane_link *dataplane_link_find(struct dataplane *dp, uint32_t ifindex);
/* Makes room for one more in an array of n that doubles; false where there is no memory. */
bool dataplane_grow(void **p, unsigned n, size_t size);

/* Lets the kernel forward what comes by the link; with forwarding of all interfaces where it can do
 * no better. */
int dataplane_forward_from(struct dataplane *dp, struct dataplane_link *l, struct err *err);
/* Ends forwarding of all interfaces. */
void dataplane_forward_none(struct dataplane *dp);
/* Learns from the device's alias what a predecessor switched on. */
void dataplane_forward_recall(struct dataplane *dp, const char *alias);
/* Removes what carries our marks in the kernel, but for the device. */
int dataplane_sweep(struct dataplane *dp, struct err *err);

/* Asks again for the hardware addresses that are not known, if it is time. */
void dataplane_neighbours_ask(struct dataplane *dp);
/* Drops all neighbours of a link, or all records (not the kernel's entries). */
void dataplane_neighbours_forget(struct dataplane *dp, uint32_t ifindex);
void dataplane_neighbours_free(struct dataplane *dp);
/* The neighbour's hardware address, from what is kept or from the kernel. */
bool dataplane_neighbour_mac(struct dataplane *dp, uint32_t ifindex, const struct kira_addr *addr,
			     uint8_t mac[6]);

/* One frame that the device gave: n bytes at `frame`, an Ethernet header first, before which
 * DATAPLANE_ROOM bytes may be overwritten. Forwards it, answers it with an ICMPv6 error, or drops
 * it. */
void dataplane_user_frame(struct dataplane *dp, uint8_t *frame, size_t n, usec_t now);

#endif
