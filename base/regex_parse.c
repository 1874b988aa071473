/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/regex_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct parser {
	struct re_tree *t;
	const char *begin, *p, *end;
	unsigned depth;
	struct err *err;
	int rc;
};

static int fail(struct parser *s, int code, const char *what)
{
	if (s->rc == 0) {
		s->rc = err_set(s->err, code, "pattern: %s", what);
		err_where(s->err, "offset %zu of the pattern", (size_t)(s->p - s->begin));
	}
	return s->rc;
}

static uint32_t node_new(struct parser *s, enum re_kind kind)
{
	struct re_tree *t = s->t;

	if (t->n >= REGEX_MAX_NODES) {
		fail(s, -E2BIG, "too large");
		return 0;
	}
	if (t->n == t->cap) {
		uint32_t cap = t->cap ? t->cap * 2 : 32;
		struct re_node *node = realloc(t->node, cap * sizeof(*node));

		if (!node) {
			fail(s, -ENOMEM, "no memory");
			return 0;
		}
		t->node = node;
		t->cap = cap;
		if (t->n == 0)
			t->node[t->n++] = (struct re_node){0};
	}
	t->node[t->n] = (struct re_node){.kind = kind};
	return t->n++;
}

static void child_add(struct parser *s, uint32_t parent, uint32_t child)
{
	struct re_node *p = &s->t->node[parent];

	if (p->last)
		s->t->node[p->last].next = child;
	else
		p->first = child;
	p->last = child;
}

/* Takes over *c; equal sets are one. */
static uint32_t set_node(struct parser *s, struct charset *c)
{
	uint32_t node = node_new(s, RE_SET);
	uint32_t i;

	charset_norm(c);
	if (c->failed)
		fail(s, -ENOMEM, "no memory");
	for (i = 0; i < s->t->n_sets; i++) {
		if (charset_equal(&s->t->set[i], c))
			break;
	}
	if (i == REGEX_MAX_SETS)
		fail(s, -E2BIG, "too many classes");
	if (s->rc) {
		charset_free(c);
		return 0;
	}
	if (i == s->t->n_sets)
		s->t->set[s->t->n_sets++] = *c;
	else
		charset_free(c);
	s->t->node[node].set = i;
	return node;
}

static void add_ranges(struct charset *c, const struct crange *r, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		charset_add(c, r[i].lo, r[i].hi);
}

/* \d \w \s, and their complements in capitals. false: another letter. */
static bool add_class_letter(struct charset *c, char letter)
{
	static const struct crange digit[] = {{'0', '9'}};
	static const struct crange word[] = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
	static const struct crange space[] = {{'\t', '\r'},	{' ', ' '},	  {0xa0, 0xa0},
					      {0x1680, 0x1680}, {0x2000, 0x200a}, {0x2028, 0x2029},
					      {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000},
					      {0xfeff, 0xfeff}};
	struct charset one = {0};

	switch (letter | 0x20) {
	case 'd':
		add_ranges(&one, digit, 1);
		break;
	case 'w':
		add_ranges(&one, word, 4);
		break;
	case 's':
		add_ranges(&one, space, sizeof(space) / sizeof(space[0]));
		break;
	default:
		return false;
	}
	if (letter < 'a')
		charset_negate(&one);
	charset_add_all(c, &one);
	charset_free(&one);
	return true;
}

/* Behind \p or \P: {Lu}, {General_Category=Lu}, {gc=Lu}, {Any}, {ASCII}. */
static int add_property(struct parser *s, struct charset *c, bool negate)
{
	const char *close = s->p < s->end ? memchr(s->p, '}', (size_t)(s->end - s->p)) : NULL;
	struct charset one = {0};
	const char *name = s->p + 1;
	const char *eq;
	size_t n;

	if (!close || *s->p != '{')
		return fail(s, -EINVAL, "\\p needs {Category}");
	n = (size_t)(close - name);
	eq = memchr(name, '=', n);
	if (eq && ((eq - name == 2 && memcmp(name, "gc", 2) == 0) ||
		   (eq - name == 16 && memcmp(name, "General_Category", 16) == 0))) {
		n -= (size_t)(eq + 1 - name);
		name = eq + 1;
	}
	if (n == 3 && memcmp(name, "Any", 3) == 0)
		charset_add(&one, 0, CHARSET_LAST);
	else if (n == 5 && memcmp(name, "ASCII", 5) == 0)
		charset_add(&one, 0, 0x7f);
	else if (!charset_add_category(&one, name, n))
		return fail(s, -ENOTSUP, "of Unicode properties only general categories are known");
	charset_norm(&one);
	if (negate)
		charset_negate(&one);
	charset_add_all(c, &one);
	charset_free(&one);
	s->p = close + 1;
	return 0;
}

