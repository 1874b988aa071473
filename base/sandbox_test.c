/* SPDX-License-Identifier: BSD-2-Clause */
/* Each case runs in a child, as what a sandbox takes away does not come back. */
#include "base/sandbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(WITH_ASAN)
static const bool sanitized = true;
#else
static const bool sanitized = false;
#endif

#define KEPT (1ull << CAP_NET_ADMIN | 1ull << CAP_NET_RAW | 1ull << CAP_BPF)

static int in_child(int (*f)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(f());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

#define assert_passes(f)                                                                           \
	do {                                                                                       \
		int status_ = in_child(f);                                                         \
		assert_true(WIFEXITED(status_));                                                   \
		assert_int_equal(WEXITSTATUS(status_), 0);                                         \
	} while (0)
#define assert_killed(f)                                                                           \
	do {                                                                                       \
		int status_ = in_child(f);                                                         \
		assert_true(WIFSIGNALED(status_));                                                 \
		assert_int_equal(WTERMSIG(status_), SIGSYS);                                       \
	} while (0)

/* A line "Name:\tvalue" of /proc/self/status, as a number of that base. */
static unsigned long long status_of(const char *name, int base)
{
	char line[256];
	unsigned long long v = ~0ull;
	FILE *f = fopen("/proc/self/status", "r");

	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':')
			v = strtoull(line + strlen(name) + 1, NULL, base);
	if (f)
		fclose(f);
	return v;
}

static const int kept[] = {CAP_NET_ADMIN, CAP_BPF, CAP_NET_RAW, -1};
static const int families[] = {AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, -1};

static int enter_as(struct sandbox *s)
{
	struct err err = {0};

	if (sandbox_enter(s, &err) == 0)
		return 0;
	err_print(&err, "sandbox", stderr);
	return -1;
}

static int enter(bool user, enum sandbox_seccomp mode, const char *const *writable)
{
	struct sandbox s = {
		.name = "dep-test",
		.capabilities = kept,
		.required = 1,
		.families = families,
		.seccomp = mode,
		.writable = writable,
	};

	if (user && sandbox_user(&s, "nobody", NULL) != 0)
		return -1;
	return enter_as(&s);
}

static int holds_what_it_says(bool user)
{
	if (enter(user, SANDBOX_ON, NULL) != 0)
		return 1;
	if (status_of("CapEff", 16) != KEPT || status_of("CapPrm", 16) != KEPT)
		return 2;
	if (status_of("CapBnd", 16) != KEPT || status_of("CapInh", 16) != 0 ||
	    status_of("CapAmb", 16) != 0)
		return 3;
	if (status_of("Seccomp", 10) != 2 || status_of("NoNewPrivs", 10) != 1)
		return 4;
	if (user && (getuid() != 65534 || getgid() != 65534))
		return 5;
	return 0;
}

static int as_root(void)
{
	return holds_what_it_says(false);
}

static int as_nobody(void)
{
	return holds_what_it_says(true);
}

static int as_nobody_no_way_back(void)
{
	if (enter(true, SANDBOX_OFF, NULL) != 0)
		return 1;
	if (setuid(0) == 0 || getuid() != 65534)
		return 2;
	return status_of("Seccomp", 10) == 0 ? 0 : 3;
}

static void capabilities_and_filter(void **state)
{
	if (getuid() != 0)
		skip();
	assert_passes(as_root);
	assert_passes(as_nobody);
	assert_passes(as_nobody_no_way_back);
}

static int executes(void)
{
	char *const argv[] = {(char *)"true", NULL};

	if (enter(false, SANDBOX_ON, NULL) != 0)
		return 1;
	execv("/bin/true", argv);
	return 2;
}

static int mounts(void)
{
	if (enter(false, SANDBOX_ON, NULL) != 0)
		return 1;
	mount("none", "/mnt", "tmpfs", 0, NULL);
	return 2;
}

static int changes_namespace(void)
{
	if (enter(false, SANDBOX_ON, NULL) != 0)
		return 1;
	syscall(SYS_setns, 0, 0);
	return 2;
}

static int odd_socket(void)
{
	if (enter(false, SANDBOX_ON, NULL) != 0)
		return 1;
	(void)!socket(AF_VSOCK, SOCK_STREAM, 0);
	return 2;
}

