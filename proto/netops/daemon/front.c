/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/daemon/front_priv.h"

#include "base/log.h"
#include "base/metrics.h"
#include "proto/netops/daemon/web.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GRACE_MS 1000

/* ---- Who asks ---- */

/* A local user: NACM knows it by name and groups; root has a recovery session. */
static void local_principal(const struct http_peer *peer, struct principal *p)
{
	struct passwd *user = getpwuid(peer->uid);
	gid_t gid[PRINCIPAL_MAX_GROUPS];
	int n = PRINCIPAL_MAX_GROUPS;
	int i;

	*p = (struct principal){.scopes = SCOPE_ALL, .recovery = peer->uid == 0};
	snprintf(p->transport, sizeof(p->transport), "unix");
	snprintf(p->addr, sizeof(p->addr), "pid %d", (int)peer->pid);
	if (!user) {
		snprintf(p->user, sizeof(p->user), "uid-%u", (unsigned)peer->uid);
		return;
	}
	snprintf(p->user, sizeof(p->user), "%s", user->pw_name);
	getgrouplist(user->pw_name, user->pw_gid, gid, &n);
	for (i = 0; i < n && i < PRINCIPAL_MAX_GROUPS; i++) {
		struct group *g = getgrgid(gid[i]);

		if (g)
			snprintf(p->group[p->n_groups++], sizeof(p->group[0]), "%s", g->gr_name);
	}
}

static unsigned authenticate(void *ctx, struct http_req *r, struct principal *p)
{
	const struct http_peer *peer = http_peer(r);

	if (peer->is_unix) {
		local_principal(peer, p);
		return 0;
	}
	return front_bearer(ctx, r, p);
}

/* ---- What is served ---- */

static void send_metrics(struct front *f, struct http_req *r)
{
	static const struct http_field type = {"content-type", "text/plain; version=0.0.4"};
	struct http_stats s = {0};
	struct http_stats t = {0};
	struct alloc a;
	struct buf b;

	alloc_init(&a, 0);
	buf_init(&b, &a);
	http_server_stats(f->local, &s);
	if (f->remote)
		http_server_stats(f->remote, &t);
	metrics_family(&b, "dep_netops_http_requests_total", "counter", "Requests over HTTP.");
	metrics_u64(&b, "dep_netops_http_requests_total", s.requests, {"listener", "unix"});
	metrics_u64(&b, "dep_netops_http_requests_total", t.requests, {"listener", "tcp"});
	metrics_family(&b, "dep_netops_http_connections", "gauge", "Open connections.");
	metrics_u64(&b, "dep_netops_http_connections", s.open, {"listener", "unix"});
	metrics_u64(&b, "dep_netops_http_connections", t.open, {"listener", "tcp"});
	metrics_family(&b, "dep_netops_http_refused_total", "counter", "Requests refused as malformed or too large.");
	metrics_u64(&b, "dep_netops_http_refused_total", s.refused, {"listener", "unix"});
	metrics_u64(&b, "dep_netops_http_refused_total", t.refused, {"listener", "tcp"});
	metrics_family(&b, "dep_netops_running_version", "counter", "Changes of running since start.");
	metrics_u64(&b, "dep_netops_running_version", store_version(ops_store(f->ops)));
	http_reply(r, 200, &type, 1, buf_slice(&b));
	buf_free(&b);
}

static void on_request(void *ctx, struct http_req *r)
{
	struct front *f = ctx;
	const char *path = http_path(r);

	if (mcp_http_take(f->endpoint, r))
		return;
	if (!mcp_http_origin_ok(f->endpoint, r))
		http_reply_text(r, 403, "this host or origin is not allowed here\n");
	else if (strncmp(path, "/.well-known/", 13) == 0)
		front_well_known(f, r);
	else if (strcmp(path, "/console/login") == 0)
		front_login(f, r);
	else if (strcmp(path, "/metrics") == 0 && http_peer(r)->is_unix)
		send_metrics(f, r);
	else if (!web_serve(r))
		http_reply_text(r, 404, "there is nothing here; the console is at /, the endpoint at /mcp\n");
}

/* ---- Listeners ---- */

static int open_local(struct front *f, const char *run_dir, struct err *err)
{
	const struct http_config c = {.request = on_request, .ctx = f};
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/netops.sock", run_dir);
	f->local = http_server_new(f->loop, &c, err);
	return f->local ? http_listen_unix(f->local, path, 0660, (gid_t)-1, err) : err->code;
}