static int hex(struct parser *s, unsigned digits, uint32_t *out)
{
	unsigned i;

	*out = 0;
	for (i = 0; i < digits; i++) {
		char ch = s->p < s->end ? *s->p : '\0';
		uint32_t v = ch >= '0' && ch <= '9' ? (uint32_t)(ch - '0')
						    : (uint32_t)((ch | 0x20) - 'a') + 10;

		if (v > 15)
			return fail(s, -EINVAL, "hexadecimal digits are missing");
		*out = *out * 16 + v;
		s->p++;
	}
	return 0;
}

/* Behind \u: XXXX, a surrogate pair XXXX\uXXXX, or {X…}. */
static int unicode_escape(struct parser *s, uint32_t *out)
{
	uint32_t low;

	if (s->p < s->end && *s->p == '{') {
		const char *close = memchr(s->p, '}', (size_t)(s->end - s->p));

		s->p++;
		if (!close || close == s->p || close - s->p > 6)
			return fail(s, -EINVAL, "\\u{…} needs 1 to 6 hexadecimal digits");
		if (hex(s, (unsigned)(close - s->p), out))
			return s->rc;
		s->p++;
		return *out > CHARSET_LAST ? fail(s, -EINVAL, "no such character") : 0;
	}
	if (hex(s, 4, out))
		return s->rc;
	if (*out >= 0xd800 && *out < 0xdc00 && s->end - s->p >= 6 && s->p[0] == '\\' &&
	    s->p[1] == 'u') {
		s->p += 2;
		if (hex(s, 4, &low))
			return s->rc;
		if (low < 0xdc00 || low > 0xdfff)
			return fail(s, -EINVAL, "half a surrogate pair");
		*out = 0x10000 + ((*out - 0xd800) << 10) + (low - 0xdc00);
	}
	return 0;
}

/* An escape that stands for one character; s->p is behind the backslash. */
static int char_escape(struct parser *s, uint32_t *out)
{
	static const char letter[] = "tnvfr";
	static const char value[] = "\t\n\v\f\r";
	char ch = *s->p;
	const char *at = memchr(letter, ch, sizeof(letter) - 1);

	if ((uint8_t)ch >= 0x80) {
		*out = utf8_next(&s->p, s->end);
		return 0;
	}
	if (ch >= '1' && ch <= '9')
		return fail(s, -ENOTSUP, "back-references are not supported");
	s->p++;
	*out = (uint8_t)ch;
	if (at)
		*out = (uint32_t)value[at - letter];
	else if (ch == '0')
		*out = 0;
	else if (ch == 'x')
		return hex(s, 2, out);
	else if (ch == 'u')
		return unicode_escape(s, out);
	else if (ch == 'c' && s->p < s->end && ((*s->p | 0x20) >= 'a' && (*s->p | 0x20) <= 'z'))
		*out = (uint32_t)*s->p++ & 31;
	else if (ch == 'k')
		return fail(s, -ENOTSUP, "back-references are not supported");
	else if ((ch | 0x20) >= 'a' && (ch | 0x20) <= 'z')
		return fail(s, -EINVAL, "unknown escape");
	return 0;
}

/* One member of [...]: a character, or a class (then *is_class). */
static int class_atom(struct parser *s, struct charset *c, uint32_t *cp, bool *is_class)
{
	char ch = *s->p;

	*is_class = false;
	if (ch != '\\') {
		*cp = utf8_next(&s->p, s->end);
		return 0;
	}
	if (++s->p == s->end)
		return fail(s, -EINVAL, "ends in a backslash");
	ch = *s->p;
	if (ch == 'b' || ch == '-') {
		*cp = ch == 'b' ? '\b' : '-';
		s->p++;
		return 0;
	}
	if (add_class_letter(c, ch)) {
		*is_class = true;
		s->p++;
		return 0;
	}
	if (ch == 'p' || ch == 'P') {
		*is_class = true;
		s->p++;
		return add_property(s, c, ch == 'P');
	}
	return char_escape(s, cp);
}

