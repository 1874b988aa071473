/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/sys/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MARK "# Written by dep-sys: changes are lost.\n"
#define TEXT 4096

struct settings {
	struct settings_params p;
	char *logging; /* what is in force, as text; NULL: nothing */
	struct forward *forward;
};

struct settings *settings_new(const struct settings_params *p)
{
	struct settings *s = calloc(1, sizeof(*s));

	if (s)
		s->p = *p;
	return s;
}

void settings_free(struct settings *s)
{
	if (!s)
		return;
	forward_free(s->forward);
	free(s->logging);
	free(s);
}

/* ---- Logging ---- */

bool settings_logs(const struct settings *s)
{
	return s->forward != NULL;
}

void settings_line(struct settings *s, const struct syslog_message *m, const char *now,
		   const char *host, const char *line, size_t n)
{
	if (s->forward)
		forward_line(s->forward, m, now, host, line, n);
}

static int lead_back(enum step_kind kind, const char *json, struct step *back)
{
	*back = (struct step){.kind = kind};
	back->filter.key = strdup("");
	back->filter.json = strdup(json);
	return back->filter.key && back->filter.json ? 0 : -ENOMEM;
}

static int apply_logging(struct settings *s, const char *json, bool dry_run, bool *changed,
			 struct step *back, struct err *err)
{
	bool none = strcmp(json, "{}") == 0;
	const char *was = s->logging ? s->logging : "{}";
	struct forward *f = NULL;
	char *copy;

	*changed = strcmp(was, json) != 0;
	if (!*changed || dry_run)
		return 0;
	if (!none && !(f = forward_new(s->p.log_dir, json, err)))
		return err->code;
	copy = strdup(json);
	if (!copy || lead_back(STEP_LOGGING, was, back) != 0) {
		forward_free(f);
		free(copy);
		step_free(back);
		return err_set(err, -ENOMEM, "no memory");
	}
	forward_free(s->forward);
	free(s->logging);
	s->forward = f;
	s->logging = none ? NULL : copy;
	if (none)
		free(copy);
	return 0;
}

/* ---- The resolver: resolv.conf(5) ---- */

static void write_resolver(yyjson_val *dns, char to[TEXT])
{
	FILE *f = fmemopen(to, TEXT, "w");
	yyjson_val *v;
	size_t i;
	size_t n;

	to[0] = '\0';
	if (!f)
		return;
	fputs(MARK, f);
	yyjson_arr_foreach(yyjson_obj_get(dns, "search"), i, n, v) fprintf(
		f, "%s%s%s", i ? " " : "search ", yyjson_get_str(v), i + 1 == n ? "\n" : "");
	yyjson_arr_foreach(yyjson_obj_get(dns, "server"), i, n, v)
		fprintf(f, "nameserver %s\n", yyjson_get_str(v));
	fprintf(f, "options timeout:%u attempts:%u\n",
		(unsigned)yyjson_get_uint(yyjson_obj_get(dns, "timeout")),
		(unsigned)yyjson_get_uint(yyjson_obj_get(dns, "attempts")));
	fclose(f);
}

/* What write_resolver() wrote, back. */
static void read_resolver(yyjson_mut_doc *doc, yyjson_mut_val *o, char *text)
{
	yyjson_mut_val *dns = json_add_obj(doc, o, "dns");
	yyjson_mut_val *search = json_add_arr(doc, dns, "search");
	yyjson_mut_val *server = json_add_arr(doc, dns, "server");
	unsigned timeout = 5;
	unsigned attempts = 2;
	char *rest = NULL;
	char *line;

	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char *more = NULL;
		char *word;

		if (strncmp(line, "nameserver ", 11) == 0)
			yyjson_mut_arr_add_strcpy(doc, server, line + 11);
		else if (strncmp(line, "options ", 8) == 0)
			sscanf(line, "options timeout:%u attempts:%u", &timeout, &attempts);
		for (word = strncmp(line, "search ", 7) == 0 ? strtok_r(line + 7, " ", &more)
							     : NULL;
		     word; word = strtok_r(NULL, " ", &more))
			yyjson_mut_arr_add_strcpy(doc, search, word);
	}
	yyjson_mut_obj_add_uint(doc, dns, "timeout", timeout);
	yyjson_mut_obj_add_uint(doc, dns, "attempts", attempts);
}

static int replace_file(const char *path, const char *text)
{
	char part[PATH_MAX];
	size_t n = strlen(text);
	int rc = 0;
	int fd;

	snprintf(part, sizeof(part), "%s.part", path);
	fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return -errno;
	if (write(fd, text, n) != (ssize_t)n)
		rc = -ENOSPC;
	else if (fsync(fd) != 0)
		rc = -errno;
	close(fd);
	if (rc == 0 && rename(part, path) != 0)
		rc = -errno;
	if (rc)
		unlink(part);
	return rc;
}

static ssize_t read_file(const char *path, char to[TEXT])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, to, TEXT - 1) : -1;

	to[n > 0 ? n : 0] = '\0';
	if (fd >= 0)
		close(fd);
	return n;
}

/* The file's text where it is ours, else "". */
static void resolver_now(const struct settings *s, char to[TEXT])
{
	to[0] = '\0';
	if (s->p.resolv_conf)
		read_file(s->p.resolv_conf, to);
	if (strncmp(to, MARK, strlen(MARK)) != 0)
		to[0] = '\0';
}

