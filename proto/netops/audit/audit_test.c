/* SPDX-License-Identifier: BSD-2-Clause */
/* The audit log: canonical JSON, the chain, and every kind of tampering found. */
#include "proto/netops/audit/audit.h"
#include "proto/netops/audit/jcs.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <openssl/sha.h>
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
static struct journal *journal;
static struct audit *audit;
static struct principal alice = {
	.user = "alice", .client = "cli", .transport = "unix", .addr = "10.0.0.1"};

static bool is_secret(void *ctx, const char *path)
{
	return strstr(path, "hidden") != NULL;
}

static void open_all(void)
{
	struct journal_params jp = {.loop = &loop, .dir = dir, .fsync = false};
	struct audit_params ap = {.dir = dir, .secret = is_secret};
	struct err err = {0};

	journal = journal_open(&jp, &err);
	assert_non_null(journal);
	ap.journal = journal;
	audit = audit_new(&ap, &err);
	if (!audit)
		err_print(&err, "audit_test", stderr);
}

static void close_all(void)
{
	audit_free(audit);
	audit = NULL;
	journal_close(journal);
	uv_run(&loop, UV_RUN_DEFAULT);
}

static int setup(void **state)
{
	snprintf(dir, sizeof(dir), "/tmp/dep-audit.XXXXXX");
	return mkdtemp(dir) && uv_loop_init(&loop) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	uv_run(&loop, UV_RUN_DEFAULT);
	while (d && (e = readdir(d)))
		unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
	rmdir(dir);
	return uv_loop_close(&loop);
}

static uint64_t add(const char *args)
{
	yyjson_doc *doc = args ? yyjson_read(args, strlen(args), 0) : NULL;
	struct audit_entry e = {.by = &alice,
				.era = "2026-07-28",
				.method = "tools/call",
				.tool = "network.commit",
				.args = yyjson_doc_get_root(doc),
				.pre_hash = "sha256:1",
				.post_hash = "sha256:2",
				.took = 17};
	uint64_t seq = audit_add(audit, &e);

	yyjson_doc_free(doc);
	return seq;
}

static char *slurp(const char *name, size_t *n)
{
	char path[128];
	FILE *f;
	char *p = malloc(1 << 20);

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "rb");
	assert_non_null(f);
	*n = fread(p, 1, 1 << 20, f);
	fclose(f);
	return p;
}

static void spit(const char *name, const char *p, size_t n)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	fclose(f);
}

#define SEGMENT "journal-0000000000000001"

static int verify(uint64_t *n, uint64_t *bad)
{
	struct err err = {0};

	return audit_verify_dir(dir, dir, n, bad, &err);
}

/* ---- canonical JSON ---- */

static const char *canonical(const char *json)
{
	static uint8_t text[4096];
	yyjson_doc *doc = yyjson_read(json, strlen(json), 0);
	struct buf b;

	assert_non_null(doc);
	buf_fixed(&b, text, sizeof(text) - 1);
	assert_int_equal(jcs_write(yyjson_doc_get_root(doc), &b), 0);
	yyjson_doc_free(doc);
	text[b.n] = 0;
	return (const char *)text;
}

static void jcs(void **state)
{
	/* RFC 8785 §3.2.2 */
	assert_string_equal(
		canonical("{\"numbers\":[333333333.33333329,1E30,4.50,2e-3,0."
			  "000000000000000000000000001],"
			  "\"string\":\"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\","
			  "\"literals\":[null,true,false]}"),
		"{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-"
		"27],"
		"\"string\":\"\xe2\x82\xac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}");
	/* §3.2.3: by UTF-16 code units */
	assert_string_equal(
		canonical("{\"\\u20ac\":\"Euro Sign\",\"\\r\":\"Carriage "
			  "Return\",\"\\ufb33\":\"Dalet\","
			  "\"1\":\"One\",\"\\ud83d\\ude00\":\"Smiley\",\"\\u0080\":\"Control\","
			  "\"\\u00f6\":\"o\"}"),
		"{\"\\r\":\"Carriage "
		"Return\",\"1\":\"One\",\"\xc2\x80\":\"Control\",\"\xc3\xb6\":\"o\","
		"\"\xe2\x82\xac\":\"Euro "
		"Sign\",\"\xf0\x9f\x98\x80\":\"Smiley\",\"\xef\xac\xb3\":\"Dalet\"}");
	/* spec §2.8 */
	assert_string_equal(
		canonical("{\"name\":\"Example Agent\",\"description\":\"\",\"capabilities\":"
			  "{\"streaming\":false,\"pushNotifications\":false},\"skills\":[]}"),
		"{\"capabilities\":{\"pushNotifications\":false,\"streaming\":false},"
		"\"description\":\"\","
		"\"name\":\"Example Agent\",\"skills\":[]}");
	assert_string_equal(
		canonical("[ 0.0, -0.0, 100, 1e21, 1e20, 1e-7, 0.000001, -1.5e300, 5e-324 ]"),
		"[0,0,100,1e+21,100000000000000000000,1e-7,0.000001,-1.5e+300,5e-324]");
}

