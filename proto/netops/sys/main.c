/* SPDX-License-Identifier: BSD-2-Clause */
/* dep-sys: the device backend on Linux, the only privileged part of network operations. Typed steps in, observed state
 * and events out, over the counter; it opens no network port and parses nothing from the network.
 *
 * In this order: everything that needs privileges is opened; what is not needed is given up (base/sandbox.h); only then is
 * the first request read. CAP_NET_ADMIN stays: it is the room's work. */
#include "base/log.h"
#include "base/sandbox.h"
#include "proto/netops/sys/options.h"
#include "proto/netops/sys/sys.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EXIT_CANNOT = 1, EXIT_USAGE = 2 };

static const int kept[] = {CAP_NET_ADMIN, -1};
/* libnftables waits for the kernel with these. */
static const char *const calls[] = {"select", "pselect6", NULL};
static const int families[] = {AF_INET, AF_INET6, AF_NETLINK, -1};

static int fail(const struct err *err, int status)
{
	err_print(err, "dep-sys", stderr);
	return status;
}

/* A directory that we make belongs to who we become. */
static int make_dir(const char *dir, mode_t mode, const struct sandbox *s, struct err *err)
{
	if (mkdir(dir, mode) != 0)
		return errno == EEXIST || errno == ENOENT
			       ? 0
			       : err_set(err, -errno, "cannot make %s: %s", dir, strerror(errno));
	if (s->drop_user && chown(dir, s->uid, s->gid) != 0)
		return err_set(err, -errno, "cannot give %s to the user: %s", dir, strerror(errno));
	return 0;
}

static int run(const struct options *o)
{
	const char *const writable[] = {o->state_dir, o->run_dir, "/proc/sys/net", "/dev/net", NULL};
	struct sandbox sandbox = {
		.name = "dep-sys",
		.capabilities = kept,
		.required = 1,
		.seccomp = o->seccomp,
		.calls = calls,
		.families = families,
		.writable = writable,
	};
	struct sys_params params = {.run_dir = o->run_dir, .state_dir = o->state_dir};
	struct sys *s = calloc(1, sizeof(*s));
	struct err err = {0};
	int rc = s ? 0 : err_set(&err, -ENOMEM, "no memory");

	if (rc == 0 && o->user)
		rc = sandbox_user(&sandbox, o->user, &err);
	if (rc == 0)
		rc = sandbox_begin(&sandbox, &err);
	if (rc == 0)
		rc = make_dir(o->run_dir, 0755, &sandbox, &err);
	if (rc == 0)
		rc = make_dir(o->state_dir, 0700, &sandbox, &err);
	params.socket_gid = sandbox.drop_user ? sandbox.gid : (gid_t)-1;
	if (rc == 0) {
		rc = sys_open(s, &params, &err);
		if (rc == 0)
			rc = sandbox_enter(&sandbox, &err);
		if (rc == 0)
			rc = sys_run(s, &err);
		sys_close(s);
	}
	free(s);
	return rc == 0 ? 0 : fail(&err, EXIT_CANNOT);
}

int main(int argc, char **argv)
{
	struct options o;
	struct err err = {0};

	if (options_read(&o, argc, argv, &err) != 0)
		return fail(&err, EXIT_USAGE);
	if (o.help || o.version) {
		fputs(o.help ? options_help : "dep-sys " DEP_VERSION "\n", stdout);
		return 0;
	}
	loop_signals_hold();
	log_init("dep-sys", o.level);
	return run(&o);
}