static SSL_CTX *tls_of(const struct settings *s, struct err *err)
{
	static const char *const alpn[] = {"h2", "http/1.1", NULL};
	const struct tls_config c = {.cert_file = s->certificate,
				     .key_file = s->key,
				     .ca_file = s->client_ca,
				     .alpn = alpn,
				     .server = true};

	return tls_context(&c, err);
}

static void open_remote(struct front *f)
{
	struct http_config c = {.request = on_request, .ctx = f};
	const struct settings *s = &f->settings;
	struct err err = {0};
	unsigned i;

	if (s->n_listen == 0)
		return;
	if (s->certificate && s->key) {
		c.tls = tls_of(s, &err);
		if (!c.tls)
			log_err(LOG_LEVEL_ERROR, &err);
	}
	SSL_CTX_free(f->tls);
	f->tls = c.tls;
	f->remote = http_server_new(f->loop, &c, &err);
	if (!f->remote) {
		log_err(LOG_LEVEL_ERROR, &err);
		return;
	}
	for (i = 0; i < s->n_listen; i++) {
		const struct settings_listen *l = &s->listen[i];
		int port = l->tls && !c.tls ? -EINVAL
					    : http_listen_tcp(f->remote, l->address, l->port, l->tls, &err);

		if (port < 0)
			log_err(LOG_LEVEL_ERROR, &err);
		else
			log_notice("listening", LOG_TEXT("address", l->address), LOG_NUM("port", port),
				   LOG_TEXT("tls", l->tls ? "yes" : "no"));
	}
}

/* The endpoint refers to names of the settings. */
static int open_endpoint(struct front *f)
{
	const struct mcp_http_config c = {
		.path = "/mcp",
		.hosts = f->settings.host,
		.origins = f->settings.origin,
		.authenticate = authenticate,
		.challenge = front_challenge,
		.ctx = f,
	};

	f->endpoint = mcp_http_new(f->mcp, &c);
	return f->endpoint ? 0 : -ENOMEM;
}

struct front *front_new(uv_loop_t *loop, struct ops *o, struct mcp *m, const char *run_dir, const char *state_dir,
			struct err *err)
{
	struct front *f = calloc(1, sizeof(*f));
	int rc;

	if (!f) {
		err_set(err, -ENOMEM, "no memory");
		return NULL;
	}
	f->loop = loop;
	f->ops = o;
	f->mcp = m;
	rc = open_endpoint(f);
	if (rc == 0)
		rc = front_auth_open(f, state_dir, err);
	if (rc == 0)
		rc = open_local(f, run_dir, err);
	if (rc == 0)
		return f;
	front_close(f, NULL, NULL);
	return NULL;
}

/* ---- Closing ---- */

void front_waited(struct front *f)
{
	void (*done)(void *ctx) = f->done;
	void *done_ctx = f->done_ctx;

	mcp_http_free(f->endpoint);
	front_auth_close(f);
	SSL_CTX_free(f->tls);
	settings_free(&f->settings);
	free(f);
	if (done)
		done(done_ctx);
}

static void closed(void *ctx)
{
	struct front *f = ctx;

	if (--f->closing)
		return;
	f->waits = front_auth_busy(f);
	if (!f->waits)
		front_waited(f);
}

void front_close(struct front *f, void (*done)(void *ctx), void *ctx)
{
	f->done = done;
	f->done_ctx = ctx;
	f->closing = 1;
	if (f->local) {
		f->closing++;
		http_server_close(f->local, GRACE_MS, closed, f);
	}
	if (f->remote) {
		f->closing++;
		http_server_close(f->remote, GRACE_MS, closed, f);
	}
	closed(f);
}

/* A listener's server that is replaced ends by itself. */
static void forgotten(void *ctx)
{
}

void front_configure(struct front *f, struct settings *s)
{
	bool same = settings_same_listeners(&f->settings, s);

	settings_free(&f->settings);
	f->settings = *s;
	*s = (struct settings){0};
	front_auth_load(f);
	if (same)
		return;
	if (f->remote)
		http_server_close(f->remote, GRACE_MS, forgotten, NULL);
	f->remote = NULL;
	open_remote(f);
}

void front_reload(struct front *f)
{
	const struct settings *s = &f->settings;
	const struct tls_config c = {
		.cert_file = s->certificate, .key_file = s->key, .ca_file = s->client_ca, .server = true};
	struct err err = {0};

	if (f->tls && tls_reload(f->tls, &c, &err) != 0)
		log_err(LOG_LEVEL_ERROR, &err);
	front_auth_load(f);
}
