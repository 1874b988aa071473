/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading of journals: one record, a directory of segments. */
#include "proto/netops/txn/crc32c.h"
#include "proto/netops/txn/journal_priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHUNK (1u << 20)

size_t journal_parse(struct slice s, bool hash, struct journal_record *out)
{
	const uint8_t *p = s.p;
	SHA256_CTX sha;
	size_t len;

	if (s.n < JOURNAL_OVERHEAD || le32(p) != JOURNAL_MAGIC)
		return 0;
	len = le32(p + 4);
	if (len > JOURNAL_MAX_PAYLOAD || s.n - JOURNAL_OVERHEAD < len || p[18] || p[19] ||
	    p[16] < JOURNAL_PREPARE || p[16] > JOURNAL_CHECKPOINT)
		return 0;
	if (crc32c(0, p, JOURNAL_HEADER + len) != le32(p + JOURNAL_HEADER + len))
		return 0;
	out->seq = le64(p + 8);
	out->type = (enum journal_type)p[16];
	out->flags = p[17];
	out->wall_ns = le64(p + 20);
	out->boottime_ns = le64(p + 28);
	memcpy(out->boot_id, p + 36, 16);
	memcpy(out->prev, p + 52, 32);
	out->payload = slice_of(p + JOURNAL_HEADER, len);
	if (hash) {
		SHA256_Init(&sha);
		SHA256_Update(&sha, p, len + JOURNAL_OVERHEAD);
		SHA256_Final(out->hash, &sha);
	}
	return len + JOURNAL_OVERHEAD;
}

int journal_err(struct err *err, const char *dir, const char *what, int rc)
{
	err_set(err, rc, "%s: %s", what, strerror(-rc));
	err_where(err, "%s", dir);
	return rc;
}

void journal_segment_path(const char *dir, uint64_t first, char out[JOURNAL_PATH])
{
	snprintf(out, JOURNAL_PATH, "%s/journal-%016llx", dir, (unsigned long long)first);
}

static bool parse_name(const char *name, uint64_t *first)
{
	char again[32];
	char *end;

	if (strncmp(name, "journal-", 8) != 0)
		return false;
	*first = strtoull(name + 8, &end, 16);
	snprintf(again, sizeof(again), "journal-%016llx", (unsigned long long)*first);
	return *end == 0 && *first > 0 && strcmp(again, name) == 0;
}

static int by_number(const void *a, const void *b)
{
	const uint64_t *x = a;
	const uint64_t *y = b;

	return *x < *y ? -1 : *x > *y;
}

int journal_segments(const char *dir, uint64_t **out)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	uint64_t *all = NULL;
	uint64_t *more;
	uint64_t first;
	size_t cap = 0;
	size_t n = 0;

	*out = NULL;
	if (!d)
		return -errno;
	while ((e = readdir(d))) {
		if (!parse_name(e->d_name, &first))
			continue;
		if (n == cap) {
			cap = cap ? cap * 2 : 16;
			more = realloc(all, cap * sizeof(*all));
			if (!more || n > INT32_MAX / 2) {
				free(more ? more : all);
				closedir(d);
				return -ENOMEM;
			}
			all = more;
		}
		all[n++] = first;
	}
	closedir(d);
	if (n)
		qsort(all, n, sizeof(*all), by_number);
	*out = all;
	return (int)n;
}

struct journal_reader {
	char *dir;
	uint64_t *segment;
	size_t n_segment;
	size_t at; /* segment being read; n_segment: none left */
	int fd;
	uint8_t *buf;
	size_t cap, begin, end;
	bool eof;
	uint64_t next; /* number that the next record must have; 0: any */
	uint64_t from;
	bool chained; /* prev is known */
	uint8_t prev[32];
};

static int open_segment(struct journal_reader *r, struct err *err)
{
	char path[JOURNAL_PATH];

	journal_segment_path(r->dir, r->segment[r->at], path);
	r->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (r->fd < 0)
		return journal_err(err, path, "cannot read the journal", -errno);
	r->begin = 0;
	r->end = 0;
	r->eof = false;
	return 0;
}

