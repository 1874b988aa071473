/* SPDX-License-Identifier: BSD-2-Clause */
/* From the journal to a device in a state to be served: meet the rooms, compile the schema, load what the newest
 * checkpoint holds, play the records after it, let the engine end what a crash or reboot left open, and after a reboot make the
 * kernel what startup says. Front ends open after that.
 *
 * Later the same steps serve a room that comes back (it is made to be as running says) and a set of modules that
 * changed (running is written out, compiled against the new schema, and read again). */
#include "proto/netops/ops/ops_priv.h"

#include "proto/netops/store/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROOMS_WAIT_MS 2000
#define CONFIG_FILE_MAX (16u << 20)

static void end(struct ops *o, int rc, struct err *err)
{
	void (*ready)(void *ctx, int rc, struct err *err) = o->ready;

	o->ready = NULL;
	if (rc == 0)
		o->serving = true;
	ready(o->ready_ctx, rc, err);
}

static int explain(struct err *err, struct neterr *e, const char *where)
{
	*err = e->err;
	err->code = -EINVAL;
	if (where)
		err_where(err, "%s", where);
	neterr_clear(e);
	return -EINVAL;
}

/* ---- Startup on disk ---- */

static void startup_path(const struct ops *o, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/startup.json", o->state_dir);
}

static char *read_file(const char *path, size_t *n, struct err *err)
{
	struct stat st;
	char *text = NULL;
	ssize_t got = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= CONFIG_FILE_MAX) {
		text = malloc((size_t)st.st_size + 1);
		got = text ? read(fd, text, (size_t)st.st_size) : -1;
	}
	if (got < 0) {
		err_set(err, -errno, "cannot read: %s", strerror(errno));
		err_where(err, "%s", path);
		free(text);
		text = NULL;
	} else {
		text[got] = '\0';
		*n = (size_t)got;
	}
	if (fd >= 0)
		close(fd);
	return text;
}

int ops_write_file(const char *path, const char *text, size_t n)
{
	char part[PATH_MAX];
	ssize_t put;
	int rc;
	int fd;

	snprintf(part, sizeof(part), "%s.part", path);
	fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	put = write(fd, text, n);
	rc = put < 0 ? -errno : (size_t)put < n ? -ENOSPC : 0;
	if (rc == 0 && fsync(fd) != 0)
		rc = -errno;
	close(fd);
	if (rc == 0 && rename(part, path) != 0)
		rc = -errno;
	if (rc != 0)
		unlink(part);
	return rc;
}

static int load_startup(struct ops *o, struct err *err)
{
	struct neterr e = {0};
	char path[PATH_MAX];
	size_t n;
	char *text;
	int rc;

	startup_path(o, path);
	if (access(path, F_OK) != 0)
		return 0;
	text = read_file(path, &n, err);
	if (!text)
		return err->code;
	rc = store_startup_set(o->store, text, n, &e);
	free(text);
	return rc == 0 ? 0 : explain(err, &e, path);
}

int ops_startup_set(struct ops *o, const char *json, struct neterr *e)
{
	struct err err = {0};
	char path[PATH_MAX];
	int rc = store_startup_set(o->store, json, strlen(json), e);

	if (rc != 0)
		return rc;
	startup_path(o, path);
	rc = ops_write_file(path, json, strlen(json));
	if (rc == 0)
		return 0;
	/* What is on disk counts. */
	store_startup_set(o->store, NULL, 0, e);
	load_startup(o, &err);
	return neterr_set(e, NETERR_INTERNAL, "resource-denied", "cannot keep the startup configuration: %s",
			  strerror(-rc));
}

/* ---- What is there already ---- */

static int on_checkpoint(void *ctx, struct slice engine, struct slice running, bool same_boot, struct err *err)
{
	struct ops *o = ctx;
	struct neterr e = {0};

	if (store_load(o->store, (const char *)running.p, running.n, &e) != 0)
		return explain(err, &e, "the journal's checkpoint");
	o->fresh = false;
	o->same_boot = same_boot;
	if (same_boot)
		ops_image_load(o, engine);
	return txn_replay(o->txn, JOURNAL_CHECKPOINT, engine, same_boot, clock_now(), err);
}

static int on_record(void *ctx, const struct journal_record *r, bool same_boot, struct err *err)
{
	struct ops *o = ctx;

	o->same_boot = same_boot;
	if (r->type != JOURNAL_AUDIT)
		o->fresh = false;
	if (same_boot)
		ops_image_note(o, r->type, r->payload);
	return txn_replay(o->txn, r->type, r->payload, same_boot, clock_now(), err);
}

static int open_parts(struct ops *o, struct err *err)
{
	o->schema = ops_modules_compile(o, err);
	if (!o->schema)
		return err->code;
	o->store = store_new(o->schema, err);
	if (!o->store)
		return err->code;
	o->nacm = store_nacm(o->store);
	o->txn = txn_new(&o->env);
	if (!o->txn)
		return err_set(err, -ENOMEM, "no memory");
	return 0;
}

