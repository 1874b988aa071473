/* SPDX-License-Identifier: BSD-2-Clause */
/* The journal on a real file system: order, chains, torn and damaged files, failing writes and
 * syncs, checkpoints. */
#include "proto/netops/txn/crc32c.h"
#include "proto/netops/txn/journal_priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char dir[64];
static uv_loop_t loop;
static usec_t now;

/* Faults: the write or sync after so many goes wrong; -1: none. */
static int write_fault = -1, sync_fault = -1;
static int write_errno;
static size_t write_short;
static unsigned syncs;

static ssize_t faulty_pwrite(int fd, const void *p, size_t n, off_t at)
{
	if (write_fault >= 0 && write_fault-- == 0) {
		if (write_short) {
			n = write_short < n ? write_short : n;
			write_short = 0;
			write_fault = 0; /* and then the errno */
			return pwrite(fd, p, n, at);
		}
		errno = write_errno;
		return -1;
	}
	return pwrite(fd, p, n, at);
}

static int faulty_sync(int fd)
{
	syncs++;
	if (sync_fault >= 0 && sync_fault-- == 0) {
		errno = EIO;
		return -1;
	}
	return fdatasync(fd);
}

static usec_t boottime(void *ctx)
{
	return now;
}

static int64_t wall(void *ctx)
{
	return 1795453200000000000 + now * 1000;
}

static struct journal_params params(void)
{
	struct journal_params p = {.loop = &loop,
				   .dir = dir,
				   .fsync = true,
				   .boot_id = "boot-0123456789",
				   .wall = wall,
				   .boottime = boottime,
				   .pwrite = faulty_pwrite,
				   .fdatasync = faulty_sync};

	return p;
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

static int setup(void **state)
{
	snprintf(dir, sizeof(dir), "/tmp/dep-journal.XXXXXX");
	write_fault = -1;
	sync_fault = -1;
	write_short = 0;
	syncs = 0;
	now = SEC(77);
	return mkdtemp(dir) && uv_loop_init(&loop) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
	int rc;

	uv_run(&loop, UV_RUN_DEFAULT);
	rc = uv_loop_close(&loop);
	empty_dir();
	rmdir(dir);
	return rc;
}

static struct journal *open_journal(void)
{
	struct journal_params p = params();
	struct err err = {0};
	struct journal *j = journal_open(&p, &err);

	if (!j)
		err_print(&err, "journal_test", stderr);
	assert_non_null(j);
	return j;
}

static void done(void *ctx, int rc)
{
	int *to = ctx;

	*to = rc;
}

static uint64_t add(struct journal *j, const char *text)
{
	return journal_append(j, JOURNAL_PREPARE, 0, slice_of(text, strlen(text)), NULL, NULL,
			      NULL);
}

/* A record that is waited for: 0 or its failure. */
static int add_sync(struct journal *j, const char *text)
{
	int rc = 1;

	journal_append(j, JOURNAL_APPLIED, 0, slice_of(text, strlen(text)), done, &rc, NULL);
	assert_int_equal(rc, 1); /* not before it returned */
	while (rc == 1)
		uv_run(&loop, UV_RUN_ONCE);
	return rc;
}

static void end(struct journal *j)
{
	journal_close(j);
	uv_run(&loop, UV_RUN_DEFAULT);
}

/* ---- what recovery finds, as text: "[engine|running]" and the payloads, each after a space; '*'
 * another boot ---- */

static char found[8192];

static int visit_checkpoint(void *ctx, struct slice engine, struct slice running, bool same_boot,
			    struct err *err)
{
	snprintf(found, sizeof(found), "[%.*s|%.*s]%s", (int)engine.n, engine.p, (int)running.n,
		 running.p, same_boot ? "" : "*");
	return 0;
}

static int visit_record(void *ctx, const struct journal_record *r, bool same_boot, struct err *err)
{
	size_t n = strlen(found);

	if (r->type != JOURNAL_CHECKPOINT)
		snprintf(found + n, sizeof(found) - n, " %.*s%s", (int)r->payload.n, r->payload.p,
			 same_boot ? "" : "*");
	return 0;
}

static const char *replay(struct journal *j)
{
	struct journal_visitor v = {visit_checkpoint, visit_record, NULL};
	struct err err = {0};

	found[0] = 0;
	if (journal_replay(j, &v, &err)) {
		err_print(&err, "journal_test", stderr);
		fail();
	}
	return found;
}

static char *slurp(const char *path, size_t *n)
{
	FILE *f = fopen(path, "rb");
	char *p = malloc(1 << 20);

	assert_non_null(f);
	*n = fread(p, 1, 1 << 20, f);
	fclose(f);
	return p;
}

static void spit(const char *path, const char *p, size_t n)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	fclose(f);
}

/* ---- tests ---- */

