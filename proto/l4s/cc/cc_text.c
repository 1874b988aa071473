/* SPDX-License-Identifier: BSD-2-Clause */
/* A congestion control as a line of text: "cubic abe 0.85 abe-alpha keep form rfc". Words over
 * defaults; what is printed reads back to the same. */
#include "proto/l4s/cc.h"
#include "proto/l4s/cc/cc_math.h"

#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const char *const algo_name[] = {"reno", "cubic", "dctcp", "prague"};
static const char *const form_name[] = {"rfc", "linux"};
static const char *const start_name[] = {"plain", "hystart", "hystart++"};
static const char *const ect_name[] = ECN_NAMES;
static const char *const feedback_name[] = {"none", "classic", "accecn", "dctcp"};
static const char *const alpha_name[] = {"keep", "scale"};
static const char *const flight_name[] = {"cwnd", "inflight"};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

const char *cc_algo_name(enum cc_algo algo)
{
	return (unsigned)algo < COUNT(algo_name) ? algo_name[algo] : "?";
}

void cc_cfg_defaults(struct cc_cfg *cfg, enum cc_algo algo)
{
	*cfg = (struct cc_cfg){
		.algo = (uint8_t)algo,
		.form = CC_FORM_LINUX,
		.start = CC_START_PLAIN,
		.ect = ECN_ECT0,
		.feedback = CC_FEEDBACK_CLASSIC,
		.fast_convergence = true,
		.abe = {.beta_loss = 512, .beta_ecn = 819, .beta_min = 717, .beta_max = 942},
		.cubic_c = 400,
		.initial_window = 10,
		.target_rtt_us = 25000,
		.mss = 1448,
		.mtu = 1500,
	};
	switch (algo) {
	case CC_RENO:
		cfg->abe.beta_min = 512;
		break;
	case CC_CUBIC:
		cfg->start = CC_START_HYSTART;
		cfg->abe.beta_loss = 717;
		cfg->abe.beta_ecn = 870;
		break;
	case CC_DCTCP:
		cfg->feedback = CC_FEEDBACK_DCTCP;
		break;
	case CC_PRAGUE:
		cfg->ect = ECN_ECT1;
		cfg->feedback = CC_FEEDBACK_ACCECN;
		cfg->pacing = true;
		cfg->rtt_independence = true;
		cfg->classic_detection = true;
		cfg->small_packets = true;
		cfg->calm_growth = true;
		break;
	}
}

/* ---- words ---- */

struct words {
	const char *p;
	const char *word; /* the last one */
	size_t n;
};

static bool next(struct words *in)
{
	in->p += strspn(in->p, " \t\n");
	in->word = in->p;
	in->n = strcspn(in->p, " \t\n");
	in->p += in->n;
	return in->n > 0;
}

static bool is(const struct words *in, const char *word)
{
	return strlen(word) == in->n && memcmp(in->word, word, in->n) == 0;
}

static int bad(const struct words *in, struct err *err, const char *what)
{
	char word[32];
	size_t n = in->n < sizeof(word) ? in->n : sizeof(word) - 1;
	size_t i;

	for (i = 0; i < n; i++)
		word[i] = (char)(in->word[i] >= 0x20 && in->word[i] < 0x7f ? in->word[i] : '?');
	word[n] = '\0';
	if (n)
		err_set(err, -EINVAL, "congestion control: \"%s\": %s", word, what);
	else
		err_set(err, -EINVAL, "congestion control: %s", what);
	return -EINVAL;
}

/* The next word as one of a list. */
static int choose(struct words *in, const char *const *names, size_t n, uint8_t *to,
		  struct err *err)
{
	char list[64] = "";
	size_t len = 0;
	bool there = next(in);
	size_t i;

	for (i = 0; i < n; i++) {
		if (there && is(in, names[i])) {
			*to = (uint8_t)i;
			return 0;
		}
		len += (size_t)snprintf(list + len, len < sizeof(list) ? sizeof(list) - len : 0,
					"%s%s", i ? ", " : "", names[i]);
	}
	bad(in, err,
	    there ? "not one of the words that can stand here" : "a word is missing at the end");
	err_mend(err, "%s", list);
	return -EINVAL;
}

/* Digits, at most nine. */
static bool digits(const char *p, size_t n, uint32_t *to)
{
	size_t i;

	*to = 0;
	if (!n || n > 9)
		return false;
	for (i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return false;
		*to = *to * 10 + (uint32_t)(p[i] - '0');
	}
	return true;
}

static int number(struct words *in, uint32_t low, uint32_t high, uint32_t *to, struct err *err)
{
	if (!next(in))
		return bad(in, err, "a number is missing at the end");
	if (!digits(in->word, in->n, to) || *to < low || *to > high)
		return bad(in, err, "not a number in the range that can stand here");
	return 0;
}

