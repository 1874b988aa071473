/* SPDX-License-Identifier: BSD-2-Clause */
/* Starting a room's process: its user, its capabilities, its directories, its output; and that it
 * does not outlive depd. */
#include "node/depd/depd.h"

#include "base/hash.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Numbers that no user database gives out to people: those of systemd's dynamic users. */
#define NUMBER_FIRST 61184u
#define NUMBER_COUNT 4335u

#define TEXTS (3 * MANIFEST_ARGS)

/* All that the child needs, made before the fork. */
struct start {
	const struct manifest *m;
	bool root;
	struct room_user user;
	gid_t groups[MANIFEST_AFTER + 1];
	size_t n_groups;
	char path[PATH_MAX];
	char *argv[TEXTS + 1];
	size_t argc;
	cap_t caps; /* of one that is not root from the beginning */
	pid_t parent;
	int out;  /* its standard output and error */
	int fail; /* an errno and a step, where it cannot start */
};

static unsigned number_of(const char *name)
{
	uint32_t h = 2166136261u;

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 16777619u;
	return NUMBER_FIRST + h % NUMBER_COUNT;
}

void spawn_user(const struct manifest *m, struct room_user *u)
{
	struct passwd *pw;

	*u = (struct room_user){.uid = geteuid(), .gid = getegid()};
	if (u->uid == 0 && m->user) {
		pw = getpwnam(m->user);
		if (pw) {
			u->uid = pw->pw_uid;
			u->gid = pw->pw_gid;
			snprintf(u->name, sizeof(u->name), "%s", m->user);
			return;
		}
		u->uid = u->gid = number_of(m->user);
	}
	snprintf(u->name, sizeof(u->name), "%u", (unsigned)u->uid);
}

/* ---- Directories ---- */

/* Makes the directory and those above it. */
static int make_dirs(const char *path, mode_t mode)
{
	char part[PATH_MAX];
	size_t n = strlen(path);
	size_t i;

	if (n == 0 || n >= sizeof(part))
		return -ENAMETOOLONG;
	memcpy(part, path, n + 1);
	for (i = 1; i <= n; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		part[i] = '\0';
		if (mkdir(part, i == n ? mode : 0755) != 0 && errno != EEXIST)
			return -errno;
		part[i] = path[i];
	}
	return 0;
}

static int dir_failed(struct err *err, int rc, const char *dir)
{
	err_set(err, rc, "cannot make the directory: %s", strerror(-rc));
	err_where(err, "%s", dir);
	err_mend(err, "be root, or name others with --run-dir and --state-dir");
	return rc;
}

int spawn_dirs(struct depd *d, struct err *err)
{
	struct group *gr = getgrnam("depanneur");
	int rc = make_dirs(d->o.run_dir, 0755);

	if (rc != 0)
		return dir_failed(err, rc, d->o.run_dir);
	rc = make_dirs(d->o.state_dir, 0755);
	if (rc != 0)
		return dir_failed(err, rc, d->o.state_dir);
	if (geteuid() != 0)
		return 0;
	/* Each room makes its socket there, and none can take away another's. */
	d->group = gr ? gr->gr_gid : (gid_t)number_of("depanneur");
	if (chown(d->o.run_dir, 0, d->group) != 0 || chmod(d->o.run_dir, 01775) != 0)
		return dir_failed(err, -errno, d->o.run_dir);
	return 0;
}

static int state_dir(const struct depd *d, const struct start *st, struct err *err)
{
	char dir[PATH_MAX];
	int rc;

	snprintf(dir, sizeof(dir), "%s/%s", d->o.state_dir, st->m->name);
	rc = make_dirs(dir, 0700);
	if (rc == 0 && st->root && chown(dir, st->user.uid, st->user.gid) != 0)
		rc = -errno;
	return rc == 0 ? 0 : dir_failed(err, rc, dir);
}

/* ---- Command ---- */

/* to: PATH_MAX bytes. Absolute, as the child changes its directory. */
static bool found_at(char *to, const char *path)
{
	return access(path, X_OK) == 0 && realpath(path, to);
}

static bool found_in(char *to, const char *dir, size_t len, const char *name)
{
	char path[PATH_MAX];

	return (size_t)snprintf(path, sizeof(path), "%.*s/%s", (int)len, dir, name) <
		       sizeof(path) &&
	       found_at(to, path);
}

