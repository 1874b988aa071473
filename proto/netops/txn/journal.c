/* SPDX-License-Identifier: BSD-2-Clause */
/* The journal being written: opening with its recovery, appending, group sync. */
#include "proto/netops/txn/crc32c.h"
#include "proto/netops/txn/failpoint.h"
#include "proto/netops/txn/journal_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define AHEAD (1u << 20) /* space reserved at a time */
#define CHECKPOINT_MIN (1u << 20)

int journal_boot_id(uint8_t out[16])
{
	char text[64];
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	unsigned digits = 0;
	ssize_t i;

	if (fd >= 0)
		close(fd);
	if (n < 36)
		return -EIO;
	memset(out, 0, 16);
	for (i = 0; i < n && digits < 32; i++) {
		char c = text[i];
		int v = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;

		if (v < 0)
			continue;
		out[digits / 2] = (uint8_t)(out[digits / 2] << 4 | v);
		digits++;
	}
	return digits == 32 ? 0 : -EIO;
}

static int64_t system_wall(void *ctx)
{
	struct timespec ts;

	(void)ctx;
	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

static usec_t system_boottime(void *ctx)
{
	(void)ctx;
	return clock_now();
}

/* ---- opening ---- */

/* Whether a record behind the broken place says that everything before it was durable. */
static bool firm_behind(const uint8_t *p, size_t n, uint64_t seq)
{
	struct journal_record r;
	size_t i;

	for (i = 0; i + JOURNAL_OVERHEAD <= n; i++) {
		if (p[i] != 'N' || !journal_parse(slice_of(p + i, n - i), false, &r))
			continue;
		if (r.seq > seq && r.flags & JOURNAL_F_FIRM)
			return true;
	}
	return false;
}

static int read_file(const char *path, uint8_t **out, size_t *n)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	ssize_t got;
	int rc = 0;

	*out = NULL;
	*n = 0;
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		rc = -errno;
	if (rc == 0 && !(*out = malloc((size_t)st.st_size + 1)))
		rc = -ENOMEM;
	while (rc == 0 && *n < (size_t)st.st_size) {
		got = read(fd, *out + *n, (size_t)st.st_size - *n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			rc = got < 0 ? -errno : -EIO;
		else
			*n += (size_t)got;
	}
	close(fd);
	return rc;
}

static int damaged(struct err *err, const char *path, uint64_t seq)
{
	err_set(err, -EBADMSG,
		"record %llu of the journal was damaged: records behind it are whole",
		(unsigned long long)seq);
	err_where(err, "%s", path);
	err_mend(err, "restore the directory from a copy, or move it away to begin anew");
	return -EBADMSG;
}

/* Where the newest segment's valid records end; j->seq and j->hash are the last of them. */
static int scan_tail(struct journal *j, uint64_t first, bool newest, struct err *err)
{
	char path[JOURNAL_PATH];
	struct journal_record r;
	uint8_t *p;
	size_t size;
	size_t at = 0;
	size_t n;
	int rc;

	journal_segment_path(j->dir, first, path);
	rc = read_file(path, &p, &size);
	if (rc) {
		free(p);
		return journal_err(err, path, "cannot read the journal", rc);
	}
	j->seq = first - 1;
	memset(j->hash, 0, 32);
	while ((n = journal_parse(slice_of(p + at, size - at), true, &r))) {
		if (r.seq != j->seq + 1 || (at && memcmp(r.prev, j->hash, 32) != 0) ||
		    (!at && first == 1 && memcmp(r.prev, j->hash, 32) != 0))
			break;
		j->seq++;
		memcpy(j->hash, r.hash, 32);
		at += n;
	}
	if (at < size && (!newest || firm_behind(p + at, size - at, j->seq)))
		rc = damaged(err, path, j->seq + 1);
	free(p);
	j->end = at;
	return rc;
}

static int make_segment(struct journal *j, struct err *err)
{
	char path[JOURNAL_PATH];

	journal_segment_path(j->dir, j->seq + 1, path);
	/* One of that name without a valid record may be left from a crash. */
	j->fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (j->fd < 0)
		return journal_err(err, path, "cannot begin a journal", -errno);
	j->end = 0;
	j->durable = 0;
	j->reserved = 0;
	j->dir_dirty = true;
	return 0;
}

static int open_tail(struct journal *j, uint64_t first, struct err *err)
{
	char path[JOURNAL_PATH];
	struct stat st;

	FAILPOINT("journal.open.scanned");
	journal_segment_path(j->dir, first, path);
	j->fd = open(path, O_RDWR | O_CLOEXEC);
	if (j->fd < 0 || fstat(j->fd, &st) < 0)
		return journal_err(err, path, "cannot open the journal", -errno);
	if ((uint64_t)st.st_size > j->end && ftruncate(j->fd, (off_t)j->end) < 0)
		return journal_err(err, path, "cannot cut off what a crash left", -errno);
	/* What the last run left in the page cache counts from now on. */
	if (j->p.fsync && fdatasync(j->fd) < 0)
		return journal_err(err, path, "cannot make the journal durable", -errno);
	FAILPOINT("journal.open.truncated");
	j->durable = j->end;
	j->reserved = j->end;
	j->dir_dirty = true;
	return 0;
}

/* The hash of the record before a segment that has none yet. */
static int before(struct journal *j, const uint64_t *segment, int n, struct err *err)
{
	uint64_t end = j->end;
	int rc;

	if (j->seq + 1 != segment[n - 1] || n < 2)
		return 0;
	rc = scan_tail(j, segment[n - 2], false, err);
	if (rc == 0 && j->seq + 1 != segment[n - 1])
		rc = damaged(err, j->dir, j->seq + 1);
	j->end = end;
	return rc;
}

static int recover(struct journal *j, struct err *err)
{
	uint64_t *segment;
	int n = journal_segments(j->dir, &segment);
	int rc;

	if (n < 0)
		return journal_err(err, j->dir, "cannot read the journal", n);
	if (n == 0) {
		rc = make_segment(j, err);
		FAILPOINT("journal.create.opened");
		if (rc == 0 && j->p.fsync && fsync(j->dir_fd) < 0)
			rc = journal_err(err, j->dir, "cannot make the journal durable", -errno);
		FAILPOINT("journal.create.dir-synced");
		free(segment);
		return rc;
	}
	rc = scan_tail(j, segment[n - 1], true, err);
	if (rc == 0)
		rc = before(j, segment, n, err);
	if (rc == 0)
		rc = open_tail(j, segment[n - 1], err);
	free(segment);
	return rc;
}

static struct journal *journal_new(const struct journal_params *p)
{
	struct journal *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->p = *p;
	j->fd = -1;
	j->dir_fd = -1;
	j->old_fd = -1;
	if (!j->p.wall)
		j->p.wall = system_wall;
	if (!j->p.boottime)
		j->p.boottime = system_boottime;
	if (!j->p.pwrite)
		j->p.pwrite = pwrite;
	if (!j->p.fdatasync)
		j->p.fdatasync = fdatasync;
	if (!j->p.checkpoint_min)
		j->p.checkpoint_min = CHECKPOINT_MIN;
	alloc_init(&j->alloc, 0);
	buf_init(&j->tail, &j->alloc);
	buf_init(&j->build, &j->alloc);
	list_init(&j->waiting);
	list_init(&j->syncing);
	snprintf(j->dir, sizeof(j->dir), "%s", p->dir);
	return j;
}

static void release(struct journal *j)
{
	if (j->fd >= 0)
		close(j->fd);
	if (j->old_fd >= 0)
		close(j->old_fd);
	if (j->dir_fd >= 0)
		close(j->dir_fd);
	buf_free(&j->tail);
	buf_free(&j->build);
	free(j);
}

struct journal *journal_open(const struct journal_params *p, struct err *err)
{
	struct journal *j = journal_new(p);
	struct checkpoint c;
	int rc;

	if (!j) {
		err_set(err, -ENOMEM, "no memory for the journal");
		return NULL;
	}
	rc = mkdir(j->dir, 0700) < 0 && errno != EEXIST ? -errno : 0;
	if (rc == 0 && (j->dir_fd = open(j->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		rc = -errno;
	if (rc)
		journal_err(err, j->dir, "cannot open the journal", rc);
	if (rc == 0)
		rc = recover(j, err);
	if (rc == 0)
		rc = checkpoint_newest(j->dir, &c, err);
	if (rc) {
		release(j);
		return NULL;
	}
	j->snapshot = c.n;
	j->since = j->end; /* about: a checkpoint begins a segment */
	checkpoint_free(&c);
	if (p->loop) {
		uv_idle_init(p->loop, &j->kick);
		j->kick.data = j;
	}
	return j;
}

/* ---- sync ---- */

static void kick(uv_idle_t *idle);

static void tell(struct list *waiting, int rc)
{
	list_each_safe (it, waiting) {
		struct journal_waiter *w = container_of(it, struct journal_waiter, node);

		list_del(&w->node);
		w->done(w->ctx, w->rc ? w->rc : rc);
		free(w);
	}
}

/* Puts what an fsync may have lost into the page cache again. */
static int write_again(struct journal *j)
{
	size_t done = 0;

	while (j->rewrite && done < j->tail.n) {
		ssize_t n = j->p.pwrite(j->fd, j->tail.p + done, j->tail.n - done,
					(off_t)(j->durable + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		done += (size_t)n;
	}
	j->rewrite = false;
	return 0;
}

static int sync_now(struct journal *j, int fd, int old_fd, bool dir)
{
	FAILPOINT("journal.sync.before");
	if (!j->p.fsync)
		return 0;
	if (old_fd >= 0 && j->p.fdatasync(old_fd) < 0)
		return -errno;
	if (j->p.fdatasync(fd) < 0)
		return -errno;
	if (dir && fsync(j->dir_fd) < 0)
		return -errno;
	FAILPOINT("journal.sync.done");
	return 0;
}

/* Everything up to `end` of the segment fd is on the disk. */
static void synced(struct journal *j, int fd, int old_fd, uint64_t end, bool dir)
{
	if (old_fd >= 0) {
		close(old_fd);
		if (j->old_fd == old_fd)
			j->old_fd = -1;
	}
	if (dir)
		j->dir_dirty = false;
	if (fd == j->fd && end > j->durable) {
		buf_drop(&j->tail, (size_t)(end - j->durable));
		j->durable = end;
	}
}

static void worker(uv_work_t *w)
{
	struct journal *j = container_of(w, struct journal, work);

	j->sync_rc = sync_now(j, j->sync_fd, j->sync_old_fd, j->sync_dir);
}

static void worked(uv_work_t *w, int status)
{
	struct journal *j = container_of(w, struct journal, work);
	int rc = status ? status : j->sync_rc;
	struct list told;

	j->busy = false;
	if (rc == 0)
		synced(j, j->sync_fd, j->sync_old_fd, j->sync_end, j->sync_dir);
	else
		j->rewrite = true;
	FAILPOINT("journal.sync.told");
	/* Whoever is told may append and wait anew, in the other list. */
	list_init(&told);
	list_each_safe (it, &j->syncing) {
		list_del(it);
		list_add(&told, it);
	}
	tell(&told, rc);
	if (!list_empty(&j->waiting))
		uv_idle_start(&j->kick, kick);
}

static void begin_sync(struct journal *j)
{
	int rc = write_again(j);

	list_each_safe (it, &j->waiting) {
		list_del(it);
		list_add(&j->syncing, it);
	}
	j->busy = true;
	j->sync_fd = j->fd;
	j->sync_old_fd = j->old_fd;
	j->sync_dir = j->dir_dirty;
	j->sync_end = j->end;
	j->sync_rc = rc;
	if (rc || !j->p.fsync || uv_queue_work(j->p.loop, &j->work, worker, worked)) {
		if (rc == 0)
			j->sync_rc = sync_now(j, j->sync_fd, j->sync_old_fd, j->sync_dir);
		worked(&j->work, 0);
	}
}

/* Failures first, then one sync for all who wait. */
static void kick(uv_idle_t *idle)
{
	struct journal *j = idle->data;
	struct list failed;

	uv_idle_stop(idle);
	list_init(&failed);
	list_each_safe (it, &j->waiting) {
		if (container_of(it, struct journal_waiter, node)->rc) {
			list_del(it);
			list_add(&failed, it);
		}
	}
	tell(&failed, 0);
	if (!j->busy && !list_empty(&j->waiting))
		begin_sync(j);
}

int journal_wait(struct journal *j, int rc, void (*done)(void *ctx, int rc), void *ctx)
{
	struct journal_waiter *w = calloc(1, sizeof(*w));

	if (!w || !j->p.loop) {
		free(w);
		return -ENOMEM;
	}
	w->done = done;
	w->ctx = ctx;
	w->rc = rc;
	list_add(&j->waiting, &w->node);
	uv_idle_start(&j->kick, kick);
	return 0;
}

int journal_flush(struct journal *j, struct err *err)
{
	int rc = write_again(j);

	if (rc == 0)
		rc = sync_now(j, j->fd, j->busy ? -1 : j->old_fd, j->dir_dirty);
	if (rc) {
		j->rewrite = true;
		return journal_err(err, j->dir, "cannot make the journal durable", rc);
	}
	if (!j->busy)
		synced(j, j->fd, j->old_fd, j->end, true);
	return 0;
}

/* ---- appending ---- */

/* Space for a record of n bytes, and the reserve behind it where `begins`. 0 or -ENOSPC. */
static int reserve(struct journal *j, size_t n, bool begins)
{
	uint64_t need = j->end + n + JOURNAL_RESERVE;

	if (j->no_reserve || need <= j->reserved)
		return 0;
	if (fallocate(j->fd, FALLOC_FL_KEEP_SIZE, (off_t)j->end, (off_t)(need + AHEAD - j->end)) ==
	    0) {
		j->reserved = need + AHEAD;
		return 0;
	}
	if (errno == EOPNOTSUPP || errno == ENOSYS) {
		j->no_reserve = true;
		return 0;
	}
	return begins ? -errno : 0;
}

static bool build(struct journal *j, enum journal_type type, uint8_t flags, struct slice payload)
{
	size_t n = JOURNAL_OVERHEAD + payload.n;
	uint8_t *p;

	buf_clear(&j->build);
	p = buf_add(&j->build, n);
	if (!p)
		return false;
	if (j->p.fsync && j->end == j->durable && j->old_fd < 0)
		flags |= JOURNAL_F_FIRM;
	put_le32(p, JOURNAL_MAGIC);
	put_le32(p + 4, (uint32_t)payload.n);
	put_le64(p + 8, j->seq + 1);
	p[16] = (uint8_t)type;
	p[17] = flags;
	p[18] = 0;
	p[19] = 0;
	put_le64(p + 20, (uint64_t)j->p.wall(j->p.ctx));
	put_le64(p + 28, (uint64_t)j->p.boottime(j->p.ctx) * 1000);
	memcpy(p + 36, j->p.boot_id, 16);
	memcpy(p + 52, j->hash, 32);
	if (payload.n)
		memcpy(p + JOURNAL_HEADER, payload.p, payload.n);
	put_le32(p + JOURNAL_HEADER + payload.n, crc32c(0, p, JOURNAL_HEADER + payload.n));
	return true;
}

/* Writes j->build at the end, all or nothing. */
static int write_record(struct journal *j)
{
	size_t total = j->build.n;
	size_t done = 0;

	FAILPOINT("journal.append.before");
	while (done < total) {
		size_t part = total - done;
		ssize_t n;

		if (__builtin_expect(failpoint_armed, 0) && done == 0)
			part = total / 2; /* a record half written is one of the points */
		n = j->p.pwrite(j->fd, j->build.p + done, part, (off_t)(j->end + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			int rc = n < 0 ? -errno : -EIO;

			/* Should this fail, the next record is written over what is left. */
			if (ftruncate(j->fd, (off_t)j->end) < 0)
				return rc;
			j->reserved = j->end;
			return rc;
		}
		done += (size_t)n;
		FAILPOINT("journal.append.half");
	}
	FAILPOINT("journal.append.written");
	return 0;
}

static int append(struct journal *j, enum journal_type type, uint8_t flags, struct slice payload)
{
	bool begins =
		type == JOURNAL_PREPARE || type == JOURNAL_AUDIT || type == JOURNAL_CHECKPOINT;
	SHA256_CTX sha;
	int rc;

	if (payload.n > JOURNAL_MAX_PAYLOAD)
		return -EFBIG;
	rc = write_again(j);
	if (rc == 0)
		rc = reserve(j, JOURNAL_OVERHEAD + payload.n, begins);
	if (rc)
		return rc;
	if (!build(j, type, flags, payload) || !buf_add(&j->tail, j->build.n)) {
		buf_clear(&j->build);
		j->tail.failed = false;
		return -ENOMEM;
	}
	memcpy(j->tail.p + j->tail.n - j->build.n, j->build.p, j->build.n);
	rc = write_record(j);
	if (rc) {
		j->tail.n -= j->build.n;
		return rc;
	}
	SHA256_Init(&sha);
	SHA256_Update(&sha, j->build.p, j->build.n);
	SHA256_Final(j->hash, &sha);
	j->seq++;
	j->end += j->build.n;
	j->since += j->build.n;
	return 0;
}

uint64_t journal_append(struct journal *j, enum journal_type type, uint8_t flags,
			struct slice payload, void (*done)(void *ctx, int rc), void *ctx,
			struct err *err)
{
	int rc = append(j, type, flags, payload);

	if (rc)
		journal_err(err, j->dir, "cannot write into the journal", rc);
	if (done && journal_wait(j, rc, done, ctx))
		done(ctx, -ENOMEM);
	return rc ? 0 : j->seq;
}

int journal_rotate(struct journal *j, struct err *err)
{
	int old = j->fd;
	int rc;

	if (j->old_fd >= 0)
		return -EBUSY;
	/* What is not durable must be so before its bytes are forgotten. */
	rc = j->durable == j->end ? 0 : journal_flush(j, err);
	if (rc)
		return rc;
	rc = make_segment(j, err);
	if (rc) {
		j->fd = old;
		return rc;
	}
	FAILPOINT("journal.rotate.opened");
	if (j->busy)
		j->old_fd = old; /* the worker may hold it; it is closed after the next sync */
	else
		close(old);
	buf_clear(&j->tail);
	j->since = 0;
	FAILPOINT("journal.rotate.done");
	return 0;
}

uint64_t journal_seq(const struct journal *j)
{
	return j->seq;
}

void journal_head(const struct journal *j, uint8_t hash[32])
{
	memcpy(hash, j->hash, 32);
}

const char *journal_dir(const struct journal *j)
{
	return j->dir;
}

bool journal_fsyncs(const struct journal *j)
{
	return j->p.fsync;
}

static void closed(uv_handle_t *h)
{
	release(h->data);
}

void journal_close(struct journal *j)
{
	if (!j)
		return;
	journal_flush(j, NULL);
	if (!j->p.loop) {
		release(j);
		return;
	}
	while (j->busy || journal_checkpoint_busy(j))
		uv_run(j->p.loop, UV_RUN_ONCE);
	tell(&j->syncing, -ECANCELED);
	tell(&j->waiting, -ECANCELED);
	uv_close((uv_handle_t *)&j->kick, closed);
}
