/* SPDX-License-Identifier: BSD-2-Clause */
/* Failures of network operations: MCP-NET's codes (spec §2.1), with what a person reads and what a program reads. The
 * front ends turn them into their own form. */
#ifndef DEP_NETOPS_NETERR_H
#define DEP_NETOPS_NETERR_H

#include "base/err.h"
#include "base/json.h"

enum neterr_code {
	NETERR_NONE = 0,
	NETERR_TIMEOUT = -32081,	     /* Network.Timeout */
	NETERR_UNREACHABLE = -32082,	     /* Network.Unreachable: a room is not there */
	NETERR_ACCESS_DENIED = -32083,	     /* Network.AccessDenied: NACM or scope */
	NETERR_CONFIG_INCOMPATIBLE = -32084, /* Network.ConfigIncompatible: YANG validation, backend cannot */
	NETERR_ROLLBACK_FAILED = -32085,     /* Network.RollbackFailed */
	NETERR_CONFIRMED_COMMIT_TIMEOUT = -32086, /* Network.ConfirmedCommitTimeout */
	NETERR_LOCK_DENIED = -32087,	     /* Network.LockDenied */
	NETERR_POLICY_DENIED = -32088,	     /* Network.PolicyDenied */
	NETERR_TRANSACTION_UNKNOWN = -32089, /* Network.TransactionUnknown */
	NETERR_TRANSPORT = -32090,	     /* Network.Transport */
	/* Not of the network: the request itself. */
	NETERR_INVALID = -32602,  /* arguments */
	NETERR_NOT_FOUND = -32002, /* no such resource; front ends know their own code for it */
	NETERR_INTERNAL = -32603,
};

struct neterr {
	enum neterr_code code;
	char tag[32]; /* NETCONF error-tag: "lock-denied", "data-missing", … */
	struct err err; /* what, where (a path), mend */
	yyjson_mut_doc *data; /* further members for error.data, or NULL; owned */
};

const char *neterr_name(enum neterr_code code); /* "Network.Timeout"; NULL for the last three */
/* Sets code, tag and what; clears the rest (releases data). Returns code. */
int neterr_set(struct neterr *e, enum neterr_code code, const char *tag, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* The object of error.data, for members of the kind at hand; made at the first call. NULL: no memory. */
yyjson_mut_val *neterr_data(struct neterr *e);
void neterr_clear(struct neterr *e);
/* Takes over from into to (which is cleared before). */
void neterr_move(struct neterr *to, struct neterr *from);

#endif
