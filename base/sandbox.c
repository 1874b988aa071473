/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/sandbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <pwd.h>
#include <sched.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
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
	unsigned long number;
	char *end;

	number = strtoul(name, &end, 10);
	if (end != name && *end == '\0' && number > 0 && number < UINT32_MAX) {
		s->drop_user = true;
		s->uid = (uid_t)number;
		s->gid = (gid_t)number;
		return 0;
	}
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

static int fail(const struct sandbox *s, struct err *err, int code, const char *step)
{
	err_set(err, code, "cannot give up privileges: %s: %s", step, strerror(-code));
	err_mend(err, "start %s as root, or by its systemd unit", s->name);
	return code;
}

/* Capabilities of other threads would stay, and the filter would not hold them. */
static int check_alone(const struct sandbox *s, struct err *err)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *e;
	unsigned n = 0;

	while (dir && (e = readdir(dir)))
		n += e->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return n <= 1 ? 0 : fail(s, err, -EBUSY, "threads are running");
}

static bool is_kept(const struct sandbox *s, int cap)
{
	const int *c = s->capabilities;

	while (c && *c >= 0 && *c != cap)
		c++;
	return c && *c >= 0;
}

/* Removes from the bounding set all but the kept. Without CAP_SETPCAP it stays, and the permitted
 * set does the work. */
static void narrow_bounding_set(const struct sandbox *s)
{
	cap_value_t cap;

	for (cap = 0; cap_get_bound(cap) >= 0; cap++) {
		if (!is_kept(s, cap))
			cap_drop_bound(cap);
	}
}

static int change_user(const struct sandbox *s, struct err *err)
{
	pid_t parent = getppid();
	int sig = 0;

	if (!s->drop_user)
		return 0;
	prctl(PR_GET_PDEATHSIG, &sig, 0L, 0L, 0L);
	if (prctl(PR_SET_KEEPCAPS, 1L, 0L, 0L, 0L) != 0)
		return fail(s, err, -errno, "keep capabilities");
	if (setgroups(0, NULL) != 0 || setresgid(s->gid, s->gid, s->gid) != 0 ||
	    setresuid(s->uid, s->uid, s->uid) != 0)
		return fail(s, err, -errno, "change the user");
	/* Another user: the kernel forgets the bond to the supervisor. */
	if (sig != 0 && prctl(PR_SET_PDEATHSIG, (unsigned long)sig, 0L, 0L, 0L) != 0)
		return fail(s, err, -errno, "stay bound to the supervisor");
	if (sig != 0 && getppid() != parent)
		return fail(s, err, -ESRCH, "the supervisor has ended");
	return 0;
}

/* Moves a kept capability that we have. Returns 0, or -EPERM and err. */
static int keep_one(const struct sandbox *s, cap_t had, cap_t keep, unsigned i, struct err *err)
{
	cap_value_t cap = s->capabilities[i];
	cap_flag_value_t have = CAP_CLEAR;
	char step[96];
	char *name;

	cap_get_flag(had, cap, CAP_PERMITTED, &have);
	if (have == CAP_SET) {
		cap_set_flag(keep, CAP_PERMITTED, 1, &cap, CAP_SET);
		cap_set_flag(keep, CAP_EFFECTIVE, 1, &cap, CAP_SET);
		return 0;
	}
	if (i >= s->required)
		return 0;
	name = cap_to_name(cap);
	snprintf(step, sizeof(step), "%s is needed, and this process has it not",
		 name ? name : "a capability");
	cap_free(name);
	return fail(s, err, -EPERM, step);
}

/* Permitted and effective: the kept ones that we have. Inheritable and ambient: none. */
static int keep_capabilities(const struct sandbox *s, struct err *err)
{
	cap_t had = cap_get_proc();
	cap_t keep = cap_init();
	unsigned i;
	int rc = 0;

	if (!had || !keep)
		rc = fail(s, err, -ENOMEM, "capabilities");
	for (i = 0; rc == 0 && s->capabilities && s->capabilities[i] >= 0; i++)
		rc = keep_one(s, had, keep, i, err);
	if (rc == 0 && (cap_reset_ambient() != 0 || cap_set_proc(keep) != 0))
		rc = fail(s, err, -errno, "capabilities");
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

#define READS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
/* What a rule on a file, and not a directory, may name. */
#define OF_FILES                                                                                   \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |                              \
	 LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_TRUNCATE)

static void allow_below(int ruleset, const char *place, uint64_t access)
{
	struct landlock_path_beneath_attr rule = {.allowed_access = access};
	struct stat st;

	rule.parent_fd = open(place, O_PATH | O_CLOEXEC);
	if (rule.parent_fd < 0)
		return;
	if (fstat(rule.parent_fd, &st) == 0 && !S_ISDIR(st.st_mode))
		rule.allowed_access &= OF_FILES;
	syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	close(rule.parent_fd);
}

static void add_places(const struct sandbox *s, int ruleset, uint64_t handled)
{
	const char *const *p;

	for (p = s->writable; p && *p; p++)
		allow_below(ruleset, *p, handled & ~(uint64_t)LANDLOCK_ACCESS_FS_EXECUTE);
	for (p = s->readable; p && *p; p++)
		allow_below(ruleset, *p, handled & READS);
}