static bool denied_to_all(const struct lysc_node *node)
{
	LY_ARRAY_COUNT_TYPE i;

	LY_ARRAY_FOR(node->exts, i)
	{
		if (strcmp(node->exts[i].def->name, "default-deny-all") == 0 &&
		    strcmp(node->exts[i].def->module->name, "ietf-netconf-acm") == 0)
			return true;
	}
	return false;
}

/* nacm:default-deny-all on the node or on one above it: its value is in no record. */
static bool is_secret(void *ctx, const char *path)
{
	struct ops *o = ctx;
	struct path p;
	bool found = false;
	size_t i;

	if (path_parse(schema_ctx(o->schema), path, &p, NULL) == 0) {
		for (i = 0; i < p.n && !found; i++)
			found = denied_to_all(p.step[i].node);
	}
	path_free(&p);
	return found;
}

static int open_audit(struct ops *o, struct err *err)
{
	const struct audit_params p = {
		.journal = o->journal, .dir = o->state_dir, .secret = is_secret, .ctx = o};

	o->audit = audit_new(&p, err);
	return o->audit ? 0 : err->code;
}

static int replay(struct ops *o, struct err *err)
{
	const struct journal_visitor v = {.checkpoint = on_checkpoint, .record = on_record, .ctx = o};
	int rc;

	o->fresh = true;
	rc = journal_replay(o->journal, &v, err);
	if (rc == 0)
		rc = load_startup(o, err);
	if (rc == 0)
		rc = open_audit(o, err);
	return rc;
}

/* A node that has never had a configuration takes that of --config, as a first commit to be made. */
static int first_config(struct ops *o, struct err *err)
{
	struct neterr e = {0};
	size_t n;
	char *text;
	int rc;

	if (!o->fresh || !o->p.config)
		return 0;
	text = read_file(o->p.config, &n, err);
	if (!text)
		return err->code;
	rc = store_load(o->store, text, n, &e);
	free(text);
	return rc == 0 ? 0 : explain(err, &e, o->p.config);
}

/* After a reboot running is what startup says. */
static int take_startup(struct ops *o, struct err *err)
{
	const struct store_query all = {.path = "/", .config_only = true};
	const struct principal root = {.user = "root", .recovery = true, .scopes = SCOPE_ALL};
	struct neterr e = {0};
	struct alloc a;
	struct buf text;
	int rc;

	if (store_startup_follows(o->store))
		return 0;
	alloc_init(&a, 0);
	buf_init(&text, &a);
	rc = store_get(o->store, DS_STARTUP, NULL, &root, &all, &text, &e);
	if (rc == 0)
		rc = store_load(o->store, (const char *)text.p, text.n, &e);
	buf_free(&text);
	/* Records that come are reckoned from this; a checkpoint says so. */
	o->restarted = rc == 0;
	return rc == 0 ? 0 : explain(err, &e, "startup.json");
}

/* ---- The way ---- */

static void checkpointed(void *ctx, int rc)
{
	if (rc != 0)
		log_warning("no checkpoint of the journal", LOG_TEXT("error", strerror(-rc)));
}

void ops_checkpoint(struct ops *o)
{
	const struct store_query all = {.path = "/", .config_only = true};
	const struct principal root = {.user = "root", .recovery = true, .scopes = SCOPE_ALL};
	struct neterr e = {0};
	struct alloc a;
	struct buf text;
	size_t n;
	char *engine = ops_image_checkpoint(o, txn_checkpoint(o->txn, &n), &n);

	if (!engine)
		return;
	alloc_init(&a, 0);
	buf_init(&text, &a);
	if (store_get(o->store, DS_RUNNING, NULL, &root, &all, &text, &e) == 0)
		journal_checkpoint(o->journal, slice_of(engine, n), buf_slice(&text), store_hash(o->store),
				   checkpointed, o);
	neterr_clear(&e);
	buf_free(&text);
	free(engine);
}

static void room_as_running(void *ctx, struct neterr *e)
{
	if (e)
		log_err(LOG_LEVEL_ERROR, &e->err);
}

/* The first record of each run says that it began, and as what. */
static void note_start(struct ops *o)
{
	static const struct principal node = {.user = "node", .transport = "internal"};
	const struct ops_origin from = {.by = &node, .method = "start"};

	ops_record(o, &from, store_hash(o->store), NULL, NULL, clock_now());
}

static void serve(struct ops *o)
{
	ops_config_changed(o, NULL);
	end(o, 0, NULL);
}