/* RFC 8785 appendix B */
static void jcs_numbers(void **state)
{
	static const struct {
		uint64_t bits;
		const char *text;
	} t[] = {
		{0x0000000000000000, "0"},
		{0x8000000000000000, "0"},
		{0x0000000000000001, "5e-324"},
		{0x8000000000000001, "-5e-324"},
		{0x7fefffffffffffff, "1.7976931348623157e+308"},
		{0x4340000000000000, "9007199254740992"},
		{0xc340000000000000, "-9007199254740992"},
		{0x4430000000000000, "295147905179352830000"},
		{0x44b52d02c7e14af5, "9.999999999999997e+22"},
		{0x44b52d02c7e14af6, "1e+23"},
		{0x44b52d02c7e14af7, "1.0000000000000001e+23"},
		{0x444b1ae4d6e2ef4e, "999999999999999700000"},
		{0x444b1ae4d6e2ef4f, "999999999999999900000"},
		{0x444b1ae4d6e2ef50, "1e+21"},
		{0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
		{0x3eb0c6f7a0b5ed8d, "0.000001"},
		{0x41b3de4355555553, "333333333.3333332"},
		{0x41b3de4355555554, "333333333.33333325"},
		{0x41b3de4355555555, "333333333.3333333"},
		{0x41b3de4355555556, "333333333.3333334"},
		{0x41b3de4355555557, "333333333.33333343"},
		{0xbecbf647612f3696, "-0.0000033333333333333333"},
		{0x43143ff3c1cb0959, "1424953923781206.2"},
	};
	uint8_t text[64];
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(*t); i++) {
		yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
		struct buf b;
		double d;

		memcpy(&d, &t[i].bits, 8);
		buf_fixed(&b, text, sizeof(text) - 1);
		assert_int_equal(jcs_write_mut(yyjson_mut_real(doc, d), &b), 0);
		text[b.n] = 0;
		assert_string_equal((char *)text, t[i].text);
		yyjson_mut_doc_free(doc);
	}
}

static void jcs_refuses(void **state)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	uint8_t text[64];
	struct buf b;

	buf_fixed(&b, text, sizeof(text));
	assert_int_equal(jcs_write_mut(yyjson_mut_uint(doc, (1ull << 53) + 1), &b), -EINVAL);
	assert_int_equal(jcs_write_mut(yyjson_mut_sint(doc, -(1ll << 53) - 1), &b), -EINVAL);
	assert_int_equal(jcs_write_mut(yyjson_mut_real(doc, INFINITY), &b), -EINVAL);
	yyjson_mut_doc_free(doc);
}

static yyjson_doc *parse(const char *json)
{
	return yyjson_read(json, strlen(json), 0);
}

static void digest(void **state)
{
	yyjson_doc *a = parse("{\"b\":1,\"a\":[2.0],\"idempotencyKey\":\"x\"}");
	yyjson_doc *b = parse(" {\"a\":[2],\"b\":1.0,\"idempotencyKey\":\"y\"}");
	yyjson_doc *c = parse("{\"a\":[2],\"b\":2}");
	uint8_t h[3][32];

	assert_non_null(a);
	assert_non_null(b);
	assert_int_equal(jcs_digest(yyjson_doc_get_root(a), "idempotencyKey", h[0]), 0);
	assert_int_equal(jcs_digest(yyjson_doc_get_root(b), "idempotencyKey", h[1]), 0);
	assert_int_equal(jcs_digest(yyjson_doc_get_root(c), "idempotencyKey", h[2]), 0);
	assert_memory_equal(h[0], h[1], 32);
	assert_memory_not_equal(h[0], h[2], 32);
	yyjson_doc_free(a);
	yyjson_doc_free(b);
	yyjson_doc_free(c);
}

/* ---- the log ---- */

