/* SPDX-License-Identifier: BSD-2-Clause */
/* The daemons of a laboratory: start, notice, signal, end, and what they use. */
#include "lab/lab_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

void lab_arg(struct lab_argv *a, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (a->n + 1 >= LAB_ARGS) {
		a->used = sizeof(a->text);
		return;
	}
	va_start(ap, fmt);
	n = vsnprintf(a->text + a->used, sizeof(a->text) - a->used, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(a->text) - a->used) {
		a->used = sizeof(a->text);
		return;
	}
	a->argv[a->n++] = a->text + a->used;
	a->used += (size_t)n + 1;
}

struct in6_addr lab_assigned_addr(unsigned i)
{
	struct in6_addr a = {0};

	a.s6_addr[0] = 0xfd;
	a.s6_addr[7] = 1;
	a.s6_addr[14] = (uint8_t)((i + 1) >> 8);
	a.s6_addr[15] = (uint8_t)(i + 1);
	return a;
}

/* In the child: only what is safe after fork(2) of a program with threads. */
static _Noreturn void child(char *const argv[], int log, pid_t parent)
{
	sigset_t none;
	int null = open("/dev/null", O_RDONLY);

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGINT, SIG_IGN); /* Ctrl-C is ours; we end the daemons */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	setpgid(0, 0);
	dup2(null, 0);
	dup2(log, 1);
	dup2(log, 2);
	execvp(argv[0], argv);
	dprintf(2, "cannot run %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

static pid_t spawn(struct lab *lab, struct lab_node *node, struct lab_argv *a, struct err *err)
{
	char path[LAB_PATH + 8];
	pid_t parent = getpid();
	pid_t pid;
	int log;
	int rc;

	snprintf(path, sizeof(path), "%s/log", node->dir);
	log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (log < 0)
		return err_set(err, -errno, "cannot open %s: %s", path, strerror(errno));
	rc = lab_enter(lab, node->i);
	if (rc < 0) {
		close(log);
		return err_set(err, rc, "cannot enter %s: %s", node->ns, strerror(-rc));
	}
	pid = fork();
	if (pid == 0)
		child(a->argv, log, parent);
	rc = -errno;
	lab_leave(lab);
	close(log);
	return pid > 0 ? pid : err_set(err, rc, "cannot fork: %s", strerror(-rc));
}

static int assign_addr(struct lab *lab, struct lab_node *node, struct err *err)
{
	int rc;

	node->addr = lab_assigned_addr(node->i);
	rc = net_add_addr(lab->inner[node->i].net, 1, &node->addr, 128);
	if (rc < 0)
		return err_set(err, rc, "cannot give node %u its address: %s", node->i, strerror(-rc));
	node->has_addr = true;
	return 0;
}

static int prepare(struct lab *lab, struct lab_node *node, struct err *err)
{
	const struct lab_daemon *d = lab->daemon;
	int rc;

	if (mkdir(node->dir, 0755) != 0 && errno != EEXIST)
		return err_set(err, -errno, "cannot make %s: %s", node->dir, strerror(errno));
	if (d->assigned && (rc = assign_addr(lab, node, err)) < 0)
		return rc;
	if (!d->prepare)
		return 0;
	rc = lab_enter(lab, node->i);
	if (rc < 0)
		return err_set(err, rc, "cannot enter %s: %s", node->ns, strerror(-rc));
	rc = d->prepare(lab, node, err);
	lab_leave(lab);
	return rc;
}

/* What lab_kill took down comes up again; a link that is cut on purpose at the other end stays without carrier. */
static int restore_links(struct lab *lab, unsigned i)
{
	int rc = 0;

	for (unsigned l = 0; l < lab->n_links && rc == 0; l++)
		for (unsigned k = 0; k < 2 && rc == 0; k++) {
			struct lab_end *e = &lab->links[l].end[k];

			if (e->node != i || !e->down)
				continue;
			rc = net_set_up(lab->inner[i].net, e->ifindex, true);
			e->down = rc != 0;
		}
	return rc;
}

int lab_start(struct lab *lab, unsigned i, struct err *err)
{
	struct lab_node *node = &lab->nodes[i];
	struct lab_argv a = {.n = 0};
	int rc;

	if (node->state == LAB_RUNNING)
		return 0;
	rc = prepare(lab, node, err);
	if (rc < 0)
		return rc;
	if (lab->daemon->command) {
		lab->daemon->command(lab, node, &a);
		if (a.used >= sizeof(a.text) || a.n == 0)
			return err_set(err, -E2BIG, "the command line of node %u is too long", i);
		node->pid = spawn(lab, node, &a, err);
		if (node->pid < 0) {
			rc = node->pid;
			node->pid = 0;
			return rc;
		}
	}
	if (node->state == LAB_STOPPED) {
		rc = restore_links(lab, i);
		if (rc < 0)
			err_set(err, rc, "cannot set the links of node %u up: %s", i, strerror(-rc));
	}
	node->state = LAB_RUNNING;
	node->started = clock_now();
	return rc;
}

int lab_start_all(struct lab *lab, struct err *err)
{
	for (unsigned i = 0; i < lab->n; i++) {
		int rc = lab_start(lab, i, err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

struct addr_ctx {
	const struct lab_daemon *d;
	struct lab_node *node;
	bool found;
};

static bool has_prefix(const struct in6_addr *a, const struct in6_addr *p, unsigned bits)
{
	unsigned whole = bits / 8;
	unsigned rest = bits % 8;

	if (memcmp(a, p, whole) != 0)
		return false;
	return rest == 0 || (a->s6_addr[whole] ^ p->s6_addr[whole]) >> (8 - rest) == 0;
}

static void on_addr(void *p, uint32_t ifindex, const struct in6_addr *addr)
{
	struct addr_ctx *c = p;

	if (c->found || !has_prefix(addr, &c->d->prefix, c->d->prefix_bits))
		return;
	c->node->addr = *addr;
	c->found = true;
}

bool lab_poll(struct lab *lab)
{
	bool changed = false;

	for (unsigned i = 0; i < lab->n; i++) {
		struct lab_node *node = &lab->nodes[i];
		struct addr_ctx c = {lab->daemon, node, false};
		int status;

		if (node->pid > 0 && waitpid(node->pid, &status, WNOHANG) == node->pid) {
			lab_node_reap(lab, i, status);
			changed = true;
		}
		if (node->state != LAB_RUNNING || node->has_addr || lab->daemon->assigned)
			continue;
		if (net_addrs(lab->inner[i].net, on_addr, &c) == 0 && c.found)
			changed = node->has_addr = true;
	}
	return changed;
}

void lab_node_reap(struct lab *lab, unsigned i, int status)
{
	struct lab_node *node = &lab->nodes[i];

	node->pid = 0;
	node->status = status;
	node->state = LAB_STOPPED;
}

bool lab_all_addressed(const struct lab *lab)
{
	for (unsigned i = 0; i < lab->n; i++)
		if (lab->nodes[i].state == LAB_RUNNING && !lab->nodes[i].has_addr)
			return false;
	return true;
}

void lab_stop(struct lab *lab, unsigned i, usec_t wait)
{
	struct lab_node *node = &lab->nodes[i];
	usec_t until = clock_now() + wait;
	int status = 0;
	pid_t got = 0;

	if (node->pid <= 0) {
		if (node->state == LAB_RUNNING)
			node->state = LAB_STOPPED;
		return;
	}
	if (wait > 0)
		kill(node->pid, SIGTERM);
	while (wait > 0 && got == 0 && clock_now() < until) {
		got = waitpid(node->pid, &status, WNOHANG);
		if (got == 0)
			usleep(2000);
	}
	if (got == 0) {
		kill(node->pid, SIGKILL);
		waitpid(node->pid, &status, 0);
	}
	lab_node_reap(lab, i, status);
}

int lab_kill(struct lab *lab, unsigned i)
{
	int rc = 0;

	for (unsigned l = 0; l < lab->n_links; l++)
		for (unsigned k = 0; k < 2; k++) {
			struct lab_end *e = &lab->links[l].end[k];
			int r;

			if (e->node != i)
				continue;
			r = net_set_up(lab->inner[i].net, e->ifindex, false);
			e->down = true;
			rc = rc < 0 ? rc : r;
		}
	lab_signal(lab, i, SIGKILL);
	lab_stop(lab, i, 0);
	return rc;
}

int lab_signal(struct lab *lab, unsigned i, int sig)
{
	pid_t pid = lab->nodes[i].pid;

	if (pid <= 0)
		return -ESRCH;
	return kill(pid, sig) == 0 ? 0 : -errno;
}

void lab_signal_all(struct lab *lab, int sig)
{
	for (unsigned i = 0; i < lab->n; i++)
		lab_signal(lab, i, sig);
}

static ssize_t read_proc(pid_t pid, const char *what, char *buf, size_t n)
{
	char path[64];
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, what);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	got = read(fd, buf, n - 1);
	close(fd);
	buf[got > 0 ? got : 0] = 0;
	return got;
}

int lab_usage(struct lab *lab, unsigned i, struct lab_usage *out)
{
	pid_t pid = lab->nodes[i].pid;
	char buf[1024];
	unsigned long pages;
	unsigned long long utime;
	unsigned long long stime;
	const char *p;

	if (pid <= 0)
		return -ESRCH;
	if (read_proc(pid, "statm", buf, sizeof(buf)) <= 0 || sscanf(buf, "%*u %lu", &pages) != 1)
		return -ESRCH;
	out->rss = (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
	if (read_proc(pid, "stat", buf, sizeof(buf)) <= 0 || !(p = strrchr(buf, ')')))
		return -ESRCH;
	if (sscanf(p + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &utime, &stime) != 2)
		return -EIO;
	out->cpu = (usec_t)((utime + stime) * 1000000 / (unsigned long long)sysconf(_SC_CLK_TCK));
	return 0;
}