static int absent_call(void)
{
	if (enter(false, SANDBOX_ON, NULL) != 0)
		return 1;
	return syscall(SYS_io_uring_setup, 1, NULL) == -1 && errno == ENOSYS ? 0 : 2;
}

static int only_logged(void)
{
	if (enter(false, SANDBOX_LOG, NULL) != 0)
		return 1;
	return syscall(SYS_setns, -1, 0) == -1 && errno == EBADF && status_of("Seccomp", 10) == 2
		       ? 0
		       : 2;
}

static void forbidden_calls_kill(void **state)
{
	if (getuid() != 0)
		skip();
	assert_killed(executes);
	assert_killed(mounts);
	assert_killed(changes_namespace);
	assert_killed(odd_socket);
	assert_passes(absent_call);
	assert_passes(only_logged);
}

static char dir[64];

static int writes(void)
{
	const char *const writable[] = {dir, "/nowhere", NULL};
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/file", dir);
	if (enter(false, SANDBOX_ON, writable) != 0)
		return 1;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || write(fd, "x", 1) != 1 || close(fd) != 0 || unlink(path) != 0)
		return 2;
	if (open("/etc/passwd", O_RDONLY) < 0)
		return 3;
	snprintf(path, sizeof(path), "%s.outside", dir);
	return open(path, O_WRONLY | O_CREAT | O_EXCL, 0600) < 0 && errno == EACCES ? 0 : 4;
}

static void files_below_named_directories(void **state)
{
	int status;

	if (getuid() != 0)
		skip();
	strcpy(dir, "/tmp/dep-sandbox-XXXXXX");
	assert_non_null(mkdtemp(dir));
	status = in_child(writes);
	rmdir(dir);
	strcat(dir, ".outside");
	unlink(dir);
	assert_true(WIFEXITED(status));
	/* A kernel without Landlock holds no such rule. */
	if (syscall(SYS_landlock_create_ruleset, NULL, 0, 1) < 0 && WEXITSTATUS(status) == 4)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int reads(void)
{
	const char *const writable[] = {dir, NULL};
	const char *const readable[] = {"/etc/hostname", "/proc/self", NULL};
	struct sandbox s = {.name = "dep-test", .writable = writable, .readable = readable};
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/file", dir);
	if (enter_as(&s) != 0)
		return 1;
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || write(fd, "x", 1) != 1 || close(fd) != 0)
		return 2;
	fd = open(path, O_RDONLY);
	if (fd < 0 || unlink(path) != 0)
		return 3;
	if (open("/etc/hostname", O_RDONLY) < 0 && errno != ENOENT)
		return 5;
	if (open("/etc/hostname", O_WRONLY) >= 0)
		return 6;
	return open("/etc/passwd", O_RDONLY) < 0 && errno == EACCES ? 0 : 4;
}

static void reading_below_named_places(void **state)
{
	int status;

	if (getuid() != 0)
		skip();
	strcpy(dir, "/tmp/dep-sandbox-XXXXXX");
	assert_non_null(mkdtemp(dir));
	status = in_child(reads);
	rmdir(dir);
	assert_true(WIFEXITED(status));
	if (syscall(SYS_landlock_create_ruleset, NULL, 0, 1) < 0 && WEXITSTATUS(status) >= 4)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* A server without privileges: no capability, sockets of two families, threads. */
static const int server_families[] = {AF_INET, AF_INET6, -1};
static const char *const server_calls[] = {"fdatasync", NULL};

static int enter_server(bool threads)
{
	struct sandbox s = {
		.name = "dep-test",
		.families = server_families,
		.calls = server_calls,
		.threads = threads,
	};

	return sandbox_begin(&s, NULL) == 0 && sandbox_user(&s, "nobody", NULL) == 0 ? enter_as(&s)
										     : -1;
}

static int fd_of_work;
static void work(uv_work_t *w)
{
	w->data = fdatasync(fd_of_work) == 0 ? w : NULL;
}

static void worked(uv_work_t *w, int status)
{
}

static int serves(void)
{
	struct sockaddr_in addr = {.sin_family = AF_INET};
	uv_loop_t loop;
	uv_work_t w = {0};
	int fd;

	fd_of_work = open("/tmp", O_TMPFILE | O_RDWR, 0600);
	if (fd_of_work < 0 || enter_server(true) != 0 || uv_loop_init(&loop) != 0)
		return 1;
	if (status_of("CapPrm", 16) != 0 || status_of("CapBnd", 16) != 0)
		return 2;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0 || listen(fd, 1) != 0)
		return 3;
	if (uv_queue_work(&loop, &w, work, worked) != 0 || uv_run(&loop, UV_RUN_DEFAULT) != 0)
		return 4;
	return w.data == &w ? 0 : 5;
}

