/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/kira/node/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <pwd.h>
#include <seccomp.h>
#include <stdint.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define WITH_ASAN 1
#endif

static const cap_value_t kept[] = {CAP_NET_ADMIN, CAP_BPF, CAP_NET_RAW};
#define N_KEPT ((int)(sizeof(kept) / sizeof(kept[0])))

int sandbox_seccomp_parse(const char *text, enum sandbox_seccomp *mode)
{
	static const char *const name[] = {"on", "log", "off"};
	int i;

	for (i = 0; i < 3; i++) {
		if (strcmp(text, name[i]) == 0) {
			*mode = (enum sandbox_seccomp)i;
			return 0;
		}
	}
	return -EINVAL;
}

int sandbox_user(struct sandbox *s, const char *name, struct err *err)
{
	struct passwd *user;

	errno = 0;
	user = getpwnam(name);
	if (!user) {
		err_set(err, -ENOENT, "there is no user %s", name);
		err_mend(err, "make it with: adduser --system --group --no-create-home %s", name);
		return -ENOENT;
	}
	s->drop_user = true;
	s->uid = user->pw_uid;
	s->gid = user->pw_gid;
	return 0;
}

static int fail(struct err *err, int code, const char *step)
{
	err_set(err, code, "cannot give up privileges: %s: %s", step, strerror(-code));
	err_mend(err, "start dep-kira as root, or by its systemd unit");
	return code;
}

/* Removes from the bounding set all but the kept. Without CAP_SETPCAP it stays, and the permitted
 * set does the work. */
static void narrow_bounding_set(void)
{
	cap_value_t cap;
	int i;

	for (cap = 0; cap_get_bound(cap) >= 0; cap++) {
		for (i = 0; i < N_KEPT && kept[i] != cap; i++)
			;
		if (i == N_KEPT)
			cap_drop_bound(cap);
	}
}

static int change_user(const struct sandbox *s, struct err *err)
{
	if (!s->drop_user)
		return 0;
	if (prctl(PR_SET_KEEPCAPS, 1L, 0L, 0L, 0L) != 0)
		return fail(err, -errno, "keep capabilities");
	if (setgroups(0, NULL) != 0 || setresgid(s->gid, s->gid, s->gid) != 0 ||
	    setresuid(s->uid, s->uid, s->uid) != 0)
		return fail(err, -errno, "change the user");
	return 0;
}

/* Permitted and effective: the kept ones that we have. Inheritable and ambient: none. */
static int keep_capabilities(struct err *err)
{
	cap_t had = cap_get_proc();
	cap_t keep = cap_init();
	cap_flag_value_t have = CAP_CLEAR;
	int rc = 0;
	int i;

	if (!had || !keep) {
		rc = fail(err, -ENOMEM, "capabilities");
		goto out;
	}
	for (i = N_KEPT - 1; i >= 0; i--) {
		cap_get_flag(had, kept[i], CAP_PERMITTED, &have);
		if (have != CAP_SET)
			continue;
		cap_set_flag(keep, CAP_PERMITTED, 1, &kept[i], CAP_SET);
		cap_set_flag(keep, CAP_EFFECTIVE, 1, &kept[i], CAP_SET);
	}
	/* The first of kept was looked at last. */
	if (have != CAP_SET)
		rc = fail(err, -EPERM, "CAP_NET_ADMIN is needed, and this process has it not");
	else if (cap_reset_ambient() != 0 || cap_set_proc(keep) != 0)
		rc = fail(err, -errno, "capabilities");
out:
	cap_free(had);
	cap_free(keep);
	return rc;
}

/* ---- Landlock ---- */

#define WRITES_V1                                                                                  \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |                              \
	 LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |                          \
	 LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |                              \
	 LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |                              \
	 LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |                            \
	 LANDLOCK_ACCESS_FS_MAKE_SYM)

static void allow_below(int ruleset, const char *dir, uint64_t access)
{
	struct landlock_path_beneath_attr rule = {.allowed_access = access};

	rule.parent_fd = open(dir, O_PATH | O_CLOEXEC);
	if (rule.parent_fd < 0)
		return;
	syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	close(rule.parent_fd);
}

/* Best effort: kernels without Landlock are many. */
static int restrict_files(const struct sandbox *s, struct err *err)
{
	struct landlock_ruleset_attr attr = {.handled_access_fs = WRITES_V1};
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	size_t i;
	int ruleset;

	if (abi < 1)
		return 0;
	if (abi >= 2)
		attr.handled_access_fs |= LANDLOCK_ACCESS_FS_REFER;
	if (abi >= 3)
		attr.handled_access_fs |= LANDLOCK_ACCESS_FS_TRUNCATE;
	ruleset =
		(int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr.handled_access_fs), 0);
	if (ruleset < 0)
		return fail(err, -errno, "Landlock");
	for (i = 0; s->writable && s->writable[i]; i++)
		allow_below(ruleset, s->writable[i],
			    attr.handled_access_fs & ~(uint64_t)LANDLOCK_ACCESS_FS_EXECUTE);
	if (syscall(SYS_landlock_restrict_self, ruleset, 0) != 0) {
		close(ruleset);
		return fail(err, -errno, "Landlock");
	}
	close(ruleset);
	return 0;
}

/* ---- seccomp ---- */

