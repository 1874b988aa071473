/* SPDX-License-Identifier: BSD-2-Clause */
/* Asking a room, and writing what it said. */
#include "node/dep.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int dep_connect(struct dep *d)
{
	char path[128];

	if (d->client)
		return 0;
	if (!d->socket && counter_path(d->room, path, sizeof(path)) != 0)
		return err_set(&d->err, -ENAMETOOLONG, "DEP_RUN_DIR is too long");
	d->client = counter_connect(d->socket ? d->socket : path, &d->err);
	return d->client ? 0 : d->err.code;
}

yyjson_doc *dep_ask(struct dep *d, const char *method, yyjson_mut_doc *doc, yyjson_mut_val *params,
		    yyjson_val **result)
{
	if (dep_connect(d) != 0)
		return NULL;
	return counter_request(d->client, method, doc, params, DEP_TIMEOUT, result, &d->err);
}

yyjson_doc *dep_state(struct dep *d, const char *path, yyjson_val **at)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *params = yyjson_mut_obj(doc);
	yyjson_val *result;
	yyjson_doc *answer;

	yyjson_mut_obj_add_str(doc, params, "path", path);
	answer = dep_ask(d, "state.get", doc, params, &result);
	yyjson_mut_doc_free(doc);
	/* A path is the JSON pointer of what it names, as long as it has no keys. */
	*at = answer ? yyjson_ptr_get(result, path) : NULL;
	return answer;
}

int dep_print_json(yyjson_val *v)
{
	char *text = v ? yyjson_val_write(v, YYJSON_WRITE_PRETTY_TWO_SPACES, NULL) : NULL;

	puts(text ? text : "null");
	free(text);
	return DEP_OK;
}

void dep_print_text(const char *text)
{
	for (; *text; text++)
		putchar((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text);
}

const char *dep_text(yyjson_val *obj, const char *key, char buf[32])
{
	yyjson_val *v = yyjson_obj_get(obj, key);

	if (yyjson_is_str(v))
		return yyjson_get_str(v);
	if (yyjson_is_bool(v))
		return yyjson_get_bool(v) ? "yes" : "no";
	if (!yyjson_is_num(v))
		return "-";
	if (yyjson_is_real(v))
		snprintf(buf, 32, "%g", yyjson_get_real(v));
	else if (yyjson_is_uint(v))
		snprintf(buf, 32, "%" PRIu64, yyjson_get_uint(v));
	else
		snprintf(buf, 32, "%" PRId64, yyjson_get_sint(v));
	return buf;
}

uint64_t dep_num(yyjson_val *obj, const char *key)
{
	uint64_t n = 0;

	json_get_u64(yyjson_obj_get(obj, key), &n);
	return n;
}

const char *dep_span(uint64_t ms, char buf[32])
{
	if (ms < 1000)
		snprintf(buf, 32, "%" PRIu64 " ms", ms);
	else if (ms < 100000)
		snprintf(buf, 32, "%" PRIu64 ".%" PRIu64 " s", ms / 1000, ms % 1000 / 100);
	else if (ms < 7200000)
		snprintf(buf, 32, "%" PRIu64 " min", ms / 60000);
	else if (ms < 172800000)
		snprintf(buf, 32, "%" PRIu64 " h", ms / 3600000);
	else
		snprintf(buf, 32, "%" PRIu64 " d", ms / 86400000);
	return buf;
}

const char *dep_age(yyjson_val *obj, const char *key, char buf[32])
{
	uint64_t ms;

	return json_get_u64(yyjson_obj_get(obj, key), &ms) ? dep_span(ms, buf) : "-";
}

const char *dep_short_id(const char *id, char buf[32])
{
	if (strlen(id) <= 8)
		return id;
	snprintf(buf, 32, "%.8s…", id);
	return buf;
}
