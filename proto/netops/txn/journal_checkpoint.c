/* SPDX-License-Identifier: BSD-2-Clause */
/* Checkpoints of the journal: the configuration and the engine's state in a file beside it, so that
 * recovery reads only what came later. The file: "NJCP" | u32 version | u64 seq | u8 hash of that
 * record[32] | u8 boot_id[16] | u64 length of the engine's text | u64 length of running | both | u8
 * sha256 of everything before it[32]; little-endian. It is written under another name, made
 * durable, renamed, and only then told of by a CHECKPOINT record. A crash at any point leaves the
 * old checkpoint or the new one, each with all records after it. */
#include "proto/netops/txn/failpoint.h"
#include "proto/netops/txn/journal_priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC 0x50434a4eu /* "NJCP" */
#define VERSION 1
#define HEADER 80
#define KEEP 2

struct checkpoint_job {
	struct journal *j;
	uv_work_t work;
	uint64_t seq;
	uint8_t *file;
	size_t n;
	char running_hash[80];
	int rc;
	bool working;
	void (*done)(void *ctx, int rc);
	void *ctx;
};

void journal_checkpoint_path(const char *dir, uint64_t seq, char out[JOURNAL_PATH])
{
	snprintf(out, JOURNAL_PATH, "%s/checkpoint-%016llx", dir, (unsigned long long)seq);
}

bool journal_checkpoint_busy(const struct journal *j)
{
	return j->job && j->job->working;
}

/* ---- reading ---- */

void checkpoint_free(struct checkpoint *c)
{
	free(c->file);
	*c = (struct checkpoint){0};
}

static int load(const char *path, struct checkpoint *c)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	ssize_t got;
	int rc = 0;

	*c = (struct checkpoint){0};
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		rc = -errno;
	if (rc == 0 && !(c->file = malloc((size_t)st.st_size + 1)))
		rc = -ENOMEM;
	while (rc == 0 && c->n < (size_t)st.st_size) {
		got = read(fd, c->file + c->n, (size_t)st.st_size - c->n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			rc = got < 0 ? -errno : -EIO;
		else
			c->n += (size_t)got;
	}
	close(fd);
	return rc;
}

static bool whole(struct checkpoint *c, uint64_t seq)
{
	uint8_t hash[32];
	const uint8_t *p = c->file;

	if (c->n < HEADER + 32 || le32(p) != MAGIC || le32(p + 4) != VERSION || le64(p + 8) != seq)
		return false;
	memcpy(c->prev, p + 16, 32);
	memcpy(c->boot_id, p + 48, 16);
	c->engine_n = le64(p + 64);
	c->running_n = le64(p + 72);
	if (c->engine_n > c->n - HEADER - 32 || c->running_n != c->n - HEADER - 32 - c->engine_n)
		return false;
	SHA256(p, c->n - 32, hash);
	if (memcmp(hash, p + c->n - 32, 32) != 0)
		return false;
	c->seq = seq;
	c->engine = slice_of(p + HEADER, c->engine_n);
	c->running = slice_of(p + HEADER + c->engine_n, c->running_n);
	return true;
}

static bool parse_name(const char *name, uint64_t *seq)
{
	char again[40];
	char *end;

	if (strncmp(name, "checkpoint-", 11) != 0)
		return false;
	*seq = strtoull(name + 11, &end, 16);
	snprintf(again, sizeof(again), "checkpoint-%016llx", (unsigned long long)*seq);
	return *end == 0 && strcmp(again, name) == 0;
}

/* The largest number below `below`; 0: none. */
static int largest(const char *dir, uint64_t below, uint64_t *out)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	uint64_t seq;

	*out = 0;
	if (!d)
		return -errno;
	while ((e = readdir(d))) {
		if (parse_name(e->d_name, &seq) && seq < below && seq > *out)
			*out = seq;
	}
	closedir(d);
	return 0;
}

