/* SPDX-License-Identifier: BSD-2-Clause */
/* A tree becomes a Thompson NFA over classes of characters: characters that no set of the pattern
 * tells apart are one class, so an automaton's alphabet is small. Assertions (^ $ \b) are looked at
 * when it is known what comes next: a state is what was reached before them. */
#include "base/regex.h"
#include "base/regex_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PROG 8192
#define MAX_EMIT                                                                                   \
	200000 /* nodes visited while the program is written: empty bodies repeated make no        \
		  instruction */
#define MAX_INTERVALS 8192
#define DFA_MAX_PROG 2048
#define DFA_MAX_STATES 512
#define DFA_MAX_CELLS 16384
#define DFA_MAX_WORK 3000000
#define DEAD 0
#define ACCEPT 1

enum op { OP_SET, OP_SPLIT, OP_BEGIN, OP_END, OP_WORD, OP_NOT_WORD, OP_MATCH };

struct inst {
	enum op op;
	uint32_t set;
	uint32_t x; /* next */
	uint32_t y; /* OP_SPLIT: the other next */
};

struct regex {
	struct inst *prog;
	uint32_t n_prog, cap_prog;
	uint32_t start;
	bool anchored; /* every match begins with ^ */
	bool words;    /* has \b or \B */
	/* Classes: intervals of code points, from lo[i] to before lo[i + 1]. */
	uint16_t ascii[128];
	uint32_t *lo;
	uint16_t *cls;
	uint32_t n_lo;
	uint32_t n_class;
	uint32_t n_sets;
	uint8_t *member; /* [class * n_sets + set] */
	uint8_t *word;	 /* [class] */
	/* The DFA, n_states 0: none. */
	uint16_t *next; /* [state * n_class + class] */
	uint8_t *accept_end;
	uint32_t n_states;
	uint16_t first;
};

/* ---- From the tree to a program ---- */

struct emitter {
	struct regex *re;
	const struct re_tree *t;
	uint32_t visits;
	int rc;
};

static uint32_t emit(struct emitter *e, struct inst in)
{
	struct regex *re = e->re;

	if (re->n_prog >= MAX_PROG)
		e->rc = -E2BIG;
	if (!e->rc && re->n_prog == re->cap_prog) {
		uint32_t cap = re->cap_prog ? re->cap_prog * 2 : 32;
		struct inst *prog = realloc(re->prog, cap * sizeof(*prog));

		if (prog) {
			re->prog = prog;
			re->cap_prog = cap;
		} else {
			e->rc = -ENOMEM;
		}
	}
	if (e->rc)
		return 0;
	re->prog[re->n_prog] = in;
	return re->n_prog++;
}

static void emit_node(struct emitter *e, uint32_t at);

/* Every instruction goes on to the one behind it, but where patched. */
static uint32_t emit_next(struct emitter *e, enum op op, uint32_t set)
{
	return emit(e, (struct inst){.op = op, .set = set, .x = e->re->n_prog + 1});
}

static void patch(struct emitter *e, uint32_t at, uint32_t x, uint32_t y)
{
	if (e->rc)
		return;
	e->re->prog[at].x = x;
	e->re->prog[at].y = y;
}

/* Without a free instruction kind "jump": a split with both ways the same. */
static uint32_t emit_split(struct emitter *e)
{
	return emit_next(e, OP_SPLIT, 0);
}

static void emit_alternatives(struct emitter *e, uint32_t child)
{
	uint32_t jumps = UINT32_MAX; /* chained through y */
	uint32_t end;

	for (; child && !e->rc; child = e->t->node[child].next) {
		bool more = e->t->node[child].next != 0;
		uint32_t split = more ? emit_split(e) : 0;
		uint32_t jump;

		emit_node(e, child);
		if (!more)
			break;
		jump = emit_split(e);
		patch(e, jump, 0, jumps);
		jumps = jump;
		patch(e, split, split + 1, e->re->n_prog);
	}
	end = e->re->n_prog;
	while (jumps != UINT32_MAX && !e->rc) {
		uint32_t before = e->re->prog[jumps].y;

		patch(e, jumps, end, end);
		jumps = before;
	}
}