struct journal_reader *journal_read(const char *dir, uint64_t from, struct err *err)
{
	struct journal_reader *r = calloc(1, sizeof(*r));
	int n;

	if (!r || !(r->dir = strdup(dir)) || !(r->buf = malloc(CHUNK))) {
		err_set(err, -ENOMEM, "no memory to read the journal");
		goto failed;
	}
	r->fd = -1;
	r->cap = CHUNK;
	r->from = from;
	n = journal_segments(dir, &r->segment);
	if (n < 0) {
		journal_err(err, dir, "cannot read the journal", n);
		goto failed;
	}
	r->n_segment = (size_t)n;
	while (r->at + 1 < r->n_segment && r->segment[r->at + 1] <= from)
		r->at++;
	if (r->n_segment == 0)
		return r;
	r->next = r->segment[r->at];
	r->chained = r->next == 1; /* then prev is zeros; else the first record is the anchor */
	if (open_segment(r, err) == 0)
		return r;
failed:
	journal_read_end(r);
	return NULL;
}

void journal_read_end(struct journal_reader *r)
{
	if (!r)
		return;
	if (r->fd >= 0)
		close(r->fd);
	free(r->dir);
	free(r->segment);
	free(r->buf);
	free(r);
}

uint64_t journal_reader_next(const struct journal_reader *r)
{
	return r->next;
}

/* Reads more into the buffer, so that at least `want` bytes are there if the file has them. 0 or a
 * negative errno. */
static int fill(struct journal_reader *r, size_t want)
{
	ssize_t n;

	if (r->begin && (want > r->cap - r->begin)) {
		memmove(r->buf, r->buf + r->begin, r->end - r->begin);
		r->end -= r->begin;
		r->begin = 0;
	}
	if (want > r->cap) {
		uint8_t *more = realloc(r->buf, want);

		if (!more)
			return -ENOMEM;
		r->buf = more;
		r->cap = want;
	}
	while (!r->eof && r->end - r->begin < want) {
		n = read(r->fd, r->buf + r->end, r->cap - r->end);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		r->eof = n == 0;
		r->end += (size_t)n;
	}
	return 0;
}

static int bad(struct journal_reader *r, struct err *err, const char *what)
{
	err_set(err, -EBADMSG, "record %llu of the journal %s", (unsigned long long)r->next, what);
	if (r->at < r->n_segment)
		err_where(err, "%s/journal-%016llx", r->dir, (unsigned long long)r->segment[r->at]);
	return -EBADMSG;
}

static int next_segment(struct journal_reader *r, struct err *err)
{
	close(r->fd);
	r->fd = -1;
	r->at++;
	if (r->at == r->n_segment)
		return 0;
	if (r->segment[r->at] != r->next)
		return bad(r, err, "is missing");
	return open_segment(r, err) ? err->code : 1;
}

int journal_next(struct journal_reader *r, struct journal_record *out, struct err *err)
{
	struct err local;
	size_t have;
	size_t want;
	size_t n;
	int rc;

	if (!err)
		err = &local;
	for (;;) {
		if (r->at >= r->n_segment)
			return 0;
		rc = fill(r, JOURNAL_OVERHEAD);
		have = r->end - r->begin;
		if (rc == 0 && have >= JOURNAL_OVERHEAD) {
			want = le32(r->buf + r->begin + 4);
			rc = want <= JOURNAL_MAX_PAYLOAD ? fill(r, want + JOURNAL_OVERHEAD) : 0;
			have = r->end - r->begin;
		}
		if (rc)
			return journal_err(err, r->dir, "cannot read the journal", rc);
		if (have == 0) {
			rc = next_segment(r, err);
			if (rc <= 0)
				return rc;
			continue;
		}
		n = journal_parse(slice_of(r->buf + r->begin, have), true, out);
		if (n == 0)
			return bad(r, err, "is not whole");
		if (out->seq != r->next)
			return bad(r, err, "has another number");
		if (r->chained && memcmp(out->prev, r->prev, 32) != 0)
			return bad(r, err, "does not follow the one before it");
		r->chained = true;
		memcpy(r->prev, out->hash, 32);
		r->next++;
		r->begin += n;
		if (out->seq >= r->from)
			return 1;
	}
}