/* Where an executable is: in the directories of path, beside depd, where Debian puts them. */
static bool find_command(const char *path, const char *name, char *to)
{
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self));
	size_t k;

	if (strchr(name, '/'))
		return found_at(to, name);
	for (; path && *path; path += k + (path[k] == ':')) {
		k = strcspn(path, ":");
		if (found_in(to, path, k, name))
			return true;
	}
	while (len > 0 && self[len - 1] != '/')
		len--;
	return (len > 1 && found_in(to, self, (size_t)len - 1, name)) ||
	       found_in(to, "/usr/sbin", 9, name) || found_in(to, "/usr/bin", 8, name);
}

/* {run}, {state}, {etc}, {user}. */
static char *expand(const struct depd *d, const struct start *st, const char *arg)
{
	const struct {
		const char *name;
		const char *value;
		const char *below;
	} known[] = {
		{"{run}", d->o.run_dir, ""},
		{"{state}", d->o.state_dir, st->m->name},
		{"{etc}", d->o.etc_dir, ""},
		{"{user}", st->user.name, ""},
	};
	char out[PATH_MAX];
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		const char *at = strstr(arg, known[i].name);

		if (!at)
			continue;
		if ((size_t)snprintf(out, sizeof(out), "%.*s%s%s%s%s", (int)(at - arg), arg,
				     known[i].value, known[i].below[0] ? "/" : "", known[i].below,
				     at + strlen(known[i].name)) >= sizeof(out))
			return NULL;
		return strdup(out);
	}
	return strdup(arg);
}

static int add_args(const struct depd *d, struct start *st, const char *const *args)
{
	for (; *args; args++) {
		st->argv[st->argc] = expand(d, st, *args);
		if (!st->argv[st->argc++])
			return -ENOMEM;
	}
	return 0;
}

/* Arguments that only count where the file that the last one names is there. */
static int add_config(const struct depd *d, struct start *st)
{
	size_t before = st->argc;
	int rc = add_args(d, st, st->m->config);

	if (rc != 0 || st->argc == before || access(st->argv[st->argc - 1], F_OK) == 0)
		return rc;
	while (st->argc > before) {
		free(st->argv[--st->argc]);
		st->argv[st->argc] = NULL;
	}
	return 0;
}

static int prepare_command(const struct depd *d, struct start *st, struct err *err)
{
	int rc = add_args(d, st, st->m->command);

	if (rc == 0)
		rc = add_config(d, st);
	if (rc == 0 && st->root && st->m->user)
		rc = add_args(d, st, st->m->as_root);
	if (rc != 0)
		return err_set(err, rc, "no memory for its command");
	if (find_command(d->o.bin_path, st->argv[0], st->path))
		return 0;
	err_set(err, -ENOENT, "there is no executable %s", st->argv[0]);
	err_mend(err, "install it, or say with --bin-path where it is");
	return -ENOENT;
}

/* ---- Privileges ---- */

static int prepare_caps(struct start *st, struct err *err)
{
	unsigned i;

	if (!st->root || st->m->starts_as_root)
		return 0;
	st->caps = cap_init();
	for (i = 0; st->caps && i < st->m->n_caps; i++) {
		cap_value_t cap = st->m->cap[i];

		if (cap_set_flag(st->caps, CAP_PERMITTED, 1, &cap, CAP_SET) != 0 ||
		    cap_set_flag(st->caps, CAP_EFFECTIVE, 1, &cap, CAP_SET) != 0 ||
		    cap_set_flag(st->caps, CAP_INHERITABLE, 1, &cap, CAP_SET) != 0)
			return err_set(err, -EINVAL, "cannot prepare its capabilities");
	}
	return st->caps ? 0 : err_set(err, -ENOMEM, "no memory for its capabilities");
}

/* It may use the sockets of those that it comes after. */
static void prepare_groups(struct depd *d, struct start *st)
{
	const char *const *a;

	if (!st->root)
		return;
	st->groups[st->n_groups++] = d->group;
	for (a = st->m->after; *a; a++) {
		const struct unit *u = sup_find(&d->sup, *a);
		struct room_user other;

		if (!u)
			continue;
		spawn_user(u->m, &other);
		st->groups[st->n_groups++] = other.gid;
	}
}

static bool may_have(const struct manifest *m, int cap)
{
	unsigned i;

	for (i = 0; i < m->n_caps && m->cap[i] != cap; i++)
		;
	return i < m->n_caps;
}

