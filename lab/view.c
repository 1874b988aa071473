/* SPDX-License-Identifier: BSD-2-Clause */
/* What a person sees. On a terminal: a picture that is redrawn four times a second on the alternate screen, the log under
 * it; at the end the log stays as plain lines. Elsewhere: plain lines, no escape codes. */
#include "lab/demo.h"

#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define LOG_LINES 512
#define LINE 200
#define REDRAW MSEC(250)

struct view {
	bool live;
	bool utf8;
	bool colour;
	usec_t drawn;
	struct termios before;
	char (*log)[LINE];
	unsigned n_log; /* lines ever */
	uint8_t *matrix;
};

struct view *view_new(struct demo *d, bool live)
{
	struct view *v = calloc(1, sizeof(*v));
	struct termios raw;

	if (!v)
		return NULL;
	setlocale(LC_CTYPE, "");
	v->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	v->colour = !getenv("NO_COLOR");
	v->log = calloc(LOG_LINES, sizeof(*v->log));
	v->matrix = calloc((size_t)d->graph.n * d->graph.n, 1);
	if (!v->log || !v->matrix) {
		view_free(d);
		return NULL;
	}
	if (live && tcgetattr(0, &v->before) == 0) {
		raw = v->before;
		raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		raw.c_cc[VMIN] = 0;
		raw.c_cc[VTIME] = 0;
		tcsetattr(0, TCSANOW, &raw);
		v->live = true;
		printf("\033[?1049h\033[?25l");
		fflush(stdout);
	}
	return v;
}

void view_close(struct demo *d)
{
	struct view *v = d->view;
	unsigned first = v->n_log > LOG_LINES ? v->n_log - LOG_LINES : 0;

	if (!v->live)
		return;
	v->live = false;
	tcsetattr(0, TCSANOW, &v->before);
	printf("\033[?25h\033[?1049l");
	for (unsigned k = first; k < v->n_log; k++)
		printf("%s\n", v->log[k % LOG_LINES]);
	fflush(stdout);
}

void view_free(struct demo *d)
{
	struct view *v = d->view;

	if (!v)
		return;
	free(v->log);
	free(v->matrix);
	free(v);
}

void view_line(struct demo *d, const char *fmt, ...)
{
	struct view *v = d->view;
	char *line = v->log[v->n_log % LOG_LINES];
	int n = snprintf(line, LINE, "%7.2f s  ", (double)(clock_now() - d->began) / 1e6);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line + n, (size_t)(LINE - n), fmt, ap);
	va_end(ap);
	v->n_log++;
	if (!v->live) {
		printf("%s\n", line);
		fflush(stdout);
	}
	v->drawn = 0;
}

int view_key(struct demo *d)
{
	struct pollfd pfd = {.fd = 0, .events = POLLIN};
	char c;

	if (!d->view->live || poll(&pfd, 1, 0) <= 0)
		return 0;
	return read(0, &c, 1) == 1 ? c : 0;
}

struct screen {
	FILE *f;
	struct view *v;
	unsigned rows;
	unsigned cols;
	unsigned used; /* rows */
};

static void colour(struct screen *s, const char *code)
{
	if (s->v->colour)
		fprintf(s->f, "\033[%sm", code);
}

static void newline(struct screen *s)
{
	fprintf(s->f, "\033[K\n");
	s->used++;
}

/* Rates of node i over the last sample. */
static void rates(const struct demo *d, unsigned i, double *bytes, double *packets)
{
	const struct demo_traffic *t = &d->traffic;
	size_t k = t->n - 1;
	double span;

	*bytes = *packets = 0;
	if (t->n == 0)
		return;
	span = (double)t->samples[k].span / 1e6;
	*bytes = t->bytes[k * d->graph.n + i] / span;
	*packets = t->packets[k * d->graph.n + i] / span;
}

static void draw_head(struct screen *s, struct demo *d)
{
	struct prober_state st = {0};
	double bytes = 0;
	double packets = 0;
	char b[24];

	for (unsigned i = 0; i < d->graph.n; i++) {
		double x;
		double y;

		rates(d, i, &x, &y);
		bytes += x / d->graph.n;
		packets += y / d->graph.n;
	}
	if (d->prober)
		prober_state(d->prober, &st);
	colour(s, "1");
	fprintf(s->f, " %s", d->graph.name);
	colour(s, "0");
	fprintf(s->f, "  %u nodes, %u links, %s", d->graph.n, d->graph.m, d->daemon->title);
	newline(s);
	fprintf(s->f, " %.1f s  ", (double)(clock_now() - d->began) / 1e6);
	colour(s, st.answering < st.expected ? "1;31" : "1;32");
	fprintf(s->f, "%u of %u pairs answer", st.answering, st.expected);
	colour(s, "0");
	fprintf(s->f, "  control per node %.1f msg/s, %s/s  ", packets, text_bytes(bytes, b));
	colour(s, "1");
	fprintf(s->f, "%.*s", (int)s->cols > 78 ? (int)s->cols - 78 : 0, d->phase ? d->phase : "");
	colour(s, "0");
	newline(s);
}

