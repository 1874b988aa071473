/* SPDX-License-Identifier: BSD-2-Clause */
/* The node's key and what it signs. */
#include "proto/netops/audit/audit_priv.h"
#include "proto/netops/audit/jcs.h"
#include "proto/netops/txn/failpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_FILE 4096

static void path_of(const char *dir, const char *name, char out[AUDIT_PATH])
{
	snprintf(out, AUDIT_PATH, "%s/%s", dir, name);
}

static int fail(struct err *err, const char *path, const char *what, int rc)
{
	err_set(err, rc, "%s: %s", what, strerror(-rc));
	err_where(err, "%s", path);
	return rc;
}

/* Bytes read, or a negative errno. */
static ssize_t read_small(const char *path, uint8_t *p, size_t cap)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, p, cap);
	if (n < 0)
		n = -errno;
	close(fd);
	return n;
}

/* Under another name first, so that it is whole or not there. */
static int write_small(const char *dir, const char *name, const void *p, size_t n, mode_t mode,
		       bool sync)
{
	char tmp[AUDIT_PATH];
	char path[AUDIT_PATH];
	int rc = 0;
	int fd;

	path_of(dir, name, path);
	snprintf(tmp, sizeof(tmp), "%s/%s.tmp", dir, name);
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return -errno;
	if (write(fd, p, n) != (ssize_t)n)
		rc = errno ? -errno : -EIO;
	if (rc == 0 && sync && fsync(fd) < 0)
		rc = -errno;
	if (close(fd) < 0 && rc == 0)
		rc = -errno;
	FAILPOINT("audit.head.written");
	if (rc == 0 && rename(tmp, path) < 0)
		rc = -errno;
	if (rc)
		unlink(tmp);
	return rc;
}

static int sync_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd < 0 || fsync(fd) < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return rc;
}

/* ---- key ---- */

static int make_key(const char *dir, uint8_t private[AUDIT_KEY])
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	size_t n = AUDIT_KEY;
	int rc = 0;

	if (!key || EVP_PKEY_get_raw_private_key(key, private, &n) != 1 || n != AUDIT_KEY)
		rc = -EIO;
	EVP_PKEY_free(key);
	if (rc == 0)
		rc = write_small(dir, "audit-key", private, AUDIT_KEY, 0600, true);
	FAILPOINT("audit.key.written");
	return rc ? rc : sync_dir(dir);
}

int audit_key_open(const char *dir, EVP_PKEY **key, uint8_t public[AUDIT_KEY], struct err *err)
{
	char path[AUDIT_PATH];
	uint8_t private[AUDIT_KEY + 1];
	uint8_t there[AUDIT_KEY + 1];
	size_t n = AUDIT_KEY;
	ssize_t got;
	int rc = 0;

	path_of(dir, "audit-key", path);
	got = read_small(path, private, sizeof(private));
	if (got == -ENOENT)
		rc = make_key(dir, private);
	else if (got != AUDIT_KEY)
		rc = got < 0 ? (int)got : -EBADMSG;
	if (rc)
		return fail(err, path, "cannot take the key of the audit log", rc);
	*key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, private, AUDIT_KEY);
	OPENSSL_cleanse(private, sizeof(private));
	if (!*key || EVP_PKEY_get_raw_public_key(*key, public, &n) != 1)
		return fail(err, path, "cannot take the key of the audit log", -EBADMSG);
	path_of(dir, "audit-key.pub", path);
	got = read_small(path, there, sizeof(there));
	if (got == AUDIT_KEY && memcmp(there, public, AUDIT_KEY) == 0)
		return 0;
	rc = got < 0 && got != -ENOENT
		     ? (int)got
		     : write_small(dir, "audit-key.pub", public, AUDIT_KEY, 0644, true);
	return rc ? fail(err, path, "cannot write the public key of the audit log", rc) : 0;
}

int audit_key_public(const char *dir, uint8_t public[AUDIT_KEY], struct err *err)
{
	char path[AUDIT_PATH];
	uint8_t there[AUDIT_KEY + 1];
	ssize_t got;

	path_of(dir, "audit-key.pub", path);
	got = read_small(path, there, sizeof(there));
	if (got != AUDIT_KEY)
		return fail(err, path, "cannot read the public key of the audit log",
			    got < 0 ? (int)got : -EBADMSG);
	memcpy(public, there, AUDIT_KEY);
	return 0;
}

/* ---- checkpoints ---- */

void audit_hex(const uint8_t *p, size_t n, char *out)
{
	static const char digit[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < n; i++) {
		out[2 * i] = digit[p[i] >> 4];
		out[2 * i + 1] = digit[p[i] & 15];
	}
	out[2 * n] = 0;
}

static bool unhex(yyjson_val *obj, const char *key, uint8_t *p, size_t n)
{
	const char *s = yyjson_get_str(yyjson_obj_get(obj, key));
	size_t i;

	if (!s || strlen(s) != 2 * n || strspn(s, "0123456789abcdef") != 2 * n)
		return false;
	for (i = 0; i < n; i++) {
		char two[3] = {s[2 * i], s[2 * i + 1], 0};

		p[i] = (uint8_t)strtoul(two, NULL, 16);
	}
	return true;
}

