/* SPDX-License-Identifier: BSD-2-Clause */
/* dep-kira: a node of a KIRA network. The shell around the core of kira.h.
 *
 * In this order: the configuration is read; everything that needs privileges is opened
 * (node/node.c); privileges are given up (base/sandbox.h); only then is the first byte from the
 * network looked at. On SIGTERM or SIGINT everything that was made in the kernel is removed; after
 * a crash the next start does that. */
#include "base/config.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/sandbox.h"
#include "proto/kira/node/node.h"
#include "proto/kira/node/options.h"

#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* kira.yang, embedded by base/embed.py. */
extern const char kira_yang[];

enum { EXIT_CANNOT = 1, EXIT_USAGE = 2, EXIT_CONFIG = 3 };

static int fail(const struct err *err, int status)
{
	err_print(err, "dep-kira", stderr);
	return status;
}

/* A run directory that we make belongs to who we become, so that the socket can be removed at the
 * end. */
static int make_run_dir(const char *dir, const struct sandbox *s, struct err *err)
{
	if (mkdir(dir, 0755) != 0)
		return errno == EEXIST || errno == ENOENT
			       ? 0
			       : err_set(err, -errno, "cannot make %s: %s", dir, strerror(errno));
	if (s->drop_user && chown(dir, s->uid, s->gid) != 0)
		return err_set(err, -errno, "cannot give %s to the user: %s", dir, strerror(errno));
	return 0;
}

/* Links, routes and neighbours; the forwarding tables; raw sockets, as the fallback forwarder's. */
static const int kept[] = {CAP_NET_ADMIN, CAP_BPF, CAP_NET_RAW, -1};
static const char *const calls[] = {"bpf", NULL};
static const int families[] = {AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, -1};

static int run(const struct options_common *o, const struct node_params *params, struct config *config)
{
	const char *const writable[] = {o->state_dir, o->run_dir, "/proc/sys/net", "/sys/fs/bpf",
					NULL};
	struct sandbox sandbox = {
		.name = "dep-kira",
		.capabilities = kept,
		.required = 1,
		.seccomp = o->seccomp,
		.calls = calls,
		.families = families,
		.writable = writable,
	};
	struct node_params p = *params;
	struct err err = {0};
	struct node *n;
	int rc = 0;

	if (o->user)
		rc = sandbox_user(&sandbox, o->user, &err);
	if (rc == 0)
		rc = sandbox_begin(&sandbox, &err);
	if (rc == 0)
		rc = make_run_dir(o->run_dir, &sandbox, &err);
	n = calloc(1, sizeof(*n));
	if (rc != 0 || !n) {
		config_free(config);
		free(n);
		return fail(&err, EXIT_CANNOT);
	}
	p.socket_gid = sandbox.drop_user ? sandbox.gid : (gid_t)-1;
	rc = node_open(n, &p, config, &err);
	if (rc == 0 && sandbox.drop_user)
		rc = identity_chown(n->identity, sandbox.uid, sandbox.gid, &err);
	if (rc == 0)
		rc = sandbox_enter(&sandbox, &err);
	if (rc == 0)
		rc = node_run(n, &err);
	node_close(n);
	free(n);
	return rc == 0 ? 0 : fail(&err, EXIT_CANNOT);
}

static struct config *read_config(const struct options_common *o, const struct config_schema *schema,
				  struct err *err)
{
	if (o->config)
		return config_load(schema, o->config, err);
	return config_parse(schema, "{}", 2, NULL, err);
}

int main(int argc, char **argv)
{
	struct node_params params = {0};
	struct config_schema *schema;
	struct config *config;
	char socket[PATH_MAX];
	struct options_common o;
	struct err err = {0};
	int status = 0;

	if (options_read(&o, argc, argv, &err) != 0)
		return fail(&err, EXIT_USAGE);
	if (o.help || o.version) {
		fputs(o.help ? options_help : "dep-kira " DEP_VERSION "\n", stdout);
		return 0;
	}
	loop_signals_hold();
	log_init("dep-kira", o.level);
	schema = config_schema_new("kira", kira_yang, &err);
	if (!schema)
		return fail(&err, EXIT_CANNOT);
	config = read_config(&o, schema, &err);
	if (!config) {
		status = fail(&err, EXIT_CONFIG);
	} else if (o.check) {
		config_free(config);
	} else {
		snprintf(socket, sizeof(socket), "%s/kira.sock", o.run_dir);
		params.state_dir = o.state_dir;
		params.socket = socket;
		params.file = o.config;
		params.schema = schema;
		status = run(&o, &params, config);
	}
	config_schema_free(schema);
	return status;
}