static const char *const allowed[] = {
	/* memory, threads of libraries, the end */
	"brk",
	"mmap",
	"munmap",
	"mprotect",
	"mremap",
	"madvise",
	"futex",
	"set_robust_list",
	"rseq",
	"exit",
	"exit_group",
	"restart_syscall",
	"sched_yield",
	"getrandom",
	"prlimit64",
	"uname",
	/* signals */
	"rt_sigaction",
	"rt_sigprocmask",
	"rt_sigreturn",
	"sigaltstack",
	"tgkill",
	"getpid",
	"gettid",
	"getuid",
	"geteuid",
	"getgid",
	"getegid",
	"getppid",
	/* time and the loop */
	"clock_gettime",
	"clock_getres",
	"clock_nanosleep",
	"nanosleep",
	"gettimeofday",
	"time",
	"timerfd_create",
	"timerfd_settime",
	"timerfd_gettime",
	"eventfd2",
	"pipe2",
	"poll",
	"ppoll",
	"epoll_create1",
	"epoll_ctl",
	"epoll_wait",
	"epoll_pwait",
	"epoll_pwait2",
	/* files: configuration again on SIGHUP, identity, sysctls of a new link, the management
	   socket */
	"read",
	"readv",
	"pread64",
	"write",
	"writev",
	"pwrite64",
	"close",
	"lseek",
	"openat",
	"open",
	"fstat",
	"stat",
	"lstat",
	"newfstatat",
	"statfs",
	"fstatfs",
	"access",
	"faccessat",
	"faccessat2",
	"fsync",
	"ftruncate",
	"flock",
	"rename",
	"renameat",
	"renameat2",
	"unlink",
	"unlinkat",
	"mkdir",
	"mkdirat",
	"chmod",
	"fchmod",
	"fchmodat",
	"getdents64",
	"readlink",
	"readlinkat",
	"getcwd",
	"fcntl",
	"dup",
	"dup3",
	"ioctl",
	"umask",
	/* sockets; their families are narrowed below */
	"bind",
	"listen",
	"accept",
	"accept4",
	"connect",
	"getsockname",
	"getpeername",
	"getsockopt",
	"setsockopt",
	"shutdown",
	"sendto",
	"sendmsg",
	"sendmmsg",
	"recvfrom",
	"recvmsg",
	"recvmmsg",
	/* the forwarding tables */
	"bpf",
#ifdef WITH_ASAN
	/* reports and the leak check of the sanitizer's runtime */
	"clone",
	"ptrace",
	"wait4",
	"prctl",
	"process_vm_readv",
	"sched_getaffinity",
	"getrusage",
	"kill",
	"capget",
	"arch_prctl",
	"set_tid_address",
#endif
};

/* Libraries ask for these and take "no" for an answer. */
static const char *const absent[] = {"clone3", "io_uring_setup", "openat2",
				     "statx",  "membarrier",	 "sysinfo"};

static const int families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET};

/* Names that the architecture has not are passed over. */
static int add_rules(scmp_filter_ctx ctx)
{
	struct scmp_arg_cmp family = {.arg = 0, .op = SCMP_CMP_EQ};
	size_t i;
	int rc = 0;
	int nr;

	for (i = 0; i < sizeof(absent) / sizeof(absent[0]) && rc == 0; i++) {
		nr = seccomp_syscall_resolve_name(absent[i]);
		if (nr != __NR_SCMP_ERROR)
			rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), nr, 0);
	}
	for (i = 0; i < sizeof(allowed) / sizeof(allowed[0]) && rc == 0; i++) {
		nr = seccomp_syscall_resolve_name(allowed[i]);
		if (nr != __NR_SCMP_ERROR)
			rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, nr, 0);
	}
	for (i = 0; i < sizeof(families) / sizeof(families[0]) && rc == 0; i++) {
		family.datum_a = (scmp_datum_t)families[i];
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, family);
	}
	return rc;
}

static int filter_calls(enum sandbox_seccomp mode, struct err *err)
{
	scmp_filter_ctx ctx;
	int rc;

	if (mode == SANDBOX_OFF)
		return 0;
	ctx = seccomp_init(mode == SANDBOX_LOG ? SCMP_ACT_LOG : SCMP_ACT_KILL_PROCESS);
	if (!ctx)
		return fail(err, -ENOMEM, "seccomp");
	rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (rc == 0)
		rc = add_rules(ctx);
	if (rc == 0)
		rc = seccomp_load(ctx);
	seccomp_release(ctx);
	return rc == 0 ? 0 : fail(err, rc, "seccomp");
}

int sandbox_begin(enum sandbox_seccomp mode, struct err *err)
{
	scmp_filter_ctx ctx;
	int rc;

	if (mode == SANDBOX_OFF)
		return 0;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) != 0)
		return fail(err, -errno, "no new privileges");
	ctx = seccomp_init(SCMP_ACT_ALLOW);
	if (!ctx)
		return fail(err, -ENOMEM, "seccomp");
	rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(io_uring_setup), 0);
	if (rc == 0)
		rc = seccomp_load(ctx);
	seccomp_release(ctx);
	return rc == 0 ? 0 : fail(err, rc, "seccomp");
}

int sandbox_enter(const struct sandbox *s, struct err *err)
{
	int rc;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) != 0)
		return fail(err, -errno, "no new privileges");
	narrow_bounding_set();
	rc = change_user(s, err);
	if (rc == 0)
		rc = keep_capabilities(err);
	if (rc == 0)
		rc = restrict_files(s, err);
	if (rc == 0)
		rc = filter_calls(s->seccomp, err);
	return rc;
}