static int server_forks(void)
{
	if (enter_server(true) != 0)
		return 1;
	if (fork() == 0)
		_exit(0);
	return 2;
}

static int server_asks_netlink(void)
{
	if (enter_server(true) != 0)
		return 1;
	(void)!socket(AF_NETLINK, SOCK_RAW, 0);
	return 2;
}

static int server_asks_bpf(void)
{
	if (enter_server(true) != 0)
		return 1;
	syscall(SYS_bpf, 0, NULL, 0);
	return 2;
}

static void nothing(void *unused)
{
}

static int starts_thread(void)
{
	uv_thread_t t;

	if (enter_server(false) != 0)
		return 1;
	uv_thread_create(&t, nothing, NULL);
	return 2;
}

static void a_server_without_privileges(void **state)
{
	if (getuid() != 0)
		skip();
	assert_passes(serves);
	assert_killed(server_asks_netlink);
	assert_killed(server_asks_bpf);
	/* The sanitizer's leak check needs clone. */
	if (sanitized)
		skip();
	assert_killed(server_forks);
	assert_killed(starts_thread);
}

static void waits(void *sem)
{
	uv_sem_wait(sem);
}

static int too_late(void)
{
	struct sandbox s = {.name = "dep-test"};
	struct err err = {0};
	uv_thread_t t;
	uv_sem_t sem;

	if (uv_sem_init(&sem, 0) != 0 || uv_thread_create(&t, waits, &sem) != 0)
		return 1;
	return sandbox_enter(&s, &err) == -EBUSY && strstr(err.what, "threads") ? 0 : 2;
}

static void not_with_threads(void **state)
{
	assert_passes(too_late);
}

/* The kernel forgets the signal where the user changes. */
static int stays_bound(void)
{
	struct sandbox s = {.name = "dep-test", .seccomp = SANDBOX_OFF};
	int sig = 0;

	if (prctl(PR_SET_PDEATHSIG, (unsigned long)SIGKILL, 0L, 0L, 0L) != 0 ||
	    sandbox_user(&s, "61234", NULL) != 0 || enter_as(&s) != 0)
		return 1;
	if (getuid() != 61234 || getgid() != 61234)
		return 2;
	return prctl(PR_GET_PDEATHSIG, &sig, 0L, 0L, 0L) == 0 && sig == SIGKILL ? 0 : 3;
}

static void stays_bound_to_its_supervisor(void **state)
{
	if (getuid() != 0)
		skip();
	assert_passes(stays_bound);
}

static void refuses_clearly(void **state)
{
	struct sandbox s = {0};
	struct err err = {0};
	enum sandbox_seccomp mode;

	assert_int_equal(sandbox_user(&s, "no-such-user-here", &err), -ENOENT);
	assert_non_null(strstr(err.mend, "adduser"));
	assert_int_equal(sandbox_seccomp_parse("log", &mode), 0);
	assert_int_equal(mode, SANDBOX_LOG);
	assert_int_equal(sandbox_seccomp_parse("maybe", &mode), -EINVAL);
}

static int without_capabilities(void)
{
	struct sandbox s = {
		.name = "dep-test", .capabilities = kept, .required = 1, .seccomp = SANDBOX_OFF};
	struct err err = {0};

	if (setresuid(65534, 65534, 65534) != 0)
		return 1;
	return sandbox_enter(&s, &err) == -EPERM && strstr(err.what, "cap_net_admin") &&
			       strstr(err.mend, "dep-test")
		       ? 0
		       : 2;
}

static void says_what_is_missing(void **state)
{
	if (getuid() != 0)
		skip();
	assert_passes(without_capabilities);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(capabilities_and_filter),
		cmocka_unit_test(forbidden_calls_kill),
		cmocka_unit_test(files_below_named_directories),
		cmocka_unit_test(reading_below_named_places),
		cmocka_unit_test(a_server_without_privileges),
		cmocka_unit_test(not_with_threads),
		cmocka_unit_test(stays_bound_to_its_supervisor),
		cmocka_unit_test(refuses_clearly),
		cmocka_unit_test(says_what_is_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
