/* SPDX-License-Identifier: BSD-2-Clause */
/* The conformance fixture as a program: dep-netops --conformance-fixture. */
#include "base/http.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/rng.h"
#include "proto/netops/mcp/fixture.h"
#include "proto/netops/mcp/http.h"
#include "proto/netops/mcp/stdio.h"

#include <getopt.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
	uv_loop_t loop;
	struct mcp *mcp;
	struct mcp_http *endpoint;
	struct http_server *server;
	struct mcp_stdio *lines;
	const char *bearer;
	uv_pipe_t in, out;
	struct loop_signals signals;
} g;

static void local(struct principal *who, const char *transport)
{
	snprintf(who->user, sizeof(who->user), "tester");
	snprintf(who->transport, sizeof(who->transport), "%s", transport);
	who->scopes = SCOPE_ALL;
}

/* "Bearer TOKEN", or "Bearer TOKEN.NAME" for another principal. */
static unsigned authenticate(void *ctx, struct http_req *h, struct principal *who)
{
	const char *field = http_header(h, "authorization");
	size_t n = g.bearer ? strlen(g.bearer) : 0;

	local(who, http_peer(h)->tls ? "https" : "http");
	if (!g.bearer)
		return 0;
	if (!field || strncmp(field, "Bearer ", 7) != 0 || strlen(field + 7) < n ||
	    CRYPTO_memcmp(field + 7, g.bearer, n) != 0)
		return 401;
	if (field[7 + n] == '.')
		snprintf(who->user, sizeof(who->user), "%s", field + 8 + n);
	else if (field[7 + n])
		return 401;
	return 0;
}

static void challenge(void *ctx, struct http_req *h, unsigned status, unsigned scopes, char *to,
		      size_t n)
{
	snprintf(to, n, status == 401 ? "Bearer" : "Bearer error=\"insufficient_scope\"");
}

static void request(void *ctx, struct http_req *h)
{
	if (!mcp_http_take(g.endpoint, h))
		http_reply_text(h, 404, "not found\n");
}

static void server_closed(void *ctx)
{
	mcp_http_free(g.endpoint);
	g.endpoint = NULL;
	mcp_free(g.mcp);
	g.mcp = NULL;
	uv_stop(&g.loop);
}

static void stop(void *ctx, int signum)
{
	mcp_shutdown(g.mcp);
	if (g.server)
		http_server_close(g.server, 200, server_closed, NULL);
	else if (g.lines)
		mcp_stdio_close(g.lines);
}

static void lines_closed(void *ctx)
{
	mcp_free(g.mcp);
	g.mcp = NULL;
	uv_stop(&g.loop);
}

static void fatal(const struct err *err)
{
	err_print(err, "dep-mcp-fixture", stderr);
	exit(1);
}

static void serve_http(const char *host, uint16_t port, const char *cert, const char *key,
		       struct err *err)
{
	struct mcp_http_config mc = {
		.path = "/mcp", .authenticate = authenticate, .challenge = challenge};
	struct http_config hc = {.request = request,
				 .limits = {.connections = 4096, .per_address = 4096}};
	struct tls_config tc = {.cert_file = cert, .key_file = key, .server = true};
	int bound;

	if (cert) {
		hc.tls = tls_context(&tc, err);
		if (!hc.tls)
			fatal(err);
	}
	g.endpoint = mcp_http_new(g.mcp, &mc);
	g.server = http_server_new(&g.loop, &hc, err);
	if (!g.endpoint || !g.server)
		fatal(err);
	bound = http_listen_tcp(g.server, host, port, cert != NULL, err);
	if (bound < 0)
		fatal(err);
	SSL_CTX_free(hc.tls);
	printf("listening on %s:%d\n", host, bound);
	fflush(stdout);
}

static void serve_stdio(void)
{
	struct principal who = {0};

	local(&who, "stdio");
	uv_pipe_init(&g.loop, &g.in, 0);
	uv_pipe_init(&g.loop, &g.out, 0);
	uv_pipe_open(&g.in, 0);
	uv_pipe_open(&g.out, 1);
	g.lines = mcp_stdio_new(g.mcp, (uv_stream_t *)&g.in, (uv_stream_t *)&g.out, &who,
				lines_closed, NULL);
}

static const struct option options[] = {
	{"port", required_argument, NULL, 'p'},	    {"host", required_argument, NULL, 'h'},
	{"cert", required_argument, NULL, 'c'},	    {"key", required_argument, NULL, 'k'},
	{"bearer", required_argument, NULL, 'b'},   {"stdio", no_argument, NULL, 's'},
	{"task-dir", required_argument, NULL, 't'}, {"page-size", required_argument, NULL, 'n'},
	{"retry", required_argument, NULL, 'r'},    {0},
};

int mcp_fixture_main(int argc, char **argv)
{
	struct mcp_params p = {.name = "dep-mcp-fixture",
			       .version = DEP_VERSION,
			       .instructions = "Tools for conformance tests",
			       .network = "{\"supportsRollback\":true,\"rollbackTimeout\":300}",
			       .extension_prefix = "io.github.depanneur"};
	const char *host = "127.0.0.1";
	const char *cert = NULL;
	const char *key = NULL;
	struct err err = {0};
	bool stdio = false;
	uint16_t port = 0;
	int c;

	optind = 0;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'p':
			port = (uint16_t)strtoul(optarg, NULL, 10);
			break;
		case 'h':
			host = optarg;
			break;
		case 'c':
			cert = optarg;
			break;
		case 'k':
			key = optarg;
			break;
		case 'b':
			g.bearer = optarg;
			break;
		case 's':
			stdio = true;
			break;
		case 't':
			p.task_dir = optarg;
			break;
		case 'n':
			p.page_size = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'r':
			p.retry_ms = (unsigned)strtoul(optarg, NULL, 10);
			break;
		default:
			return 2;
		}
	}
	log_init("dep-mcp-fixture", LOG_LEVEL_NOTICE);
	memset(p.state_key, 7, sizeof(p.state_key)); /* the same in every run, as a node's is */
	uv_loop_init(&g.loop);
	loop_signals_init(&g.signals, &g.loop, stop, NULL, NULL);
	g.mcp = mcp_new(&g.loop, &p, &err);
	if (!g.mcp || mcp_fixture_add(g.mcp, &g.loop, &err) < 0)
		fatal(&err);
	if (stdio)
		serve_stdio();
	else
		serve_http(host, port, cert, key, &err);
	uv_run(&g.loop, UV_RUN_DEFAULT);
	return loop_finish(&g.loop) < 0;
}
