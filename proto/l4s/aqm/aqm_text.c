/* SPDX-License-Identifier: BSD-2-Clause */
/* Queue managers as words: those of tc(8) and a few of our own. One table serves reading and
 * writing, so that the one is the inverse of the other.
 *
 * fifo: limit.
 *
 * codel: limit, target, interval, ecn|noecn, ce_threshold, ce_threshold_ect1; fq_codel also
 * memory_limit, flows, quantum.
 *
 * pie: limit, target, tupdate, alpha and beta (in 1/16 Hz, as tc-pie(8) has them), ecn|noecn,
 * max_burst, mark_ecnth, derandomise, cap, linux|rfc (which sets the last two).
 *
 * pi2: limit, memlimit, coupling_factor, target, tupdate, alpha and beta (Hz), ecn|noecn, max_rtt,
 * typical_rtt, drop_on_overload|overflow, linux|rfc.
 *
 * dualpi2: as pi2 without ecn; step_thresh, min_qlen_step, drop_enqueue|drop_dequeue,
 * l4s_ect|any_ect, classic_protection, split_gso; rate_aware, wrr|ts_fifo, tshift, ramp_min,
 * ramp_range, th_len.
 *
 * All: mtu, limit_time.
 *
 * Times: 15ms, 800us, 1.5s; a bare number counts microseconds, as in tc. Sizes: 64kb, 1mb. limit is
 * a number of packets, or a size (64kb), or a time (100ms: what the link sends in so long). */
#include "proto/l4s/aqm.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define MAX_TEXT 4096

enum type {
	T_FLAG,	   /* a bool or an octet takes a value; no argument */
	T_NOTHING, /* accepted, is always so here */
	T_TIME,
	T_COUNT,
	T_PERCENT,
	T_SIZE,
	T_SIZE32,
	T_HZ,
	T_SIXTEENTH, /* of 1 Hz */
	T_FRACTION,
	T_STEP,
	T_LIMIT,
};

#define FIFO (1u << AQM_FIFO)
#define CODEL (1u << AQM_CODEL)
#define FQ (1u << AQM_FQ_CODEL)
#define PIE (1u << AQM_PIE)
#define PI2 (1u << AQM_PI2)
#define DUAL (1u << AQM_DUALPI2)
#define CODELS (CODEL | FQ)
#define PI2S (PI2 | DUAL)
#define ANY (FIFO | CODELS | PIE | PI2S)

struct word {
	const char *name;
	uint8_t type;
	uint8_t kinds;
	uint8_t value; /* T_FLAG */
	bool alias;    /* another word writes this field */
	uint16_t at;
};

#define AT(field) offsetof(struct aqm_cfg, field)

