/* SPDX-License-Identifier: BSD-2-Clause */
#include "node/depd/manifest.h"

#include "base/json.h"

#include <errno.h>
#include <string.h>
#include <sys/capability.h>

static int wrong(struct err *err, const char *origin, const char *member, const char *what)
{
	err_set(err, -EINVAL, "%s", what);
	err_where(err, "%s: %s", origin, member);
	err_mend(err, "correct the manifest; depd(8) lists its members");
	return -EINVAL;
}

static int get_texts(yyjson_val *root, const char *member, const char **to, size_t max,
		     const char *origin, struct err *err)
{
	yyjson_val *list = yyjson_obj_get(root, member);
	yyjson_val *v;
	size_t i;
	size_t n;

	if (!list)
		return 0;
	if (!yyjson_is_arr(list) || yyjson_arr_size(list) > max)
		return wrong(err, origin, member, "not a list, or too long");
	yyjson_arr_foreach(list, i, n, v)
	{
		if (!yyjson_is_str(v) || strlen(yyjson_get_str(v)) != yyjson_get_len(v))
			return wrong(err, origin, member, "not a list of texts");
		to[i] = yyjson_get_str(v);
	}
	return 0;
}

static int get_number(yyjson_val *root, const char *member, unsigned *to, const char *origin,
		      struct err *err)
{
	yyjson_val *v = yyjson_obj_get(root, member);

	if (!v)
		return 0;
	if (!yyjson_is_uint(v) || yyjson_get_uint(v) < 1 || yyjson_get_uint(v) > 3600)
		return wrong(err, origin, member, "not a number from 1 to 3600");
	*to = (unsigned)yyjson_get_uint(v);
	return 0;
}

static int get_caps(struct manifest *m, yyjson_val *root, const char *origin, struct err *err)
{
	const char *name[MANIFEST_CAPS + 1] = {0};
	int rc = get_texts(root, "capabilities", name, MANIFEST_CAPS, origin, err);
	cap_value_t cap;
	unsigned i;

	for (i = 0; rc == 0 && name[i]; i++) {
		if (cap_from_name(name[i], &cap) != 0)
			return wrong(err, origin, "capabilities", "no such capability");
		m->cap[m->n_caps++] = cap;
	}
	return rc;
}

static int get_restart(struct manifest *m, yyjson_val *root, const char *origin, struct err *err)
{
	static const char *const names[] = {"always", "on-failure", "never"};
	yyjson_val *v = yyjson_obj_get(root, "restart");
	unsigned i;

	for (i = 0; v && i < 3; i++) {
		if (yyjson_equals_str(v, names[i])) {
			m->restart = (enum restart)i;
			return 0;
		}
	}
	return v ? wrong(err, origin, "restart", "not always, on-failure or never") : 0;
}

/* A name that is safe as part of a path. */
static bool good_name(const char *s)
{
	return s && *s && strlen(s) < 32 &&
	       s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

/* A misspelt member must not be taken for one that is absent. */
static int check_members(yyjson_val *root, const char *origin, struct err *err)
{
	static const char known[] = " name description command config user starts-as-root "
				    "capabilities after restart restart-limit start-timeout "
				    "stop-timeout ";
	yyjson_val *key;
	yyjson_val *v;
	size_t i;
	size_t n;
	char word[40];

	yyjson_obj_foreach(root, i, n, key, v)
	{
		snprintf(word, sizeof(word), " %.36s ", yyjson_get_str(key));
		if (!strstr(known, word))
			return wrong(err, origin, yyjson_get_str(key), "no such member");
	}
	return 0;
}

static int read_members(struct manifest *m, yyjson_val *root, const char *origin, struct err *err)
{
	const struct {
		const char *member;
		const char **to;
		size_t max;
	} lists[] = {
		{"command", m->command, MANIFEST_ARGS},
		{"config", m->config, MANIFEST_ARGS},
		{"starts-as-root", m->as_root, MANIFEST_ARGS},
		{"after", m->after, MANIFEST_AFTER},
	};
	size_t i;
	int rc = check_members(root, origin, err);

	m->name = yyjson_get_str(yyjson_obj_get(root, "name"));
	m->description = yyjson_get_str(yyjson_obj_get(root, "description"));
	m->user = yyjson_get_str(yyjson_obj_get(root, "user"));
	m->starts_as_root = yyjson_obj_get(root, "starts-as-root") != NULL;
	if (rc == 0 && !good_name(m->name))
		return wrong(err, origin, "name", "not 1 to 31 of a-z, 0-9 and -");
	for (i = 0; i < sizeof(lists) / sizeof(lists[0]) && rc == 0; i++)
		rc = get_texts(root, lists[i].member, lists[i].to, lists[i].max, origin, err);
	if (rc == 0 && !m->command[0])
		return wrong(err, origin, "command", "there is none");
	if (rc == 0)
		rc = get_caps(m, root, origin, err);
	if (rc == 0)
		rc = get_restart(m, root, origin, err);
	if (rc == 0)
		rc = get_number(root, "restart-limit", &m->restart_limit, origin, err);
	if (rc == 0)
		rc = get_number(root, "start-timeout", &m->start_timeout, origin, err);
	return rc == 0 ? get_number(root, "stop-timeout", &m->stop_timeout, origin, err) : rc;
}

int manifest_parse(struct manifest *m, const char *text, size_t n, const char *origin,
		   struct err *err)
{
	yyjson_val *root;
	int rc;

	*m = (struct manifest){.restart_limit = 10, .start_timeout = 30, .stop_timeout = 10};
	m->doc = json_parse(text, n, MANIFEST_BYTES, origin, err);
	if (!m->doc)
		return err ? err->code : -EINVAL;
	root = yyjson_doc_get_root(m->doc);
	rc = yyjson_is_obj(root) ? read_members(m, root, origin, err)
				 : wrong(err, origin, "", "not an object");
	if (rc != 0)
		manifest_free(m);
	return rc;
}

void manifest_free(struct manifest *m)
{
	yyjson_doc_free(m->doc);
	*m = (struct manifest){0};
}
