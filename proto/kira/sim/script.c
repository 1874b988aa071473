/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/kira/sim/script.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIME_MAX SEC(1000000)
#define COUNT_MAX 16777216

const char script_help[] =
	"  at TIME ACTION, or: every TIME [from TIME] [until TIME] ACTION\n"
	"  link U V down|up          carrier of the link between nodes U and V\n"
	"  silent U V [oneway]       the link loses everything, its carrier stays\n"
	"  loss U V P                the link loses each datagram with probability P\n"
	"  delay U V TIME            delay of the link, one way\n"
	"  heal U V                  the link is up, not silent, without loss\n"
	"  node N kill|crash|stop|start [ssn-lost]\n"
	"                            kill: neighbours lose carrier; crash: they do not;\n"
	"                            stop: the daemon hangs, its tables go on forwarding\n"
	"  cut COUNT[%] random links [silent] [for TIME]\n"
	"  kill|crash|stop COUNT[%] random nodes [for TIME]\n"
	"  partition SET SET         cuts the links between two sets, such as 0-49,60 50-59\n"
	"  partition half            cuts a random connected half from the rest\n"
	"  restore                   heals all links, starts all nodes\n"
	"  check                     walks all pairs, for the report\n"
	"  Times are numbers with us, ms, s or m; # begins a comment.\n";

struct line {
	struct slice rest;
	const char *where;
	unsigned number;
	uint32_t n_nodes;
	struct err *err;
};

static int bad(struct line *l, struct slice word, const char *what, const char *mend)
{
	char shown[40];
	size_t i;

	for (i = 0; i < word.n && i + 1 < sizeof(shown); i++)
		shown[i] = word.p[i] >= ' ' && word.p[i] < 127 ? (char)word.p[i] : '?';
	shown[i] = '\0';
	err_set(l->err, -EINVAL, "%s: %s", what, word.n ? shown : "nothing there");
	err_where(l->err, "%s:%u", l->where, l->number);
	err_mend(l->err, "%s", mend);
	return -EINVAL;
}

static bool blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct slice next(struct line *l)
{
	struct slice *s = &l->rest;
	struct slice w;

	while (s->n && blank(*s->p)) {
		s->p++;
		s->n--;
	}
	w = (struct slice){s->p, 0};
	while (s->n && !blank(*s->p)) {
		s->p++;
		s->n--;
		w.n++;
	}
	return w;
}

static bool is(struct slice w, const char *text)
{
	return slice_eq(w, slice_of(text, strlen(text)));
}

/* Takes the next word where it is `text`. */
static bool took(struct line *l, const char *text)
{
	struct slice keep = l->rest;

	if (is(next(l), text))
		return true;
	l->rest = keep;
	return false;
}

/* Digits off the front of w. */
static bool digits(struct slice *w, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;
	size_t n = 0;

	while (w->n && *w->p >= '0' && *w->p <= '9') {
		v = v * 10 + (uint64_t)(*w->p - '0');
		if (v > max)
			return false;
		w->p++;
		w->n--;
		n++;
	}
	*out = v;
	return n > 0;
}

int script_time(struct slice w, usec_t *out)
{
	static const struct {
		const char *name;
		usec_t is;
	} unit[] = {{"us", 1}, {"ms", 1000}, {"s", SEC(1)}, {"m", SEC(60)}};
	uint64_t v;
	uint64_t frac = 0;
	uint64_t scale = 1;
	usec_t t;
	size_t i;

	if (!digits(&w, TIME_MAX, &v))
		return -EINVAL;
	if (w.n && *w.p == '.') {
		w.p++;
		w.n--;
		for (; w.n && *w.p >= '0' && *w.p <= '9' && scale < 1000000; w.p++, w.n--) {
			frac = frac * 10 + (uint64_t)(*w.p - '0');
			scale *= 10;
		}
		if (scale == 1)
			return -EINVAL;
	}
	if (v == 0 && scale == 1 && w.n == 0) {
		*out = 0;
		return 0;
	}
	for (i = 0; i < sizeof(unit) / sizeof(*unit); i++) {
		if (!is(w, unit[i].name))
			continue;
		if (v > (uint64_t)(TIME_MAX / unit[i].is))
			return -EINVAL;
		t = (usec_t)v * unit[i].is + (usec_t)frac * unit[i].is / (usec_t)scale;
		*out = t;
		return 0;
	}
	return -EINVAL;
}

static int take_time(struct line *l, usec_t *out)
{
	struct slice w = next(l);

	return script_time(w, out) < 0 ? bad(l, w, "not a time", "a number with us, ms, s or m: 1.5s") : 0;
}

static int take_node(struct line *l, uint32_t *out)
{
	struct slice w = next(l);
	struct slice rest = w;
	uint64_t v;

	if (!digits(&rest, UINT32_MAX, &v) || rest.n)
		return bad(l, w, "not a node", "nodes are numbers from 0");
	if (v >= l->n_nodes)
		return bad(l, w, "no such node", "numbers run from 0 to the number of nodes - 1");
	*out = (uint32_t)v;
	return 0;
}