static const struct word words[] = {
	{"linux", T_FLAG, PIE | PI2S, AQM_PROFILE_LINUX, false, AT(profile)},
	{"rfc", T_FLAG, PIE | PI2S, AQM_PROFILE_RFC, false, AT(profile)},
	{"mtu", T_COUNT, ANY, 0, false, AT(mtu)},
	{"limit", T_LIMIT, ANY, 0, false, AT(limit_packets)},
	{"memlimit", T_SIZE, ANY, 0, false, AT(limit_bytes)},
	{"memory_limit", T_SIZE, ANY, 0, true, AT(limit_bytes)},
	{"limit_time", T_TIME, ANY, 0, false, AT(limit_time)},
	{"target", T_TIME, CODELS | PIE | PI2S, 0, false, AT(target)},
	{"tupdate", T_TIME, PIE | PI2S, 0, false, AT(tupdate)},
	{"alpha", T_SIXTEENTH, PIE, 0, false, AT(alpha_uhz)},
	{"beta", T_SIXTEENTH, PIE, 0, false, AT(beta_uhz)},
	{"alpha", T_HZ, PI2S, 0, false, AT(alpha_uhz)},
	{"beta", T_HZ, PI2S, 0, false, AT(beta_uhz)},
	{"coupling_factor", T_COUNT, PI2S, 0, false, AT(coupling)},
	{"ecn", T_FLAG, CODELS | PIE | PI2, 1, false, AT(ecn)},
	{"noecn", T_FLAG, CODELS | PIE | PI2, 0, false, AT(ecn)},
	{"step_thresh", T_STEP, DUAL, 0, false, AT(step)},
	{"min_qlen_step", T_COUNT, DUAL, 0, false, AT(min_qlen_step)},
	{"drop_on_overload", T_FLAG, PI2S, AQM_DROP_ON_OVERLOAD, false, AT(overload)},
	{"overflow", T_FLAG, PI2S, AQM_OVERFLOW, false, AT(overload)},
	{"drop_dequeue", T_FLAG, DUAL, 0, false, AT(drop_early)},
	{"drop_enqueue", T_FLAG, DUAL, 1, false, AT(drop_early)},
	{"l4s_ect", T_FLAG, DUAL, 0, false, AT(any_ect)},
	{"any_ect", T_FLAG, DUAL, 1, false, AT(any_ect)},
	{"classic_protection", T_PERCENT, DUAL, 0, false, AT(classic_protection)},
	{"split_gso", T_NOTHING, DUAL, 0, false, 0},
	{"no_rate_aware", T_FLAG, DUAL, 0, false, AT(rate_aware)},
	{"rate_aware", T_FLAG, DUAL, 1, false, AT(rate_aware)},
	{"wrr", T_FLAG, DUAL, AQM_WRR, false, AT(scheduler)},
	{"ts_fifo", T_FLAG, DUAL, AQM_TS_FIFO, false, AT(scheduler)},
	{"tshift", T_TIME, DUAL, 0, false, AT(tshift)},
	{"ramp_min", T_TIME, DUAL, 0, false, AT(ramp_min)},
	{"ramp_range", T_TIME, DUAL, 0, false, AT(ramp_range)},
	{"th_len", T_COUNT, DUAL, 0, false, AT(th_len)},
	{"interval", T_TIME, CODELS, 0, false, AT(interval)},
	{"ce_threshold", T_TIME, CODELS, 0, false, AT(ce_threshold)},
	{"no_ce_threshold_ect1", T_FLAG, CODELS, 0, false, AT(ce_threshold_ect1)},
	{"ce_threshold_ect1", T_FLAG, CODELS, 1, false, AT(ce_threshold_ect1)},
	{"flows", T_COUNT, FQ, 0, false, AT(flows)},
	{"quantum", T_SIZE32, FQ, 0, false, AT(quantum)},
	{"max_burst", T_TIME, PIE, 0, false, AT(max_burst)},
	{"mark_ecnth", T_FRACTION, PIE, 0, false, AT(mark_ecnth)},
	{"no_derandomise", T_FLAG, PIE, 0, false, AT(pie_derandomise)},
	{"derandomise", T_FLAG, PIE, 1, false, AT(pie_derandomise)},
	{"no_cap", T_FLAG, PIE, 0, false, AT(pie_cap)},
	{"cap", T_FLAG, PIE, 1, false, AT(pie_cap)},
};

#define N_WORDS (sizeof(words) / sizeof(words[0]))

struct token {
	const char *p;
	size_t n;
};

struct reader {
	struct aqm_cfg *cfg;
	const char *at;
	unsigned word; /* number of the token last taken, from 1 */
	uint64_t max_rtt;
	uint64_t typical_rtt;
	bool has_bytes; /* given, so not to be derived */
	bool has_quantum;
	struct err *err;
};

static bool is(struct token t, const char *name)
{
	return strlen(name) == t.n && memcmp(t.p, name, t.n) == 0;
}

/* The next token; n is 0 at the end. */
static struct token take(struct reader *r)
{
	struct token t;

	r->at += strspn(r->at, " \t\r\n");
	t = (struct token){r->at, strcspn(r->at, " \t\r\n")};
	r->at += t.n;
	r->word++;
	return t;
}

static int refuse(struct reader *r, struct token t, const char *what, const char *mend)
{
	err_set(r->err, -EINVAL, "%.*s: %s", t.n < 48 ? (int)t.n : 48, t.p, what);
	err_where(r->err, "queue manager, word %u", r->word);
	err_mend(r->err, "%s", mend);
	return -EINVAL;
}

