/* SPDX-License-Identifier: BSD-2-Clause */
/* The audit log (spec §2.2 Audit): hash-chained JSON records in the journal, checkpoints signed with the node's Ed25519
 * key each 1000 records or 60 s, so that no byte can be changed, no record dropped or moved without being found. */
#ifndef DEP_NETOPS_AUDIT_H
#define DEP_NETOPS_AUDIT_H

#include "base/buf.h"
#include "base/clock.h"
#include "proto/netops/neterr.h"
#include "proto/netops/principal.h"
#include "proto/netops/store/changes.h"

struct audit;

/* What happened. Texts may be NULL. */
struct audit_entry {
	const struct principal *by;
	const char *era, *method, *tool;
	yyjson_val *args;	/* secrets (redact list and nacm:default-deny-all nodes) are replaced */
	yyjson_val *meta;	/* traceparent; <prefix>/trigger, /prompt, /modelResponse: marked untrusted */
	bool approval_required;
	const char *approval_status, *approver;
	const char *pre_hash, *post_hash;
	const struct changes *diff;
	const char *outcome; /* "ok", "denied", "failed", "rolled-back" … */
	int err_code;
	usec_t took;
};
/* Appends a record; returns its sequence number, 0: could not. Durable with the next synchronous journal record. */
uint64_t audit_add(struct audit *a, const struct audit_entry *e);
/* The newest `count` records, oldest first, as JSON lines into out. */
int audit_last(struct audit *a, unsigned count, struct buf *out);
/* Reads the whole journal again: 0 and the number of records, or -EBADMSG, the first bad sequence number and why.
 * Independent of what is in memory. */
int audit_verify(struct audit *a, uint64_t *records, uint64_t *bad_seq, struct err *err);

#endif
