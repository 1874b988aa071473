/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/neterr.h"

#include <stdarg.h>
#include <string.h>

const char *neterr_name(enum neterr_code code)
{
	switch (code) {
	case NETERR_TIMEOUT:
		return "Network.Timeout";
	case NETERR_UNREACHABLE:
		return "Network.Unreachable";
	case NETERR_ACCESS_DENIED:
		return "Network.AccessDenied";
	case NETERR_CONFIG_INCOMPATIBLE:
		return "Network.ConfigIncompatible";
	case NETERR_ROLLBACK_FAILED:
		return "Network.RollbackFailed";
	case NETERR_CONFIRMED_COMMIT_TIMEOUT:
		return "Network.ConfirmedCommitTimeout";
	case NETERR_LOCK_DENIED:
		return "Network.LockDenied";
	case NETERR_POLICY_DENIED:
		return "Network.PolicyDenied";
	case NETERR_TRANSACTION_UNKNOWN:
		return "Network.TransactionUnknown";
	case NETERR_TRANSPORT:
		return "Network.Transport";
	case NETERR_NONE:
	case NETERR_INVALID:
	case NETERR_NOT_FOUND:
	case NETERR_INTERNAL:
		break;
	}
	return NULL;
}

void neterr_clear(struct neterr *e)
{
	yyjson_mut_doc_free(e->data);
	*e = (struct neterr){0};
}

int neterr_set(struct neterr *e, enum neterr_code code, const char *tag, const char *fmt, ...)
{
	va_list ap;

	neterr_clear(e);
	e->code = code;
	snprintf(e->tag, sizeof(e->tag), "%s", tag ? tag : "");
	e->err.code = (int)code;
	va_start(ap, fmt);
	vsnprintf(e->err.what, sizeof(e->err.what), fmt, ap);
	va_end(ap);
	return (int)code;
}

yyjson_mut_val *neterr_data(struct neterr *e)
{
	yyjson_mut_val *obj;

	if (e->data)
		return yyjson_mut_doc_get_root(e->data);
	e->data = yyjson_mut_doc_new(NULL);
	obj = yyjson_mut_obj(e->data);
	if (!obj) {
		yyjson_mut_doc_free(e->data);
		e->data = NULL;
		return NULL;
	}
	yyjson_mut_doc_set_root(e->data, obj);
	return obj;
}

void neterr_move(struct neterr *to, struct neterr *from)
{
	neterr_clear(to);
	*to = *from;
	*from = (struct neterr){0};
}