static uint32_t parse_class(struct parser *s)
{
	struct charset c = {0};
	bool negate = false;

	if (s->p < s->end && *s->p == '^') {
		negate = true;
		s->p++;
	}
	while (!s->rc && s->p < s->end && *s->p != ']') {
		bool class_lo;
		bool class_hi;
		uint32_t lo;
		uint32_t hi;

		if (class_atom(s, &c, &lo, &class_lo))
			break;
		if (s->end - s->p < 2 || s->p[0] != '-' || s->p[1] == ']') {
			if (!class_lo)
				charset_add(&c, lo, lo);
			continue;
		}
		s->p++;
		if (class_atom(s, &c, &hi, &class_hi))
			break;
		if (class_lo || class_hi || hi < lo)
			fail(s, -EINVAL, "bad range in a class");
		else
			charset_add(&c, lo, hi);
	}
	if (s->p == s->end)
		fail(s, -EINVAL, "] is missing");
	if (s->rc) {
		charset_free(&c);
		return 0;
	}
	s->p++;
	charset_norm(&c);
	if (negate)
		charset_negate(&c);
	return set_node(s, &c);
}

static uint32_t one_char(struct parser *s, uint32_t cp)
{
	struct charset c = {0};

	charset_add(&c, cp, cp);
	return set_node(s, &c);
}

static uint32_t parse_escape(struct parser *s)
{
	struct charset c = {0};
	uint32_t cp;
	char ch;

	if (s->p == s->end) {
		fail(s, -EINVAL, "ends in a backslash");
		return 0;
	}
	ch = *s->p;
	if (ch == 'b' || ch == 'B') {
		s->p++;
		return node_new(s, ch == 'b' ? RE_WORD : RE_NOT_WORD);
	}
	if (add_class_letter(&c, ch)) {
		s->p++;
		return set_node(s, &c);
	}
	if (ch == 'p' || ch == 'P') {
		s->p++;
		if (add_property(s, &c, ch == 'P') == 0)
			return set_node(s, &c);
		charset_free(&c);
		return 0;
	}
	return char_escape(s, &cp) ? 0 : one_char(s, cp);
}

static uint32_t parse_dot(struct parser *s)
{
	struct charset c = {0};

	charset_add(&c, '\n', '\n');
	charset_add(&c, '\r', '\r');
	charset_add(&c, 0x2028, 0x2029);
	charset_negate(&c);
	return set_node(s, &c);
}

/* {n}, {n,}, {n,m}. false and s->p as it was: no quantifier, the brace is a character. */
static bool braces(struct parser *s, uint32_t *min, uint32_t *max)
{
	const char *p = s->p + 1;
	uint32_t v[2] = {0, REGEX_INF};
	unsigned i;

	for (i = 0; i < 2; i++) {
		const char *from = p;
		uint32_t n = 0;

		for (; p < s->end && *p >= '0' && *p <= '9'; p++)
			n = n > 1000000 ? n : n * 10 + (uint32_t)(*p - '0');
		if (p == from && i == 0)
			return false;
		if (p > from)
			v[i] = n;
		if (i == 0 && p < s->end && *p == '}') {
			v[1] = n;
			break;
		}
		if (p == s->end || *p != (i == 0 ? ',' : '}'))
			return false;
		p += i == 0;
	}
	s->p = p + 1;
	*min = v[0];
	*max = v[1];
	return true;
}

static uint32_t quantified(struct parser *s, uint32_t atom, bool assertion)
{
	uint32_t min = 0;
	uint32_t max = REGEX_INF;
	uint32_t rep;
	char ch = s->p < s->end ? *s->p : '\0';

	if (ch == '{') {
		if (!braces(s, &min, &max))
			return atom;
	} else if (ch == '*' || ch == '+' || ch == '?') {
		min = ch == '+';
		max = ch == '?' ? 1 : REGEX_INF;
		s->p++;
	} else {
		return atom;
	}
	if (s->p < s->end && *s->p == '?') /* lazy: the same language */
		s->p++;
	if (assertion || min > max) {
		fail(s, -EINVAL, assertion ? "nothing to repeat" : "bad numbers in {}");
		return 0;
	}
	rep = node_new(s, RE_REPEAT);
	if (!rep)
		return 0;
	s->t->node[rep].min = min;
	s->t->node[rep].max = max;
	child_add(s, rep, atom);
	return rep;
}