static void chain(void **state)
{
	struct stat st;
	char path[128];
	uint64_t n, bad;
	unsigned i;

	open_all();
	for (i = 1; i <= 25; i++)
		assert_int_equal(add("{\"confirmed\":10}"), i);
	assert_int_equal(audit_verify(audit, &n, &bad, NULL), 0);
	assert_int_equal(n, 25);
	close_all();
	snprintf(path, sizeof(path), "%s/audit-key", dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_size, 32);
	open_all();
	assert_int_equal(audit_seq(audit), 25);
	assert_int_equal(add(NULL), 26);
	assert_int_equal(audit_verify(audit, &n, &bad, NULL), 0);
	assert_int_equal(n, 26);
	close_all();
	assert_int_equal(verify(&n, &bad), 0);
	assert_int_equal(n, 26);
}

static void last(void **state)
{
	struct alloc alloc;
	struct buf b;
	unsigned i;
	char *line;

	alloc_init(&alloc, 0);
	buf_init(&b, &alloc);
	open_all();
	assert_int_equal(audit_last(audit, 10, &b), 0);
	assert_int_equal(b.n, 0);
	for (i = 0; i < 30; i++)
		add(NULL);
	assert_int_equal(audit_last(audit, 3, &b), 0);
	buf_u8(&b, 0);
	line = (char *)b.p;
	for (i = 28; i <= 30; i++) {
		yyjson_doc *doc = yyjson_read(line, strcspn(line, "\n"), 0);
		yyjson_val *r = yyjson_doc_get_root(doc);

		assert_non_null(doc);
		assert_int_equal(yyjson_get_uint(yyjson_obj_get(r, "seq")), i);
		assert_string_equal(
			yyjson_get_str(yyjson_obj_get(yyjson_obj_get(r, "principal"), "sub")),
			"alice");
		assert_string_equal(yyjson_get_str(yyjson_obj_get(r, "outcome")), "ok");
		assert_int_equal(yyjson_get_uint(yyjson_obj_get(r, "durUs")), 17);
		yyjson_doc_free(doc);
		line = strchr(line, '\n') + 1;
	}
	assert_int_equal(*line, 0);
	buf_free(&b);
	close_all();
}

/* An independent reckoning: the hash is SHA-256(prev || JCS(record without hash)). */
static void hash_is_as_specified(void **state)
{
	struct alloc alloc;
	struct buf b;
	struct buf text;
	char *line;
	uint8_t prev[32] = {0};

	alloc_init(&alloc, 0);
	buf_init(&b, &alloc);
	buf_init(&text, &alloc);
	open_all();
	add("{\"x\":[1,2.5,\"\\u00e9\\n\"],\"\\ud83d\\ude00\":1,\"\\ufb33\":18446744073709551615}");
	add("{\"b\":null}");
	audit_last(audit, 10, &b);
	close_all();
	buf_u8(&b, 0);
	for (line = (char *)b.p; *line; line = strchr(line, '\n') + 1) {
		yyjson_doc *doc = yyjson_read(line, strcspn(line, "\n"), 0);
		yyjson_mut_doc *m = yyjson_doc_mut_copy(doc, NULL);
		yyjson_mut_val *r = yyjson_mut_doc_get_root(m);
		char want[65];
		const char *is = yyjson_get_str(yyjson_obj_get(yyjson_doc_get_root(doc), "hash"));
		uint8_t h[32];
		unsigned i;

		yyjson_mut_obj_remove_key(r, "hash");
		buf_clear(&text);
		buf_bytes(&text, prev, 32);
		assert_int_equal(jcs_write_mut(r, &text), 0);
		SHA256(text.p, text.n, h);
		for (i = 0; i < 32; i++)
			snprintf(want + 2 * i, 3, "%02x", h[i]);
		assert_string_equal(is, want);
		memcpy(prev, h, 32);
		yyjson_mut_doc_free(m);
		yyjson_doc_free(doc);
	}
	buf_free(&text);
	buf_free(&b);
}

static bool in_log(const char *word)
{
	size_t n;
	char *p = slurp(SEGMENT, &n);
	bool found = memmem(p, n, word, strlen(word));

	free(p);
	return found;
}

