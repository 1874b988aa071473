/* SPDX-License-Identifier: BSD-2-Clause */
/* The words of RFC 6750 and RFC 9728 for a front end. */
#include "proto/netops/auth/auth_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>

bool auth_bearer(const char *authorization, struct slice *token)
{
	size_t body;
	size_t pad;

	if (!authorization || strncasecmp(authorization, "Bearer", 6) != 0 ||
	    authorization[6] != ' ')
		return false;
	authorization += 6;
	authorization += strspn(authorization, " ");
	/* token68 of RFC 9110 §11.2. */
	body = strspn(authorization,
		      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+/");
	pad = strspn(authorization + body, "=");
	if (body == 0 || authorization[body + pad] != '\0')
		return false;
	*token = slice_of(authorization, body + pad);
	return true;
}

void auth_challenge(struct buf *to, enum auth_why why, unsigned scopes, const char *metadata_url)
{
	const char *sep = " ";
	unsigned bit;
	bool first = true;

	buf_printf(to, "Bearer");
	if (why != AUTH_MISSING) {
		buf_printf(to, " error=\"%s\"",
			   why == AUTH_SCOPE ? "insufficient_scope" : "invalid_token");
		sep = ", ";
	}
	if (scopes) {
		buf_printf(to, "%sscope=\"", sep);
		for (bit = 1; bit <= SCOPE_ALL; bit <<= 1) {
			if (!(scopes & bit))
				continue;
			buf_printf(to, "%s%s", first ? "" : " ", scope_name((enum scope)bit));
			first = false;
		}
		buf_u8(to, '"');
		sep = ", ";
	}
	/* A URI holds no quotation mark; one that does is cut there. */
	if (metadata_url)
		buf_printf(to, "%sresource_metadata=\"%.*s\"", sep,
			   (int)strcspn(metadata_url, "\"\\\r\n"), metadata_url);
}

int auth_metadata(struct buf *to, const char *resource, const char *const *issuers)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc);
	yyjson_mut_val *arr;
	size_t n = 0;
	unsigned bit;
	char *text;

	yyjson_mut_doc_set_root(doc, root);
	yyjson_mut_obj_add_str(doc, root, "resource", resource);
	arr = json_add_arr(doc, root, "authorization_servers");
	for (; issuers && *issuers; issuers++)
		yyjson_mut_arr_add_str(doc, arr, *issuers);
	arr = json_add_arr(doc, root, "scopes_supported");
	for (bit = 1; bit <= SCOPE_ALL; bit <<= 1)
		yyjson_mut_arr_add_str(doc, arr, scope_name((enum scope)bit));
	arr = json_add_arr(doc, root, "bearer_methods_supported");
	yyjson_mut_arr_add_str(doc, arr, "header");
	text = yyjson_mut_write(doc, YYJSON_WRITE_NOFLAG, &n);
	yyjson_mut_doc_free(doc);
	if (!text)
		return -ENOMEM;
	buf_bytes(to, text, n);
	free(text);
	return to->failed ? -ENOMEM : 0;
}
