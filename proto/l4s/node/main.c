/* SPDX-License-Identifier: BSD-2-Clause */
/* dep-l4s: short queues for every flow. Brings congestion controls into this machine's kernel
 * (bpf/cc_load.h) and runs links with a queue manager (link/link.h), or has the kernel run them.
 *
 * In this order: the configuration is read; the management socket is opened; privileges are given
 * up (base/sandbox.h); only then is anything made in the kernel. What is kept, and why:
 *
 *	CAP_NET_ADMIN	TUN devices, queues of interfaces, programs at their hooks
 *	CAP_BPF		maps and programs of the congestion controls
 *	CAP_PERFMON	the kernel asks for it where a program follows pointers, as controls do
 *
 *	CAP_NET_RAW	packets that waited here go out by an uplink as they came
 *
 * The first is needed; without the second and third there are no congestion controls, without the
 * second and fourth no uplinks in user space, and the state says so.
 * No CAP_SYS_ADMIN: interfaces are made in the room's own network namespace, and moved from there
 * by whoever may. On SIGTERM or SIGINT everything is taken out of the kernel; devices, controls and
 * programs are held by descriptors, so that they go with a killed process, too, and what stays
 * beyond that (queues of the kernel) carries handles of ours and is removed by the next start. */
#include "base/config.h"
#include "base/log.h"
#include "base/options.h"
#include "base/sandbox.h"
#include "proto/l4s/node/node.h"

#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

/* l4s.yang, embedded by base/embed.py. */
extern const char l4s_yang[];

enum { EXIT_CANNOT = 1, EXIT_USAGE = 2, EXIT_CONFIG = 3 };

static const char help[] =
	"usage: dep-l4s [OPTION...]\n"
	"\n"
	"Keeps queues short: congestion controls for this machine's TCP (Prague, CUBIC with ABE), "
	"and "
	"links with a queue\n"
	"manager that marks early (DualPI2 and others). Runs in the foreground until SIGTERM; "
	"SIGHUP "
	"reads the\n"
	"configuration again.\n"
	"\n"
	"  --config FILE      configuration, JSON (default: nothing is loaded, no link)\n"
	"  --state-dir DIR    accepted as by the other rooms; nothing is kept\n"
	"  --run-dir DIR      holds the management socket, l4s.sock (default: "
	"/run/depanneur)\n" OPTIONS_HELP_COMMON "  --control-suffix S ends the controls' names in "
						"the kernel with S, of at most 2 characters: "
	"controls are one\n"
	"                     set a machine, and a second dep-l4s beside the first needs other "
	"names\n"
	"  --check            check the configuration and end\n"
	"  --version, --help\n"
	"\n"
	"Ends with 0 after a signal, 1 where it cannot start or go on, 2 for wrong options, 3 for "
	"a "
	"configuration that\n"
	"is not valid.\n";

enum { OPT_SUFFIX = OPTIONS_OWN };

static const struct option own[] = {
	{"control-suffix", required_argument, NULL, OPT_SUFFIX},
	{0},
};

static int read_own(void *ctx, int val, const char *arg, struct err *err);

static const char *suffix;

static const struct options_spec spec = {
	.who = "dep-l4s",
	.state_dir = "/var/lib/depanneur/l4s",
	.own = own,
	.read = read_own,
};

/* A name has 15 characters in the kernel, of which dep_cubic_abe takes 13. */
static int read_own(void *ctx, int val, const char *arg, struct err *err)
{
	if (strlen(arg) > 2)
		return options_wrong(&spec, err,
				     "--control-suffix takes at most 2 characters, not ", arg, "");
	suffix = arg;
	return 0;
}

static int fail(const struct err *err, int status)
{
	err_print(err, "dep-l4s", stderr);
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

static const int kept[] = {CAP_NET_ADMIN, CAP_BPF, CAP_PERFMON, CAP_NET_RAW, -1};
/* libbpf holds places of maps with memory files. */
static const char *const calls[] = {"bpf", "memfd_create", NULL};
static const int families[] = {AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, -1};

static int run(const struct options_common *o, const struct node_params *params,
	       struct config *config)
{
	const char *const writable[] = {o->run_dir, "/dev/net", "/proc/sys/net", NULL};
	struct sandbox sandbox = {
		.name = "dep-l4s",
		.capabilities = kept,
		.required = 1,
		.seccomp = o->seccomp,
		.calls = calls,
		.families = families,
		.threads = true,
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
	if (rc == 0)
		rc = sandbox_enter(&sandbox, &err);
	if (rc == 0)
		rc = node_run(n, &err);
	node_close(n);
	free(n);
	return rc == 0 ? 0 : fail(&err, EXIT_CANNOT);
}

/* Valid by the module, and what it says goes together. */
static struct config *read_config(const struct options_common *o,
				  const struct config_schema *schema, struct err *err)
{
	struct config *c = o->config ? config_load(schema, o->config, err)
				     : config_parse(schema, "{}", 2, NULL, err);
	struct settings *s = c ? calloc(1, sizeof(*s)) : NULL;

	if (s && settings_read(s, c, err) != 0) {
		config_free(c);
		c = NULL;
	}
	free(s);
	return c;
}

int main(int argc, char **argv)
{
	struct node_params params = {0};
	struct config_schema *schema;
	struct options_common o;
	struct config *config;
	char socket[PATH_MAX];
	struct err err = {0};
	int status = 0;

	if (options_common_read(&o, &spec, argc, argv, &err) != 0)
		return fail(&err, EXIT_USAGE);
	if (o.help || o.version) {
		fputs(o.help ? help : "dep-l4s " DEP_VERSION "\n", stdout);
		return 0;
	}
	loop_signals_hold();
	log_init("dep-l4s", o.level);
	schema = config_schema_new("l4s", l4s_yang, &err);
	if (!schema)
		return fail(&err, EXIT_CANNOT);
	config = read_config(&o, schema, &err);
	if (!config) {
		status = fail(&err, EXIT_CONFIG);
	} else if (o.check) {
		config_free(config);
	} else {
		snprintf(socket, sizeof(socket), "%s/l4s.sock", o.run_dir);
		params.socket = socket;
		params.suffix = suffix;
		params.file = o.config;
		params.schema = schema;
		status = run(&o, &params, config);
	}
	config_schema_free(schema);
	return status;
}