static int sign(EVP_PKEY *key, struct slice text, uint8_t sig[AUDIT_SIG])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t n = AUDIT_SIG;
	int rc = ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) == 1 &&
				 EVP_DigestSign(ctx, sig, &n, text.p, text.n) == 1 && n == AUDIT_SIG
			 ? 0
			 : -EIO;

	EVP_MD_CTX_free(ctx);
	return rc;
}

static bool signed_by(const uint8_t public[AUDIT_KEY], struct slice text,
		      const uint8_t sig[AUDIT_SIG])
{
	EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public, AUDIT_KEY);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = key && ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1 &&
		  EVP_DigestVerify(ctx, sig, AUDIT_SIG, text.p, text.n) == 1;

	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return ok;
}

int audit_checkpoint_write(const struct audit *a, const uint8_t journal[32], struct buf *out)
{
	uint8_t sig[AUDIT_SIG];
	char hash[65];
	char before[65];
	char key[65];
	char sigx[2 * AUDIT_SIG + 1];
	char ts[32];
	int rc;

	/* Written canonically, members sorted: hash, journal, key, seq, sig, ts. */
	audit_hex(a->head, 32, hash);
	audit_hex(journal, 32, before);
	audit_hex(a->public, AUDIT_KEY, key);
	txn_time(a->p.wall(a->p.ctx), ts);
	buf_clear(out);
	buf_printf(out,
		   "{\"hash\":\"%s\",\"journal\":\"%s\",\"key\":\"%s\",\"seq\":%llu,\"ts\":\"%s\"}",
		   hash, before, key, (unsigned long long)a->seq, ts);
	if (out->failed)
		return -ENOMEM;
	rc = sign(a->key, buf_slice(out), sig);
	if (rc)
		return rc;
	audit_hex(sig, AUDIT_SIG, sigx);
	buf_clear(out);
	buf_printf(out,
		   "{\"hash\":\"%s\",\"journal\":\"%s\",\"key\":\"%s\",\"seq\":%llu,\"sig\":\"%s\","
		   "\"ts\":\"%s\"}",
		   hash, before, key, (unsigned long long)a->seq, sigx, ts);
	return out->failed ? -ENOMEM : 0;
}

static bool read_members(yyjson_val *obj, struct audit_checkpoint *out, uint8_t sig[AUDIT_SIG])
{
	yyjson_val *seq = yyjson_obj_get(obj, "seq");

	if (!yyjson_is_uint(seq) || !unhex(obj, "hash", out->hash, 32) ||
	    !unhex(obj, "journal", out->journal, 32) || !unhex(obj, "key", out->key, AUDIT_KEY) ||
	    !unhex(obj, "sig", sig, AUDIT_SIG))
		return false;
	out->seq = yyjson_get_uint(seq);
	return true;
}

/* The text that was signed: canonical, without sig. And the whole must be canonical: no byte is
 * left unchecked. */
static bool same_text(yyjson_doc *doc, struct slice json, struct buf *text)
{
	yyjson_mut_doc *without = yyjson_doc_mut_copy(doc, NULL);
	bool ok;

	ok = jcs_write(yyjson_doc_get_root(doc), text) == 0 && slice_eq(buf_slice(text), json);
	buf_clear(text);
	yyjson_mut_obj_remove_key(yyjson_mut_doc_get_root(without), "sig");
	ok = ok && without && jcs_write_mut(yyjson_mut_doc_get_root(without), text) == 0;
	yyjson_mut_doc_free(without);
	return ok;
}

int audit_checkpoint_parse(struct slice json, const uint8_t public[AUDIT_KEY],
			   struct audit_checkpoint *out)
{
	yyjson_doc *doc = json_parse((const char *)json.p, json.n, MAX_FILE, NULL, NULL);
	uint8_t sig[AUDIT_SIG];
	struct alloc alloc;
	struct buf text;
	bool ok;

	alloc_init(&alloc, 0);
	buf_init(&text, &alloc);
	ok = doc && read_members(yyjson_doc_get_root(doc), out, sig) &&
	     memcmp(out->key, public, AUDIT_KEY) == 0 && same_text(doc, json, &text) &&
	     signed_by(public, buf_slice(&text), sig);
	buf_free(&text);
	yyjson_doc_free(doc);
	return ok ? 0 : -EBADMSG;
}

int audit_head_read(const char *dir, const uint8_t public[AUDIT_KEY], struct audit_checkpoint *out)
{
	char path[AUDIT_PATH];
	uint8_t text[MAX_FILE];
	ssize_t n;

	path_of(dir, "audit-head", path);
	n = read_small(path, text, sizeof(text));
	if (n < 0)
		return (int)n;
	return audit_checkpoint_parse(slice_of(text, (size_t)n), public, out);
}

int audit_head_write(const char *dir, struct slice json)
{
	int rc = write_small(dir, "audit-head", json.p, json.n, 0600, false);

	FAILPOINT("audit.head.renamed");
	return rc;
}