/* "0.85" in 1/`unit`, rounded; at most six decimals. */
static bool decimal(const char *p, size_t n, uint32_t unit, uint32_t *to)
{
	const char *dot = memchr(p, '.', n);
	size_t whole_n = dot ? (size_t)(dot - p) : n;
	size_t part_n = dot ? n - whole_n - 1 : 0;
	uint64_t scale = 1;
	uint32_t whole;
	uint32_t part = 0;
	size_t i;

	if (whole_n > 7 || part_n > 6 || !digits(p, whole_n, &whole) ||
	    (dot && !digits(dot + 1, part_n, &part)))
		return false;
	for (i = 0; i < part_n; i++)
		scale *= 10;
	*to = (uint32_t)(((whole * scale + part) * unit + scale / 2) / scale);
	return true;
}

static int factor(struct words *in, uint16_t *to, struct err *err)
{
	uint32_t v;

	if (!next(in))
		return bad(in, err, "a factor is missing at the end");
	if (!decimal(in->word, in->n, ABE_ONE, &v) || v < 1 || v >= ABE_ONE)
		return bad(in, err, "not a factor between 0 and 1, such as 0.85");
	*to = (uint16_t)v;
	return 0;
}

/* "25ms", "250us" */
static int duration_us(struct words *in, uint32_t *to, struct err *err)
{
	uint32_t unit = 1;
	size_t n;

	if (!next(in))
		return bad(in, err, "a time is missing at the end");
	n = in->n;
	if (n > 2 && memcmp(in->word + n - 2, "ms", 2) == 0)
		unit = 1000;
	else if (n <= 2 || memcmp(in->word + n - 2, "us", 2) != 0)
		return bad(in, err, "not a time such as 25ms or 500us");
	if (!decimal(in->word, n - 2, unit, to) || !*to || *to > 1000000)
		return bad(in, err, "not a time such as 25ms or 500us, up to 1000ms");
	return 0;
}

/* ---- reading ---- */

static int read_abe(struct words *in, struct abe_cfg *abe, struct err *err)
{
	uint32_t v;

	if (!next(in))
		return bad(in, err, "after \"abe\" comes off, adaptive or a factor");
	if (is(in, "off")) {
		abe->mode = ABE_OFF;
		return 0;
	}
	if (is(in, "adaptive")) {
		abe->mode = ABE_ADAPTIVE;
		return 0;
	}
	if (!decimal(in->word, in->n, ABE_ONE, &v) || v < 1 || v >= ABE_ONE)
		return bad(in, err, "after \"abe\" comes off, adaptive or a factor such as 0.85");
	abe->mode = ABE_FIXED;
	abe->beta_ecn = (uint16_t)v;
	return 0;
}

/* Switches: a word, its place, what it sets. */
struct flag {
	const char *name;
	size_t at;
};
static const struct flag flags[] = {
	{"pacing", offsetof(struct cc_cfg, pacing)},
	{"fast-convergence", offsetof(struct cc_cfg, fast_convergence)},
	{"rtt-independence", offsetof(struct cc_cfg, rtt_independence)},
	{"classic-detection", offsetof(struct cc_cfg, classic_detection)},
	{"calm-growth", offsetof(struct cc_cfg, calm_growth)},
	{"small-packets", offsetof(struct cc_cfg, small_packets)},
	{"abe-slow-start", offsetof(struct cc_cfg, abe.slow_start)},
	{"frlossreduce", offsetof(struct cc_cfg, abe.frlossreduce)},
	{"abe-fast-convergence", offsetof(struct cc_cfg, abe.fast_conv_beta)},
};

static bool *flag_of(struct cc_cfg *cfg, size_t at)
{
	return (bool *)((char *)cfg + at);
}

static bool read_flag(const struct words *in, struct cc_cfg *cfg)
{
	struct words rest = *in;
	bool value = true;
	size_t i;

	if (rest.n > 3 && memcmp(rest.word, "no-", 3) == 0) {
		rest.word += 3;
		rest.n -= 3;
		value = false;
	}
	for (i = 0; i < COUNT(flags); i++) {
		if (is(&rest, flags[i].name)) {
			*flag_of(cfg, flags[i].at) = value;
			return true;
		}
	}
	return false;
}