static void crc(void **state)
{
	uint8_t b[300];
	unsigned i;

	/* RFC 3720 B.4 */
	memset(b, 0, 32);
	assert_int_equal(crc32c(0, b, 32), 0x8a9136aa);
	memset(b, 0xff, 32);
	assert_int_equal(crc32c(0, b, 32), 0x62a8ab43);
	for (i = 0; i < 32; i++)
		b[i] = (uint8_t)i;
	assert_int_equal(crc32c(0, b, 32), 0x46dd794e);
	for (i = 0; i < sizeof(b); i++)
		b[i] = (uint8_t)(i * 7);
	for (i = 0; i < sizeof(b); i++) {
		assert_int_equal(crc32c(0, b, i), crc32c_table(0, b, i));
		assert_int_equal(crc32c(crc32c(0, b, i), b + i, sizeof(b) - i),
				 crc32c_table(0, b, sizeof(b)));
	}
}

/* The layout of spec §2.2, byte for byte. */
static void layout(void **state)
{
	struct journal *j = open_journal();
	char path[128];
	char *b;
	size_t n;

	assert_int_equal(add(j, "{}"), 1);
	assert_int_equal(add_sync(j, "{\"a\":1}"), 0);
	end(j);
	snprintf(path, sizeof(path), "%s/journal-0000000000000001", dir);
	b = slurp(path, &n);
	assert_int_equal(n, 2 * 88 + 2 + 7);
	assert_memory_equal(b, "NJ01\2\0\0\0\1\0\0\0\0\0\0\0\1\2\0\0", 20);
	assert_int_equal(le64((uint8_t *)b + 20), 1795453200000000000 + 77000000000);
	assert_int_equal(le64((uint8_t *)b + 28), 77000000000);
	assert_memory_equal(b + 36, "boot-0123456789", 16);
	assert_memory_equal(b + 52, (char[32]){0}, 32);
	assert_memory_equal(b + 84, "{}", 2);
	assert_int_equal(le32((uint8_t *)b + 86), crc32c(0, b, 86));
	assert_memory_equal(b + 90, "NJ01\7\0\0\0\2\0\0\0\0\0\0\0\3\0\0\0", 20);
	free(b);
}

static void again(void **state)
{
	struct journal *j = open_journal();

	add(j, "1");
	assert_int_equal(add_sync(j, "2"), 0);
	add(j, "3");
	end(j);
	j = open_journal();
	assert_int_equal(journal_seq(j), 3);
	assert_string_equal(replay(j), " 1 2 3");
	assert_int_equal(add_sync(j, "4"), 0);
	end(j);
	j = open_journal();
	assert_string_equal(replay(j), " 1 2 3 4");
	end(j);
}

static void other_boot(void **state)
{
	struct journal_params p = params();
	struct journal *j = open_journal();

	add(j, "1");
	end(j);
	p.boot_id[0] ^= 1;
	j = journal_open(&p, NULL);
	add(j, "2");
	assert_string_equal(replay(j), " 1* 2");
	end(j);
}

static void boot_id(void **state)
{
	uint8_t a[16], b[16];

	assert_int_equal(journal_boot_id(a), 0);
	assert_int_equal(journal_boot_id(b), 0);
	assert_memory_equal(a, b, 16);
	assert_memory_not_equal(a, (uint8_t[16]){0}, 16);
}

/* One sync serves all who came before it began. */
static void group(void **state)
{
	struct journal *j = open_journal();
	int rc[50];
	unsigned i;
	bool wait = true;

	syncs = 0;
	for (i = 0; i < 50; i++) {
		rc[i] = 1;
		journal_append(j, JOURNAL_APPLIED, 0, SLICE_LIT("x"), done, &rc[i], NULL);
	}
	while (wait) {
		uv_run(&loop, UV_RUN_ONCE);
		for (i = 0, wait = false; i < 50; i++)
			wait |= rc[i] == 1;
	}
	assert_true(syncs <= 2);
	for (i = 0; i < 50; i++)
		assert_int_equal(rc[i], 0);
	end(j);
}

/* A crash may leave any number of bytes of the last records. */
static void torn_at_every_byte(void **state)
{
	struct journal *j = open_journal();
	char path[128];
	char *b;
	size_t n;
	size_t cut;

	add_sync(j, "firm");
	add(j, "first");
	add(j, "second");
	end(j);
	snprintf(path, sizeof(path), "%s/journal-0000000000000001", dir);
	b = slurp(path, &n);
	for (cut = 0; cut <= n; cut++) {
		const char *want = cut < 92	   ? ""
				   : cut < 92 + 93 ? " firm"
				   : cut < n	   ? " firm first"
						   : " firm first second";
		char more[64];

		spit(path, b, cut);
		j = open_journal();
		assert_string_equal(replay(j), want);
		assert_int_equal(add_sync(j, "more"), 0);
		end(j);
		j = open_journal();
		snprintf(more, sizeof(more), "%s more", want);
		assert_string_equal(replay(j), more);
		end(j);
	}
	free(b);
}