static uint32_t parse_alternatives(struct parser *s);

static uint32_t parse_group(struct parser *s)
{
	uint32_t body;

	if (s->p < s->end && *s->p == '?') {
		bool angle = s->end - s->p >= 3 && s->p[1] == '<';
		char ch = s->end - s->p >= 2 ? s->p[1] : '\0';

		if (ch == '=' || ch == '!' || (angle && (s->p[2] == '=' || s->p[2] == '!'))) {
			fail(s, -ENOTSUP, "look-around is not supported");
		} else if (ch == ':') {
			s->p += 2;
		} else if (angle && memchr(s->p, '>', (size_t)(s->end - s->p))) {
			s->p = (const char *)memchr(s->p, '>', (size_t)(s->end - s->p)) + 1;
		} else {
			fail(s, -EINVAL, "unknown kind of group");
		}
	}
	if (++s->depth > REGEX_MAX_GROUPS)
		fail(s, -E2BIG, "groups are nested too deep");
	if (s->rc)
		return 0;
	body = parse_alternatives(s);
	s->depth--;
	if (!s->rc && s->p == s->end)
		fail(s, -EINVAL, ") is missing");
	s->p += s->rc == 0;
	return body;
}

static uint32_t parse_term(struct parser *s)
{
	bool assertion = false;
	char ch = *s->p;
	uint32_t min;
	uint32_t max;
	uint32_t atom;

	if ((uint8_t)ch >= 0x80)
		return quantified(s, one_char(s, utf8_next(&s->p, s->end)), false);
	s->p++;
	switch (ch) {
	case '(':
		atom = parse_group(s);
		break;
	case '[':
		atom = parse_class(s);
		break;
	case '.':
		atom = parse_dot(s);
		break;
	case '^':
	case '$':
		atom = node_new(s, ch == '^' ? RE_BEGIN : RE_END);
		assertion = true;
		break;
	case '\\':
		assertion = s->p < s->end && (*s->p == 'b' || *s->p == 'B');
		atom = parse_escape(s);
		break;
	case '*':
	case '+':
	case '?':
		fail(s, -EINVAL, "nothing to repeat");
		return 0;
	case '{':
		s->p--;
		if (braces(s, &min, &max)) {
			fail(s, -EINVAL, "nothing to repeat");
			return 0;
		}
		s->p++;
		atom = one_char(s, '{');
		break;
	default:
		atom = one_char(s, (uint8_t)ch);
	}
	return s->rc ? 0 : quantified(s, atom, assertion);
}

static uint32_t parse_alternatives(struct parser *s)
{
	uint32_t alt = node_new(s, RE_ALT);
	uint32_t cat = node_new(s, RE_CAT);

	while (!s->rc && s->p < s->end && *s->p != ')') {
		uint32_t term;

		if (*s->p == '|') {
			s->p++;
			child_add(s, alt, cat);
			cat = node_new(s, RE_CAT);
			continue;
		}
		term = parse_term(s);
		if (!s->rc)
			child_add(s, cat, term);
	}
	if (s->rc)
		return 0;
	if (s->t->node[alt].first == 0)
		return cat;
	child_add(s, alt, cat);
	return alt;
}

int re_parse(struct re_tree *t, const char *pattern, size_t n, struct err *err)
{
	struct parser s = {.t = t, .begin = pattern, .p = pattern, .end = pattern + n, .err = err};

	t->root = parse_alternatives(&s);
	if (!s.rc && s.p < s.end)
		fail(&s, -EINVAL, ") without (");
	return s.rc;
}

void re_tree_free(struct re_tree *t)
{
	uint32_t i;

	for (i = 0; i < t->n_sets; i++)
		charset_free(&t->set[i]);
	free(t->node);
	*t = (struct re_tree){0};
}