/* Best effort: kernels without Landlock are many. */
static int restrict_files(const struct sandbox *s, struct err *err)
{
	struct landlock_ruleset_attr attr = {.handled_access_fs = WRITES_V1};
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	int ruleset;
	int rc = 0;

	if (abi < 1)
		return 0;
	if (abi >= 2)
		attr.handled_access_fs |= LANDLOCK_ACCESS_FS_REFER;
	if (abi >= 3)
		attr.handled_access_fs |= LANDLOCK_ACCESS_FS_TRUNCATE;
	if (s->readable)
		attr.handled_access_fs |= READS;
	ruleset =
		(int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr.handled_access_fs), 0);
	if (ruleset < 0)
		return fail(s, err, -errno, "Landlock");
	add_places(s, ruleset, attr.handled_access_fs);
	if (syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
		rc = fail(s, err, -errno, "Landlock");
	close(ruleset);
	return rc;
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
	/* files: configuration again on SIGHUP, state, sysctls, the management socket */
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

static int rule(scmp_filter_ctx ctx, uint32_t action, const char *call)
{
	int nr = seccomp_syscall_resolve_name(call);

	return nr == __NR_SCMP_ERROR ? 0 : seccomp_rule_add(ctx, action, nr, 0);
}

static int allow_family(scmp_filter_ctx ctx, int family)
{
	struct scmp_arg_cmp is = {.arg = 0, .op = SCMP_CMP_EQ, .datum_a = (scmp_datum_t)family};

	return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, is);
}

/* A thread, and no process; it may tell the kernel its name, and how exact its timers are. glibc takes clone where there is no
 * clone3, whose flags a filter cannot see. */
static int allow_threads(scmp_filter_ctx ctx)
{
	const scmp_datum_t flags = CLONE_THREAD | CLONE_VM | CLONE_SIGHAND;
	struct scmp_arg_cmp thread = {
		.arg = 0, .op = SCMP_CMP_MASKED_EQ, .datum_a = flags, .datum_b = flags};
	struct scmp_arg_cmp name = {.arg = 0, .op = SCMP_CMP_EQ, .datum_a = PR_SET_NAME};
	struct scmp_arg_cmp slack = {.arg = 0, .op = SCMP_CMP_EQ, .datum_a = PR_SET_TIMERSLACK};
	int rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, thread);

	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1, name);
	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1, slack);
	return rc != 0 ? rc : rule(ctx, SCMP_ACT_ALLOW, "sched_getaffinity");
}

static int add_rules(const struct sandbox *s, scmp_filter_ctx ctx)
{
	const char *const *call;
	const int *family;
	size_t i;
	int rc = allow_family(ctx, AF_UNIX);

	for (i = 0; i < sizeof(absent) / sizeof(absent[0]) && rc == 0; i++)
		rc = rule(ctx, SCMP_ACT_ERRNO(ENOSYS), absent[i]);
	for (i = 0; i < sizeof(allowed) / sizeof(allowed[0]) && rc == 0; i++)
		rc = rule(ctx, SCMP_ACT_ALLOW, allowed[i]);
	for (call = s->calls; call && *call && rc == 0; call++)
		rc = rule(ctx, SCMP_ACT_ALLOW, *call);
	for (family = s->families; family && *family >= 0 && rc == 0; family++)
		rc = allow_family(ctx, *family);
	return rc == 0 && s->threads ? allow_threads(ctx) : rc;
}

static int filter_calls(const struct sandbox *s, struct err *err)
{
	scmp_filter_ctx ctx;
	int rc;

	if (s->seccomp == SANDBOX_OFF)
		return 0;
	ctx = seccomp_init(s->seccomp == SANDBOX_LOG ? SCMP_ACT_LOG : SCMP_ACT_KILL_PROCESS);
	if (!ctx)
		return fail(s, err, -ENOMEM, "seccomp");
	rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (rc == 0)
		rc = add_rules(s, ctx);
	if (rc == 0)
		rc = seccomp_load(ctx);
	seccomp_release(ctx);
	return rc == 0 ? 0 : fail(s, err, rc, "seccomp");
}

int sandbox_begin(const struct sandbox *s, struct err *err)
{
	scmp_filter_ctx ctx;
	int rc;

	if (s->seccomp == SANDBOX_OFF)
		return 0;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) != 0)
		return fail(s, err, -errno, "no new privileges");
	ctx = seccomp_init(SCMP_ACT_ALLOW);
	if (!ctx)
		return fail(s, err, -ENOMEM, "seccomp");
	rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(io_uring_setup), 0);
	if (rc == 0)
		rc = seccomp_load(ctx);
	seccomp_release(ctx);
	return rc == 0 ? 0 : fail(s, err, rc, "seccomp");
}

int sandbox_enter(const struct sandbox *s, struct err *err)
{
	int rc;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) != 0)
		return fail(s, err, -errno, "no new privileges");
	rc = check_alone(s, err);
	if (rc != 0)
		return rc;
	narrow_bounding_set(s);
	rc = change_user(s, err);
	if (rc == 0)
		rc = keep_capabilities(s, err);
	if (rc == 0)
		rc = restrict_files(s, err);
	if (rc == 0)
		rc = filter_calls(s, err);
	return rc;
}
