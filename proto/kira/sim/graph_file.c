/* SPDX-License-Identifier: BSD-2-Clause */
/* Edge-list files: plain lists and collections of graphs. */
#include "proto/kira/sim/graph.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define TEXT_MAX (256u << 20)

struct reader {
	const char *where;
	struct err *err;
	const char *want; /* graph wanted, NULL: the only one */
	unsigned line;
	bool wanted;      /* the lines now read belong to the graph we take */
	bool headed;      /* a header has been seen */
	unsigned taken;   /* graphs that match */
	unsigned graphs;
	char name[96];
	uint64_t said_n;  /* of the header of the graph taken */
	uint64_t said_m;
	uint64_t top;     /* greatest node number + 1 */
	unsigned loop_line;
	struct graph_edge *edge;
	size_t m;
	size_t cap;
};

static int bad(struct reader *r, int code, const char *what, const char *mend)
{
	err_set(r->err, code, "%s", what);
	err_where(r->err, "%s:%u", r->where, r->line);
	err_mend(r->err, "%s", mend);
	return code;
}

static bool blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Takes a word off the front of a line. */
static struct slice word(struct slice *s)
{
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

/* Digits only, at most `max`. */
static bool number(struct slice w, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;
	size_t i;

	if (w.n == 0)
		return false;
	for (i = 0; i < w.n; i++) {
		if (w.p[i] < '0' || w.p[i] > '9')
			return false;
		v = v * 10 + (w.p[i] - '0');
		if (v > max)
			return false;
	}
	*out = v;
	return true;
}

static bool starts(struct slice w, const char *with, struct slice *rest)
{
	size_t n = strlen(with);

	if (w.n < n || memcmp(w.p, with, n) != 0)
		return false;
	*rest = (struct slice){w.p + n, w.n - n};
	return true;
}

/* The whole name, or what follows its last slash. */
static bool names(struct slice name, const char *want)
{
	size_t n = strlen(want);

	if (name.n < n || memcmp(name.p + name.n - n, want, n) != 0)
		return false;
	return name.n == n || (name.p[name.n - n - 1] == '/' && !memchr(want, '/', n));
}

static int take_header(struct reader *r, struct slice name, uint64_t n, uint64_t m)
{
	r->headed = true;
	r->graphs++;
	r->wanted = !r->want || names(name, r->want);
	if (!r->wanted)
		return 0;
	if (r->taken && r->want)
		return bad(r, -EINVAL, "two graphs have this name", "give the whole name, such as zoo/Kdl");
	if (r->taken)
		return bad(r, -EINVAL, "the file holds several graphs", "name one: file:PATH:NAME");
	r->taken = 1;
	r->said_n = n;
	r->said_m = m;
	r->top = n;
	snprintf(r->name, sizeof(r->name), "%.*s", (int)(name.n < 95 ? name.n : 95), (const char *)name.p);
	return 0;
}

static int header(struct reader *r, struct slice s)
{
	struct slice name = word(&s);
	struct slice w = word(&s);
	struct slice rest;
	uint64_t n;
	uint64_t m;

	if (!starts(w, "nodes=", &rest))
		return 0; /* a comment */
	if (!number(rest, GRAPH_MAX_NODES, &n))
		return bad(r, -EINVAL, "nodes= takes a number up to 1048576", "# NAME nodes=N edges=M");
	if (!starts(word(&s), "edges=", &rest) || !number(rest, GRAPH_MAX_EDGES, &m))
		return bad(r, -EINVAL, "edges= with a number up to 16777216 must follow nodes=",
			   "# NAME nodes=N edges=M");
	if (!r->headed && r->m)
		return bad(r, -EINVAL, "edges before the first header", "begin the file with # NAME nodes=N edges=M");
	return take_header(r, name, n, m);
}

static int add(struct reader *r, uint64_t u, uint64_t v)
{
	if (r->m == r->cap) {
		size_t cap = r->cap ? r->cap * 2 : 256;
		void *p = cap > 2 * (size_t)GRAPH_MAX_EDGES ? NULL : realloc(r->edge, cap * sizeof(*r->edge));

		if (!p)
			return bad(r, cap > 2 * (size_t)GRAPH_MAX_EDGES ? -E2BIG : -ENOMEM, "too many edges",
				   "at most 16777216 fit");
		r->edge = p;
		r->cap = cap;
	}
	r->edge[r->m++] = (struct graph_edge){(uint32_t)u, (uint32_t)v};
	if (!r->headed) {
		if (u >= r->top)
			r->top = u + 1;
		if (v >= r->top)
			r->top = v + 1;
	}
	return 0;
}

static int line(struct reader *r, struct slice s)
{
	struct slice first = word(&s);
	uint64_t max = r->headed ? r->said_n : GRAPH_MAX_NODES;
	uint64_t u;
	uint64_t v;

	r->line++;
	if (first.n == 0)
		return 0;
	if (first.p[0] == '#') {
		if (first.n > 1)
			return 0;
		return header(r, s);
	}
	if (r->headed && !r->wanted)
		return 0;
	if (!number(first, UINT32_MAX, &u) || !number(word(&s), UINT32_MAX, &v) || word(&s).n)
		return bad(r, -EINVAL, "not an edge", "a line holds two node numbers: 0 17");
	if (u >= max || v >= max)
		return bad(r, -EINVAL, "node number too high",
			   r->headed ? "numbers run from 0 to nodes - 1" : "numbers run from 0 to 1048575");
	if (u == v)
		return bad(r, -EINVAL, "an edge from a node to itself", "remove the line");
	return add(r, u, v);
}

static int finish(struct reader *r, struct graph *g)
{
	int rc;

	r->line = 0;
	if (r->want && !r->taken) {
		err_set(r->err, -ENOENT, "no graph named %s among %u", r->want, r->graphs);
		err_where(r->err, "%s", r->where);
		err_mend(r->err, "%s", r->headed ? "grep nodes= shows the names in the file"
						 : "a plain edge list has no name: leave :NAME away");
		return -ENOENT;
	}
	if (r->top == 0) {
		err_set(r->err, -EINVAL, "no edge");
		err_where(r->err, "%s", r->where);
		err_mend(r->err, "the file holds a line with two node numbers for each edge");
		return -EINVAL;
	}
	rc = graph_build(g, (uint32_t)r->top, r->edge, r->m);
	r->edge = NULL;
	if (rc < 0) {
		err_set(r->err, rc, "the graph is too big");
		err_where(r->err, "%s", r->where);
		return rc;
	}
	snprintf(g->name, sizeof(g->name), "%s", r->name);
	if (r->headed && g->m != r->said_m) {
		err_set(r->err, -EINVAL, "%s has %u edges, its header says %llu", r->name, g->m,
			(unsigned long long)r->said_m);
		err_where(r->err, "%s", r->where);
		err_mend(r->err, "the file may be cut short; each undirected edge stands in it once");
		graph_free(g);
		return -EINVAL;
	}
	return 0;
}

int graph_parse(struct graph *g, struct slice text, const char *name, const char *where, struct err *err)
{
	struct reader r = {.where = where, .err = err, .want = name};
	int rc = 0;

	*g = (struct graph){0};
	while (text.n && rc == 0) {
		const uint8_t *nl = memchr(text.p, '\n', text.n);
		size_t n = nl ? (size_t)(nl - text.p) : text.n;

		rc = line(&r, (struct slice){text.p, n});
		n += nl != NULL;
		text.p += n;
		text.n -= n;
	}
	if (rc == 0)
		rc = finish(&r, g);
	free(r.edge);
	return rc;
}

/* All of a file, unpacked where it is compressed, into *text from malloc(3). */
static int slurp(const char *path, uint8_t **text, size_t *n, struct err *err)
{
	gzFile f = gzopen(path, "rb");
	size_t cap = 1 << 16;
	uint8_t *p = malloc(cap);
	int got = 0;
	int rc = 0;

	*n = 0;
	*text = NULL;
	if (!f) {
		rc = errno ? -errno : -ENOMEM;
		free(p);
		err_set(err, rc, "%s", strerror(-rc));
		err_where(err, "%s", path);
		return rc;
	}
	while (p && (got = gzread(f, p + *n, (unsigned)(cap - *n))) > 0) {
		uint8_t *more;

		*n += (size_t)got;
		if (*n < cap)
			continue;
		more = cap < TEXT_MAX ? realloc(p, cap * 2) : NULL;
		if (!more)
			break;
		p = more;
		cap *= 2;
	}
	if (got < 0)
		rc = err_set(err, -EIO, "cannot read or unpack the file");
	else if (!p || got > 0)
		rc = err_set(err, -E2BIG, "more than 256 MiB of text");
	gzclose(f);
	if (rc < 0) {
		err_where(err, "%s", path);
		free(p);
		p = NULL;
	}
	*text = p;
	return rc;
}

int graph_load(struct graph *g, const char *path, const char *name, struct err *err)
{
	uint8_t *text;
	size_t n;
	int rc = slurp(path, &text, &n, err);

	*g = (struct graph){0};
	if (rc < 0)
		return rc;
	rc = graph_parse(g, slice_of(text, n), name, path, err);
	free(text);
	if (rc == 0 && !g->name[0]) {
		const char *base = strrchr(path, '/');

		snprintf(g->name, sizeof(g->name), "%.95s", base ? base + 1 : path);
	}
	return rc;
}