static void emit_repeat(struct emitter *e, const struct re_node *n)
{
	uint32_t optional = UINT32_MAX;
	uint32_t last = e->re->n_prog;
	uint32_t i;

	for (i = 0; i < n->min && !e->rc; i++) {
		last = e->re->n_prog;
		emit_node(e, n->first);
	}
	if (n->max == REGEX_INF) {
		uint32_t split = emit_split(e);

		if (n->min > 0) {
			patch(e, split, last, split + 1);
			return;
		}
		emit_node(e, n->first);
		i = emit_split(e);
		patch(e, i, split, split);
		patch(e, split, split + 1, e->re->n_prog);
		return;
	}
	for (; i < n->max && !e->rc; i++) {
		uint32_t split = emit_split(e);

		patch(e, split, split + 1, optional);
		optional = split;
		emit_node(e, n->first);
	}
	while (optional != UINT32_MAX && !e->rc) {
		uint32_t before = e->re->prog[optional].y;

		e->re->prog[optional].y = e->re->n_prog;
		optional = before;
	}
}

/* Recursion is bounded by REGEX_MAX_GROUPS. */
static void emit_node(struct emitter *e, uint32_t at)
{
	const struct re_node *n = &e->t->node[at];
	uint32_t child;

	if (++e->visits > MAX_EMIT)
		e->rc = -E2BIG;
	if (e->rc)
		return;
	switch (n->kind) {
	case RE_EMPTY:
		break;
	case RE_SET:
		emit_next(e, OP_SET, n->set);
		break;
	case RE_CAT:
		for (child = n->first; child; child = e->t->node[child].next)
			emit_node(e, child);
		break;
	case RE_ALT:
		emit_alternatives(e, n->first);
		break;
	case RE_REPEAT:
		emit_repeat(e, n);
		break;
	case RE_BEGIN:
		emit_next(e, OP_BEGIN, 0);
		break;
	case RE_END:
		emit_next(e, OP_END, 0);
		break;
	case RE_WORD:
	case RE_NOT_WORD:
		e->re->words = true;
		emit_next(e, n->kind == RE_WORD ? OP_WORD : OP_NOT_WORD, 0);
		break;
	}
}

static bool begins_anchored(const struct re_tree *t, uint32_t at)
{
	const struct re_node *n = &t->node[at];
	uint32_t child;

	if (n->kind == RE_BEGIN)
		return true;
	if (n->kind == RE_CAT)
		return n->first && begins_anchored(t, n->first);
	if (n->kind != RE_ALT)
		return false;
	for (child = n->first; child; child = t->node[child].next) {
		if (!begins_anchored(t, child))
			return false;
	}
	return true;
}

/* ---- Classes of characters ---- */

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a;
	uint32_t y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Where any set begins or ends, an interval begins. */
static int make_intervals(struct regex *re, const struct charset *set, size_t n_sets)
{
	size_t total = 1;
	size_t n = 0;
	size_t i;
	size_t k;

	for (i = 0; i < n_sets; i++)
		total += 2 * set[i].n;
	if (total > 16 * MAX_INTERVALS)
		return -E2BIG;
	re->lo = malloc(total * sizeof(*re->lo));
	if (!re->lo)
		return -ENOMEM;
	re->lo[n++] = 0;
	for (i = 0; i < n_sets; i++) {
		for (k = 0; k < set[i].n; k++) {
			re->lo[n++] = set[i].r[k].lo;
			re->lo[n++] = set[i].r[k].hi + 1;
		}
	}
	qsort(re->lo, n, sizeof(*re->lo), by_value);
	for (i = 0, k = 1; k < n; k++) {
		if (re->lo[k] != re->lo[i] && re->lo[k] <= CHARSET_LAST)
			re->lo[++i] = re->lo[k];
	}
	re->n_lo = (uint32_t)i + 1;
	return re->n_lo > MAX_INTERVALS ? -E2BIG : 0;
}

