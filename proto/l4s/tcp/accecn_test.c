/* SPDX-License-Identifier: BSD-2-Clause */
/* Accurate ECN: the tables of RFC 9768, and what both ends make of each other's counters. */
#include "proto/l4s/accecn.h"

#include "base/rng.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- accecn_vectors.csv: RFC 9768, tables 2 to 4 ---- */

struct row {
	char table[4];
	char client[40];
	char server[24];
	char syn[8];
	char flags[8];
	char meaning[32];
	char mode[40];
	char cep[8];
};

static char *field(char *p, char *out, size_t n)
{
	size_t len = 0;
	bool quoted = *p == '"';

	if (quoted)
		p++;
	for (; *p && *p != '\n' && (quoted ? *p != '"' : *p != ','); p++)
		if (len + 1 < n)
			out[len++] = *p;
	out[len] = '\0';
	if (quoted && *p == '"')
		p++;
	return *p == ',' ? p + 1 : p;
}

static uint8_t bits(const char *s)
{
	return (uint8_t)strtoul(s, NULL, 2);
}

static enum accecn_mode mode_of(const char *s)
{
	if (!strncmp(s, "AccECN", 6))
		return ACCECN_ACCURATE;
	return !strcmp(s, "Classic ECN") ? ACCECN_CLASSIC : ACCECN_NO_ECN;
}

static bool codepoint_of(const char *s, enum ecn *ecn)
{
	const char *space = strrchr(s, ' ');
	const char *word = space ? space + 1 : s;

	if (!strcmp(word, "Not-ECT"))
		*ecn = ECN_NOT_ECT;
	else if (!strcmp(word, "ECT(1)"))
		*ecn = ECN_ECT1;
	else if (!strcmp(word, "ECT(0)"))
		*ecn = ECN_ECT0;
	else if (!strcmp(word, "CE"))
		*ecn = ECN_CE;
	else
		return false;
	return true;
}

/* The handshake: each end as the row has it. Servers whose flags are reserved or broken are played
 * by the row. */
static void table2(const struct row *r)
{
	enum ecn ecn = ECN_NOT_ECT;
	enum ecn seen = ECN_NOT_ECT;
	enum accecn_mode server = ACCECN_NO_ECN;
	enum accecn_mode want = mode_of(r->mode);
	struct accecn_receiver rx;
	struct accecn_sender tx;
	bool told = codepoint_of(r->meaning, &ecn);

	if (!strcmp(r->server, "AccECN")) {
		assert_int_equal(accecn_synack(bits(r->syn), ecn, true, &server), bits(r->flags));
		assert_int_equal(server, want);
	} else if (!strcmp(r->server, "ECN") || !strcmp(r->server, "Nonce")) {
		if (!strcmp(r->server, "ECN")) {
			assert_int_equal(accecn_synack(bits(r->syn), ecn, false, &server),
					 bits(r->flags));
			assert_int_equal(server, want);
		}
	}
	if (!strcmp(r->client, "AccECN")) {
		assert_int_equal(accecn_client(bits(r->flags), &seen), want);
		if (told)
			assert_int_equal(seen, ecn);
	}
	if (!*r->cep)
		return;
	accecn_receiver_init(&rx, ECN_NOT_ECT);
	accecn_sender_init(&tx, (uint32_t)atol(r->cep));
	assert_int_equal(rx.r.cep, atol(r->cep));
	assert_int_equal(tx.cep, rx.r.cep);
}

/* The client's third packet. */
static void table3(const struct row *r)
{
	struct accecn_receiver rx;
	enum ecn ecn = ECN_NOT_ECT;

	assert_true(codepoint_of(r->meaning, &ecn));
	assert_int_equal(accecn_third(ecn), bits(r->flags));
	accecn_receiver_init(&rx, ecn);
	assert_int_equal(rx.r.cep, atol(r->cep));
}

/* What the server reads there. */
static void table4(const struct row *r)
{
	enum ecn want = ECN_NOT_ECT;
	enum ecn seen = ECN_ECT1;
	uint32_t cep = accecn_server_third(bits(r->flags), &seen);
	bool told = codepoint_of(r->meaning, &want);

	if (!*r->cep) {
		assert_int_equal(cep, 0);
		return;
	}
	assert_int_equal(cep, atol(r->cep));
	if (told)
		assert_int_equal(seen, want);
	else
		assert_int_equal(seen, ECN_ECT1);
}