int checkpoint_newest(const char *dir, struct checkpoint *out, struct err *err)
{
	char path[JOURNAL_PATH];
	uint64_t seq = UINT64_MAX;
	int rc;

	for (;;) {
		*out = (struct checkpoint){0};
		rc = largest(dir, seq, &seq);
		if (rc)
			return journal_err(err, dir, "cannot look for checkpoints", rc);
		if (seq == 0)
			return 0;
		journal_checkpoint_path(dir, seq, path);
		rc = load(path, out);
		if (rc == 0 && whole(out, seq))
			return 0;
		checkpoint_free(out);
		if (rc)
			return journal_err(err, path, "cannot read a checkpoint", rc);
	}
}

static int visit_records(struct journal *j, const struct checkpoint *c,
			 const struct journal_visitor *v, struct err *err)
{
	struct journal_reader *r = journal_read(j->dir, c->seq ? c->seq : 1, err);
	struct journal_record rec;
	int rc;

	if (!r)
		return err->code;
	if (c->seq == 0 && journal_reader_next(r) > 1) {
		journal_read_end(r);
		err_set(err, -EBADMSG,
			"the journal does not begin at its beginning, and there is no checkpoint");
		err_where(err, "%s", j->dir);
		return -EBADMSG;
	}
	while ((rc = journal_next(r, &rec, err)) == 1) {
		if (rec.seq == c->seq && memcmp(rec.hash, c->prev, 32) != 0) {
			err_set(err, -EBADMSG, "the checkpoint does not belong to this journal");
			err_where(err, "%s", j->dir);
			rc = -EBADMSG;
			break;
		}
		if (rec.seq <= c->seq || rec.type == JOURNAL_CHECKPOINT)
			continue;
		rc = v->record(v->ctx, &rec, memcmp(rec.boot_id, j->p.boot_id, 16) == 0, err);
		if (rc)
			break;
	}
	journal_read_end(r);
	return rc < 0 ? rc : 0;
}

int journal_replay(struct journal *j, const struct journal_visitor *v, struct err *err)
{
	struct checkpoint c;
	struct err local;
	int rc;

	if (!err)
		err = &local;
	rc = checkpoint_newest(j->dir, &c, err);
	if (rc == 0 && c.seq > j->seq) {
		err_set(err, -EBADMSG,
			"the checkpoint is newer than the journal: records are missing");
		err_where(err, "%s", j->dir);
		rc = -EBADMSG;
	}
	if (rc == 0 && c.seq)
		rc = v->checkpoint(v->ctx, c.engine, c.running,
				   memcmp(c.boot_id, j->p.boot_id, 16) == 0, err);
	if (rc == 0)
		rc = visit_records(j, &c, v, err);
	checkpoint_free(&c);
	return rc;
}

/* ---- writing ---- */

