/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/config.h"

#include "base/config_ly.h"
#include "base/json.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct config_schema {
	struct ly_ctx *ctx;
	const struct lys_module *module;
	char *text;
};

struct config {
	const struct config_schema *schema;
	struct lyd_node *tree;
};

int config_ly_err(struct ly_ctx *ctx, const char *origin, const char *mend, struct err *err)
{
	const struct ly_err_item *e = ly_err_first(ctx);
	int code = -EINVAL;
	bool path;

	/* Warnings come first, and the first error is the cause of the others. */
	while (e && e->level != LY_LLERR)
		e = e->next;
	if (!e) {
		err_set(err, -EINVAL, "refused");
	} else if (e->err == LY_EMEM) {
		code = err_set(err, -ENOMEM, "no memory");
	} else {
		path = e->data_path || e->schema_path;
		err_set(err, -EINVAL, "%s", e->msg ? e->msg : "not valid");
		if (path)
			err_where(err, "%s%s%s", origin ? origin : "", origin ? ": " : "",
				  e->data_path ? e->data_path : e->schema_path);
		else if (e->line > 0)
			err_where(err, "%s%sline %llu", origin ? origin : "", origin ? ", " : "",
				  (unsigned long long)e->line);
		else
			err_where(err, "%s", origin ? origin : "");
		err_mend(err, "%s", mend);
	}
	ly_err_clean(ctx, NULL);
	return code;
}

/* libyang makes a mutable context of a const schema's: its stored errors. */
struct ly_ctx *config_ly_ctx(const struct config_schema *s)
{
	return s->ctx;
}

struct config_schema *config_schema_empty(const char *name, struct err *err)
{
	struct config_schema *s = calloc(1, sizeof(*s));

	/* Errors are kept for us to read, not printed. */
	ly_log_options(LY_LOSTORE);
	if (s && ly_ctx_new(NULL, LY_CTX_NO_YANGLIBRARY | LY_CTX_DISABLE_SEARCHDIRS, &s->ctx) ==
			 LY_SUCCESS)
		return s;
	err_set(err, -ENOMEM, "no memory for YANG module %s", name);
	free(s);
	return NULL;
}

int config_schema_own(struct config_schema *s, const char *name, struct err *err)
{
	s->module = ly_ctx_get_module_implemented(s->ctx, name);
	return s->module ? 0 : err_set(err, -ENOENT, "YANG module %s is not there", name);
}

struct config_schema *config_schema_new(const char *name, const char *yang, struct err *err)
{
	struct config_schema *s = config_schema_empty(name, err);
	struct lys_module *m = NULL;
	LY_ERR rc;

	if (!s)
		return NULL;
	rc = lys_parse_mem(s->ctx, yang, LYS_IN_YANG, &m);
	s->text = strdup(yang);
	if (rc != LY_SUCCESS || !s->text) {
		if (rc != LY_SUCCESS)
			config_ly_err(s->ctx, name, "correct the YANG module", err);
		else
			err_set(err, -ENOMEM, "no memory for YANG module %s", name);
		config_schema_free(s);
		return NULL;
	}
	if (strcmp(m->name, name) != 0) {
		err_set(err, -EINVAL, "YANG module %s found where %s was expected", m->name, name);
		config_schema_free(s);
		return NULL;
	}
	s->module = m;
	return s;
}

void config_schema_free(struct config_schema *s)
{
	if (!s)
		return;
	ly_ctx_destroy(s->ctx);
	free(s->text);
	free(s);
}

const char *config_schema_name(const struct config_schema *s)
{
	return s->module->name;
}

const char *config_schema_revision(const struct config_schema *s)
{
	return s->module->revision ? s->module->revision : "";
}

const char *config_schema_text(const struct config_schema *s)
{
	return s->text ? s->text : "";
}

const struct ly_ctx *config_schema_ctx(const struct config_schema *s)
{
	return s->ctx;
}

char *config_ly_text(const char *json, size_t n, size_t max, const char *origin, struct err *err)
{
	yyjson_doc *doc = json_parse(json, n, max, origin, err);
	char *text;

	if (!doc)
		return NULL;
	if (!yyjson_is_obj(yyjson_doc_get_root(doc))) {
		err_set(err, -EINVAL, "a JSON object was expected");
		err_where(err, "%s", origin ? origin : "");
		err_mend(err, "begin with { and the name of the module's container");
		yyjson_doc_free(doc);
		return NULL;
	}
	yyjson_doc_free(doc);
	text = malloc(n + 1);
	if (!text) {
		err_set(err, -ENOMEM, "no memory for JSON text of %zu bytes", n);
		return NULL;
	}
	memcpy(text, json, n);
	text[n] = '\0';
	return text;
}