static void vectors(void **state)
{
	const char *top = getenv("DEP_TOP");
	char path[512];
	char line[256];
	struct row r;
	char *p;
	FILE *f;
	int rows = 0;

	(void)state;
	snprintf(path, sizeof(path), "%s/proto/l4s/tcp/accecn_vectors.csv", top ? top : ".");
	f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		if (*line == '#' || !strncmp(line, "table", 5))
			continue;
		p = field(line, r.table, sizeof(r.table));
		p = field(p, r.client, sizeof(r.client));
		p = field(p, r.server, sizeof(r.server));
		p = field(p, r.syn, sizeof(r.syn));
		p = field(p, r.flags, sizeof(r.flags));
		p = field(p, r.meaning, sizeof(r.meaning));
		p = field(p, r.mode, sizeof(r.mode));
		field(p, r.cep, sizeof(r.cep));
		rows++;
		if (*r.table == '2')
			table2(&r);
		else if (*r.table == '3')
			table3(&r);
		else
			table4(&r);
	}
	fclose(f);
	assert_int_equal(rows, 23);
}

/* §3.1.3: whatever is not one of the known requests is taken as AccECN's. */
static void unknown_syn(void **state)
{
	enum accecn_mode mode;
	uint8_t syn;

	(void)state;
	for (syn = 1; syn < 8; syn++) {
		if (syn == 3)
			continue;
		assert_int_equal(accecn_synack(syn, ECN_ECT0, true, &mode), 4);
		assert_int_equal(mode, ACCECN_ACCURATE);
	}
	/* without AccECN, CWR and ECE alone count */
	assert_int_equal(accecn_synack(7, ECN_ECT0, false, &mode), 1);
	assert_int_equal(mode, ACCECN_CLASSIC);
	assert_int_equal(accecn_synack(4, ECN_ECT0, false, &mode), 0);
	assert_int_equal(mode, ACCECN_NO_ECN);
}

static void mixed(void **state)
{
	static const enum accecn_mode all[] = {ACCECN_NO_ECN, ACCECN_CLASSIC, ACCECN_ACCURATE};
	unsigned i;
	unsigned j;

	(void)state;
	for (i = 0; i < 3; i++)
		for (j = 0; j < 3; j++)
			assert_int_equal(accecn_again(all[i], all[j]),
					 i && j && i != j ? ACCECN_RESET : all[i]);
}

static void transitions(void **state)
{
	/* [sent][seen], Not-ECT ECT(1) ECT(0) CE */
	static const bool valid[4][4] = {
		{true, false, false, false},
		{false, true, true, true},
		{false, true, true, true},
		{false, false, false, true},
	};
	unsigned sent;
	unsigned seen;

	(void)state;
	for (sent = 0; sent < 4; sent++)
		for (seen = 0; seen < 4; seen++)
			assert_int_equal(accecn_valid((enum ecn)sent, (enum ecn)seen),
					 valid[sent][seen]);
}

/* ---- receiver ---- */

static void counters(void **state)
{
	struct accecn_receiver rx;

	(void)state;
	accecn_receiver_init(&rx, ECN_ECT0);
	assert_int_equal(rx.r.cep, 5);
	assert_int_equal(rx.r.ceb, 0);
	assert_int_equal(rx.r.e0b, 1);
	assert_int_equal(rx.r.e1b, 1);
	accecn_received(&rx, ECN_ECT0, 100, true);
	accecn_received(&rx, ECN_ECT1, 200, true);
	accecn_received(&rx, ECN_NOT_ECT, 400, true);
	accecn_received(&rx, ECN_CE, 800, true);
	accecn_received(&rx, ECN_CE, 0, false); /* a pure ACK */
	assert_int_equal(rx.r.e0b, 101);
	assert_int_equal(rx.r.e1b, 201);
	assert_int_equal(rx.r.ceb, 800);
	assert_int_equal(rx.r.cep, 7);
	assert_int_equal(accecn_ace(&rx), 7);
	accecn_received(&rx, ECN_CE, 1, true);
	assert_int_equal(accecn_ace(&rx), 0);
	/* byte counters have 24 bits */
	rx.r.ceb = 0xffffff;
	accecn_received(&rx, ECN_CE, 2, true);
	assert_int_equal(rx.r.ceb, 1);
}

