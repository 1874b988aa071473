/* SPDX-License-Identifier: BSD-2-Clause */
/* Tasks on disk: a file each, written beside its name, synced, renamed, and the directory synced,
 * by libuv's threads; so what was answered is there after a crash, and a file is old or new, never
 * half. */
#include "proto/netops/mcp/mcp_priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_FILE (20u << 20)

struct save {
	uv_work_t work;
	struct mcp_task *task;
	char *dir;
	char name[MCP_ID_SIZE + 8];
	char *text; /* NULL: remove the file */
	size_t n;
	int rc;
};

static void member(struct buf *b, const char *name, const char *value)
{
	buf_printf(b, ",\"%s\":", name);
	mcp_out_str(b, value ? value : "");
}

static char *record(struct mcp_task *t, size_t *n)
{
	struct buf b;
	char *text;
	unsigned i;

	buf_init(&b, &t->m->alloc);
	buf_printf(&b,
		   "{\"era\":%d,\"status\":%d,\"created\":%lld,\"updated\":%lld,\"ttl\":%lld,"
		   "\"next\":%u,\"isError\":%s",
		   (int)t->era, (int)t->status, (long long)t->created, (long long)t->updated,
		   (long long)t->ttl, t->next_key, t->is_error ? "true" : "false");
	member(&b, "user", t->who.user);
	member(&b, "client", t->who.client);
	buf_printf(&b, ",\"scopes\":%u,\"groups\":[", t->who.scopes);
	for (i = 0; i < t->who.n_groups; i++) {
		if (i > 0)
			buf_u8(&b, ',');
		mcp_out_str(&b, t->who.group[i]);
	}
	OUT_LIT(&b, "]");
	member(&b, "message", t->message);
	member(&b, "tool", t->tool);
	member(&b, "args", t->args);
	member(&b, "asks", mcp_task_asks(t));
	if (t->kept)
		member(&b, "kept", t->kept);
	if (t->outcome)
		member(&b, "outcome", t->outcome);
	OUT_LIT(&b, "}\n");
	text = b.failed ? NULL : strndup((char *)b.p, b.n);
	*n = b.n;
	buf_free(&b);
	return text;
}

static int write_all(int fd, const char *p, size_t n)
{
	ssize_t k;

	while (n > 0) {
		k = write(fd, p, n);
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return -errno;
		p += k;
		n -= (size_t)k;
	}
	return 0;
}

static int write_file(int dir, const struct save *s)
{
	char part[sizeof(s->name) + 8];
	int fd;
	int rc;

	snprintf(part, sizeof(part), "%s.new", s->name);
	fd = openat(dir, part, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	rc = write_all(fd, s->text, s->n);
	if (rc == 0 && fsync(fd) < 0)
		rc = -errno;
	close(fd);
	if (rc == 0 && renameat(dir, part, dir, s->name) < 0)
		rc = -errno;
	return rc;
}

/* In a thread of libuv: touches nothing but s. */
static void work(uv_work_t *w)
{
	struct save *s = w->data;
	int dir = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0) {
		s->rc = -errno;
		return;
	}
	if (s->text)
		s->rc = write_file(dir, s);
	else if (unlinkat(dir, s->name, 0) < 0 && errno != ENOENT)
		s->rc = -errno;
	if (s->rc == 0 && fsync(dir) < 0)
		s->rc = -errno;
	close(dir);
}

static void worked(uv_work_t *w, int status)
{
	struct save *s = w->data;
	struct mcp_task *t = s->task;
	struct mcp *m = t->m;
	int rc = s->rc;

	free(s->dir);
	free(s->text);
	free(s);
	m->n_saving--;
	t->saving = false;
	if (m->closing) {
		if (m->handles == 0 && m->n_saving == 0)
			mcp_release(m);
		return;
	}
	m->now = clock_now();
	mcp_task_durable(t, rc);
	if (t->dirty)
		mcp_task_save(t);
	else if (t->expired)
		mcp_task_free(t);
}

void mcp_task_save(struct mcp_task *t)
{
	struct mcp *m = t->m;
	struct save *s;

	t->dirty = t->saving;
	if (t->saving)
		return;
	if (!m->params.task_dir) {
		mcp_task_durable(t, 0);
		if (t->expired)
			mcp_task_free(t);
		return;
	}
	s = calloc(1, sizeof(*s));
	if (s) {
		s->work.data = s;
		s->task = t;
		s->dir = strdup(m->params.task_dir);
		snprintf(s->name, sizeof(s->name), "%s.json", t->id);
		s->text = t->expired ? NULL : record(t, &s->n);
	}
	if (!s || !s->dir || (!s->text && !t->expired) ||
	    uv_queue_work(m->loop, &s->work, work, worked) < 0) {
		if (s) {
			free(s->dir);
			free(s->text);
		}
		free(s);
		mcp_task_durable(t, -ENOMEM);
		return;
	}
	t->saving = true;
	m->n_saving++;
}

/* Tasks whose time is over. One that still works is stopped first. */
void mcp_tasks_sweep(struct mcp *m)
{
	int64_t now = mcp_unix_ms();

	list_each_safe (it, &m->tasks_all) {
		struct mcp_task *t = container_of(it, struct mcp_task, all);

		if (t->expired || now < t->created + t->ttl)
			continue;
		mcp_task_cancel(t);
		t->expired = true;
		mcp_task_save(t);
	}
}