static int take_link(struct line *l, struct script_step *s)
{
	int rc = take_node(l, &s->u);

	return rc < 0 ? rc : take_node(l, &s->v);
}

static int take_link_state(struct line *l, struct script_step *s)
{
	struct slice w;

	if (take_link(l, s) < 0)
		return -EINVAL;
	w = next(l);
	if (!is(w, "down") && !is(w, "up"))
		return bad(l, w, "not a state of a link", "link U V down|up");
	s->action = is(w, "up") ? SCRIPT_LINK_UP : SCRIPT_LINK_DOWN;
	return 0;
}

static int take_silent(struct line *l, struct script_step *s)
{
	if (take_link(l, s) < 0)
		return -EINVAL;
	s->flag = took(l, "oneway");
	s->action = SCRIPT_SILENT;
	return 0;
}

static int take_loss(struct line *l, struct script_step *s)
{
	struct slice w;
	char text[16];
	char *end;

	if (take_link(l, s) < 0)
		return -EINVAL;
	w = next(l);
	snprintf(text, sizeof(text), "%.*s", (int)(w.n < 15 ? w.n : 15), (const char *)w.p);
	s->p = strtod(text, &end);
	if (w.n == 0 || w.n > 15 || *end || strspn(text, "0123456789.") != w.n || !(s->p >= 0 && s->p <= 1))
		return bad(l, w, "not a probability", "a number from 0 to 1: 0.05");
	s->action = SCRIPT_LOSS;
	return 0;
}

static int take_delay(struct line *l, struct script_step *s)
{
	s->action = SCRIPT_DELAY;
	return take_link(l, s) < 0 ? -EINVAL : take_time(l, &s->time);
}

static int take_heal(struct line *l, struct script_step *s)
{
	s->action = SCRIPT_HEAL;
	return take_link(l, s);
}

static int take_node_state(struct line *l, struct script_step *s)
{
	struct slice w;

	if (take_node(l, &s->u) < 0)
		return -EINVAL;
	w = next(l);
	if (is(w, "kill"))
		s->action = SCRIPT_KILL;
	else if (is(w, "crash"))
		s->action = SCRIPT_CRASH;
	else if (is(w, "stop"))
		s->action = SCRIPT_STOP;
	else if (is(w, "start"))
		s->action = SCRIPT_START;
	else
		return bad(l, w, "not a state of a node", "node N kill|crash|stop|start [ssn-lost]");
	if (s->action == SCRIPT_START)
		s->flag = took(l, "ssn-lost");
	return 0;
}

/* COUNT[%] random WHAT [silent] [for TIME] */
static int take_random(struct line *l, struct script_step *s, const char *what, bool may_be_silent)
{
	struct slice w = next(l);
	struct slice rest = w;
	uint64_t v;

	if (!digits(&rest, COUNT_MAX, &v) || (rest.n && !is(rest, "%")))
		return bad(l, w, "not a count", "a number, or a share such as 30%");
	s->percent = rest.n != 0;
	s->count = (uint32_t)v;
	if (s->percent && v > 100)
		return bad(l, w, "more than all", "a share is at most 100%");
	if (!took(l, "random"))
		return bad(l, next(l), "the word random is missing", "cut 3 random links, kill 2 random nodes");
	w = next(l);
	if (!is(w, what) && !(w.n == strlen(what) - 1 && memcmp(w.p, what, w.n) == 0))
		return bad(l, w, "of what?", "cut takes links; kill, crash and stop take nodes");
	s->flag = may_be_silent && took(l, "silent");
	return took(l, "for") ? take_time(l, &s->time) : 0;
}

static int take_cut(struct line *l, struct script_step *s)
{
	s->action = SCRIPT_CUT_RANDOM;
	return take_random(l, s, "links", true);
}

static int take_kill(struct line *l, struct script_step *s)
{
	s->action = SCRIPT_KILL_RANDOM;
	return take_random(l, s, "nodes", false);
}

static int take_crash(struct line *l, struct script_step *s)
{
	s->action = SCRIPT_CRASH_RANDOM;
	return take_random(l, s, "nodes", false);
}

static int take_stop(struct line *l, struct script_step *s)
{
	s->action = SCRIPT_STOP_RANDOM;
	return take_random(l, s, "nodes", false);
}

static int take_set(struct line *l, struct script_set *set)
{
	struct slice word = next(l);
	struct slice w = word;
	uint64_t lo;
	uint64_t hi;

	do {
		if (set->n == SCRIPT_SET_MAX)
			return bad(l, word, "more than 16 ranges", "join ranges, or use two steps");
		if (!digits(&w, UINT32_MAX, &lo))
			return bad(l, word, "not a set of nodes", "ranges with commas: 0-49,60");
		hi = lo;
		if (w.n && *w.p == '-') {
			w.p++;
			w.n--;
			if (!digits(&w, UINT32_MAX, &hi) || hi < lo)
				return bad(l, word, "not a range of nodes", "ranges with commas: 0-49,60");
		}
		if (hi >= l->n_nodes)
			return bad(l, word, "no such node", "numbers run from 0 to the number of nodes - 1");
		set->range[set->n].lo = (uint32_t)lo;
		set->range[set->n++].hi = (uint32_t)hi;
		if (w.n == 0)
			return 0;
		if (*w.p != ',')
			return bad(l, word, "not a set of nodes", "ranges with commas: 0-49,60");
		w.p++;
		w.n--;
	} while (true);
}