static int write_all(int fd, const uint8_t *p, size_t n)
{
	while (n) {
		ssize_t done = write(fd, p, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return done < 0 ? -errno : -EIO;
		p += done;
		n -= (size_t)done;
	}
	return 0;
}

/* The worker's part. */
static int write_file(struct checkpoint_job *k)
{
	struct journal *j = k->j;
	char path[JOURNAL_PATH];
	char tmp[JOURNAL_PATH];
	int rc = 0;
	int fd;

	FAILPOINT("checkpoint.begin");
	journal_checkpoint_path(j->dir, k->seq, path);
	snprintf(tmp, sizeof(tmp), "%s/checkpoint.tmp", j->dir);
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	rc = write_all(fd, k->file, k->n / 2);
	FAILPOINT("checkpoint.written.half");
	if (rc == 0)
		rc = write_all(fd, k->file + k->n / 2, k->n - k->n / 2);
	FAILPOINT("checkpoint.written");
	if (rc == 0 && j->p.fsync && j->p.fdatasync(fd) < 0)
		rc = -errno;
	FAILPOINT("checkpoint.synced");
	if (close(fd) < 0 && rc == 0)
		rc = -errno;
	if (rc == 0 && rename(tmp, path) < 0)
		rc = -errno;
	if (rc) {
		unlink(tmp);
		return rc;
	}
	FAILPOINT("checkpoint.renamed");
	if (j->p.fsync && fsync(j->dir_fd) < 0)
		return -errno;
	FAILPOINT("checkpoint.dir-synced");
	return 0;
}

/* All but the newest two. */
static void remove_old(struct journal *j)
{
	char path[JOURNAL_PATH];
	uint64_t seq = UINT64_MAX;
	unsigned n;

	for (n = 0; largest(j->dir, seq, &seq) == 0 && seq; n++) {
		if (n < KEEP)
			continue;
		journal_checkpoint_path(j->dir, seq, path);
		unlink(path);
	}
	FAILPOINT("checkpoint.removed-old");
}

static void job_end(struct checkpoint_job *k, int rc)
{
	struct journal *j = k->j;

	j->job = NULL;
	if (rc == 0) {
		j->snapshot = k->n;
		remove_old(j);
	}
	if (k->done)
		k->done(k->ctx, rc);
	free(k->file);
	free(k);
}

/* The CHECKPOINT record is durable: a new segment begins. */
static void recorded(void *ctx, int rc)
{
	struct checkpoint_job *k = ctx;

	FAILPOINT("checkpoint.record");
	if (rc == 0)
		journal_rotate(k->j, NULL); /* if it cannot, the old one goes on */
	job_end(k, rc);
}

static int append_record(struct checkpoint_job *k)
{
	char text[512];
	char hash[65];
	unsigned i;
	int n;

	for (i = 0; i < 32; i++)
		snprintf(hash + 2 * i, 3, "%02x", k->file[k->n - 32 + i]);
	n = snprintf(text, sizeof(text),
		     "{\"file\":\"checkpoint-%016llx\",\"seq\":%llu,\"sha256\":\"%s\","
		     "\"runningHash\":\"%s\"}",
		     (unsigned long long)k->seq, (unsigned long long)k->seq, hash, k->running_hash);
	return journal_append(k->j, JOURNAL_CHECKPOINT, 0, slice_of(text, (size_t)n), recorded, k,
			      NULL)
		       ? 0
		       : -EIO;
}

static void worker(uv_work_t *w)
{
	struct checkpoint_job *k = container_of(w, struct checkpoint_job, work);

	k->rc = write_file(k);
}

static void worked(uv_work_t *w, int status)
{
	struct checkpoint_job *k = container_of(w, struct checkpoint_job, work);
	int rc = status ? status : k->rc;

	k->working = false;
	if (rc)
		job_end(k, rc);
	else
		append_record(k); /* recorded() is called in every case */
}

bool journal_wants_checkpoint(const struct journal *j)
{
	uint64_t enough = j->snapshot > j->p.checkpoint_min ? j->snapshot : j->p.checkpoint_min;

	return !j->job && j->since > enough;
}

static struct checkpoint_job *job_new(struct journal *j, struct slice engine, struct slice running,
				      const char *running_hash)
{
	struct checkpoint_job *k = calloc(1, sizeof(*k));
	uint8_t *p;

	if (!k)
		return NULL;
	k->n = HEADER + engine.n + running.n + 32;
	k->file = malloc(k->n);
	if (!k->file) {
		free(k);
		return NULL;
	}
	k->j = j;
	k->seq = j->seq;
	snprintf(k->running_hash, sizeof(k->running_hash), "%s", running_hash ? running_hash : "");
	p = k->file;
	put_le32(p, MAGIC);
	put_le32(p + 4, VERSION);
	put_le64(p + 8, k->seq);
	memcpy(p + 16, j->hash, 32);
	memcpy(p + 48, j->p.boot_id, 16);
	put_le64(p + 64, engine.n);
	put_le64(p + 72, running.n);
	if (engine.n)
		memcpy(p + HEADER, engine.p, engine.n);
	if (running.n)
		memcpy(p + HEADER + engine.n, running.p, running.n);
	SHA256(p, k->n - 32, p + k->n - 32);
	return k;
}

int journal_checkpoint(struct journal *j, struct slice engine, struct slice running,
		       const char *running_hash, void (*done)(void *ctx, int rc), void *ctx)
{
	struct checkpoint_job *k;

	if (j->job)
		return -EBUSY;
	if (j->seq == 0)
		return -EINVAL;
	k = job_new(j, engine, running, running_hash);
	if (!k)
		return -ENOMEM;
	k->done = done;
	k->ctx = ctx;
	k->working = true;
	j->job = k;
	if (uv_queue_work(j->p.loop, &k->work, worker, worked)) {
		j->job = NULL;
		free(k->file);
		free(k);
		return -EAGAIN;
	}
	return 0;
}