static uint32_t class_of(const struct regex *re, uint32_t cp)
{
	uint32_t lo = 0;
	uint32_t hi = re->n_lo;

	while (hi - lo > 1) {
		uint32_t mid = (lo + hi) / 2;

		if (re->lo[mid] <= cp)
			lo = mid;
		else
			hi = mid;
	}
	return re->cls[lo];
}

/* Intervals that are in the same sets are one class. */
static int make_classes(struct regex *re, const struct charset *set, size_t n_sets)
{
	uint8_t *sig = NULL;
	size_t cap = 0;
	uint32_t i;

	re->cls = calloc(re->n_lo, sizeof(*re->cls));
	if (!re->cls)
		return -ENOMEM;
	for (i = 0; i < re->n_lo; i++) {
		uint32_t c;
		size_t k;

		if (re->n_class == cap) {
			uint8_t *more = realloc(sig, (cap = cap ? cap * 2 : 16) * n_sets);

			re->member = more ? more : sig;
			if (!more)
				return -ENOMEM;
			sig = more;
		}
		for (k = 0; k < n_sets; k++)
			sig[re->n_class * n_sets + k] = charset_has(&set[k], re->lo[i]);
		for (c = 0; memcmp(sig + c * n_sets, sig + re->n_class * n_sets, n_sets) != 0; c++)
			;
		re->cls[i] = (uint16_t)c;
		re->n_class += c == re->n_class;
		if (re->n_class > 1024)
			return -E2BIG;
	}
	re->n_sets = (uint32_t)n_sets;
	for (i = 0; i < 128; i++)
		re->ascii[i] = (uint16_t)class_of(re, i);
	return 0;
}

/* The last set is that of word characters, where the pattern asks for their boundaries. */
static int make_alphabet(struct regex *re, struct re_tree *t)
{
	static struct crange word[] = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
	struct charset *set = calloc(t->n_sets + 1, sizeof(*set));
	uint32_t c;
	int rc;

	if (!set)
		return -ENOMEM;
	memcpy(set, t->set, t->n_sets * sizeof(*set));
	if (re->words)
		set[t->n_sets] = (struct charset){.r = word, .n = 4};
	rc = make_intervals(re, set, t->n_sets + 1);
	if (!rc)
		rc = make_classes(re, set, t->n_sets + 1);
	free(set);
	re->word = rc ? NULL : malloc(re->n_class);
	if (!rc && !re->word)
		rc = -ENOMEM;
	for (c = 0; !rc && c < re->n_class; c++)
		re->word[c] = re->member[c * re->n_sets + t->n_sets];
	return rc;
}

/* ---- Sets of instructions ---- */

struct list {
	uint32_t n;
	uint16_t pc[MAX_PROG];
	uint64_t has[MAX_PROG / 64];
};

static void list_clear(struct list *l, uint32_t n_prog)
{
	l->n = 0;
	memset(l->has, 0, (n_prog + 63) / 64 * sizeof(l->has[0]));
}

static void list_put(struct list *l, uint32_t pc)
{
	if (l->has[pc / 64] >> (pc % 64) & 1)
		return;
	l->has[pc / 64] |= 1ull << (pc % 64);
	l->pc[l->n++] = (uint16_t)pc;
}

/* What is known of the place between two characters. */
struct place {
	bool begin, end;
	bool word_before, word_after;
};

static bool holds(const struct inst *in, const struct place *at)
{
	bool boundary = at->word_before != at->word_after;

	switch (in->op) {
	case OP_BEGIN:
		return at->begin;
	case OP_END:
		return at->end;
	case OP_WORD:
		return boundary;
	default:
		return !boundary;
	}
}

/* Adds to l all that is reached from its members without a character; true: a match is. Members
 * that consume stay, the others are in the list, too, and are passed over by those who read it. */
