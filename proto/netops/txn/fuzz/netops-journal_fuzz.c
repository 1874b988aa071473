/* SPDX-License-Identifier: BSD-2-Clause */
/* Recovery from arbitrary bytes. The first byte says what they are: 's' a segment, 'c' a checkpoint
 * file, 'h' the audit log's signed head, 'r' records without their frames (a line each: type digit,
 * '*' for another boot, JSON), which go to the engine at once, and then are recovered. Whatever
 * comes: an error or a state, no crash; and what is written then is read again. */
#include "proto/netops/audit/audit.h"
#include "proto/netops/txn/journal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[128];
static struct txn *txn;
static uint64_t waiting[64];
static unsigned n_waiting;

static void remove_files(void)
{
	static const char *const name[] = {"journal-0000000000000001",
					   "journal-0000000000000002",
					   "checkpoint-0000000000000001",
					   "audit-key",
					   "audit-key.pub",
					   "audit-head"};
	char path[256];
	size_t i;

	for (i = 0; i < sizeof(name) / sizeof(*name); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, name[i]);
		unlink(path);
	}
}

static void at_end(void)
{
	remove_files();
	rmdir(dir);
}

static void put(const char *name, const uint8_t *data, size_t size)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	close(fd);
}

/* ---- an environment that agrees to everything ---- */

static int env_check(void *ctx, const struct changes *c, struct neterr *e)
{
	return 0;
}

static void env_journal(void *ctx, uint64_t op, enum journal_type type, struct slice json,
			bool sync)
{
	if (sync && n_waiting < 64)
		waiting[n_waiting++] = op;
}

static void env_apply(void *ctx, uint64_t op, const struct changes *c)
{
	if (n_waiting < 64)
		waiting[n_waiting++] = op;
}

static const char *env_running(void *ctx, const struct changes *c)
{
	return "sha256:0";
}

static const char *env_hash(void *ctx)
{
	return "sha256:0";
}

static void env_event(void *ctx, const char *event, const struct principal *by, unsigned timeout_s)
{
}

static int64_t env_wall(void *ctx)
{
	return 1795453200000000000;
}

static void env_random(void *ctx, void *p, size_t n)
{
	memset(p, 7, n);
}

static const struct txn_env env = {.check = env_check,
				   .journal = env_journal,
				   .apply = env_apply,
				   .undo = env_apply,
				   .running = env_running,
				   .running_hash = env_hash,
				   .event = env_event,
				   .wall = env_wall,
				   .random = env_random};

static void recovered(void *ctx, int rc)
{
	++*(int *)ctx;
}

static void recover(void)
{
	int n = 0;
	usec_t now = SEC(5);
	char *text;
	size_t size;

	n_waiting = 0;
	txn_recover(txn, now, recovered, &n);
	while (n_waiting)
		txn_done(txn, waiting[--n_waiting], 0, NULL, now);
	if (n != 1)
		abort();
	/* What it knows fits into a checkpoint that can be read. */
	text = txn_checkpoint(txn, &size);
	if (text) {
		struct txn *again = txn_new(&env);
		struct err err;

		if (!again ||
		    txn_replay(again, JOURNAL_CHECKPOINT, slice_of(text, size), true, now, &err))
			abort();
		txn_free(again);
		free(text);
	}
}

static void records(const uint8_t *data, size_t size)
{
	struct err err;

	while (size) {
		const uint8_t *end = memchr(data, '\n', size);
		size_t n = end ? (size_t)(end - data) : size;
		bool other = n > 1 && data[1] == '*';

		if (n > 1 && data[0] >= '0' && data[0] <= '9' &&
		    txn_replay(txn, (enum journal_type)(data[0] - '0'),
			       slice_of(data + 1 + other, n - 1 - other), !other, SEC(1), &err))
			return;
		n += end != NULL;
		data += n;
		size -= n;
	}
	recover();
}

/* ---- files ---- */

static int on_checkpoint(void *ctx, struct slice engine, struct slice running, bool same_boot,
			 struct err *err)
{
	return txn_replay(txn, JOURNAL_CHECKPOINT, engine, same_boot, SEC(1), err);
}

static int on_record(void *ctx, const struct journal_record *r, bool same_boot, struct err *err)
{
	return txn_replay(txn, r->type, r->payload, same_boot, SEC(1), err);
}

static void files(void)
{
	struct journal_params p = {.dir = dir};
	struct journal_visitor v = {on_checkpoint, on_record, NULL};
	struct journal_record last = {0};
	struct journal_reader *r;
	uint64_t n, bad, seq;
	struct err err;
	struct journal *j = journal_open(&p, &err);

	if (!j)
		return;
	if (journal_replay(j, &v, &err) == 0)
		recover();
	seq = journal_append(j, JOURNAL_ABORT, 0, SLICE_LIT("{}"), NULL, NULL, &err);
	journal_close(j);
	r = journal_read(dir, seq, &err);
	if (r && journal_next(r, &last, &err) == 1 && (last.seq != seq || last.payload.n != 2))
		abort();
	journal_read_end(r);
	audit_verify_dir(dir, dir, &n, &bad, &err);
}

static void begin(void)
{
	struct stat st;

	snprintf(dir, sizeof(dir), "%s/dep-fuzz.XXXXXX",
		 stat("/dev/shm", &st) == 0 ? "/dev/shm" : "/tmp");
	if (!mkdtemp(dir))
		abort();
	atexit(at_end);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t key[32] = {0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7,
					0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a,
					0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25,
					0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a};

	if (!*dir)
		begin();
	if (size == 0)
		return 0;
	txn = txn_new(&env);
	if (!txn)
		return 0;
	remove_files();
	put("audit-key.pub", key, sizeof(key));
	if (data[0] == 'r') {
		records(data + 1, size - 1);
	} else if (data[0] == 'c' || data[0] == 's' || data[0] == 'h') {
		put(data[0] == 'c'   ? "checkpoint-0000000000000001"
		    : data[0] == 's' ? "journal-0000000000000001"
				     : "audit-head",
		    data + 1, size - 1);
		files();
	}
	txn_free(txn);
	return 0;
}
