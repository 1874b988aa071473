/* SPDX-License-Identifier: BSD-2-Clause */
/* For tests: vectors.json beside this file, and hex. */
#ifndef DEP_KIRA_VECTORS_H
#define DEP_KIRA_VECTORS_H

#include "proto/kira/id.h"

#include <stdio.h>
#include <stdlib.h>
#include <yyjson.h>

/* The vectors; the caller frees the document. Aborts the test program where there are none. */
static inline yyjson_doc *vectors_load(void)
{
	const char *top = getenv("DEP_TOP");
	char path[4096];
	yyjson_read_err err;
	yyjson_doc *doc;

	snprintf(path, sizeof(path), "%s/proto/kira/vectors.json", top ? top : ".");
	doc = yyjson_read_file(path, 0, NULL, &err);
	if (!doc) {
		fprintf(stderr, "%s: %s (DEP_TOP names the top of the sources)\n", path, err.msg);
		abort();
	}
	return doc;
}

static inline const char *vectors_text(yyjson_val *o, const char *key)
{
	const char *s = yyjson_get_str(yyjson_obj_get(o, key));

	if (!s) {
		fprintf(stderr, "vectors.json: no text named %s\n", key);
		abort();
	}
	return s;
}

static inline struct kira_id vectors_id(const char *text)
{
	struct kira_id id;

	if (kira_id_parse(text, &id) < 0) {
		fprintf(stderr, "vectors.json: not an ID: %s\n", text);
		abort();
	}
	return id;
}

/* Bytes of a hex text into p, at most cap. Returns their number, or -1 where it is not hex or too long. */
static inline long hex_bytes(const char *text, uint8_t *p, size_t cap)
{
	size_t n = strlen(text);
	size_t i;

	if (n % 2 || n / 2 > cap)
		return -1;
	for (i = 0; i < n / 2; i++) {
		char two[3] = {text[2 * i], text[2 * i + 1], '\0'};
		struct kira_id v;

		if (kira_id_parse(two, &v) < 0)
			return -1;
		p[i] = v.b[KIRA_ID_BYTES - 1];
	}
	return (long)(n / 2);
}

#endif