static int take_partition(struct line *l, struct script_step *s)
{
	int rc;

	s->action = SCRIPT_PARTITION_HALF;
	if (took(l, "half"))
		return 0;
	s->action = SCRIPT_PARTITION;
	rc = take_set(l, &s->a);
	return rc < 0 ? rc : take_set(l, &s->b);
}

static int take_restore(struct line *l, struct script_step *s)
{
	s->action = SCRIPT_RESTORE;
	return 0;
}

static int take_check(struct line *l, struct script_step *s)
{
	s->action = SCRIPT_CHECK;
	return 0;
}

static const struct {
	const char *word;
	int (*take)(struct line *l, struct script_step *s);
} actions[] = {
	{"link", take_link_state}, {"silent", take_silent}, {"loss", take_loss},
	{"delay", take_delay},	   {"heal", take_heal},	    {"node", take_node_state},
	{"cut", take_cut},	   {"kill", take_kill},	    {"crash", take_crash},
	{"stop", take_stop},	   {"partition", take_partition}, {"restore", take_restore},
	{"check", take_check},
};

/* at TIME, or every TIME [from TIME] [until TIME] */
static int take_when(struct line *l, struct slice first, struct script_step *s)
{
	if (is(first, "at"))
		return take_time(l, &s->at);
	if (!is(first, "every"))
		return bad(l, first, "a step begins with at or every", "at 10s link 3 7 down");
	if (take_time(l, &s->every) < 0)
		return -EINVAL;
	if (s->every < MSEC(1))
		return bad(l, first, "the interval must be at least 1ms", "every 200ms from 10s until 20s …");
	s->at = s->every;
	s->until = USEC_NEVER;
	if (took(l, "from") && take_time(l, &s->at) < 0)
		return -EINVAL;
	return took(l, "until") ? take_time(l, &s->until) : 0;
}

static int take_action(struct line *l, struct script_step *s)
{
	struct slice w;
	size_t i;

	while (l->rest.n && blank(*l->rest.p)) {
		l->rest.p++;
		l->rest.n--;
	}
	while (l->rest.n && blank(l->rest.p[l->rest.n - 1]))
		l->rest.n--;
	for (i = 0; i < l->rest.n && i + 1 < sizeof(s->text); i++)
		s->text[i] = l->rest.p[i] >= ' ' && l->rest.p[i] < 127 ? (char)l->rest.p[i] : ' ';
	w = next(l);
	for (i = 0; i < sizeof(actions) / sizeof(*actions); i++) {
		if (!is(w, actions[i].word))
			continue;
		if (actions[i].take(l, s) < 0)
			return -EINVAL;
		w = next(l);
		return w.n ? bad(l, w, "more than the action takes", "--help lists the actions") : 0;
	}
	return bad(l, w, "no such action", "--help lists the actions");
}

static int add(struct script *sc, struct line *l, const struct script_step *s)
{
	if (sc->n == SCRIPT_STEPS_MAX) {
		bad(l, (struct slice){0}, "more than 100000 steps", "use every");
		return -E2BIG;
	}
	if (sc->n == sc->cap) {
		uint32_t cap = sc->cap ? sc->cap * 2 : 16;
		void *p = realloc(sc->step, cap * sizeof(*sc->step));

		if (!p)
			return err_set(l->err, -ENOMEM, "no memory for the script");
		sc->step = p;
		sc->cap = cap;
	}
	sc->step[sc->n++] = *s;
	return 0;
}

static int take_line(struct script *sc, struct line *l)
{
	const uint8_t *hash = l->rest.n ? memchr(l->rest.p, '#', l->rest.n) : NULL;
	struct script_step s = {.line = l->number};
	struct slice w;
	int rc;

	if (hash)
		l->rest.n = (size_t)(hash - l->rest.p);
	w = next(l);
	if (w.n == 0)
		return 0;
	rc = take_when(l, w, &s);
	if (rc == 0)
		rc = take_action(l, &s);
	return rc < 0 ? rc : add(sc, l, &s);
}

int script_parse(struct script *sc, struct slice text, uint32_t n_nodes, const char *where, struct err *err)
{
	struct line l = {.where = where, .n_nodes = n_nodes, .err = err};
	int rc = 0;

	while (text.n && rc == 0) {
		const uint8_t *nl = memchr(text.p, '\n', text.n);
		size_t n = nl ? (size_t)(nl - text.p) : text.n;

		l.number++;
		l.rest = (struct slice){text.p, n};
		rc = take_line(sc, &l);
		n += nl != NULL;
		text.p += n;
		text.n -= n;
	}
	return rc;
}

void script_free(struct script *sc)
{
	free(sc->step);
	*sc = (struct script){0};
}