/* So may any rubbish in their place; what is before stays. */
static void rubbish_behind(void **state)
{
	struct journal *j = open_journal();
	char path[128];
	char *b;
	size_t n;
	size_t i;

	add_sync(j, "firm");
	add(j, "first");
	end(j);
	snprintf(path, sizeof(path), "%s/journal-0000000000000001", dir);
	b = slurp(path, &n);
	for (i = 92; i < n; i++) {
		b[i] ^= 0x20;
		spit(path, b, n);
		b[i] ^= 0x20;
		j = open_journal();
		assert_string_equal(replay(j), " firm");
		end(j);
	}
	free(b);
}

/* But not before a record that was written after it was durable: that is damage, and is refused. */
static void damaged(void **state)
{
	struct journal *j = open_journal();
	struct journal_params p = params();
	struct err err;
	char path[128];
	char *b;
	size_t n;
	size_t i;

	add_sync(j, "firm");
	add_sync(j, "again");
	end(j);
	snprintf(path, sizeof(path), "%s/journal-0000000000000001", dir);
	b = slurp(path, &n);
	for (i = 0; i < 92; i++) {
		b[i] ^= 1;
		spit(path, b, n);
		b[i] ^= 1;
		err.code = 0;
		assert_null(journal_open(&p, &err));
		assert_int_equal(err.code, -EBADMSG);
		assert_true(err.mend[0]);
	}
	free(b);
}

static void write_fails(void **state)
{
	static const int error[] = {ENOSPC, EIO, EFBIG};
	struct journal *j = open_journal();
	unsigned i;

	assert_int_equal(add_sync(j, "before"), 0);
	for (i = 0; i < 3; i++) {
		write_fault = 0;
		write_errno = error[i];
		write_short = i * 40; /* so many bytes, then the error */
		assert_int_equal(add_sync(j, "lost"), -error[i]);
		write_fault = -1;
	}
	write_fault = 0;
	write_errno = ENOSPC;
	assert_int_equal(add(j, "lost"), 0);
	write_fault = 0;
	write_short = 11; /* short, but no error behind it */
	write_errno = EINTR;
	assert_int_equal(add_sync(j, "after"), 0);
	end(j);
	j = open_journal();
	assert_string_equal(replay(j), " before after");
	end(j);
}

static void sync_fails(void **state)
{
	struct journal *j = open_journal();

	assert_int_equal(add_sync(j, "before"), 0);
	sync_fault = 0;
	assert_int_equal(add_sync(j, "doubtful"), -EIO);
	assert_int_equal(add_sync(j, "after"), 0);
	end(j);
	j = open_journal();
	assert_string_equal(replay(j), " before doubtful after");
	end(j);
}

/* What a failed sync may have dropped from the page cache is written again before the next one. */
static void sync_fails_and_drops(void **state)
{
	struct journal *j = open_journal();
	char path[128];
	int fd;

	assert_int_equal(add_sync(j, "before"), 0);
	sync_fault = 0;
	assert_int_equal(add_sync(j, "doubtful"), -EIO);
	snprintf(path, sizeof(path), "%s/journal-0000000000000001", dir);
	fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, (char[96]){0}, 96, 94),
			 96); /* the kernel's memory of it is gone */
	close(fd);
	assert_int_equal(add_sync(j, "after"), 0);
	end(j);
	j = open_journal();
	assert_string_equal(replay(j), " before doubtful after");
	end(j);
}

static int checkpoint(struct journal *j, const char *engine, const char *running)
{
	int rc = 1;

	assert_int_equal(journal_checkpoint(j, slice_of(engine, strlen(engine)),
					    slice_of(running, strlen(running)), "sha256:1", done,
					    &rc),
			 0);
	while (rc == 1)
		uv_run(&loop, UV_RUN_ONCE);
	return rc;
}

static int count_files(const char *prefix)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int n = 0;

	while ((e = readdir(d)))
		n += strncmp(e->d_name, prefix, strlen(prefix)) == 0;
	closedir(d);
	return n;
}