static bool closure(const struct regex *re, struct list *l, const struct place *at)
{
	uint32_t i;

	for (i = 0; i < l->n; i++) {
		const struct inst *in = &re->prog[l->pc[i]];

		if (in->op == OP_MATCH)
			return true;
		if (in->op == OP_SPLIT) {
			list_put(l, in->x);
			list_put(l, in->y);
		} else if (in->op != OP_SET && holds(in, at)) {
			list_put(l, in->x);
		}
	}
	return false;
}

static void step(const struct regex *re, const struct list *l, uint32_t cls, struct list *out)
{
	const uint8_t *member = re->member + (size_t)cls * re->n_sets;
	uint32_t i;

	list_clear(out, re->n_prog);
	for (i = 0; i < l->n; i++) {
		const struct inst *in = &re->prog[l->pc[i]];

		if (in->op == OP_SET && member[in->set])
			list_put(out, in->x);
	}
	if (!re->anchored)
		list_put(out, re->start);
}

/* ---- The DFA ---- */

struct dfa_state {
	uint64_t has[DFA_MAX_PROG / 64];
	bool word_before;
};

struct dfa {
	struct regex *re;
	struct dfa_state *state;
	uint32_t n;
	uint64_t work;
	struct list a, b;
};

static uint32_t dfa_find(struct dfa *d, const struct list *l, bool word_before)
{
	struct dfa_state *fresh = &d->state[d->n];
	size_t bytes = (d->re->n_prog + 63) / 64 * sizeof(uint64_t);
	uint32_t i;

	if (l->n == 0)
		return DEAD;
	memcpy(fresh->has, l->has, bytes);
	fresh->word_before = word_before;
	/* State 2 stands at the begin of the text and is never come back to. */
	for (i = 3; i < d->n; i++) {
		if (d->state[i].word_before == word_before &&
		    memcmp(d->state[i].has, fresh->has, bytes) == 0)
			return i;
	}
	d->work += d->n;
	return d->n++;
}

static void dfa_load(struct dfa *d, uint32_t s, const struct place *at, bool *match)
{
	uint32_t pc;

	list_clear(&d->a, d->re->n_prog);
	for (pc = 0; pc < d->re->n_prog; pc++) {
		if (d->state[s].has[pc / 64] >> (pc % 64) & 1)
			list_put(&d->a, pc);
	}
	*match = closure(d->re, &d->a, at);
	d->work += d->re->n_prog + d->a.n;
}

static bool dfa_row(struct dfa *d, uint32_t s)
{
	struct regex *re = d->re;
	struct place at = {.begin = s == 2, .end = true, .word_before = d->state[s].word_before};
	bool match;
	int word;

	dfa_load(d, s, &at, &match);
	re->accept_end[s] = match;
	at.end = false;
	for (word = 0; word <= (re->words ? 1 : 0); word++) {
		uint32_t c;

		at.word_after = word;
		dfa_load(d, s, &at, &match);
		for (c = 0; c < re->n_class; c++) {
			uint32_t to = ACCEPT;

			if (re->words && re->word[c] != word)
				continue;
			if (!match) {
				step(re, &d->a, c, &d->b);
				d->work += d->a.n + re->n_prog / 16;
				to = dfa_find(d, &d->b, re->words && re->word[c]);
			}
			if (d->n >= DFA_MAX_STATES || d->work > DFA_MAX_WORK)
				return false;
			re->next[s * re->n_class + c] = (uint16_t)to;
		}
	}
	return true;
}

static void shrink(struct regex *re)
{
	uint16_t *next = realloc(re->next, re->n_states * re->n_class * sizeof(*next));
	uint8_t *accept = realloc(re->accept_end, re->n_states);

	re->next = next ? next : re->next;
	re->accept_end = accept ? accept : re->accept_end;
}