/* §3.2.2.5.1 */
static void ack_rules(void **state)
{
	struct accecn_receiver rx;
	unsigned i;

	(void)state;
	accecn_receiver_init(&rx, ECN_NOT_ECT);
	/* CE after something else: at once; more of it: at the second since an ACK */
	assert_false(accecn_received(&rx, ECN_ECT1, 1000, true));
	assert_true(accecn_received(&rx, ECN_CE, 1000, true));
	accecn_ack_sent(&rx);
	assert_false(accecn_received(&rx, ECN_CE, 1000, true));
	assert_true(accecn_received(&rx, ECN_CE, 1000, true));
	accecn_ack_sent(&rx);
	/* the change back is no reason */
	assert_false(accecn_received(&rx, ECN_ECT1, 1000, true));
	/* without data to acknowledge: at the third, and never beyond the seventh */
	assert_false(accecn_received(&rx, ECN_CE, 0, false));
	assert_false(accecn_received(&rx, ECN_CE, 0, false));
	assert_true(accecn_received(&rx, ECN_CE, 0, false));
	for (i = 0; i < 4; i++)
		assert_true(accecn_received(&rx, ECN_CE, 0, false));
	accecn_ack_sent(&rx);
	assert_false(accecn_received(&rx, ECN_CE, 0, false));
	/* a pure ACK between does not hide the change of data */
	assert_false(accecn_received(&rx, ECN_ECT1, 1000, true));
	accecn_ack_sent(&rx);
	assert_true(accecn_received(&rx, ECN_CE, 1000, true));
}

/* ---- options ---- */

static void options(void **state)
{
	struct accecn_counters in = {.ceb = 0x010203, .e0b = 0xfffffe, .e1b = 0x800001};
	static const unsigned has0[] = {0, ACCECN_HAS_E0B, ACCECN_HAS_E0B | ACCECN_HAS_CEB, 7};
	static const unsigned has1[] = {0, ACCECN_HAS_E1B, ACCECN_HAS_E1B | ACCECN_HAS_CEB, 7};
	static const uint8_t wire[] = {174, 11, 0x80, 0, 1, 1, 2, 3, 0xff, 0xff, 0xfe};
	struct accecn_counters out;
	uint8_t p[11];
	unsigned fields;
	unsigned order1;
	unsigned has;
	size_t n;

	(void)state;
	for (order1 = 0; order1 < 2; order1++) {
		for (fields = 0; fields <= 3; fields++) {
			n = accecn_option_put(p, &in, order1, fields);
			assert_int_equal(n, 2 + 3 * fields);
			assert_int_equal(p[0], order1 ? 174 : 172);
			memset(&out, 0, sizeof(out));
			assert_int_equal(accecn_option_get(p, n, &out, &has), 0);
			assert_int_equal(has, order1 ? has1[fields] : has0[fields]);
			if (has & ACCECN_HAS_E0B)
				assert_int_equal(out.e0b, in.e0b);
			if (has & ACCECN_HAS_CEB)
				assert_int_equal(out.ceb, in.ceb);
			if (has & ACCECN_HAS_E1B)
				assert_int_equal(out.e1b, in.e1b);
		}
	}
	assert_int_equal(accecn_option_put(p, &in, true, 3), sizeof(wire));
	assert_memory_equal(p, wire, sizeof(wire));
}

static void broken_options(void **state)
{
	uint8_t p[14] = {172, 11};
	struct accecn_counters out = {0};
	unsigned has;
	size_t n;

	(void)state;
	for (n = 0; n < sizeof(p); n++) {
		p[1] = (uint8_t)n;
		assert_int_equal(accecn_option_get(p, n, &out, &has),
				 n == 2 || n == 5 || n == 8 || n == 11 ? 0 : -EINVAL);
	}
	p[1] = 8;
	assert_int_equal(accecn_option_get(p, 11, &out, &has), -EINVAL);
	p[0] = 173;
	assert_int_equal(accecn_option_get(p, 8, &out, &has), -EINVAL);
	assert_int_equal(has, 0);
}

/* ---- sender: the table of spec §2.4, each rule ---- */

#define MSS 1448u
#define NO_OPTION UINT32_MAX

