/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/auth/auth_priv.h"

#include <errno.h>
#include <stdio.h>

int auth_read_file(const char *path, struct buf *to, struct err *err)
{
	FILE *f = fopen(path, "re");
	uint8_t piece[4096];
	size_t n;
	int rc = 0;

	if (!f) {
		rc = err_set(err, -errno, "cannot be read: %s", strerror(errno));
		err_where(err, "%s", path);
		return rc;
	}
	while (rc == 0 && (n = fread(piece, 1, sizeof(piece), f)) > 0) {
		buf_bytes(to, piece, n);
		if (to->n > AUTH_FILE_BYTES || to->failed)
			rc = err_set(err, -EFBIG, "larger than %u bytes", AUTH_FILE_BYTES);
	}
	if (rc == 0 && ferror(f))
		rc = err_set(err, -EIO, "cannot be read");
	fclose(f);
	if (rc != 0)
		err_where(err, "%s", path);
	return rc;
}

yyjson_val *auth_open(const char *text, size_t n, const char *origin, const char *name,
		      yyjson_doc **doc, struct err *err)
{
	yyjson_val *root;
	yyjson_val *arr;

	*doc = json_parse(text, n, AUTH_FILE_BYTES, origin, err);
	if (!*doc)
		return NULL;
	root = yyjson_doc_get_root(*doc);
	arr = yyjson_obj_get(root, name);
	if (yyjson_is_arr(arr) && yyjson_arr_size(arr) <= AUTH_ENTRIES && auth_json_unique(root))
		return arr;
	err_set(err, -EINVAL, "not an object with one array \"%s\" of at most %d entries", name,
		AUTH_ENTRIES);
	err_where(err, "%s", origin ? origin : "");
	yyjson_doc_free(*doc);
	*doc = NULL;
	return NULL;
}