static void redaction(void **state)
{
	struct changes c = {0};
	struct audit_entry e = {.by = &alice, .tool = "network.yang.edit", .diff = &c};
	const char *args =
		"{\"token\":\"SECRET1\",\"idempotencyKey\":\"plain1\",\"confirmToken\":\"SECRET2\","
		"\"edit\":["
		"{\"path\":\"ietf-system:system/authentication/user=bob/"
		"password\",\"value\":\"SECRET3\"},"
		"{\"path\":\"/x:y/hidden-by-schema\",\"value\":\"SECRET4\"},"
		"{\"path\":\"/x:y[k='a/password']/name\",\"value\":\"plain2\"},"
		"{\"path\":\"/"
		"x:y\",\"value\":{\"x:y\":[{\"name\":\"plain3\",\"sharedSecret\":\"SECRET5\","
		"\"wpa_psk\":\"SECRET6\",\"x:private-key\":{\"a\":\"SECRET7\"},\"public-key\":"
		"\"plain4\"}]}}]}";
	const char *meta = "{\"traceparent\":\"00-abc\",\"io.github.depanneur/"
			   "prompt\":\"plain5\",\"other\":\"SECRET9\"}";
	yyjson_doc *a = yyjson_read(args, strlen(args), 0);
	yyjson_doc *m = yyjson_read(meta, strlen(meta), 0);
	char word[16];
	unsigned i;

	assert_non_null(a);
	open_all();
	e.args = yyjson_doc_get_root(a);
	e.meta = yyjson_doc_get_root(m);
	changes_add(&c, CHANGE_REPLACE, "/s:system/user[name='bob']/password", "SECRET8", "SECRETA",
		    NULL, NULL);
	changes_add(&c, CHANGE_REPLACE, "/s:hidden", "SECRETB", "SECRETC", NULL, NULL);
	changes_add(&c, CHANGE_REPLACE, "/s:hostname", "plain6", "plain7", NULL, NULL);
	assert_int_equal(audit_add(audit, &e), 1);
	close_all();
	assert_false(in_log("SECRET"));
	for (i = 1; i <= 7; i++) {
		snprintf(word, sizeof(word), "plain%u", i);
		assert_true(in_log(word));
	}
	assert_true(in_log("\"untrusted\":[\"prompt\"]"));
	assert_true(in_log("\"traceparent\":\"00-abc\""));
	changes_free(&c);
	yyjson_doc_free(a);
	yyjson_doc_free(m);
}

static void long_and_deep_arguments(void **state)
{
	char *args = malloc(400000);
	uint64_t n, bad;
	size_t size;
	unsigned i;

	open_all();
	memset(args, 'x', 300000);
	memcpy(args, "{\"content\":\"", 12);
	memcpy(args + 299990, "\"}", 3);
	assert_int_equal(add(args), 1);
	for (i = 0; i < 200; i++)
		memcpy(args + 5 * i, "{\"a\":", 5);
	args[1000] = '1';
	memset(args + 1001, '}', 200);
	args[1201] = 0;
	assert_int_equal(add(args), 2);
	assert_int_equal(audit_verify(audit, &n, &bad, NULL), 0);
	close_all();
	free(args);
	free(slurp(SEGMENT, &size));
	assert_true(size < 5000);
}

/* ---- tampering ---- */

static void make_log(unsigned n)
{
	unsigned i;

	open_all();
	for (i = 0; i < n; i++) {
		add("{\"i\":1}");
		if (i == n / 2)
			assert_int_equal(audit_sign(audit), 0);
	}
	close_all();
}

static void any_byte(void **state)
{
	uint64_t n, bad;
	size_t size, i;
	char *p;

	make_log(6);
	p = slurp(SEGMENT, &size);
	assert_int_equal(verify(&n, &bad), 0);
	assert_int_equal(n, 6);
	for (i = 0; i < size; i++) {
		p[i] ^= 1 << (i % 8);
		spit(SEGMENT, p, size);
		p[i] ^= 1 << (i % 8);
		assert_int_equal(verify(&n, &bad), -EBADMSG);
		assert_in_range(bad, 1, 7);
	}
	free(p);
}

/* Offsets of the records of the segment. */
static unsigned offsets(const char *p, size_t size, size_t at[64])
{
	struct journal_record r;
	unsigned n = 0;
	size_t used;

	at[0] = 0;
	while ((used = journal_parse(slice_of(p + at[n], size - at[n]), false, &r))) {
		at[n + 1] = at[n] + used;
		n++;
	}
	return n;
}