/* ---- at the start ---- */

static char *text_member(yyjson_val *v, const char *name)
{
	const char *s = yyjson_get_str(yyjson_obj_get(v, name));

	return s ? strdup(s) : NULL;
}

static void read_principal(struct principal *p, yyjson_val *v)
{
	yyjson_val *groups = yyjson_obj_get(v, "groups");
	const char *s;
	size_t i;

	s = yyjson_get_str(yyjson_obj_get(v, "user"));
	snprintf(p->user, sizeof(p->user), "%s", s ? s : "");
	s = yyjson_get_str(yyjson_obj_get(v, "client"));
	snprintf(p->client, sizeof(p->client), "%s", s ? s : "");
	p->scopes = (unsigned)yyjson_get_uint(yyjson_obj_get(v, "scopes"));
	for (i = 0; i < yyjson_arr_size(groups) && i < PRINCIPAL_MAX_GROUPS; i++) {
		s = yyjson_get_str(yyjson_arr_get(groups, i));
		snprintf(p->group[p->n_groups++], sizeof(p->group[0]), "%s", s ? s : "");
	}
}

static bool read_record(struct mcp_task *t, yyjson_val *v)
{
	const char *message = yyjson_get_str(yyjson_obj_get(v, "message"));
	uint64_t status = yyjson_get_uint(yyjson_obj_get(v, "status"));
	uint64_t era = yyjson_get_uint(yyjson_obj_get(v, "era"));

	if (status > TASK_CANCELLED || era > MCP_2026_07_28)
		return false;
	t->status = (enum mcp_task_status)status;
	t->era = (enum mcp_era)era;
	t->created = yyjson_get_sint(yyjson_obj_get(v, "created"));
	t->updated = yyjson_get_sint(yyjson_obj_get(v, "updated"));
	t->ttl = yyjson_get_sint(yyjson_obj_get(v, "ttl"));
	t->next_key = (unsigned)yyjson_get_uint(yyjson_obj_get(v, "next"));
	t->is_error = yyjson_get_bool(yyjson_obj_get(v, "isError"));
	snprintf(t->message, sizeof(t->message), "%s", message ? message : "");
	read_principal(&t->who, v);
	t->tool = text_member(v, "tool");
	t->args = text_member(v, "args");
	t->asks = text_member(v, "asks");
	t->kept = text_member(v, "kept");
	t->outcome = text_member(v, "outcome");
	if (!t->tool || !t->args || (t->status == TASK_COMPLETED && !t->outcome))
		return false;
	if (t->status == TASK_WORKING) {
		/* Its work ended with the process; to do it again could do it twice. */
		t->status = TASK_FAILED;
		t->outcome = strdup("{\"code\":-32603,\"message\":\"The server was restarted while "
				    "the task ran; "
				    "look at the audit for what it did\"}");
		mcp_task_save(t);
	}
	return true;
}

static char *read_file(int dir, const char *name, size_t *n)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	char *text = NULL;
	ssize_t k;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size < MAX_FILE)
		text = malloc((size_t)st.st_size + 1);
	if (text) {
		k = read(fd, text, (size_t)st.st_size);
		*n = k > 0 ? (size_t)k : 0;
	}
	close(fd);
	return text;
}

static void load_one(struct mcp *m, int dir, const char *name)
{
	struct mcp_task *t;
	yyjson_doc *doc;
	size_t n = 0;
	char *text = read_file(dir, name, &n);

	doc = text ? yyjson_read(text, n, YYJSON_READ_NOFLAG) : NULL;
	free(text);
	t = doc ? mcp_task_new(m, name) : NULL;
	if (t && !read_record(t, yyjson_doc_get_root(doc)))
		mcp_task_free(t);
	yyjson_doc_free(doc);
}

int mcp_tasks_load(struct mcp *m, struct err *err)
{
	struct dirent *d;
	size_t n;
	DIR *dir;

	if (!m->params.task_dir)
		return 0;
	if (mkdir(m->params.task_dir, 0700) < 0 && errno != EEXIST) {
		err_set(err, -errno, "cannot make the directory of tasks: %s", strerror(errno));
		err_where(err, "%s", m->params.task_dir);
		return -errno;
	}
	dir = opendir(m->params.task_dir);
	if (!dir) {
		err_set(err, -errno, "cannot read the directory of tasks: %s", strerror(errno));
		err_where(err, "%s", m->params.task_dir);
		return -errno;
	}
	while ((d = readdir(dir))) {
		n = strlen(d->d_name);
		if (n == MCP_ID_SIZE - 1 + 5 && strcmp(d->d_name + MCP_ID_SIZE - 1, ".json") == 0)
			load_one(m, dirfd(dir), d->d_name);
		else if (n > 4 && strcmp(d->d_name + n - 4, ".new") == 0)
			unlinkat(dirfd(dir), d->d_name, 0);
	}
	closedir(dir);
	if (!list_empty(&m->tasks_all))
		mcp_timer_start(m);
	return 0;
}