/* A decimal number, scaled by 10^digits; further digits are cut off. What follows it stays in t. */
static int decimal(struct token *t, unsigned digits, uint64_t *v)
{
	bool any = false;
	bool dot = false;

	*v = 0;
	for (; t->n > 0; t->p++, t->n--) {
		if (*t->p == '.' && !dot) {
			dot = true;
			continue;
		}
		if (*t->p < '0' || *t->p > '9')
			break;
		any = true;
		if (dot && digits == 0)
			continue;
		if (dot)
			digits--;
		if (__builtin_mul_overflow(*v, 10, v) ||
		    __builtin_add_overflow(*v, (uint64_t)(*t->p - '0'), v))
			return -ERANGE;
	}
	while (digits-- > 0)
		if (__builtin_mul_overflow(*v, 10, v))
			return -ERANGE;
	return any ? 0 : -EINVAL;
}

struct unit {
	const char *name;
	uint64_t factor;
};

/* The factor of the unit that t names, or 0. */
static uint64_t unit_of(struct token t, const struct unit *u)
{
	for (; u->name; u++)
		if (is(t, u->name))
			return u->factor;
	return 0;
}

static const struct unit time_units[] = {
	/* ns: what 1e-9 of the unit is divided by */
	{"s", 1},	    {"sec", 1},	     {"secs", 1},	 {"ms", 1000},
	{"msec", 1000},	    {"msecs", 1000}, {"us", 1000000},	 {"usec", 1000000},
	{"usecs", 1000000}, {"", 1000000},   {"ns", 1000000000}, {"nsec", 1000000000},
	{NULL, 0},
};

static const struct unit size_units[] = {
	{"", 1},	 {"b", 1},	    {"k", 1024},	{"kb", 1024}, {"m", 1048576},
	{"mb", 1048576}, {"g", 1073741824}, {"gb", 1073741824}, {NULL, 0},
};

static const struct unit packet_units[] = {
	{"p", 1}, {"pkt", 1}, {"pkts", 1}, {"packet", 1}, {"packets", 1}, {NULL, 0},
};

static int to_time(struct token t, uint64_t *ns)
{
	uint64_t part;
	uint64_t v;

	if (decimal(&t, 9, &v) < 0)
		return -EINVAL;
	part = unit_of(t, time_units);
	if (part == 0)
		return -EINVAL;
	*ns = v / part;
	return 0;
}

static int to_size(struct token t, uint64_t *bytes)
{
	bool whole = !memchr(t.p, '.', t.n);
	unsigned __int128 n;
	uint64_t factor;
	uint64_t v; /* of the unit, or 10^-6 of it */

	if (decimal(&t, whole ? 0 : 6, &v) < 0)
		return -EINVAL;
	factor = unit_of(t, size_units);
	n = (unsigned __int128)v * factor / (whole ? 1 : 1000000);
	if (factor == 0 || n > UINT64_MAX)
		return -EINVAL;
	*bytes = (uint64_t)n;
	return 0;
}

/* A whole number up to max, with or without a unit of u. */
static int to_count(struct token t, const struct unit *u, uint64_t max, uint32_t *v)
{
	uint64_t n;

	if (memchr(t.p, '.', t.n) || decimal(&t, 0, &n) < 0 || n > max)
		return -EINVAL;
	if (t.n > 0 && unit_of(t, u) == 0)
		return -EINVAL;
	*v = (uint32_t)n;
	return 0;
}

static bool has_unit(struct token t, const struct unit *u)
{
	while (t.n > 0 && ((*t.p >= '0' && *t.p <= '9') || *t.p == '.')) {
		t.p++;
		t.n--;
	}
	return t.n > 0 && unit_of(t, u) != 0;
}

/* A fraction of 1, or percent, in 2^-32. */
static int to_fraction(struct token t, uint32_t *v)
{
	const uint64_t one = 10000000000u;
	uint64_t n;

	if (decimal(&t, 10, &n) < 0)
		return -EINVAL;
	if (is(t, "%"))
		n /= 100;
	else if (t.n > 0)
		return -EINVAL;
	if (n > one)
		return -EINVAL;
	/* n * 2^32 / 10^10, rounded, as n * 2^22 / 5^10: n has 34 bits. */
	n = ((n << 22) + 9765625 / 2) / 9765625;
	*v = n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
	return 0;
}

/* 1e-6 Hz as Hz * 256, rounded. */
static uint32_t to_hz256(uint32_t uhz)
{
	return (uint32_t)(((uint64_t)uhz * 256 + 500000) / 1000000);
}