static int read_number(struct words *in, struct cc_cfg *cfg, struct err *err)
{
	uint32_t v = 0;
	int r;

	if (is(in, "iw")) {
		r = number(in, 1, 1000, &v, err);
		cfg->initial_window = r ? cfg->initial_window : (uint16_t)v;
		return r;
	}
	if (is(in, "mss"))
		return number(in, 88, 65000, &cfg->mss, err);
	if (is(in, "mtu"))
		return number(in, 150, 65000, &cfg->mtu, err);
	if (is(in, "target-rtt"))
		return duration_us(in, &cfg->target_rtt_us, err);
	if (is(in, "c")) {
		if (!next(in))
			return bad(in, err, "C is missing at the end");
		if (!decimal(in->word, in->n, 1000, &v) || v < 1 || v > 4000)
			return bad(in, err, "not a C between 0.001 and 4");
		cfg->cubic_c = (uint16_t)v;
		return 0;
	}
	return bad(in, err, "not a word of this line (see dep-l4s-sim(1))");
}

static int read_word(struct words *in, struct cc_cfg *cfg, struct err *err)
{
	if (read_flag(in, cfg))
		return 0;
	if (is(in, "no-ecn")) {
		cfg->ect = ECN_NOT_ECT;
		cfg->feedback = CC_FEEDBACK_NONE;
		return 0;
	}
	if (is(in, "form"))
		return choose(in, form_name, COUNT(form_name), &cfg->form, err);
	if (is(in, "start"))
		return choose(in, start_name, COUNT(start_name), &cfg->start, err);
	if (is(in, "ecn"))
		return choose(in, ect_name, COUNT(ect_name) - 1, &cfg->ect, err);
	if (is(in, "feedback"))
		return choose(in, feedback_name, COUNT(feedback_name), &cfg->feedback, err);
	if (is(in, "flight"))
		return choose(in, flight_name, COUNT(flight_name), &cfg->flight, err);
	if (is(in, "abe"))
		return read_abe(in, &cfg->abe, err);
	if (is(in, "abe-alpha"))
		return choose(in, alpha_name, COUNT(alpha_name), &cfg->abe.alpha, err);
	if (is(in, "abe-min"))
		return factor(in, &cfg->abe.beta_min, err);
	if (is(in, "abe-max"))
		return factor(in, &cfg->abe.beta_max, err);
	if (is(in, "beta"))
		return factor(in, &cfg->abe.beta_loss, err);
	return read_number(in, cfg, err);
}

int cc_cfg_parse(struct cc_cfg *cfg, const char *text, struct err *err)
{
	struct words in = {.p = text};
	uint8_t algo;
	int r = choose(&in, algo_name, COUNT(algo_name), &algo, err);

	if (r)
		return r;
	cc_cfg_defaults(cfg, (enum cc_algo)algo);
	while (next(&in)) {
		r = read_word(&in, cfg, err);
		if (r)
			return r;
	}
	return cc_cfg_check(cfg, err);
}

static int refuse(struct err *err, const char *what, const char *mend)
{
	err_set(err, -EINVAL, "congestion control: %s", what);
	err_mend(err, "%s", mend);
	return -EINVAL;
}

int cc_cfg_check(const struct cc_cfg *cfg, struct err *err)
{
	const struct abe_cfg *abe = &cfg->abe;

	if (cfg->algo >= COUNT(algo_name) || cfg->form >= COUNT(form_name) ||
	    cfg->start >= COUNT(start_name) || cfg->ect > ECN_ECT0 ||
	    cfg->feedback >= COUNT(feedback_name) || cfg->flight >= COUNT(flight_name) ||
	    abe->mode > ABE_ADAPTIVE || abe->alpha > ABE_ALPHA_SCALE)
		return refuse(err, "a choice is out of its range", "use the names of cc.h");
	if (!abe->beta_loss || abe->beta_loss >= ABE_ONE || !abe->beta_ecn ||
	    abe->beta_ecn >= ABE_ONE)
		return refuse(err, "a beta is not between 0 and 1", "beta 0.7, abe 0.85");
	if (!abe->beta_min || abe->beta_min > abe->beta_max || abe->beta_max >= ABE_ONE)
		return refuse(err, "abe-min is larger than abe-max, or one is not between 0 and 1",
			      "abe-min 0.7 abe-max 0.92");
	if ((cfg->ect == ECN_NOT_ECT) != (cfg->feedback == CC_FEEDBACK_NONE))
		return refuse(err, "ECT without feedback, or feedback without ECT",
			      "say no-ecn, or both ecn and feedback");
	if (cfg->ect == ECN_ECT1 && cfg->algo != CC_PRAGUE && cfg->algo != CC_DCTCP)
		return refuse(err, "ECT(1) is for scalable controls only (RFC 9331 section 4)",
			      "use ecn ect0");
	if (cfg->ect == ECN_ECT1 && cfg->feedback == CC_FEEDBACK_CLASSIC)
		return refuse(err, "ECT(1) needs accurate feedback", "use feedback accecn");
	if (cfg->algo != CC_PRAGUE && cfg->rtt_independence)
		return refuse(err, "rtt-independence is Prague's", "leave it out");
	if (!cfg->initial_window || cfg->initial_window > 1000 || cfg->mss < 88 ||
	    cfg->mss > 65000 || cfg->mtu < 150 || cfg->mtu > 65000 || cfg->mss >= cfg->mtu)
		return refuse(err, "iw, mss or mtu is out of range, or mss is not below mtu",
			      "iw 10 mss 1448 mtu 1500");
	if (!cfg->cubic_c || cfg->cubic_c > 4000 || !cfg->target_rtt_us ||
	    cfg->target_rtt_us > 1000000)
		return refuse(err, "c or target-rtt is out of range", "c 0.4 target-rtt 25ms");
	return 0;
}