/* Each record taken out, doubled, or changed for its neighbour; bytes otherwise whole. */
static void records_removed_and_moved(void **state)
{
	uint64_t n, bad;
	size_t at[64];
	char *p, *q;
	size_t size;
	unsigned k, i;

	make_log(6);
	p = slurp(SEGMENT, &size);
	q = malloc(2 * size);
	k = offsets(p, size, at);
	assert_true(k >= 7);
	for (i = 0; i < k; i++) {
		size_t len = at[i + 1] - at[i];

		memcpy(q, p, at[i]);
		memcpy(q + at[i], p + at[i + 1], size - at[i + 1]);
		spit(SEGMENT, q, size - len);
		assert_int_equal(verify(&n, &bad), -EBADMSG);
		memcpy(q, p, at[i + 1]);
		memcpy(q + at[i + 1], p + at[i], size - at[i]);
		spit(SEGMENT, q, size + len);
		assert_int_equal(verify(&n, &bad), -EBADMSG);
		if (i + 1 == k)
			continue;
		memcpy(q, p, size);
		memcpy(q + at[i], p + at[i + 1], at[i + 2] - at[i + 1]);
		memcpy(q + at[i] + at[i + 2] - at[i + 1], p + at[i], len);
		spit(SEGMENT, q, size);
		assert_int_equal(verify(&n, &bad), -EBADMSG);
	}
	free(q);
	free(p);
}

/* Cut off at each record: what was signed is missed. */
static void cut_off(void **state)
{
	uint64_t n, bad;
	size_t at[64];
	size_t size;
	unsigned k, i;
	char *p;

	make_log(6);
	p = slurp(SEGMENT, &size);
	k = offsets(p, size, at);
	/* The last two are a record and the checkpoint that covers it. */
	for (i = 0; i + 1 < k; i++) {
		spit(SEGMENT, p, at[i]);
		assert_int_equal(verify(&n, &bad), -EBADMSG);
		/* Nor does it heal by a start. */
		open_all();
		assert_null(audit);
		close_all();
	}
	free(p);
}

/* Whoever writes the whole log anew, with right hashes, cannot sign it. */
static void written_anew(void **state)
{
	char path[128], aside[128];
	uint64_t n, bad;
	size_t size, head_size, pub_size;
	char *head, *pub;

	make_log(6);
	head = slurp("audit-head", &head_size);
	pub = slurp("audit-key.pub", &pub_size);
	snprintf(path, sizeof(path), "%s/" SEGMENT, dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/audit-head", dir);
	unlink(path);
	/* With another key. */
	snprintf(path, sizeof(path), "%s/audit-key", dir);
	snprintf(aside, sizeof(aside), "%s/aside", dir);
	rename(path, aside);
	make_log(6);
	assert_int_equal(verify(&n, &bad), 0);
	spit("audit-key.pub", pub, pub_size);
	assert_int_equal(verify(&n, &bad), -EBADMSG);
	spit("audit-head", head, head_size);
	assert_int_equal(verify(&n, &bad), -EBADMSG);
	free(slurp("audit-key", &size));
	free(head);
	free(pub);
}

static void head_damaged(void **state)
{
	uint64_t n, bad;
	size_t size, i;
	char *p;

	make_log(3);
	p = slurp("audit-head", &size);
	for (i = 0; i < size; i++) {
		p[i] ^= 1;
		spit("audit-head", p, size);
		p[i] ^= 1;
		assert_int_equal(verify(&n, &bad), -EBADMSG);
	}
	free(p);
}

/* Each 1000 records and 60 s. */
static void signed_in_time(void **state)
{
	struct stat st;
	char path[128];
	unsigned i;

	snprintf(path, sizeof(path), "%s/audit-head", dir);
	open_all();
	assert_int_equal(audit_tick(audit, SEC(10)), USEC_NEVER);
	add(NULL);
	assert_int_equal(audit_tick(audit, SEC(10)), SEC(70));
	assert_int_equal(audit_tick(audit, SEC(70) - 1), SEC(70));
	assert_int_equal(stat(path, &st), -1);
	assert_int_equal(audit_tick(audit, SEC(70)), USEC_NEVER);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(stat(path, &st), 0);
	unlink(path);
	for (i = 0; i < AUDIT_SIGN_RECORDS - 1; i++)
		add(NULL);
	assert_int_equal(audit_tick(audit, SEC(71)), SEC(131));
	add(NULL);
	assert_int_equal(audit_tick(audit, SEC(71)), USEC_NEVER);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(stat(path, &st), 0);
	close_all();
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(jcs),
		cmocka_unit_test(jcs_numbers),
		cmocka_unit_test(jcs_refuses),
		cmocka_unit_test(digest),
		T(chain),
		T(last),
		T(hash_is_as_specified),
		T(redaction),
		T(long_and_deep_arguments),
		T(any_byte),
		T(records_removed_and_moved),
		T(cut_off),
		T(written_anew),
		T(head_damaged),
		T(signed_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