static int to_uhz(struct token t, unsigned divisor, uint32_t *v)
{
	uint64_t n;

	if (decimal(&t, 6, &n) < 0 || t.n > 0)
		return -EINVAL;
	n = (n + divisor / 2) / divisor;
	if (n > 8000000)
		return -EINVAL;
	*v = (uint32_t)n;
	return 0;
}

static int read_limit(struct reader *r, struct token t)
{
	struct aqm_cfg *cfg = r->cfg;

	if (!has_unit(t, size_units) && !has_unit(t, time_units))
		return to_count(t, packet_units, UINT32_MAX, &cfg->limit_packets);
	r->has_bytes = true;
	cfg->limit_packets = 0;
	cfg->limit_bytes = 0;
	cfg->limit_time = 0;
	if (to_size(t, &cfg->limit_bytes) == 0)
		return 0;
	return to_time(t, &cfg->limit_time);
}

static int read_step(struct reader *r, struct token t)
{
	uint64_t ns;

	if (has_unit(t, packet_units)) {
		r->cfg->step = 1000000;
		if (to_count(t, packet_units, UINT32_MAX, &r->cfg->step_packets) < 0)
			return -EINVAL;
		return r->cfg->step_packets ? 0 : -EINVAL;
	}
	if (to_time(t, &ns) < 0)
		return -EINVAL;
	r->cfg->step = ns;
	r->cfg->step_packets = 0;
	return 0;
}

static const char *const type_mend[] = {
	[T_TIME] = "a time, as 15ms or 800us",
	[T_COUNT] = "a whole number",
	[T_PERCENT] = "percent, as 10",
	[T_SIZE] = "bytes, as 1mb",
	[T_SIZE32] = "bytes, as 1514",
	[T_HZ] = "a number of Hz up to 8, as 0.16",
	[T_SIXTEENTH] = "a number of 1/16 Hz up to 128, as 2",
	[T_FRACTION] = "a fraction, as 0.1 or 10%",
	[T_STEP] = "a time, as 1ms, or packets, as 5p",
	[T_LIMIT] = "a number of packets, or bytes as 64kb, or a time as 100ms",
};

static int read_value(struct reader *r, const struct word *w, struct token t)
{
	uint8_t *field = (uint8_t *)r->cfg + w->at;
	uint64_t wide = 0;
	uint32_t v = 0;
	int rc = 0;

	switch (w->type) {
	case T_TIME:
		rc = to_time(t, &wide);
		break;
	case T_SIZE:
		rc = to_size(t, &wide);
		r->has_bytes = true;
		break;
	case T_SIZE32:
		rc = to_size(t, &wide);
		if (wide > UINT32_MAX)
			rc = -EINVAL;
		v = (uint32_t)wide;
		r->has_quantum = true;
		break;
	case T_COUNT:
		rc = to_count(t, packet_units, UINT32_MAX, &v);
		break;
	case T_PERCENT:
		rc = to_count(t, (const struct unit[]){{"%", 1}, {NULL, 0}}, 100, &v);
		break;
	case T_HZ:
		rc = to_uhz(t, 1, &v);
		break;
	case T_SIXTEENTH:
		rc = to_uhz(t, 16, &v);
		break;
	case T_FRACTION:
		rc = to_fraction(t, &v);
		break;
	case T_STEP:
		return read_step(r, t);
	case T_LIMIT:
		return read_limit(r, t);
	}
	if (rc < 0)
		return rc;
	if (w->type == T_TIME || w->type == T_SIZE)
		memcpy(field, &wide, sizeof(wide));
	else
		memcpy(field, &v, sizeof(v));
	return 0;
}

/* True: t is one of the words that set several fields, or a selector; *rc is the result. */
static bool read_special(struct reader *r, struct token t, int *rc)
{
	unsigned kinds = 1u << r->cfg->kind;
	struct token arg;

	*rc = 0;
	if ((kinds & PI2S) && (is(t, "max_rtt") || is(t, "typical_rtt"))) {
		arg = take(r);
		*rc = to_time(arg, is(t, "max_rtt") ? &r->max_rtt : &r->typical_rtt);
		if (*rc < 0)
			*rc = refuse(r, arg, "is no time", type_mend[T_TIME]);
		return true;
	}
	if ((kinds & CODELS) && is(t, "ce_threshold_selector")) {
		arg = take(r);
		if (is(arg, "0x01/0x03") || is(arg, "0x1/0x3") || is(arg, "1/3"))
			r->cfg->ce_threshold_ect1 = true;
		else
			*rc = refuse(r, arg, "selects something else than ECT(1)",
				     "0x01/0x03 selects ECT(1)");
		return true;
	}
	return false;
}