struct config *config_parse(const struct config_schema *s, const char *json, size_t n,
			    const char *origin, struct err *err)
{
	char *text = config_ly_text(json, n, CONFIG_MAX_BYTES, origin, err);
	struct config *c;
	LY_ERR rc;

	if (!text)
		return NULL;
	c = calloc(1, sizeof(*c));
	if (!c) {
		err_set(err, -ENOMEM, "no memory for a configuration");
		free(text);
		return NULL;
	}
	c->schema = s;
	rc = lyd_parse_data_mem(s->ctx, text, LYD_JSON, LYD_PARSE_STRICT | LYD_PARSE_NO_STATE,
				LYD_VALIDATE_NO_STATE, &c->tree);
	free(text);
	if (rc != LY_SUCCESS) {
		config_ly_err(s->ctx, origin,
			      "correct it there; the YANG module lists what may be set", err);
		config_free(c);
		return NULL;
	}
	ly_err_clean(s->ctx, NULL);
	return c;
}

/* The bytes of a regular file, at most CONFIG_MAX_BYTES + 1 of them. Returns how many, or a
 * negative errno. */
static ssize_t read_file(const char *file, char **text)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	size_t n = 0;
	ssize_t got = -1;

	*text = NULL;
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return -EISDIR;
	}
	*text = malloc(CONFIG_MAX_BYTES + 1);
	errno = ENOMEM;
	while (*text && n <= CONFIG_MAX_BYTES) {
		got = read(fd, *text + n, CONFIG_MAX_BYTES + 1 - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	got = got < 0 ? -errno : (ssize_t)n;
	close(fd);
	return got;
}

struct config *config_load(const struct config_schema *s, const char *file, struct err *err)
{
	struct config *c = NULL;
	char *text;
	ssize_t n = read_file(file, &text);

	if (n == -EISDIR) {
		err_set(err, -EINVAL, "not a regular file");
		err_where(err, "%s", file);
	} else if (n < 0) {
		err_set(err, (int)n, "cannot read the configuration: %s", strerror((int)-n));
		err_where(err, "%s", file);
		err_mend(err, "%s",
			 n == -ENOENT ? "make the file; {} in it is a configuration of all defaults"
				      : "make it readable for this user");
	} else {
		c = config_parse(s, text, (size_t)n, file, err);
	}
	free(text);
	return c;
}

void config_free(struct config *c)
{
	if (!c)
		return;
	lyd_free_all(c->tree);
	free(c);
}

char *config_print(const struct config *c, bool defaults)
{
	uint32_t options = LYD_PRINT_WITHSIBLINGS | LYD_PRINT_SHRINK |
			   (defaults ? LYD_PRINT_WD_ALL : LYD_PRINT_WD_EXPLICIT);
	char *text = NULL;

	if (lyd_print_mem(&text, c->tree, LYD_JSON, options) != LY_SUCCESS)
		return NULL;
	return text ? text : strdup("{}");
}

const struct lyd_node *config_tree(const struct config *c)
{
	return c->tree;
}

const struct lyd_node *config_node(const struct lyd_node *at, const char *path)
{
	struct lyd_node *found = NULL;
	LY_ERR rc;

	if (!at || !path)
		return at;
	rc = lyd_find_path(at, path, 0, &found);
	assert(rc == LY_SUCCESS || rc == LY_EINCOMPLETE || rc == LY_ENOTFOUND);
	return rc == LY_SUCCESS ? found : NULL;
}

const char *config_text(const struct lyd_node *at, const char *path)
{
	const struct lyd_node *node = config_node(at, path);

	return node ? lyd_get_value(node) : NULL;
}

uint64_t config_u64(const struct lyd_node *at, const char *path, uint64_t otherwise)
{
	const char *text = config_text(at, path);
	uint64_t v;
	char *end;

	if (!text)
		return otherwise;
	v = strtoull(text, &end, 10);
	assert(end != text && *end == '\0');
	return v;
}

int64_t config_i64(const struct lyd_node *at, const char *path, int64_t otherwise)
{
	const char *text = config_text(at, path);
	int64_t v;
	char *end;

	if (!text)
		return otherwise;
	v = strtoll(text, &end, 10);
	assert(end != text && *end == '\0');
	return v;
}

bool config_flag(const struct lyd_node *at, const char *path)
{
	const char *text = config_text(at, path);

	assert(!text || strcmp(text, "true") == 0 || strcmp(text, "false") == 0);
	return text && text[0] == 't';
}

void config_each(const struct lyd_node *at, const char *path,
		 bool (*f)(void *ctx, const struct lyd_node *entry), void *ctx)
{
	struct ly_set *set = NULL;
	uint32_t i;
	LY_ERR rc;

	if (!at)
		return;
	rc = lyd_find_xpath(at, path, &set);
	assert(rc == LY_SUCCESS);
	for (i = 0; set && i < set->count; i++) {
		if (!f(ctx, set->dnodes[i]))
			break;
	}
	ly_set_free(set, NULL);
}
