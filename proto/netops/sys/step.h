/* SPDX-License-Identifier: BSD-2-Clause */
/* The steps of rpc `apply` in memory: read from the validated input, written as the inverse of what was done. No system
 * call: fuzzed. */
#ifndef DEP_SYS_STEP_H
#define DEP_SYS_STEP_H

#include "base/err.h"
#include "base/json.h"

#include <libyang/libyang.h>
#include <linux/if.h>
#include <stdbool.h>
#include <stdint.h>

#define STEP_HOPS_MAX 32
#define STEP_PROTOCOL 124 /* rtm_protocol of our routes */
#define STEPS_MAX 100000

enum step_kind {
	STEP_LINK,
	STEP_ADDRESS,
	STEP_NEIGHBOUR,
	STEP_ROUTE,
	STEP_SYSCTL,
	STEP_PURGE,
	STEP_ACL,
	STEP_ATTACH,
	STEP_KINDS,
};

/* An address, alone (prefix of all bits) or with the length of its prefix. */
struct step_ip {
	uint8_t family; /* AF_INET, AF_INET6; 0: none */
	uint8_t prefix;
	uint8_t a[16];
};

struct step_link {
	char name[IFNAMSIZ];
	char kind[16]; /* "": must be there already */
	char peer[IFNAMSIZ];
	char lower[IFNAMSIZ];
	char master[IFNAMSIZ];
	char mode[12];
	uint32_t id;
	struct step_ip local;
	struct step_ip remote;
	uint16_t port;
	bool has_up, up, has_mtu, has_master, has_mac;
	uint32_t mtu;
	uint8_t mac[6];
	char *alias; /* NULL: as it is */
};

struct step_address {
	char link[IFNAMSIZ];
	struct step_ip ip;
	bool no_dad;
};

struct step_neighbour {
	char link[IFNAMSIZ];
	struct step_ip ip;
	uint8_t mac[6];
};

struct step_hop {
	char link[IFNAMSIZ];
	struct step_ip via;
	uint16_t weight;
};

struct step_route {
	struct step_ip to;
	uint8_t type; /* RTN_UNICAST, … */
	uint8_t protocol;
	bool onlink;
	bool mtu_lock;
	uint32_t mtu; /* 0: that of the interface */
	uint32_t table;
	uint32_t metric;
	struct step_ip source;
	struct step_hop one;  /* where n_hops is 0 */
	uint8_t n_hops;
	struct step_hop *hop; /* n_hops of them */
};

struct step_sysctl {
	char link[IFNAMSIZ];
	char key[24];
	int32_t value;
};

/* Both as text of RFC 7951: what is inside of container acl or attach. */
struct step_filter {
	char *key; /* of a list its name; of an attachment "i" or "o" and the interface */
	char *json;
};

struct step {
	enum step_kind kind;
	bool absent;
	union {
		struct step_link link;
		struct step_address address;
		struct step_neighbour neighbour;
		struct step_route route;
		struct step_sysctl sysctl;
		struct step_filter filter;
	};
};

struct steps {
	struct step *at;
	size_t n;
	size_t cap;
};

/* Reads one entry of list step. Returns 0, -EINVAL or -ENOMEM and err; then s holds nothing. */
int step_read(const struct lyd_node *entry, struct step *s, struct err *err);
void step_free(struct step *s);
/* The step as an object of doc ({"link": {…}}); NULL: no memory. */
yyjson_mut_val *step_json(const struct step *s, yyjson_mut_doc *doc);
/* "link eth0", for errors. */
void step_name(const struct step *s, char *to, size_t n);

/* Takes s over, also where it fails. Returns 0 or -ENOMEM. */
int steps_take(struct steps *l, struct step *s);
void steps_free(struct steps *l);

/* "10.0.0.1" with prefix NULL, or "10.0.0.1/24" with prefix true. Returns 0 or -EINVAL. */
int step_ip_parse(const char *text, bool prefix, struct step_ip *ip);
#define STEP_IP_TEXT 64
void step_ip_text(const struct step_ip *ip, bool prefix, char to[STEP_IP_TEXT]);
/* The bits beyond the prefix are cleared. */
void step_ip_mask(struct step_ip *ip);

/* family and name under net.FAMILY.conf of a key; NULL: there is no such key. */
const char *step_sysctl_name(const char *key, uint8_t *family);

#endif
