/* SPDX-License-Identifier: BSD-2-Clause */
/* kill -9 at every named point (failpoint.h) of a node (crash_node.c), then a start, in the same
 * boot or after a loss of power: the configuration and the kernel are the old ones or the new ones
 * by the rules, and the same; the audit log is whole. argv[1]: crash_node. DEP_CRASH_RUNS: runs a
 * point (3); DEP_CRASH_SEED. */
#include "proto/netops/audit/audit.h"
#include "proto/netops/txn/failpoint.h"
#include "proto/netops/txn/puppet.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static const char *node;
static char dir[128];
static struct rng rng;
static usec_t slowest;
static char last[2048], line[2048];

/* Runs the node; the last whole line that it printed is in `last`. true: it was killed. */
static bool run(uint64_t seed, unsigned events, const char *boot, const char *point, unsigned nth)
{
	char arg[3][32];
	char fp[128];
	int fd[2];
	FILE *f;
	pid_t pid;
	int status;

	assert_int_equal(pipe(fd), 0);
	snprintf(arg[0], sizeof(arg[0]), "%llu", (unsigned long long)seed);
	snprintf(arg[1], sizeof(arg[1]), "%u", events);
	snprintf(fp, sizeof(fp), "%s:%u", point ? point : "", nth);
	pid = fork();
	if (pid == 0) {
		dup2(fd[1], 1);
		close(fd[0]);
		close(fd[1]);
		if (point)
			setenv("DEP_FAILPOINT", fp, 1);
		else
			unsetenv("DEP_FAILPOINT");
		execl(node, node, dir, arg[0], arg[1], boot, (char *)NULL);
		_exit(127);
	}
	close(fd[1]);
	f = fdopen(fd[0], "r");
	while (fgets(line, sizeof(line), f)) {
		if (strchr(line, '\n'))
			memcpy(last, line, sizeof(line));
	}
	fclose(f);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return true;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		print_error("seed %llu point %s:%u: status %#x; last: %s\n",
			    (unsigned long long)seed, point ? point : "-", nth, (unsigned)status,
			    last);
		fail();
	}
	return false;
}

static void empty_dir(void)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d)))
		unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
}

/* The kernel as text, as the node prints maps; wipe: the power is lost. */
static void kernel(char out[256], bool wipe)
{
	struct puppet_map m = {0};
	char path[160];
	size_t n = 0;
	unsigned i;
	int fd;

	snprintf(path, sizeof(path), "%s/device", dir);
	fd = open(path, O_RDWR);
	if (fd >= 0 && wipe)
		assert_int_equal(pwrite(fd, &(struct puppet_map){0}, sizeof(m), 0), sizeof(m));
	if (fd >= 0 && pread(fd, &m, sizeof(m), 0) < 0)
		fail();
	if (fd >= 0)
		close(fd);
	for (i = 0; i < PUPPET_PATHS; i++)
		n += (size_t)snprintf(out + n, 256 - n, "%s,", m.value[i]);
}

static void check_after(const char *allowed, bool power, const char *point, unsigned nth,
			uint64_t seed)
{
	char what[32], want[4][256], now[32], is[4][256], k[256];
	uint64_t records, bad;
	struct err err = {0};
	usec_t at;

	assert_int_equal(sscanf(allowed, "%31s %255s %255s %255s %255s", what, want[0], want[1],
				want[2], want[3]),
			 5);
	kernel(k, power);
	at = clock_now();
	assert_false(run(seed + 1, 0, power ? "boot-b" : "boot-a", NULL, 0));
	at = clock_now() - at;
	slowest = at > slowest ? at : slowest;
	assert_int_equal(
		sscanf(last, "%31s %255s %255s %255s %255s", now, is[0], is[1], is[2], is[3]), 5);
	assert_string_equal(now, "recovered");
	if (power ? strcmp(is[0], want[2]) && strcmp(is[0], want[3])
		  : strcmp(is[0], want[0]) && strcmp(is[0], want[1])) {
		print_error("seed %llu killed at %s:%u (%s)\nallowed %sfound   %s\n",
			    (unsigned long long)seed, point, nth, power ? "power" : "crash",
			    allowed, last);
		fail();
	}
	kernel(k, false);
	if (!power && strcmp(k, is[0]) != 0) {
		print_error("seed %llu killed at %s:%u during %s\nkernel  %s\nrunning %s\n",
			    (unsigned long long)seed, point, nth, what, k, is[0]);
		fail();
	}
	if (audit_verify_dir(dir, dir, &records, &bad, &err)) {
		print_error("seed %llu killed at %s:%u: audit record %llu: %s\n",
			    (unsigned long long)seed, point, nth, (unsigned long long)bad,
			    err.what);
		fail();
	}
}

/* If the node ends before it has recovered for the first time, there is nothing. */
static void fresh(void)
{
	empty_dir();
	snprintf(last, sizeof(last), "fresh ,,,,,,,,,,,, ,,,,,,,,,,,, ,,,,,,,,,,,, ,,,,,,,,,,,,\n");
}

/* Kills the node at the point once. The nth passing, or an earlier one if it does not pass so
 * often. */
static bool kill_once(const char *point, unsigned nth, uint64_t seed)
{
	char allowed[sizeof(last)];
	bool power = rng_below(&rng, 100) < 30;
	unsigned again;

	for (again = 0; again < 8; again++) {
		/* Some points are passed at the first start only. */
		if (again == 0 || again == 6)
			fresh();
		if (run(seed + again, 40, "boot-a", point, nth)) {
			/* Before it printed "recovered" what was before holds. */
			memcpy(allowed, last, sizeof(last));
			check_after(allowed, power, point, nth, seed + again);
			return true;
		}
		nth = (nth + 1) / 2;
	}
	return false;
}

static unsigned long number(const char *name, unsigned long otherwise)
{
	const char *v = getenv(name);

	return v && *v ? strtoul(v, NULL, 10) : otherwise;
}

static void kill_everywhere(void **state)
{
	unsigned long runs = number("DEP_CRASH_RUNS", 2);
	uint64_t seed = number("DEP_CRASH_SEED", 1);
	const char *const *point = failpoint_names();
	unsigned points = 0;
	unsigned long i;
	const char *only = getenv("DEP_CRASH_POINT");

	rng_seed(&rng, seed);
	for (; *point; point++) {
		if (only && strcmp(only, *point) != 0)
			continue;
		points++;
		for (i = 0; i < runs; i++) {
			unsigned nth = i == 0 ? 1 : 1 + (unsigned)rng_below(&rng, 30);

			seed += 100;
			if (!kill_once(*point, nth, seed)) {
				print_error("the node never passes %s\n", *point);
				fail();
			}
		}
	}
	empty_dir();
	print_message("# %u points, %lu runs each; slowest start with recovery, process included: "
		      "%lld ms\n",
		      points, runs, (long long)slowest / 1000);
	assert_true(only || points >= 40);
}

static int setup(void **state)
{
	struct stat st;

	snprintf(dir, sizeof(dir), "%s/dep-crash.XXXXXX",
		 stat("/dev/shm", &st) == 0 ? "/dev/shm" : "/tmp");
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	empty_dir();
	return rmdir(dir);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(kill_everywhere, setup, teardown)};

	node = argc > 1 ? argv[1] : "./netops-crash_node";
	return cmocka_run_group_tests(tests, NULL, NULL);
}
