/* SPDX-License-Identifier: BSD-2-Clause */
/* dep-netops: the node's management. In this order: options are read; privileges are given up (it needs none); the
 * rooms are met and what a crash or reboot left open is ended (ops/ops_start.c); only then does it listen. */
#include "base/log.h"
#include "base/loop.h"
#include "proto/netops/daemon/daemon.h"
#include "proto/netops/mcp/fixture.h"
#include "proto/netops/txn/failpoint.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* Supervisors do not try again after the latter two (depd, RestartPreventExitStatus). */
enum { EXIT_CANNOT = 1, EXIT_USAGE = 2, EXIT_DAMAGED = 3 };

static int fail(const struct err *err, int status)
{
	err_print(err, "dep-netops", stderr);
	return status;
}

static int make_dir(const char *dir, mode_t mode, const struct sandbox *s, struct err *err)
{
	if (mkdir(dir, mode) != 0)
		return errno == EEXIST ? 0 : err_set(err, -errno, "cannot make %s: %s", dir, strerror(errno));
	if (s->drop_user && chown(dir, s->uid, s->gid) != 0)
		return err_set(err, -errno, "cannot give %s to the user: %s", dir, strerror(errno));
	return 0;
}

static int give_up(const struct options *o, struct sandbox *s, struct err *err)
{
	int rc = o->common.user ? sandbox_user(s, o->common.user, err) : 0;

	if (rc == 0)
		rc = sandbox_begin(s, err);
	if (rc == 0)
		rc = make_dir(o->common.run_dir, 0755, s, err);
	if (rc == 0)
		rc = make_dir(o->common.state_dir, 0700, s, err);
	if (rc == 0)
		rc = sandbox_enter(s, err);
	return rc;
}

int main(int argc, char **argv)
{
	static const int none[] = {-1};
	static const int families[] = {AF_INET, AF_INET6, -1};
	/* The journal and its checkpoints, tasks, files sent. */
	static const char *const calls[] = {"fdatasync", "fsync",  "fallocate", "ftruncate", "pwrite64",
					    "pread64",	 "rename", "unlink",	"mkdir",     "getdents64",
					    "sendfile",	 NULL};
	const char *writable[3] = {NULL};
	struct sandbox sandbox = {.name = "dep-netops",
				  .capabilities = none,
				  .families = families,
				  .calls = calls,
				  .threads = true,
				  .writable = writable};
	struct options o;
	struct err err = {0};
	int rc;

	failpoint_init();
	if (argc > 1 && strcmp(argv[1], "--conformance-fixture") == 0)
		return mcp_fixture_main(argc - 1, argv + 1);
	if (options_read(&o, argc, argv, &err) != 0)
		return fail(&err, EXIT_USAGE);
	if (o.common.help || o.common.version) {
		fputs(o.common.help ? options_help : "dep-netops " DEP_VERSION "\n", stdout);
		return 0;
	}
	loop_signals_hold();
	log_init("dep-netops", o.common.level);
	sandbox.seccomp = o.common.seccomp;
	writable[0] = o.common.state_dir;
	writable[1] = o.common.run_dir;
	rc = give_up(&o, &sandbox, &err);
	if (rc == 0)
		rc = daemon_run(&o, &err);
	if (rc == 0)
		return 0;
	return fail(&err, rc == -EBADMSG ? EXIT_DAMAGED : EXIT_CANNOT);
}
