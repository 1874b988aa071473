/* SPDX-License-Identifier: BSD-2-Clause */
#define OPENSSL_SUPPRESS_DEPRECATED /* SHA256_Init and its kin: SHA256() would load all of OpenSSL's algorithms */
#include "proto/kira/node/identity.h"

#include "base/rng.h"
#include "proto/kira/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC "kira-identity 1"
#define SUM_DIGITS 16
#define LAST_SSN (KIRA_SSN_RESET - 1)
#define MEND_DAMAGED                                                                               \
	"restore the file from a copy; or delete it to give this node a new NodeID and address"

struct identity {
	int dir;
	char path[PATH_MAX];
	struct identity_record loaded; /* as it was before the first stride was reserved */
	uint32_t reserved;	       /* what the file says */
	uint32_t used;		       /* last used, 0: none yet */
};

static void checksum(const struct identity_record *r, char sum[SUM_DIGITS + 1])
{
	uint8_t bytes[KIRA_ID_BYTES + 4];
	uint8_t digest[SHA256_DIGEST_LENGTH];
	SHA256_CTX sha;
	int i;

	memcpy(bytes, r->id.b, KIRA_ID_BYTES);
	for (i = 0; i < 4; i++)
		bytes[KIRA_ID_BYTES + i] = (uint8_t)(r->ssn >> (24 - 8 * i));
	SHA256_Init(&sha);
	SHA256_Update(&sha, bytes, sizeof(bytes));
	SHA256_Final(digest, &sha);
	for (i = 0; i < SUM_DIGITS / 2; i++)
		snprintf(sum + 2 * i, 3, "%02x", digest[i]);
}

size_t identity_format(const struct identity_record *r, char *to)
{
	char id[KIRA_ID_TEXT];
	char sum[SUM_DIGITS + 1];
	int n;

	kira_id_format(&r->id, id);
	checksum(r, sum);
	n = snprintf(
		to, IDENTITY_TEXT,
		MAGIC
		"\n"
		"# Written by dep-kira. Whoever loses this file gets another NodeID and address.\n"
		"node-id %s\n"
		"ssn %lu\n"
		"sum %s\n",
		id, (unsigned long)r->ssn, sum);
	return (size_t)n;
}

/* Takes one line, without its end, off the front. A last line without an end is taken too. */
static bool next_line(struct slice *text, struct slice *line)
{
	const uint8_t *end;

	if (text->n == 0)
		return false;
	end = memchr(text->p, '\n', text->n);
	slice_take(text, end ? (size_t)(end - text->p) : text->n, line);
	if (end)
		slice_take(text, 1, &(struct slice){0});
	return true;
}

/* The value of "key value"; false where the line has another key or no value. */
static bool value_of(struct slice line, const char *key, char *to, size_t cap)
{
	size_t n = strlen(key);

	if (line.n <= n + 1 || memcmp(line.p, key, n) != 0 || line.p[n] != ' ' ||
	    line.n - n - 1 >= cap || memchr(line.p, '\0', line.n))
		return false;
	memcpy(to, line.p + n + 1, line.n - n - 1);
	to[line.n - n - 1] = '\0';
	return true;
}

static bool parse_ssn(const char *text, uint32_t *ssn)
{
	char *end;
	unsigned long v;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	v = strtoul(text, &end, 10);
	if (errno || *end || v >= KIRA_SSN_RESET)
		return false;
	*ssn = (uint32_t)v;
	return true;
}

static int damaged(struct err *err, unsigned line, const char *what)
{
	err_set(err, -EINVAL, "the identity file is damaged: %s", what);
	err_where(err, "line %u", line);
	err_mend(err, MEND_DAMAGED);
	return -EINVAL;
}

int identity_parse(struct slice text, struct identity_record *out, struct err *err)
{
	struct slice line;
	char value[64];
	char sum[SUM_DIGITS + 1];
	unsigned have = 0;
	unsigned n = 0;

	memset(out, 0, sizeof(*out));
	while (next_line(&text, &line)) {
		n++;
		if (n == 1 && !slice_eq(line, SLICE_LIT(MAGIC)))
			return damaged(err, n, "it does not begin with \"" MAGIC "\"");
		if (n == 1 || line.n == 0 || line.p[0] == '#')
			continue;
		if (have == 0 && value_of(line, "node-id", value, sizeof(value))) {
			if (strlen(value) != KIRA_ID_TEXT - 1 ||
			    kira_id_parse(value, &out->id) != 0 || !kira_id_valid(&out->id))
				return damaged(err, n, "the NodeID is not one");
		} else if (have == 1 && value_of(line, "ssn", value, sizeof(value))) {
			if (!parse_ssn(value, &out->ssn))
				return damaged(err, n, "the state sequence number is not one");
		} else if (have == 2 && value_of(line, "sum", value, sizeof(value))) {
			checksum(out, sum);
			if (strcmp(sum, value) != 0)
				return damaged(err, n, "the checksum does not match");
		} else {
			return damaged(err, n, "this line does not belong here");
		}
		have++;
	}
	return have == 3 ? 0 : damaged(err, n, "it ends too early");
}

static int fail(const struct identity *id, struct err *err, const char *what)
{
	int code = -errno;

	err_set(err, code, "%s: %s", what, strerror(-code));
	err_where(err, "%s", id->path);
	if (code == -EACCES || code == -EPERM || code == -EROFS)
		err_mend(err, "the user dep-kira runs as must be able to write there; or name "
			      "another with "
			      "--state-dir");
	else if (code == -ENOSPC || code == -EDQUOT)
		err_mend(err, "make room on that file system");
	return code;
}