/* Makes the DFA where it is small; without one the NFA is simulated. */
static void make_dfa(struct regex *re)
{
	uint32_t most = DFA_MAX_CELLS / re->n_class;
	struct dfa *d;
	bool fits = re->n_prog <= DFA_MAX_PROG && most > 8;
	uint32_t s;

	if (!fits)
		return;
	most = most < DFA_MAX_STATES ? most : DFA_MAX_STATES;
	d = calloc(1, sizeof(*d));
	re->next = calloc((size_t)DFA_MAX_STATES * re->n_class, sizeof(*re->next));
	re->accept_end = calloc(DFA_MAX_STATES, 1);
	if (d)
		d->state = calloc(DFA_MAX_STATES + 1, sizeof(*d->state));
	if (d && d->state && re->next && re->accept_end) {
		d->re = re;
		d->n = 2;
		list_put(&d->b, re->start);
		re->first = (uint16_t)dfa_find(d, &d->b, false);
		for (s = 2; fits && s < d->n; s++)
			fits = dfa_row(d, s) && d->n <= most;
		re->n_states = fits ? d->n : 0;
	}
	if (re->n_states) {
		shrink(re);
	} else {
		free(re->next);
		free(re->accept_end);
		re->next = NULL;
		re->accept_end = NULL;
	}
	if (d)
		free(d->state);
	free(d);
}

struct regex *regex_new(const char *pattern, size_t n, struct err *err)
{
	struct re_tree t = {0};
	struct regex *re = calloc(1, sizeof(*re));
	struct emitter e = {.re = re, .t = &t};
	int rc = re ? re_parse(&t, pattern, n, err) : err_set(err, -ENOMEM, "no memory");

	if (!rc) {
		emit_node(&e, t.root);
		emit_next(&e, OP_MATCH, 0);
		re->anchored = begins_anchored(&t, t.root);
		rc = e.rc;
		if (!rc)
			rc = make_alphabet(re, &t);
		if (!rc)
			make_dfa(re);
		if (rc)
			err_set(err, rc, rc == -E2BIG ? "pattern: too large" : "no memory");
	}
	re_tree_free(&t);
	if (!rc)
		return re;
	regex_free(re);
	return NULL;
}

void regex_free(struct regex *re)
{
	if (!re)
		return;
	free(re->prog);
	free(re->lo);
	free(re->cls);
	free(re->member);
	free(re->word);
	free(re->next);
	free(re->accept_end);
	free(re);
}

/* ---- Matching ---- */

static int match_dfa(const struct regex *re, const char *p, const char *end)
{
	uint32_t s = re->first;

	while (p < end && s > ACCEPT) {
		uint8_t ch = (uint8_t)*p;
		uint32_t c;

		if (ch < 0x80) {
			c = re->ascii[ch];
			p++;
		} else {
			c = class_of(re, utf8_next(&p, end));
		}
		s = re->next[s * re->n_class + c];
	}
	return s > ACCEPT ? re->accept_end[s] : (int)s;
}

static int match_nfa(const struct regex *re, const char *p, const char *end, uint64_t *budget)
{
	struct place at = {.begin = true};
	struct list a;
	struct list b;

	list_clear(&a, re->n_prog);
	list_put(&a, re->start);
	for (;;) {
		uint32_t c = 0;

		at.end = p == end;
		at.word_after = false;
		if (!at.end) {
			c = class_of(re, utf8_next(&p, end));
			at.word_after = re->words && re->word[c];
		}
		if (closure(re, &a, &at))
			return 1;
		if (at.end || a.n == 0)
			return 0;
		if (*budget < a.n / 8 + 1)
			return -E2BIG;
		*budget -= a.n / 8 + 1;
		step(re, &a, c, &b);
		list_clear(&a, re->n_prog);
		memcpy(a.pc, b.pc, b.n * sizeof(a.pc[0]));
		memcpy(a.has, b.has, (re->n_prog + 63) / 64 * sizeof(a.has[0]));
		a.n = b.n;
		at = (struct place){.word_before = at.word_after};
	}
}

int regex_match(const struct regex *re, const char *text, size_t n, uint64_t *budget)
{
	uint64_t cost = n / 16 + 1;

	if (*budget < cost)
		return -E2BIG;
	*budget -= cost;
	if (re->n_states)
		return match_dfa(re, text, text + n);
	return match_nfa(re, text, text + n, budget);
}