/* In the child, as root. Returns the name of the step that failed, or NULL. */
static const char *drop(const struct start *st)
{
	const struct manifest *m = st->m;
	unsigned i;
	int cap;

	for (cap = 0; cap_get_bound(cap) >= 0; cap++) {
		if (!may_have(m, cap) && cap_drop_bound(cap) != 0)
			return "limit its capabilities";
	}
	if (setgroups(st->n_groups, st->groups) != 0)
		return "set its groups";
	if (m->starts_as_root)
		return NULL;
	if (prctl(PR_SET_KEEPCAPS, 1L, 0L, 0L, 0L) != 0 ||
	    setresgid(st->user.gid, st->user.gid, st->user.gid) != 0 ||
	    setresuid(st->user.uid, st->user.uid, st->user.uid) != 0)
		return "change its user";
	if (cap_set_proc(st->caps) != 0)
		return "set its capabilities";
	for (i = 0; i < m->n_caps; i++) {
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, (unsigned long)m->cap[i], 0L, 0L) !=
		    0)
			return "hand over its capabilities";
	}
	return NULL;
}

/* ---- The child ---- */

static void reset_signals(void)
{
	sigset_t none;
	int sig;

	for (sig = 1; sig < 32; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

[[noreturn]] static void give_up(const struct start *st, const char *step)
{
	char text[128];
	int n = snprintf(text, sizeof(text), "%s: %s", step, strerror(errno));

	if (n < 0 || write(st->fail, text, (size_t)n) < 0)
		_exit(127);
	_exit(126);
}

[[noreturn]] static void child(const struct start *st)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	const char *step;

	reset_signals();
	setpgid(0, 0);
	umask(027);
	if (null < 0 || dup2(null, 0) < 0 || dup2(st->out, 1) < 0 || dup2(st->out, 2) < 0 ||
	    chdir("/") != 0)
		give_up(st, "prepare its files");
	close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
	step = st->root ? drop(st) : NULL;
	if (step)
		give_up(st, step);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) != 0 ||
	    prctl(PR_SET_PDEATHSIG, (unsigned long)SIGKILL, 0L, 0L, 0L) != 0)
		give_up(st, "bind it to depd");
	/* depd may have ended before that was in force. */
	if (getppid() != st->parent)
		_exit(125);
	execve(st->path, st->argv, environ);
	give_up(st, "execute it");
}

/* Waits for the exec, or for what went wrong before. */
static int wait_exec(int fd, struct err *err)
{
	char text[128];
	ssize_t n;

	do {
		n = read(fd, text, sizeof(text));
	} while (n < 0 && errno == EINTR);
	if (n <= 0)
		return 0;
	return err_set(err, -EPERM, "cannot %.*s", (int)n, text);
}

static void start_free(struct start *st)
{
	size_t i;

	for (i = 0; i < st->argc; i++)
		free(st->argv[i]);
	cap_free(st->caps);
}

/* Takes out[0] over where it returns a pid. */
static pid_t run(struct depd *d, struct start *st, struct err *err)
{
	int out[2];
	int fail[2];
	pid_t pid;

	if (pipe2(out, O_CLOEXEC) != 0)
		return err_set(err, -errno, "cannot make a pipe: %s", strerror(errno));
	if (pipe2(fail, O_CLOEXEC) != 0) {
		close(out[0]);
		close(out[1]);
		return err_set(err, -EAGAIN, "cannot make a pipe");
	}
	st->out = out[1];
	st->fail = fail[1];
	st->parent = getpid();
	pid = fork();
	if (pid == 0)
		child(st);
	if (pid < 0)
		pid = err_set(err, -EAGAIN, "cannot start a process: %s", strerror(errno));
	close(out[1]);
	close(fail[1]);
	if (pid > 0 && wait_exec(fail[0], err) != 0)
		pid = err->code; /* the process is reaped with the others */
	close(fail[0]);
	if (pid > 0)
		lines_follow(&d->loop, st->m->name, out[0]);
	else
		close(out[0]);
	return pid;
}

pid_t spawn_room(struct depd *d, const struct manifest *m, struct err *err)
{
	struct start st = {.m = m, .root = geteuid() == 0};
	pid_t pid;
	int rc;

	spawn_user(m, &st.user);
	rc = prepare_command(d, &st, err);
	if (rc == 0)
		rc = prepare_caps(&st, err);
	if (rc == 0)
		rc = state_dir(d, &st, err);
	prepare_groups(d, &st);
	pid = rc == 0 ? run(d, &st, err) : rc;
	start_free(&st);
	if (pid > 0)
		log_info("room starts", LOG_TEXT("room", m->name), LOG_NUM("pid", pid));
	else
		log_err(LOG_LEVEL_ERROR, err);
	return pid;
}