/* Replaces the file. */
static int save(struct identity *id, uint32_t ssn, struct err *err)
{
	struct identity_record r = {.id = id->loaded.id, .ssn = ssn};
	const char *part = IDENTITY_FILE ".new";
	char text[IDENTITY_TEXT];
	size_t n = identity_format(&r, text);
	int fd;
	int rc;

	fd = openat(id->dir, part, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail(id, err, "cannot write the identity");
	if (write(fd, text, n) != (ssize_t)n || fsync(fd) != 0) {
		rc = fail(id, err, "cannot write the identity");
		close(fd);
		unlinkat(id->dir, part, 0);
		return rc;
	}
	close(fd);
	if (renameat(id->dir, part, id->dir, IDENTITY_FILE) != 0 || fsync(id->dir) != 0)
		return fail(id, err, "cannot replace the identity");
	id->reserved = ssn;
	return 0;
}

/* The number a stride beyond ssn; the last usable one at most (RESET follows it, and then 1: spec
 * §2.8). */
static uint32_t stride_after(uint32_t ssn)
{
	return LAST_SSN - ssn < IDENTITY_STRIDE ? LAST_SSN : ssn + IDENTITY_STRIDE;
}

/* Reads the file. Returns 0, -ENOENT where there is none, or another negative errno and err. */
static int load(struct identity *id, struct err *err)
{
	uint8_t text[IDENTITY_TEXT + 1];
	ssize_t n;
	int fd;

	fd = openat(id->dir, IDENTITY_FILE, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return -ENOENT;
	if (fd < 0)
		return fail(id, err, "cannot read the identity");
	n = read(fd, text, sizeof(text));
	if (n < 0) {
		int rc = fail(id, err, "cannot read the identity");

		close(fd);
		return rc;
	}
	close(fd);
	if (n > IDENTITY_TEXT)
		n = damaged(err, 1, "it is too long");
	else
		n = identity_parse(slice_of(text, (size_t)n), &id->loaded, err);
	if (n < 0 && err) {
		char line[sizeof(err->where)];

		memcpy(line, err->where, sizeof(line));
		err_where(err, "%.100s, %.20s", id->path, line);
	}
	return (int)n;
}

static void new_node_id(struct kira_id *id)
{
	do {
		rng_os_bytes(id->b, sizeof(id->b));
	} while (!kira_id_valid(id));
}

/* mkdir -p with mode 0755 for parents and 0700 for the last. */
static int make_dirs(const char *path)
{
	char part[PATH_MAX];
	size_t n = strlen(path);
	size_t i;

	if (n == 0 || n >= sizeof(part)) {
		errno = n ? ENAMETOOLONG : ENOENT;
		return -1;
	}
	for (i = 1; i < n; i++) {
		if (path[i] != '/')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, 0755) != 0 && errno != EEXIST)
			return -1;
	}
	return mkdir(path, 0700) == 0 || errno == EEXIST ? 0 : -1;
}

static int lock_dir(struct identity *id, const char *dir, struct err *err)
{
	if (make_dirs(dir) != 0)
		return fail(id, err, "cannot make the state directory");
	id->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (id->dir < 0)
		return fail(id, err, "cannot open the state directory");
	if (flock(id->dir, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno != EWOULDBLOCK)
		return fail(id, err, "cannot lock the state directory");
	err_set(err, -EBUSY, "another dep-kira uses this state directory");
	err_where(err, "%s", dir);
	err_mend(err, "stop that one, or give this one its own with --state-dir");
	return -EBUSY;
}

struct identity *identity_open(const char *dir, struct err *err)
{
	struct identity *id = calloc(1, sizeof(*id));
	int rc;

	if (!id) {
		err_set(err, -ENOMEM, "out of memory");
		return NULL;
	}
	id->dir = -1;
	snprintf(id->path, sizeof(id->path), "%s/%s", dir, IDENTITY_FILE);
	if (lock_dir(id, dir, err) != 0)
		goto failed;
	rc = load(id, err);
	if (rc == -ENOENT)
		new_node_id(&id->loaded.id);
	else if (rc != 0)
		goto failed;
	if (save(id, stride_after(id->loaded.ssn), err) != 0)
		goto failed;
	return id;
failed:
	identity_drop(id);
	return NULL;
}

int identity_chown(struct identity *id, uint32_t uid, uint32_t gid, struct err *err)
{
	if (fchown(id->dir, uid, gid) == 0 &&
	    fchownat(id->dir, IDENTITY_FILE, uid, gid, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	return fail(id, err, "cannot give the identity to the user");
}

const struct kira_id *identity_id(const struct identity *id)
{
	return &id->loaded.id;
}

uint32_t identity_ssn(const struct identity *id)
{
	return id->loaded.ssn;
}

int identity_dir(const struct identity *id)
{
	return id->dir;
}

int identity_use(struct identity *id, uint32_t ssn, struct err *err)
{
	bool wrapped = ssn != KIRA_SSN_RESET && id->used > ssn;

	id->used = ssn;
	/* RESET needs no reservation: who starts again from the last number says RESET again. */
	if (ssn == KIRA_SSN_RESET)
		return 0;
	if (!wrapped && ssn <= id->reserved &&
	    (id->reserved - ssn > IDENTITY_STRIDE / 4 || id->reserved == LAST_SSN))
		return 0;
	return save(id, stride_after(ssn), err);
}

void identity_close(struct identity *id)
{
	if (id && id->used != KIRA_SSN_RESET)
		save(id, id->used ? id->used : id->loaded.ssn, NULL);
	identity_drop(id);
}

void identity_drop(struct identity *id)
{
	if (!id)
		return;
	if (id->dir >= 0)
		close(id->dir);
	free(id);
}