static void checkpoints(void **state)
{
	struct journal *j = open_journal();
	unsigned i;
	char text[16];

	add_sync(j, "1");
	assert_int_equal(checkpoint(j, "E1", "R1"), 0);
	assert_string_equal(replay(j), "[E1|R1]");
	add(j, "3");
	end(j);
	j = open_journal();
	assert_string_equal(replay(j), "[E1|R1] 3");
	/* Records that come while it is written are after it. */
	{
		int rc = 1;

		journal_checkpoint(j, SLICE_LIT("E2"), SLICE_LIT("R2"), "sha256:2", done, &rc);
		assert_int_equal(journal_checkpoint(j, SLICE_LIT(""), SLICE_LIT(""), "", done, &rc),
				 -EBUSY);
		assert_int_equal(add_sync(j, "4"), 0);
		add(j, "5");
		while (rc == 1)
			uv_run(&loop, UV_RUN_ONCE);
		assert_int_equal(rc, 0);
	}
	add(j, "6");
	end(j);
	j = open_journal();
	assert_string_equal(replay(j), "[E2|R2] 4 5 6");
	for (i = 0; i < 5; i++) {
		snprintf(text, sizeof(text), "E%u", i);
		assert_int_equal(checkpoint(j, text, "R"), 0);
	}
	assert_int_equal(count_files("checkpoint-"), 2);
	assert_int_equal(count_files("journal-"), 8);
	end(j);
}

/* A checkpoint file that is not whole is passed over; its records are all there. */
static void checkpoint_damaged(void **state)
{
	struct journal *j = open_journal();
	char path[128];
	char *b;
	size_t n;
	size_t i;

	add_sync(j, "1");
	checkpoint(j, "E1", "R1");
	add_sync(j, "2");
	checkpoint(j, "E2", "R2");
	add_sync(j, "3");
	end(j);
	snprintf(path, sizeof(path), "%s/checkpoint-0000000000000003", dir);
	b = slurp(path, &n);
	for (i = 0; i < n; i++) {
		b[i] ^= 4;
		spit(path, b, n);
		b[i] ^= 4;
		j = open_journal();
		assert_string_equal(replay(j), "[E1|R1] 2 3");
		end(j);
	}
	free(b);
}

static void checkpoint_fails(void **state)
{
	struct journal *j = open_journal();

	add_sync(j, "1");
	sync_fault = 0;
	assert_int_equal(checkpoint(j, "E1", "R1"), -EIO);
	assert_string_equal(replay(j), " 1");
	assert_int_equal(checkpoint(j, "E1", "R1"), 0);
	assert_string_equal(replay(j), "[E1|R1]");
	end(j);
}

/* Its cost is paid for by what was written since: the bytes per record stay the same however much
 * there is. */
static void amortised(void **state)
{
	struct journal_params p = params();
	struct journal *j;
	char *running = malloc(40000);
	size_t size = 1000;
	size_t written = 0;
	size_t records = 0;
	int rc;

	memset(running, 'x', 40000);
	p.checkpoint_min = 1000;
	p.fsync = false;
	j = journal_open(&p, NULL);
	while (size < 40000) {
		add(j, "a record of some length, as records are");
		records += 88 + 39;
		size += 30;
		if (!journal_wants_checkpoint(j))
			continue;
		rc = 1;
		journal_checkpoint(j, SLICE_LIT(""), slice_of(running, size), "", done, &rc);
		while (rc == 1)
			uv_run(&loop, UV_RUN_ONCE);
		assert_int_equal(rc, 0);
		written += size;
	}
	assert_true(written > 40000);
	assert_true(written <= 2 * records);
	free(running);
	end(j);
}

static void segment_missing(void **state)
{
	struct journal_params p = params();
	struct journal *j = open_journal();
	struct journal_record rec;
	struct journal_reader *r;
	struct err err = {0};
	char path[128];

	add_sync(j, "1");
	checkpoint(j, "E1", "R1");
	add_sync(j, "2");
	checkpoint(j, "E2", "R2");
	add_sync(j, "3");
	end(j);
	snprintf(path, sizeof(path), "%s/journal-0000000000000003", dir);
	assert_int_equal(unlink(path), 0);
	r = journal_read(dir, 0, &err);
	assert_int_equal(journal_next(r, &rec, &err), 1);
	assert_int_equal(journal_next(r, &rec, &err), 1);
	assert_int_equal(journal_next(r, &rec, &err), -EBADMSG);
	assert_int_equal(journal_reader_next(r), 3);
	journal_read_end(r);
	/* The newest one as well: the checkpoint is ahead of what is left. */
	snprintf(path, sizeof(path), "%s/journal-0000000000000005", dir);
	assert_int_equal(unlink(path), 0);
	j = journal_open(&p, &err);
	if (j) {
		struct journal_visitor v = {visit_checkpoint, visit_record, NULL};

		assert_int_equal(journal_replay(j, &v, &err), -EBADMSG);
		end(j);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crc),
		cmocka_unit_test(boot_id),
		T(layout),
		T(again),
		T(other_boot),
		T(group),
		T(torn_at_every_byte),
		T(rubbish_behind),
		T(damaged),
		T(write_fails),
		T(sync_fails),
		T(sync_fails_and_drops),
		T(checkpoints),
		T(checkpoint_damaged),
		T(checkpoint_fails),
		T(amortised),
		T(segment_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
