/* SPDX-License-Identifier: BSD-2-Clause */
/* dep-sys: the device backend on Linux, the only privileged part of network operations. Typed steps in, observed state
 * and events out, over the counter; it listens on no network port and parses nothing from the network.
 *
 * In this order: everything that needs privileges is opened; what is not needed is given up (base/sandbox.h); only then is
 * the first request read. CAP_NET_ADMIN stays: it is the room's work. */
#include "base/log.h"
#include "base/sandbox.h"
#include "proto/netops/sys/options.h"
#include "proto/netops/sys/sys.h"

#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EXIT_CANNOT = 1, EXIT_USAGE = 2 };

static const int kept[] = {CAP_NET_ADMIN, -1};
static const int kept_hostname[] = {CAP_NET_ADMIN, CAP_SYS_ADMIN, -1};
/* libnftables waits for the kernel with these. */
static const char *const calls[] = {"select", "pselect6", NULL};
static const char *const calls_hostname[] = {"select", "pselect6", "sethostname", NULL};
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
	char resolv_dir[PATH_MAX] = "";
	const char *const writable[] = {o->common.state_dir, o->common.run_dir, "/proc/sys/net", "/dev/net",
					o->resolv_conf ? resolv_dir : NULL, NULL};
	struct sandbox sandbox = {
		.name = "dep-sys",
		.capabilities = o->set_hostname ? kept_hostname : kept,
		.required = o->set_hostname ? 2 : 1,
		.seccomp = o->common.seccomp,
		.calls = o->set_hostname ? calls_hostname : calls,
		.families = families,
		.writable = writable,
	};
	struct sys_params params = {.run_dir = o->common.run_dir,
				    .state_dir = o->common.state_dir,
				    .resolv_conf = o->resolv_conf,
				    .set_hostname = o->set_hostname,
				    .no_kernel_log = o->no_kernel_log};
	struct sys *s = calloc(1, sizeof(*s));
	struct err err = {0};
	int rc = s ? 0 : err_set(&err, -ENOMEM, "no memory");

	if (o->resolv_conf)
		snprintf(resolv_dir, sizeof(resolv_dir), "%.*s", (int)(strrchr(o->resolv_conf, '/') - o->resolv_conf + 1),
			 o->resolv_conf);
	if (rc == 0 && o->common.user)
		rc = sandbox_user(&sandbox, o->common.user, &err);
	if (rc == 0)
		rc = sandbox_begin(&sandbox, &err);
	if (rc == 0)
		rc = make_dir(o->common.run_dir, 0755, &sandbox, &err);
	if (rc == 0)
		rc = make_dir(o->common.state_dir, 0700, &sandbox, &err);
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
	if (o.common.help || o.common.version) {
		fputs(o.common.help ? options_help : "dep-sys " DEP_VERSION "\n", stdout);
		return 0;
	}
	loop_signals_hold();
	log_init("dep-sys", o.common.level);
	return run(&o);
}