/* ---- printing ---- */

struct out {
	char *p;
	uint32_t n;
	uint32_t at; /* may go beyond n */
};

static void put(struct out *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void put(struct out *o, const char *fmt, ...)
{
	va_list ap;
	int k;

	va_start(ap, fmt);
	k = vsnprintf(o->at < o->n ? o->p + o->at : NULL, o->at < o->n ? o->n - o->at : 0, fmt, ap);
	va_end(ap);
	if (k > 0)
		o->at += (uint32_t)k;
}

/* v/1024 with as few decimals as read back to it. */
static void put_factor(struct out *o, const char *word, uint16_t v)
{
	uint32_t scale = 1;
	uint32_t part = 0;
	int n;

	for (n = 1; n <= 4; n++) {
		scale *= 10;
		part = (v * scale + 512) / 1024;
		if ((part * 1024 + scale / 2) / scale == v)
			break;
	}
	put(o, " %s 0.%0*u", word, n < 4 ? n : 4, part);
}

static void put_names(struct out *o, const struct cc_cfg *cfg, const struct cc_cfg *d)
{
	if (cfg->ect == ECN_NOT_ECT && cfg->feedback == CC_FEEDBACK_NONE) {
		put(o, " no-ecn");
	} else {
		if (cfg->ect != d->ect)
			put(o, " ecn %s", ect_name[cfg->ect & 3]);
		if (cfg->feedback != d->feedback)
			put(o, " feedback %s", feedback_name[cfg->feedback & 3]);
	}
	if (cfg->form != d->form)
		put(o, " form %s", form_name[cfg->form & 1]);
	if (cfg->start != d->start && cfg->start < COUNT(start_name))
		put(o, " start %s", start_name[cfg->start]);
	if (cfg->flight != d->flight)
		put(o, " flight %s", flight_name[cfg->flight & 1]);
}

static void put_abe(struct out *o, const struct abe_cfg *abe, const struct abe_cfg *d)
{
	if (abe->beta_loss != d->beta_loss)
		put_factor(o, "beta", abe->beta_loss);
	if (abe->mode == ABE_FIXED)
		put_factor(o, "abe", abe->beta_ecn);
	else if (abe->mode == ABE_ADAPTIVE)
		put(o, " abe adaptive");
	if (abe->alpha != d->alpha)
		put(o, " abe-alpha %s", alpha_name[abe->alpha & 1]);
	if (abe->beta_min != d->beta_min)
		put_factor(o, "abe-min", abe->beta_min);
	if (abe->beta_max != d->beta_max)
		put_factor(o, "abe-max", abe->beta_max);
}

int cc_cfg_print(const struct cc_cfg *cfg, char *buf, uint32_t n)
{
	struct out o = {.p = buf, .n = n};
	struct cc_cfg have = *cfg;
	struct cc_cfg d;
	size_t i;

	cc_cfg_defaults(&d, (enum cc_algo)cfg->algo);
	if (n)
		buf[0] = '\0';
	put(&o, "%s", cc_algo_name((enum cc_algo)cfg->algo));
	put_names(&o, cfg, &d);
	put_abe(&o, &cfg->abe, &d.abe);
	for (i = 0; i < COUNT(flags); i++) {
		bool value = *flag_of(&have, flags[i].at);

		if (value != *flag_of(&d, flags[i].at))
			put(&o, " %s%s", value ? "" : "no-", flags[i].name);
	}
	if (cfg->initial_window != d.initial_window)
		put(&o, " iw %u", cfg->initial_window);
	if (cfg->mss != d.mss)
		put(&o, " mss %u", cfg->mss);
	if (cfg->mtu != d.mtu)
		put(&o, " mtu %u", cfg->mtu);
	if (cfg->target_rtt_us != d.target_rtt_us)
		put(&o, " target-rtt %uus", cfg->target_rtt_us);
	if (cfg->cubic_c != d.cubic_c)
		put(&o, " c %u.%03u", cfg->cubic_c / 1000u, cfg->cubic_c % 1000u);
	return (int)o.at;
}