static void draw_cell(struct screen *s, uint8_t state)
{
	static const struct {
		const char *utf8;
		const char *ascii;
		const char *colour;
	} look[] = {
		[PAIR_OFF] = {"·", ".", "2"},
		[PAIR_OK] = {"●", "o", "32"},
		[PAIR_BAD] = {"✕", "X", "1;31"},
		[PAIR_CUT] = {"–", "-", "33"},
	};

	colour(s, look[state].colour);
	fputs(s->v->utf8 ? look[state].utf8 : look[state].ascii, s->f);
}

static void draw_node(struct screen *s, struct demo *d, unsigned i, unsigned cells, unsigned pad)
{
	const struct lab_node *node = d->lab ? lab_node(d->lab, i) : NULL;
	char addr[INET6_ADDRSTRLEN] = "";
	double bytes;
	double packets;
	char b[24];

	if (node && node->has_addr)
		inet_ntop(AF_INET6, &node->addr, addr, sizeof(addr));
	rates(d, i, &bytes, &packets);
	colour(s, node && node->state == LAB_STOPPED ? "1;31" : "0");
	fprintf(s->f, " %3u %-39s %6.1f %9s  ", i, node && node->state == LAB_STOPPED ? "down" : addr, packets,
		text_bytes(bytes, b));
	for (unsigned j = 0; j < cells; j++) {
		draw_cell(s, s->v->matrix[i * d->graph.n + j]);
		if (pad)
			fputc(' ', s->f);
	}
	colour(s, "0");
	newline(s);
}

static void draw_nodes(struct screen *s, struct demo *d)
{
	unsigned n = d->graph.n;
	unsigned left = s->cols > 64 ? s->cols - 64 : 0;
	unsigned pad = left >= 2 * n;
	unsigned cells = left >= n ? n : left;
	unsigned room = s->rows > s->used + 7 ? s->rows - s->used - 7 : 1;
	unsigned shown = n <= room ? n : room;

	colour(s, "2");
	fprintf(s->f, "node %-39s  msg/s       B/s  from this node to 0 … %u", "address", n - 1);
	colour(s, "0");
	newline(s);
	if (d->prober)
		prober_matrix(d->prober, s->v->matrix);
	for (unsigned i = 0; i < shown; i++)
		draw_node(s, d, i, cells, pad);
	if (shown < n) {
		fprintf(s->f, "     and %u more: the terminal is too small for them", n - shown);
		newline(s);
	}
}

static void draw_log(struct screen *s)
{
	struct view *v = s->v;
	unsigned room = s->rows > s->used + 1 ? s->rows - s->used - 1 : 0;
	unsigned have = v->n_log < LOG_LINES ? v->n_log : LOG_LINES;
	unsigned shown = have < room ? have : room;

	for (unsigned k = v->n_log - shown; k < v->n_log; k++) {
		fprintf(s->f, "%.*s", (int)s->cols - 1, v->log[k % LOG_LINES]);
		newline(s);
	}
}

void view_tick(struct demo *d)
{
	struct view *v = d->view;
	struct winsize ws = {0};
	struct screen s = {.v = v};
	usec_t now = clock_now();
	char *text = NULL;
	size_t n = 0;

	if (!v->live || now - v->drawn < REDRAW)
		return;
	v->drawn = now;
	ioctl(1, TIOCGWINSZ, &ws);
	s.rows = ws.ws_row ? ws.ws_row : 24;
	s.cols = ws.ws_col ? ws.ws_col : 80;
	s.f = open_memstream(&text, &n);
	if (!s.f)
		return;
	fprintf(s.f, "\033[H");
	draw_head(&s, d);
	draw_nodes(&s, d);
	draw_log(&s);
	fprintf(s.f, "\033[J");
	fclose(s.f);
	fwrite(text, 1, n, stdout);
	fflush(stdout);
	free(text);
}
