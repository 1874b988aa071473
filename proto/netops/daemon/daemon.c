/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/daemon/daemon.h"

#include "base/loop.h"
#include "base/memory.h"
#include "proto/netops/daemon/front.h"
#include "proto/netops/mcp/stdio.h"
#include "proto/netops/ops/tools.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define EXTENSION_PREFIX "io.github.depanneur"

struct daemon {
	const struct options *o;
	uv_loop_t loop;
	struct loop_signals signals;
	struct ops *ops;
	struct ops_listener listener;
	struct mcp *mcp;
	char *network; /* capabilities.network */
	struct front *front;
	struct mcp_stdio *stdio;
	uv_pipe_t in;
	uv_pipe_t out;
	struct principal self; /* who started us, over stdio */
	bool stopping;
	int rc;
	struct err *err;
};

/* ---- Ending ---- */

static void front_gone(void *ctx)
{
	struct daemon *d = ctx;

	d->front = NULL;
	uv_stop(&d->loop);
}

static void stop(void *ctx, int signum)
{
	struct daemon *d = ctx;

	if (d->stopping)
		return;
	d->stopping = true;
	if (d->mcp)
		mcp_shutdown(d->mcp);
	if (d->stdio)
		mcp_stdio_close(d->stdio);
	if (d->front)
		front_close(d->front, front_gone, d);
	else
		uv_stop(&d->loop);
}

static void reload(void *ctx)
{
	struct daemon *d = ctx;

	if (d->front)
		front_reload(d->front);
}

static void stdio_closed(void *ctx)
{
	struct daemon *d = ctx;

	d->stdio = NULL;
	stop(d, 0);
}

/* ---- Beginning ---- */

/* 32 random bytes that stay the same over restarts: what seals the state that clients carry. */
static int state_key(const char *dir, uint8_t key[32], struct err *err)
{
	char path[PATH_MAX];
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "%s/mcp.key", dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	got = fd >= 0 ? read(fd, key, 32) : -1;
	if (fd >= 0)
		close(fd);
	if (got == 32)
		return 0;
	if (getrandom(key, 32, 0) != 32)
		return err_set(err, -EIO, "no random numbers");
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	got = fd >= 0 ? write(fd, key, 32) : -1;
	if (fd >= 0)
		close(fd);
	if (got == 32)
		return 0;
	err_set(err, -EIO, "cannot write the key: %s", strerror(errno));
	err_where(err, "%s", path);
	return -EIO;
}

static void session_closed(void *ctx, const char *session)
{
	struct daemon *d = ctx;

	ops_session_closed(d->ops, session);
}

static int open_mcp(struct daemon *d)
{
	char tasks[PATH_MAX];
	struct mcp_params p = {
		.name = "dep-netops",
		.version = DEP_VERSION,
		.title = "Dépanneur",
		.instructions = "One transactional YANG datastore of this node. Stage edits with network.yang.edit, look at "
				"network.diff, then network.commit with confirmed > 0, verify that the node is still "
				"reachable, and confirm with the token; without confirmation the node returns to what it was.",
		.extension_prefix = EXTENSION_PREFIX,
		.task_dir = tasks,
		.session_closed = session_closed,
		.ctx = d,
	};
	int rc = state_key(d->o->common.state_dir, p.state_key, d->err);

	if (rc != 0)
		return rc;
	snprintf(tasks, sizeof(tasks), "%s/tasks", d->o->common.state_dir);
	p.network = d->network = ops_capability(d->ops);
	d->mcp = mcp_new(&d->loop, &p, d->err);
	if (!d->mcp)
		return d->err->code;
	return netops_tools_add(d->mcp, d->ops, d->err);
}

static int open_stdio(struct daemon *d)
{
	struct passwd *user = getpwuid(getuid());
	int rc = uv_pipe_init(&d->loop, &d->in, 0);

	d->self = (struct principal){.scopes = SCOPE_ALL, .recovery = getuid() == 0};
	snprintf(d->self.user, sizeof(d->self.user), "%s", user ? user->pw_name : "local");
	snprintf(d->self.transport, sizeof(d->self.transport), "stdio");
	if (rc == 0)
		rc = uv_pipe_open(&d->in, STDIN_FILENO);
	if (rc == 0)
		rc = uv_pipe_init(&d->loop, &d->out, 0);
	if (rc == 0)
		rc = uv_pipe_open(&d->out, STDOUT_FILENO);
	if (rc != 0)
		return err_set(d->err, rc, "cannot use standard input and output: %s", uv_strerror(rc));
	d->stdio = mcp_stdio_new(d->mcp, (uv_stream_t *)&d->in, (uv_stream_t *)&d->out, &d->self, stdio_closed, d);
	return d->stdio ? 0 : err_set(d->err, -ENOMEM, "no memory");
}

static int take_settings(void *ctx, const struct lyd_node *tree)
{
	struct daemon *d = ctx;
	struct settings s;
	int rc = settings_read(&s, tree);

	if (rc == 0)
		front_configure(d->front, &s);
	return rc;
}

static void changed(void *ctx, enum datastore ds, const char *path)
{
	struct daemon *d = ctx;

	if (ds == DS_RUNNING && d->front && strncmp(path, "/depanneur-netops:netops/server", 31) == 0)
		store_view(ops_store(d->ops), NULL, take_settings, d);
}

/* The node's modules may be others now. */
static void lists_changed(void *ctx)
{
	struct daemon *d = ctx;
	char *network = ops_capability(d->ops);

	if (network && mcp_set_network(d->mcp, network, NULL) == 0) {
		free(d->network);
		d->network = network;
	} else {
		free(network);
	}
}

static void ready(void *ctx, int rc, struct err *err)
{
	struct daemon *d = ctx;

	if (rc != 0)
		*d->err = *err;
	if (rc == 0 && !d->stopping)
		rc = open_mcp(d);
	if (rc == 0 && !d->stopping) {
		d->front = front_new(&d->loop, d->ops, d->mcp, d->o->common.run_dir, d->o->common.state_dir, d->err);
		rc = d->front ? 0 : d->err->code;
	}
	if (rc == 0 && d->front) {
		d->listener = (struct ops_listener){.changed = changed, .lists_changed = lists_changed, .ctx = d};
		ops_listen(d->ops, &d->listener);
		store_view(ops_store(d->ops), NULL, take_settings, d);
	}
	if (rc == 0 && d->o->stdio && !d->stopping)
		rc = open_stdio(d);
	d->rc = rc;
	memory_give_back();
	if (rc != 0)
		stop(d, 0);
	else
		log_notice("serving", LOG_TEXT("hash", store_hash(ops_store(d->ops))));
}

int daemon_run(const struct options *o, struct err *err)
{
	struct daemon d = {.o = o, .err = err};
	const struct ops_params p = {
		.loop = &d.loop,
		.state_dir = o->common.state_dir,
		.run_dir = o->common.run_dir,
		.rooms = o->room,
		.config = o->common.config,
		.fsync = o->fsync,
	};

	uv_loop_init(&d.loop);
	loop_signals_init(&d.signals, &d.loop, stop, reload, &d);
	d.ops = ops_new(&p, err);
	if (d.ops) {
		ops_start(d.ops, ready, &d);
		uv_run(&d.loop, UV_RUN_DEFAULT);
	} else {
		d.rc = err->code;
	}
	if (d.ops)
		ops_unlisten(d.ops, &d.listener);
	if (d.mcp)
		netops_tools_remove(d.mcp);
	mcp_free(d.mcp);
	free(d.network);
	ops_free(d.ops);
	loop_finish(&d.loop);
	return d.rc;
}
