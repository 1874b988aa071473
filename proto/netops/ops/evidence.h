/* SPDX-License-Identifier: BSD-2-Clause */
/* What a prompt is made of: evidence read from the device when it is asked for, and findings that
 * follow from it. Evidence is embedded as resources, for what devices say is data and never part of
 * the instruction (spec §2.14 rule 2). */
#ifndef DEP_NETOPS_EVIDENCE_H
#define DEP_NETOPS_EVIDENCE_H

#include "proto/netops/ops/face.h"

#define EVIDENCE_MAX 12
#define EVIDENCE_BYTES (64u << 10) /* of one piece */

struct evidence {
	struct call *c;
	yyjson_mut_doc *doc; /* of the answer */
	yyjson_mut_val *messages, *findings;
	int step;
	/* Does the next step: one of evidence_get() … which come back here, or evidence_end(). */
	void (*next)(struct evidence *v);
	/* Looks at what came: the whole of it, though the client may get less. NULL: was not there.
	 */
	void (*look)(struct evidence *v, yyjson_val *root);
	char uri[512];
	char what[64];
	/* ping-fail */
	char src[64], dst[64], link[64], via[64];
	bool found_src;
	/* add-vlan */
	char ports[256];
	unsigned vlan;
};

/* NULL: no memory, answered. instruction: ours alone, no text of a device in it. */
struct evidence *evidence_new(struct face *f, struct mcp_req *r, const char *method,
			      yyjson_val *args, void (*next)(struct evidence *v));
void evidence_say(struct evidence *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* One finding: {check, ok, detail}. */
void evidence_find(struct evidence *v, const char *check, bool ok, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

void evidence_get(struct evidence *v, enum datastore ds, const char *path, const char *uri,
		  void (*look)(struct evidence *v, yyjson_val *root));
/* what: how people call it. input: JSON text. */
void evidence_rpc(struct evidence *v, const char *rpc, const char *input, const char *what,
		  void (*look)(struct evidence *v, yyjson_val *root));
void evidence_log(struct evidence *v, unsigned count);
void evidence_history(struct evidence *v, unsigned count);
/* Answers with the description, the evidence and the findings. */
void evidence_end(struct evidence *v, const char *description);

#endif
