/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the planner share. A change is sorted by the object that it touches (an interface, an address, a
 * route…); each object touched gives steps, by what the tree says of it afterwards. */
#ifndef DEP_SYS_PLAN_PRIV_H
#define DEP_SYS_PLAN_PRIV_H

#include "base/alloc.h"
#include "base/hash.h"
#include "proto/netops/sys/plan.h"

/* The order in which steps are taken (spec §2.12). */
enum plan_phase {
	PLAN_PURGE,
	PLAN_DEL_ROUTE,
	PLAN_DEL_NEIGHBOUR,
	PLAN_DEL_ADDRESS,
	PLAN_DEL_LINK,
	PLAN_NEW_LINK,	/* that stands on no other */
	PLAN_NEW_UPPER, /* that stands on one */
	PLAN_SET_LINK,
	PLAN_SYSCTL,
	PLAN_ADDRESS,
	PLAN_NEIGHBOUR,
	PLAN_ROUTE,
	PLAN_FILTER,
	PLAN_PHASES,
};

/* A part of a path: "ietf-ip:address[ip='10.0.0.1']". */
struct path_step {
	const char *name; /* without prefix */
	size_t n;
	const char *keys; /* "[…]", or empty */
	size_t n_keys;
	size_t end; /* in the path, behind it */
};
#define PLAN_STEPS 16

enum object_kind {
	OBJECT_INTERFACE,
	OBJECT_ADDRESS,
	OBJECT_NEIGHBOUR,
	OBJECT_ROUTE,
	OBJECT_ACL,
	OBJECT_ATTACH,
};

/* What of an interface changed. */
enum {
	TOUCH_LINK = 1,	      /* it came, went, or is made otherwise */
	TOUCH_ENABLED = 2,
	TOUCH_DESCRIPTION = 4,
	TOUCH_MTU = 8,
	TOUCH_MAC = 16,
	TOUCH_BRIDGE = 32,
	TOUCH_FORWARDING4 = 64,
	TOUCH_FORWARDING6 = 128,
	TOUCH_MTU6 = 256,
	TOUCH_DAD = 512,
	TOUCH_AUTOCONF = 1024,
	TOUCH_ENABLED6 = 2048,
	TOUCH_ADDRESS4 = 4096, /* one went: routes may have gone with it */
	TOUCH_ALL = 8191,
};

struct object {
	struct hash_node node;
	enum object_kind kind;
	unsigned touched;
	bool was_made; /* interface: before, it was of a kind that is made */
	bool v6;
	bool egress; /* of an attachment */
	char *path;
	char *name;    /* of the interface */
	char *key;     /* address or prefix */
	char *old;     /* address: prefix length before, or NULL */
	const struct lyd_node *now; /* in the tree afterwards, or NULL */
};

struct planner {
	const struct lyd_node *after;
	struct plan *plan;
	yyjson_mut_doc *doc;
	yyjson_mut_val *phase[PLAN_PHASES];
	struct alloc alloc;
	struct hash objects;
	struct object **order;
	size_t n;
	size_t cap;
	bool all; /* plan_all */
	struct err *err;
	int rc;
};

/* Splits a path. Returns the number of parts, 0 where it is none. */
unsigned plan_split(const char *path, struct path_step step[PLAN_STEPS]);
bool plan_is(const struct path_step *s, const char *name);
/* The value of a key, to be freed, or NULL. */
char *plan_key(const struct path_step *s, const char *name);

/* The object at the first n bytes of path, made where it is new; NULL: no memory (p->rc). */
struct object *plan_object(struct planner *p, enum object_kind kind, const char *path, size_t n);
/* A new step in a phase: {"kind": {}}; returns the inner object. */
yyjson_mut_val *plan_step(struct planner *p, enum plan_phase phase, const char *kind);
void plan_absent(struct planner *p, yyjson_mut_val *o);
void plan_text(struct planner *p, yyjson_mut_val *o, const char *key, const char *value);
int plan_refuse(struct planner *p, const char *where, const char *what);

/* Below a node by name alone. */
const struct lyd_node *plan_child(const struct lyd_node *at, const char *name);
const char *plan_value(const struct lyd_node *at, const char *name);

/* plan_if.c: changes of /ietf-interfaces:interfaces, and steps of its objects. */
void plan_if_change(struct planner *p, const struct change *c, const struct path_step *s,
		    unsigned n);
void plan_if_steps(struct planner *p, struct object *o);
void plan_if_all(struct planner *p, const struct lyd_node *interfaces);
/* plan_route.c: the same of /ietf-routing:routing. */
void plan_route_change(struct planner *p, const struct change *c, const struct path_step *s,
		       unsigned n);
void plan_route_steps(struct planner *p, struct object *o);
void plan_route_all(struct planner *p, const struct lyd_node *routing);
/* plan_acl.c: the same of /ietf-access-control-list:acls. */
void plan_acl_change(struct planner *p, const struct change *c, const struct path_step *s,
		     unsigned n);
void plan_acl_steps(struct planner *p, struct object *o);
void plan_acl_all(struct planner *p, const struct lyd_node *acls);
/* Routes of the tree that may have gone with what happened to these interfaces. */
void plan_route_again(struct planner *p);

#endif