static void reconciled(void *ctx, struct neterr *e)
{
	struct ops *o = ctx;

	if (e) {
		log_err(LOG_LEVEL_ERROR, &e->err);
		log_error("the device is not as running says; it is tried again when a room comes back");
	}
	if (!e)
		o->rebooted = false;
	note_start(o);
	if (o->fresh || o->restarted)
		ops_checkpoint(o);
	serve(o);
}

/* A node that starts for the first time takes what the rooms have in force as its first configuration. */
static void adopted(void *ctx, yyjson_doc *doc, struct neterr *e)
{
	struct ops *o = ctx;
	struct neterr mine = {0};
	size_t n;
	char *text = doc ? yyjson_write(doc, 0, &n) : NULL;

	if (e || (text && store_load(o->store, text, n, &mine) != 0)) {
		log_err(LOG_LEVEL_ERROR, e ? &e->err : &mine.err);
		log_warning("the rooms' own configuration was not taken; running begins empty");
	}
	neterr_clear(&mine);
	free(text);
	yyjson_doc_free(doc);
	note_start(o);
	ops_checkpoint(o);
	serve(o);
}

static void recovered(void *ctx, int rc)
{
	struct ops *o = ctx;
	struct err err = {0};

	if (rc != 0)
		log_error("what was open could not be undone yet", LOG_TEXT("error", strerror(-rc)));
	ops_arm(o);
	if (o->fresh && !o->p.config) {
		rooms_config(o->rooms, o->schema, adopted, o);
		return;
	}
	if (o->fresh || !o->same_boot) {
		rc = take_startup(o, &err);
		if (rc == 0)
			rooms_reconcile(o->rooms, o->store, reconciled, o);
		else
			end(o, rc, &err);
		return;
	}
	note_start(o);
	serve(o);
	/* What a crash left is undone; what else differs is mended behind the first requests. */
	rooms_reconcile(o->rooms, o->store, room_as_running, o);
}

static void rooms_there(void *ctx)
{
	struct ops *o = ctx;
	struct err err = {0};
	int rc = ops_modules_take(o, &err);

	if (rc == 0)
		rc = open_parts(o, &err);
	if (rc == 0)
		rc = replay(o, &err);
	if (rc == 0)
		rc = first_config(o, &err);
	if (rc != 0) {
		end(o, rc, &err);
		return;
	}
	if (loop_timer_init(&o->timer, o->loop, ops_tick, o) == 0)
		o->timer_open = true;
	o->rebooted = !o->same_boot && !o->fresh;
	ops_drift_open(o);
	txn_recover(o->txn, clock_now(), recovered, o);
	ops_arm(o);
}

void ops_begin(struct ops *o)
{
	rooms_start(o->rooms, ROOMS_WAIT_MS, rooms_there, o);
}

/* ---- Later ---- */

/* A room that came back holds what it had or nothing: it is made to be as running says, unless a transaction is at work
 * on it, which then ends in its own way. */
void ops_room_back(struct ops *o)
{
	enum txn_state s = txn_state(o->txn);

	if (s == TXN_IDLE || s == TXN_PREPARED || s == TXN_PENDING)
		rooms_reconcile(o->rooms, o->store, room_as_running, o);
}

/* The store stands on the old schema: what it holds is written out and read into a new one. Candidates are lost, which
 * their owners are told when they use them. Where running does not fit the new modules the old ones stay. */
static int reschema(struct ops *o, struct err *err)
{
	const struct store_query all = {.path = "/", .config_only = true};
	const struct principal root = {.user = "root", .recovery = true, .scopes = SCOPE_ALL};
	struct schema *schema;
	struct store *store = NULL;
	struct neterr e = {0};
	struct alloc a;
	struct buf text;
	int rc = ops_modules_take(o, err);

	if (rc != 0)
		return rc;
	schema = ops_modules_compile(o, err);
	if (!schema)
		return err->code;
	if (strcmp(schema_content_id(schema), schema_content_id(o->schema)) == 0) {
		schema_free(schema);
		return 0;
	}
	alloc_init(&a, 0);
	buf_init(&text, &a);
	store = store_new(schema, err);
	rc = store ? 0 : err->code;
	if (rc == 0 && (store_get(o->store, DS_RUNNING, NULL, &root, &all, &text, &e) != 0 ||
			store_load(store, (const char *)text.p, text.n, &e) != 0))
		rc = explain(err, &e, "running, with the rooms' new modules");
	buf_free(&text);
	if (rc != 0) {
		store_free(store);
		schema_free(schema);
		return rc;
	}
	store_free(o->store);
	schema_free(o->schema);
	o->store = store;
	o->schema = schema;
	o->nacm = store_nacm(store);
	return load_startup(o, err);
}

void ops_modules_changed(struct ops *o)
{
	struct err err = {0};

	o->reschema = !txn_quiet(o->txn);
	if (o->reschema)
		return;
	if (reschema(o, &err) != 0)
		log_err(LOG_LEVEL_ERROR, &err);
	ops_config_changed(o, NULL);
}