static void wraps(void **state)
{
	static const struct {
		uint32_t ewma; /* segments an ACK before */
		uint32_t acked;
		uint32_t delta; /* ACE - s.cep, mod 8 */
		uint32_t ceb;	/* bytes with CE by the option, NO_OPTION: none */
		uint32_t want;
	} row[] = {
		/* up to 7 segments the counter tells all */
		{1, 0, 3, NO_OPTION, 0},
		{1, 1, 1, NO_OPTION, 1},
		{1, 7, 7, NO_OPTION, 7},
		{1, 7, 0, NO_OPTION, 0},
		/* more: it may have wrapped, the safest is assumed: 8 - (8 - 0) mod 8 */
		{1, 8, 0, NO_OPTION, 8},
		{1, 9, 0, NO_OPTION, 8},
		{1, 9, 1, NO_OPTION, 9},
		{1, 9, 2, NO_OPTION, 2},
		{1, 15, 7, NO_OPTION, 15},
		{1, 20, 3, NO_OPTION, 19},
		/* a path that always merges ACKs: the least */
		{9, 9, 1, NO_OPTION, 1},
		{9, 20, 3, NO_OPTION, 3},
		/* the option says no byte more: none */
		{1, 8, 0, 0, 0},
		{1, 12, 3, 0, 3},
		/* more bytes than delta packets have */
		{1, 9, 1, 9 * MSS, 9},
		{1, 12, 3, 11 * MSS, 11},
		/* less than half of what the safest would be */
		{1, 12, 3, 3 * MSS, 3},
		{1, 9, 1, MSS, 1},
		/* from 16 on there are more than two choices: by the share of bytes */
		{1, 24, 2, 2 * MSS, 2},
		{1, 24, 2, 10 * MSS, 10},
		{1, 24, 2, 18 * MSS, 18},
		{1, 24, 0, 24 * MSS, 24},
		{1, 40, 7, 7 * MSS, 7},
		{1, 40, 7, 31 * MSS, 31},
	};
	struct accecn_sender tx;
	uint32_t ceb;
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(row) / sizeof(*row); i++) {
		accecn_sender_init(&tx, 5);
		tx.pkts_acked_ewma = row[i].ewma << 6;
		ceb = row[i].ceb;
		if (accecn_acked(&tx, (uint8_t)((5 + row[i].delta) & 7), row[i].acked,
				 row[i].acked * MSS, ceb == NO_OPTION ? NULL : &ceb,
				 MSS) != row[i].want) {
			print_error("row %u\n", i);
			fail();
		}
		assert_int_equal(tx.cep, 5 + row[i].want);
	}
}

/* An ACK that came late shows a counter of before: it is no news. */
static void old_ack(void **state)
{
	struct accecn_sender tx;

	(void)state;
	accecn_sender_init(&tx, 5);
	assert_int_equal(accecn_acked(&tx, 7, 4, 4 * MSS, NULL, MSS), 2);
	assert_int_equal(accecn_acked(&tx, 6, 0, 0, NULL, MSS), 0);
	assert_int_equal(tx.cep, 7);
}

/* Random marks; of each run of up to 6 ACKs the path keeps the last, and loses some of these; the
 * option on each. In the end both counts are the same. */
static void thinned(void **state)
{
	struct accecn_receiver rx;
	struct accecn_sender tx;
	struct rng r;
	uint32_t p;
	uint32_t i;
	uint32_t run;
	uint32_t thin;
	uint32_t pending; /* segments not yet acknowledged */
	uint32_t ceb;
	uint64_t seed;

	(void)state;
	for (seed = 0; seed < 200; seed++) {
		rng_seed(&r, seed);
		accecn_receiver_init(&rx, ECN_ECT1);
		accecn_sender_init(&tx, 5);
		p = (uint32_t)rng_u64(&r);
		thin = 1 + (uint32_t)(seed % 6);
		pending = 0;
		run = 0;
		for (i = 0; i < 4000; i++) {
			pending++;
			accecn_received(&rx, (uint32_t)rng_u64(&r) < p ? ECN_CE : ECN_ECT1, MSS,
					true);
			if (i % 2 || ++run < thin)
				continue;
			run = 0;
			/* the last ACK arrives */
			if (i < 3900 && rng_below(&r, 10) == 0)
				continue;
			accecn_ack_sent(&rx);
			ceb = rx.r.ceb;
			accecn_acked(&tx, accecn_ace(&rx), pending, pending * MSS, &ceb, MSS);
			assert_int_equal(tx.cep, rx.r.cep);
			pending = 0;
		}
		ceb = rx.r.ceb;
		accecn_acked(&tx, accecn_ace(&rx), pending, pending * MSS, &ceb, MSS);
		assert_int_equal(tx.cep, rx.r.cep);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors),  cmocka_unit_test(unknown_syn),
		cmocka_unit_test(mixed),    cmocka_unit_test(transitions),
		cmocka_unit_test(counters), cmocka_unit_test(ack_rules),
		cmocka_unit_test(options),  cmocka_unit_test(broken_options),
		cmocka_unit_test(wraps),    cmocka_unit_test(old_ack),
		cmocka_unit_test(thinned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
