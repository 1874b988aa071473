/* SPDX-License-Identifier: BSD-2-Clause */
/* How fast the audit log is written and verified, and how long a journal's sync takes beside the
 * disk's own. netops_audit [--quick] [DIR]     DIR: where its files go for the while; default: the
 * current directory Prints one JSON line a measure. */
#include "proto/netops/audit/audit.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double seconds(usec_t from)
{
	return (double)(clock_now() - from) / 1e6;
}

/* Of this process: what is left of it where others share the processor. */
static double cpu(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void remove_all(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d)))
		unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
	rmdir(dir);
}

static struct journal *open_journal(uv_loop_t *loop, const char *dir, bool fsync)
{
	struct journal_params p = {.loop = loop, .dir = dir, .fsync = fsync};
	struct err err = {0};
	struct journal *j;

	journal_boot_id(p.boot_id);
	j = journal_open(&p, &err);
	if (!j) {
		err_print(&err, "netops_audit", stderr);
		exit(1);
	}
	return j;
}

static void end_journal(uv_loop_t *loop, struct journal *j)
{
	journal_close(j);
	uv_run(loop, UV_RUN_DEFAULT);
}

static void bench_audit(uv_loop_t *loop, const char *dir, unsigned n)
{
	struct journal *j = open_journal(loop, dir, false);
	struct audit_params p = {.journal = j, .dir = dir};
	struct principal by = {
		.user = "operator", .client = "agent-7", .transport = "https", .addr = "192.0.2.7"};
	yyjson_doc *args = yyjson_read("{\"confirmed\":60,\"comment\":\"new uplink\"}", 38, 0);
	struct audit_entry e = {.by = &by,
				.era = "2026-07-28",
				.method = "tools/call",
				.tool = "network.commit",
				.args = yyjson_doc_get_root(args),
				.outcome = "ok",
				.took = 4711};
	struct err err = {0};
	struct audit *a = audit_new(&p, &err);
	uint64_t records, bad;
	double add, verify, add_cpu, verify_cpu;
	usec_t at;
	unsigned i;

	if (!a) {
		err_print(&err, "netops_audit", stderr);
		exit(1);
	}
	at = clock_now();
	add_cpu = cpu();
	for (i = 0; i < n; i++) {
		audit_add(a, &e);
		if (i % AUDIT_SIGN_RECORDS == AUDIT_SIGN_RECORDS - 1)
			audit_sign(a);
	}
	add = seconds(at);
	add_cpu = cpu() - add_cpu;
	at = clock_now();
	verify_cpu = cpu();
	if (audit_verify(a, &records, &bad, &err)) {
		err_print(&err, "netops_audit", stderr);
		exit(1);
	}
	verify = seconds(at);
	verify_cpu = cpu() - verify_cpu;
	printf("{\"bench\":\"netops_audit\",\"measure\":\"add\",\"records\":%u,\"per_s\":%.0f,"
	       "\"per_cpu_s\":%.0f}\n",
	       n, n / add, n / add_cpu);
	printf("{\"bench\":\"netops_audit\",\"measure\":\"verify\",\"records\":%llu,\"per_s\":%.0f,"
	       "\"per_cpu_s\":%.0f}\n",
	       (unsigned long long)records, (double)records / verify, (double)records / verify_cpu);
	audit_free(a);
	end_journal(loop, j);
	yyjson_doc_free(args);
}

static void done(void *ctx, int rc)
{
	*(int *)ctx = rc;
}

static int by_size(const void *a, const void *b)
{
	const usec_t *x = a;
	const usec_t *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* One synchronous record of 1 KiB at a time, and the same bytes by write(2) and fdatasync(2). */
static void bench_sync(uv_loop_t *loop, const char *dir, unsigned n)
{
	struct journal *j = open_journal(loop, dir, true);
	usec_t *t = calloc(n, sizeof(*t));
	char payload[1024];
	char path[4096];
	usec_t ours, disk;
	usec_t at;
	unsigned i;
	int fd;

	memset(payload, 'x', sizeof(payload));
	for (i = 0; i < n; i++) {
		int rc = 1;

		at = clock_now();
		journal_append(j, JOURNAL_APPLIED, 0, slice_of(payload, sizeof(payload)), done, &rc,
			       NULL);
		while (rc == 1)
			uv_run(loop, UV_RUN_ONCE);
		t[i] = clock_now() - at;
	}
	qsort(t, n, sizeof(*t), by_size);
	ours = t[n / 2];
	end_journal(loop, j);
	snprintf(path, sizeof(path), "%s/plain", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	for (i = 0; i < n; i++) {
		at = clock_now();
		if (write(fd, payload, sizeof(payload)) < 0 || fdatasync(fd) < 0)
			exit(1);
		t[i] = clock_now() - at;
	}
	close(fd);
	qsort(t, n, sizeof(*t), by_size);
	disk = t[n / 2];
	printf("{\"bench\":\"netops_audit\",\"measure\":\"sync\",\"p50_us\":%lld,\"peer\":\"write+"
	       "fdatasync\",\"peer_p50_us\":"
	       "%lld,\"ratio\":%.2f}\n",
	       (long long)ours, (long long)disk, (double)ours / (double)disk);
	free(t);
}

int main(int argc, char **argv)
{
	bool quick = argc > 1 && strcmp(argv[1], "--quick") == 0;
	const char *top = argc > 1 + quick ? argv[1 + quick] : ".";
	char dir[4000];
	uv_loop_t loop;

	snprintf(dir, sizeof(dir), "%s/netops_audit.XXXXXX", top);
	if (!mkdtemp(dir) || uv_loop_init(&loop)) {
		perror(dir);
		return 1;
	}
	bench_sync(&loop, dir, quick ? 50 : 500);
	remove_all(dir);
	bench_audit(&loop, dir, quick ? 100000 : 1000000);
	remove_all(dir);
	return 0;
}