static const struct word *word_of(struct token t, unsigned kind)
{
	size_t i;

	for (i = 0; i < N_WORDS; i++)
		if ((words[i].kinds & 1u << kind) && is(t, words[i].name))
			return &words[i];
	return NULL;
}

static int read_word(struct reader *r, struct token t)
{
	const struct word *w = word_of(t, r->cfg->kind);
	struct token arg;
	int rc;

	if (read_special(r, t, &rc))
		return rc;
	if (!w)
		return refuse(r, t, "no parameter of this queue manager",
			      "tc-dualpi2(8), tc-pie(8), tc-fq_codel(8) have the names");
	if (w->type == T_NOTHING)
		return 0;
	if (w->type == T_FLAG) {
		((uint8_t *)r->cfg)[w->at] = w->value;
		return 0;
	}
	arg = take(r);
	if (arg.n == 0)
		return refuse(r, t, "lacks its value", type_mend[w->type]);
	if (read_value(r, w, arg) < 0)
		return refuse(r, arg, "is no value of the word before it", type_mend[w->type]);
	return 0;
}

/* RFC 9332 figure 2: the controller's constants from the RTTs it is to serve. */
static int derive(struct reader *r)
{
	struct aqm_cfg *cfg = r->cfg;
	uint64_t max = r->max_rtt ? r->max_rtt : r->typical_rtt * 6;
	uint64_t typical = r->typical_rtt ? r->typical_rtt : r->max_rtt / 6;
	unsigned __int128 alpha;
	uint64_t beta;

	if (max == 0 && typical == 0)
		return 0;
	if (max < 1000 || max > 100 * (uint64_t)1000000000 || typical > max) {
		err_set(r->err, -EINVAL, "max_rtt and typical_rtt do not go together");
		err_mend(r->err, "typical_rtt is at most max_rtt, that at most 100 s");
		return -EINVAL;
	}
	cfg->target = typical;
	cfg->tupdate = typical < max / 3 ? typical : max / 3;
	alpha = (unsigned __int128)cfg->tupdate * 100000000000000u / max / max;
	beta = 300000000000000u / max;
	cfg->alpha_uhz = alpha < 8000000 ? (uint32_t)alpha : 8000000;
	cfg->beta_uhz = beta < 8000000 ? (uint32_t)beta : 8000000;
	return 0;
}

static int kind_of(struct token t)
{
	int kind;

	for (kind = AQM_FIFO; kind <= AQM_DUALPI2; kind++)
		if (is(t, aqm_kind_name((enum aqm_kind)kind)))
			return kind;
	return -1;
}