/* What somebody else wrote is kept beside it, and put back when we have nothing to say any more. */
static int set_resolver(const struct settings *s, const char *is, const char *to)
{
	char kept[PATH_MAX];
	char theirs[TEXT];
	int rc = 0;

	snprintf(kept, sizeof(kept), "%s.before", s->p.resolv_conf);
	if (to[0]) {
		if (!is[0] && read_file(s->p.resolv_conf, theirs) >= 0)
			rc = replace_file(kept, theirs);
		return rc ? rc : replace_file(s->p.resolv_conf, to);
	}
	if (rename(kept, s->p.resolv_conf) == 0)
		return 0;
	return errno == ENOENT && unlink(s->p.resolv_conf) == 0 ? 0 : -errno;
}

/* ---- ietf-system ---- */

struct wanted {
	const char *name; /* NULL: as it is */
	char before[HOST_NAME_MAX + 1]; /* the one that was there before ours, or "" */
	char kept[PATH_MAX]; /* the file that has it */
	char resolver[TEXT];
	char is_name[HOST_NAME_MAX + 1];
	char is_resolver[TEXT];
	bool rename;
	bool rewrite;
};

static int look(const struct settings *s, yyjson_val *root, struct wanted *w, struct err *err)
{
	yyjson_val *dns = yyjson_obj_get(root, "dns");
	char text[TEXT];

	*w = (struct wanted){.name = yyjson_get_str(yyjson_obj_get(root, "hostname"))};
	gethostname(w->is_name, sizeof(w->is_name) - 1);
	snprintf(w->kept, sizeof(w->kept), "%s/hostname.before", s->p.state_dir);
	if (read_file(w->kept, text) > 0)
		snprintf(w->before, sizeof(w->before), "%.*s", HOST_NAME_MAX, text);
	if (!w->name && w->before[0])
		w->name = w->before;
	w->rename = w->name && strcmp(w->name, w->is_name) != 0;
	if (dns)
		write_resolver(dns, w->resolver);
	resolver_now(s, w->is_resolver);
	w->rewrite = strcmp(w->resolver, w->is_resolver) != 0;
	if (w->rename && !s->p.hostname) {
		err_set(err, -EOPNOTSUPP, "the hostname is not ours to set");
		return err_mend(err, "start dep-sys with --set-hostname"), -EOPNOTSUPP;
	}
	if (w->rewrite && !s->p.resolv_conf) {
		err_set(err, -EOPNOTSUPP, "the resolver is not ours to set");
		return err_mend(err, "start dep-sys with --resolv-conf FILE"), -EOPNOTSUPP;
	}
	return 0;
}

static int observed(struct wanted *w, struct step *back)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *o = yyjson_mut_obj(doc);
	char *json;
	int rc;

	if (w->rename)
		yyjson_mut_obj_add_strcpy(doc, o, "hostname", w->is_name);
	if (w->is_resolver[0]) {
		char text[TEXT];

		memcpy(text, w->is_resolver, sizeof(text));
		read_resolver(doc, o, text);
	}
	json = yyjson_mut_val_write(o, 0, NULL);
	rc = json ? lead_back(STEP_SYSTEM, json, back) : -ENOMEM;
	free(json);
	yyjson_mut_doc_free(doc);
	return rc;
}

/* What the name was before it was ours is kept for the time when nobody says any more what it is. */
static int rename_host(const struct wanted *w)
{
	int rc = w->before[0] ? 0 : replace_file(w->kept, w->is_name);

	if (rc == 0 && sethostname(w->name, strlen(w->name)) != 0)
		rc = -errno;
	if (rc == 0 && w->name == w->before)
		unlink(w->kept);
	return rc;
}

static int apply_system(struct settings *s, yyjson_val *root, bool dry_run, bool *changed,
			struct step *back, struct err *err)
{
	struct wanted w;
	int rc = look(s, root, &w, err);

	*changed = w.rename || w.rewrite;
	if (rc || !*changed || dry_run)
		return rc;
	if (observed(&w, back) != 0) {
		step_free(back);
		return err_set(err, -ENOMEM, "no memory");
	}
	if (w.rename && (rc = rename_host(&w)) != 0)
		err_set(err, rc, "cannot set the hostname: %s", strerror(-rc));
	if (rc == 0 && w.rewrite && (rc = set_resolver(s, w.is_resolver, w.resolver)) != 0) {
		err_set(err, rc, "cannot write %s: %s", s->p.resolv_conf, strerror(-rc));
		if (w.rename && sethostname(w.is_name, strlen(w.is_name)) != 0)
			err_mend(err, "the hostname could not be set back");
	}
	if (rc)
		step_free(back);
	return rc;
}

int settings_apply(struct settings *s, const struct step *to, bool dry_run, bool *changed,
		   struct step *back, struct err *err)
{
	yyjson_doc *doc;
	int rc;

	*changed = false;
	*back = (struct step){0};
	if (to->kind == STEP_LOGGING)
		return apply_logging(s, to->filter.json, dry_run, changed, back, err);
	doc = yyjson_read(to->filter.json, strlen(to->filter.json), 0);
	if (!doc)
		return err_set(err, -ENOMEM, "no memory");
	rc = apply_system(s, yyjson_doc_get_root(doc), dry_run, changed, back, err);
	yyjson_doc_free(doc);
	return rc;
}