static int read_words(struct reader *r, const char *from)
{
	struct token t;
	int rc;

	r->at = from;
	r->word = 1;
	for (t = take(r); t.n > 0; t = take(r)) {
		rc = read_word(r, t);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* The profile decides over defaults, so it is looked for first. */
static enum aqm_profile find_profile(struct reader *r)
{
	enum aqm_profile profile = AQM_PROFILE_LINUX;
	struct token t;

	for (t = take(r); t.n > 0; t = take(r)) {
		if (is(t, "rfc"))
			profile = AQM_PROFILE_RFC;
		if (is(t, "linux"))
			profile = AQM_PROFILE_LINUX;
	}
	return profile;
}

/* What follows from other values where it was not given. */
static void complete(struct reader *r)
{
	struct aqm_cfg *cfg = r->cfg;

	if (!r->has_bytes && cfg->limit_bytes)
		cfg->limit_bytes = 2 * (uint64_t)cfg->mtu * cfg->limit_packets;
	if (!r->has_quantum)
		cfg->quantum = cfg->kind == AQM_FQ_CODEL ? cfg->mtu : cfg->quantum;
	if (1u << cfg->kind & PI2S) {
		cfg->alpha = to_hz256(cfg->alpha_uhz);
		cfg->beta = to_hz256(cfg->beta_uhz);
	}
}

int aqm_cfg_parse(struct aqm_cfg *cfg, const char *text, uint64_t rate, struct err *err)
{
	struct aqm_cfg c;
	struct reader r = {.cfg = &c, .at = text, .err = err};
	enum aqm_profile profile;
	const char *from;
	struct token t;
	int kind;
	int rc;

	if (strnlen(text, MAX_TEXT) == MAX_TEXT)
		return err_set(err, -EINVAL, "a queue manager of %u letters or more", MAX_TEXT);
	t = take(&r);
	kind = kind_of(t);
	if (kind < 0)
		return refuse(&r, t, "no queue manager",
			      "fifo, codel, fq_codel, pie, pi2 or dualpi2");
	from = r.at;
	profile = find_profile(&r);
	/* Once for the RTTs, and again so that each value given outright stands over what follows
	 * from them, in any order. */
	aqm_cfg_defaults(&c, (enum aqm_kind)kind, profile, rate);
	rc = read_words(&r, from);
	if (rc < 0)
		return rc;
	aqm_cfg_defaults(&c, (enum aqm_kind)kind, profile, rate);
	rc = derive(&r);
	if (rc == 0)
		rc = read_words(&r, from);
	if (rc < 0)
		return rc;
	complete(&r);
	rc = aqm_cfg_check(&c, err);
	if (rc < 0)
		return rc;
	*cfg = c;
	return 0;
}

/* ---- writing ---- */

struct writer {
	char *p;
	size_t n; /* left */
	size_t done;
	bool full;
};

static void put(struct writer *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void put(struct writer *w, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (w->full)
		return;
	va_start(ap, fmt);
	n = vsnprintf(w->p + w->done, w->n - w->done, fmt, ap);
	va_end(ap);
	w->full = n < 0 || (size_t)n >= w->n - w->done;
	if (!w->full)
		w->done += (size_t)n;
}

static void put_time(struct writer *w, uint64_t ns)
{
	if (ns % 1000000000 == 0)
		put(w, "%" PRIu64 "s", ns / 1000000000);
	else if (ns % 1000000 == 0)
		put(w, "%" PRIu64 "ms", ns / 1000000);
	else if (ns % 1000 == 0)
		put(w, "%" PRIu64 "us", ns / 1000);
	else
		put(w, "%" PRIu64 "ns", ns);
}

static void put_micro(struct writer *w, uint64_t v)
{
	put(w, "%" PRIu64 ".%06" PRIu64, v / 1000000, v % 1000000);
}

static void put_value(struct writer *w, const struct aqm_cfg *cfg, const struct word *word)
{
	const uint8_t *field = (const uint8_t *)cfg + word->at;
	uint64_t wide = 0;
	uint32_t v = 0;

	if (word->type == T_TIME || word->type == T_SIZE || word->type == T_STEP)
		memcpy(&wide, field, sizeof(wide));
	else
		memcpy(&v, field, sizeof(v));
	put(w, " %s ", word->name);
	if (word->type == T_STEP && cfg->step_packets)
		put(w, "%up", cfg->step_packets);
	else if (word->type == T_TIME || word->type == T_STEP)
		put_time(w, wide);
	else if (word->type == T_SIZE)
		put(w, "%" PRIu64, wide);
	else if (word->type == T_HZ)
		put_micro(w, v);
	else if (word->type == T_SIXTEENTH)
		put_micro(w, (uint64_t)v * 16);
	else if (word->type == T_FRACTION)
		put(w, "0.%010" PRIu64, ((uint64_t)v * 9765625 + (1u << 21)) >> 22);
	else
		put(w, "%u", v);
}

int aqm_cfg_print(const struct aqm_cfg *cfg, char *text, size_t n)
{
	struct writer w = {.p = text, .n = n, .full = n == 0};
	size_t i;

	put(&w, "%s", aqm_kind_name((enum aqm_kind)cfg->kind));
	for (i = 0; i < N_WORDS; i++) {
		const struct word *word = &words[i];

		if (!(word->kinds & 1u << cfg->kind) || word->alias || word->type == T_NOTHING)
			continue;
		if (word->type != T_FLAG)
			put_value(&w, cfg, word);
		else if (((const uint8_t *)cfg)[word->at] == word->value)
			put(&w, " %s", word->name);
	}
	return w.full ? -ENOSPC : (int)w.done;
}
