/* SPDX-License-Identifier: BSD-2-Clause */
/* dep l4s watch. On a terminal a live view: for each direction of a link its probabilities, what
 * went through each queue in the last second and how long it waited, and below it the connections.
 * Keys: q ends, s sorts the connections by another column, p holds the view. Into a pipe a line a
 * second: text, or (--json) the whole state. */
#include "node/l4s.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define ENTER "\033[?1049h\033[?25l" /* alternate screen, no cursor */
#define LEAVE "\033[?7h\033[?25h\033[?1049l"
#define BAR_ROWS 3
#define EVENTS 4

static const char *const orders[] = {"rate", "marks", "rtt"};

/* Two samples, a second apart. */
struct samples {
	yyjson_doc *doc[2]; /* 0: now, 1: the one before, NULL: none yet */
	yyjson_val *at[2];
	usec_t when[2];
};

struct view {
	struct samples s;
	unsigned order;
	bool paused;
	char event[EVENTS][160];
	unsigned long n_events;
	unsigned used; /* lines of the screen */
	unsigned rows;
};

static int take(struct dep *d, struct samples *s)
{
	yyjson_val *at;
	yyjson_doc *doc = l4s_state(d, &at);

	if (!doc)
		return -1;
	yyjson_doc_free(s->doc[1]);
	s->doc[1] = s->doc[0];
	s->at[1] = s->at[0];
	s->when[1] = s->when[0];
	s->doc[0] = doc;
	s->at[0] = at;
	s->when[0] = clock_now();
	return 0;
}

static double seconds(const struct samples *s)
{
	double dt = (double)(s->when[0] - s->when[1]) / 1e6;

	return s->doc[1] && dt > 0 ? dt : 0;
}

static yyjson_val *links_of(const struct samples *s, unsigned i)
{
	return s->doc[i] ? yyjson_obj_get(yyjson_obj_get(s->at[i], "link-state"), "link") : NULL;
}

/* What one direction did between the samples. */
struct moment {
	yyjson_val *dir, *before;
	double dt; /* 0: there is no sample before: figures are since the beginning */
	struct l4s_hist delay[2]; /* classic, l4s */
};

static const char *const queue_key[] = {"classic", "l4s"};

/* "300 µs", or "-" where no packet left. */
static const char *wait_text(const struct moment *m, unsigned queue, double q, char buf[32])
{
	return m->delay[queue].total ? l4s_time((double)l4s_quantile(&m->delay[queue], q), buf)
				     : "-";
}

static void look(struct moment *m, const struct samples *s, const char *link, yyjson_val *dir)
{
	yyjson_val *old = l4s_find(links_of(s, 1), "name", link);
	unsigned i;

	m->dir = dir;
	m->before = l4s_find(yyjson_obj_get(old, "direction"), "name",
			     yyjson_get_str(yyjson_obj_get(dir, "name")));
	m->dt = m->before ? seconds(s) : 0;
	for (i = 0; i < 2; i++)
		l4s_hist(&m->delay[i], yyjson_obj_get(dir, queue_key[i]),
			 yyjson_obj_get(m->before, queue_key[i]));
}

/* Growth of a counter of a queue a second. */
static double growth(const struct moment *m, unsigned queue, const char *key)
{
	uint64_t now = dep_num(yyjson_obj_get(m->dir, queue_key[queue]), key);
	uint64_t was = dep_num(yyjson_obj_get(m->before, queue_key[queue]), key);

	return m->dt > 0 && now >= was ? (double)(now - was) / m->dt : 0;
}

/* ---- into a pipe ---- */

static void now_text(char text[32])
{
	struct timespec t;
	struct tm tm;
	size_t n;

	clock_gettime(CLOCK_REALTIME, &t);
	gmtime_r(&t.tv_sec, &tm);
	n = strftime(text, 32, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + n, 32 - n, ".%03ldZ", t.tv_nsec / 1000000);
}

static void print_json(const struct samples *s)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc);
	char time[32];
	char *text;

	now_text(time);
	yyjson_mut_doc_set_root(doc, root);
	yyjson_mut_obj_add_str(doc, root, "time", time);
	yyjson_mut_obj_add_val(doc, root, "l4s:l4s", yyjson_val_mut_copy(doc, s->at[0]));
	text = yyjson_mut_write(doc, YYJSON_WRITE_NOFLAG, NULL);
	puts(text ? text : "null");
	free(text);
	yyjson_mut_doc_free(doc);
}

static void print_line(const struct samples *s, const char *link, yyjson_val *dir)
{
	struct moment m;
	char time[32];
	char a[32];
	char b[32];
	unsigned i;

	look(&m, s, link, dir);
	now_text(time);
	printf("%s %s %s p'=%.4f pCL=%.4f pC=%.4f", time, link,
	       yyjson_get_str(yyjson_obj_get(dir, "name")), l4s_num(dir, "probability"),
	       l4s_num(dir, "probability-l4s"), l4s_num(dir, "probability-classic"));
	for (i = 2; i-- > 0;) {
		if (!yyjson_obj_get(dir, queue_key[i]))
			continue;
		printf(" %s: %s p50<=%s p99<=%s marks/s=%.0f drops/s=%.0f", i ? "L" : "C",
		       l4s_rate(growth(&m, i, "forwarded-bytes") * 8, time),
		       wait_text(&m, i, 0.5, a), wait_text(&m, i, 0.99, b), growth(&m, i, "marked"),
		       growth(&m, i, "dropped"));
	}
	putchar('\n');
}

static void print_text(const struct samples *s)
{
	yyjson_val *link;
	yyjson_val *dir;
	size_t max;
	size_t i;
	size_t k;
	size_t dmax;

	yyjson_arr_foreach(links_of(s, 0), i, max, link)
	{
		yyjson_arr_foreach(yyjson_obj_get(link, "direction"), k, dmax, dir)
		{
			if (yyjson_obj_get(dir, "classic"))
				print_line(s, yyjson_get_str(yyjson_obj_get(link, "name")), dir);
		}
	}
}

static int lines(struct dep *d)
{
	struct samples s = {0};

	for (;;) {
		if (take(d, &s) != 0)
			break;
		if (d->json)
			print_json(&s);
		else if (s.doc[1])
			print_text(&s);
		if (fflush(stdout) != 0)
			break;
		sleep(1);
	}
	yyjson_doc_free(s.doc[0]);
	yyjson_doc_free(s.doc[1]);
	return DEP_FAILED;
}

/* ---- the screen ---- */

static struct termios saved;
static bool raw;

/* Only what a signal handler may do: give the terminal back. */
static void on_signal(int signum)
{
	if (raw)
		tcsetattr(STDIN_FILENO, TCSANOW, &saved);
	_exit(write(STDOUT_FILENO, LEAVE, sizeof(LEAVE) - 1) < 0 ? DEP_FAILED : DEP_OK);
}

static void enter_terminal(void)
{
	static const int signums[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	struct termios t;
	size_t i;

	for (i = 0; i < sizeof(signums) / sizeof(signums[0]); i++)
		signal(signums[i], on_signal);
	if (isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &saved) == 0) {
		t = saved;
		t.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		raw = tcsetattr(STDIN_FILENO, TCSANOW, &t) == 0;
	}
	setvbuf(stdout, NULL, _IOFBF, 65536);
	fputs(ENTER, stdout);
}

static void leave_terminal(void)
{
	fputs(LEAVE, stdout);
	fflush(stdout);
	if (raw)
		tcsetattr(STDIN_FILENO, TCSANOW, &saved);
	raw = false;
}

static unsigned screen_rows(void)
{
	struct winsize w;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_row > 0 ? w.ws_row : 24;
}

/* Whether so many more lines fit above the last one; they count as used. */
static bool room_for(struct view *v, unsigned lines_)
{
	if (v->used + lines_ >= v->rows)
		return false;
	v->used += lines_;
	return true;
}

static void draw_queue(const struct moment *m, unsigned i)
{
	yyjson_val *q = yyjson_obj_get(m->dir, queue_key[i]);
	char text[3][32];

	if (!yyjson_obj_get(q, "delay") && yyjson_obj_get(q, "delay-now"))
		snprintf(text[1], 32, "%s now", l4s_time(l4s_num(q, "delay-now"), text[0]));
	else
		snprintf(text[1], 32, "%s", wait_text(m, i, 0.5, text[0]));
	printf("  %-8s %6llu %12s %10.0f %10.0f %10s %10s\n", i ? "L4S" : "Classic",
	       (unsigned long long)dep_num(q, "packets"),
	       l4s_rate(growth(m, i, "forwarded-bytes") * 8, text[0]), growth(m, i, "marked"),
	       growth(m, i, "dropped"), text[1], wait_text(m, i, 0.99, text[2]));
}

static void draw_bars(const struct moment *m)
{
	static const char axis[] = " 0.1    1    5     20  100";
	char bars[2][BAR_ROWS][L4S_BARS * 3 + 1];
	bool dual = yyjson_obj_get(m->dir, "l4s");
	unsigned r;

	l4s_bars(&m->delay[1], bars[1], BAR_ROWS);
	l4s_bars(&m->delay[0], bars[0], BAR_ROWS);
	for (r = 0; r < BAR_ROWS; r++)
		printf("  %s%s%s\n", dual ? bars[1][r] : "", dual ? "    " : "", bars[0][r]);
	/* Under the bars of 0.1, 1, 5, 20 and 100 ms. */
	if (dual)
		printf("  L%s    C%s ms\n", axis, axis);
	else
		printf("  C%s ms\n", axis);
}

static void draw_direction(struct view *v, yyjson_val *link, yyjson_val *dir)
{
	const char *name = yyjson_get_str(yyjson_obj_get(link, "name"));
	yyjson_val *late = yyjson_obj_get(dir, "lateness");
	bool dual = yyjson_obj_get(dir, "l4s");
	struct moment m;
	char buf[32];

	if (!yyjson_obj_get(dir, "classic") || !room_for(v, 4u + dual))
		return;
	look(&m, &v->s, name, dir);
	printf("%s %s  %s %s  back end %s%s", name, yyjson_get_str(yyjson_obj_get(dir, "name")),
	       l4s_rate(l4s_num(dir, "rate"), buf), yyjson_get_str(yyjson_obj_get(dir, "aqm")),
	       yyjson_get_str(yyjson_obj_get(link, "backend")),
	       yyjson_get_bool(yyjson_obj_get(dir, "overloaded")) ? "  OVERLOAD" : "");
	if (late)
		printf("  late p99 %s", l4s_time(l4s_num(late, "p99"), buf));
	printf("%s\n", yyjson_get_bool(yyjson_obj_get(link, "bad")) ? "  BAD TIMING" : "");
	printf("  p' %.4f   p_CL %.4f   p_C %.4f\n", l4s_num(dir, "probability"),
	       l4s_num(dir, "probability-l4s"), l4s_num(dir, "probability-classic"));
	printf("  %-8s %6s %12s %10s %10s %10s %10s\n", "QUEUE", "NOW", "RATE", "MARKS/S",
	       "DROPS/S", "P50 <=", "P99 <=");
	if (dual)
		draw_queue(&m, 1);
	draw_queue(&m, 0);
	if (m.delay[0].n + m.delay[1].n > 0 && room_for(v, BAR_ROWS + 1))
		draw_bars(&m);
	if (yyjson_obj_get(dir, "hint") && room_for(v, 1)) {
		printf("  hint: ");
		dep_print_text(dep_text(dir, "hint", buf));
		putchar('\n');
	}
}

static void draw_links(struct view *v)
{
	yyjson_val *link;
	yyjson_val *dir;
	char buf[32];
	size_t max;
	size_t i;
	size_t k;
	size_t dmax;

	yyjson_arr_foreach(links_of(&v->s, 0), i, max, link)
	{
		if (yyjson_obj_get(link, "reason") && room_for(v, 1)) {
			printf("%s failed: ", yyjson_get_str(yyjson_obj_get(link, "name")));
			dep_print_text(dep_text(link, "reason", buf));
			putchar('\n');
		}
		yyjson_arr_foreach(yyjson_obj_get(link, "direction"), k, dmax, dir)
			draw_direction(v, link, dir);
	}
}

static void draw_flows(struct view *v)
{
	yyjson_val *flows = yyjson_obj_get(yyjson_obj_get(v->s.at[0], "flows"), "flow");
	size_t n = yyjson_arr_size(flows);
	size_t fit;

	if (n == 0 || !room_for(v, 2))
		return;
	fit = v->rows > v->used + EVENTS ? v->rows - v->used - EVENTS : 1;
	printf("connections: %zu, by %s\n", n, orders[v->order]);
	l4s_print_flows(flows, orders[v->order], fit);
	v->used += (unsigned)(n < fit ? n : fit);
}

static int draw(struct view *v)
{
	yyjson_val *c = yyjson_obj_get(v->s.at[0], "control-state");
	unsigned long i;

	v->rows = screen_rows();
	v->used = 1;
	/* Home, clear, and no wrapping of long lines meanwhile. */
	fputs("\033[H\033[J\033[?7l", stdout);
	printf("l4s: links %zu, controls %s%s   q: end  s: sort  p: %s\n",
	       yyjson_arr_size(links_of(&v->s, 0)),
	       yyjson_get_bool(yyjson_obj_get(c, "loaded")) ? "loaded" : "not loaded",
	       v->paused ? "  HELD" : "", v->paused ? "go on" : "hold");
	draw_links(v);
	draw_flows(v);
	for (i = v->n_events > EVENTS ? v->n_events - EVENTS : 0; i < v->n_events; i++) {
		if (!room_for(v, 1))
			break;
		dep_print_text(v->event[i % EVENTS]);
		putchar('\n');
	}
	fputs("\033[?7h", stdout);
	return fflush(stdout);
}

/* False: to end. */
static bool key(struct view *v, char c)
{
	if (c == 'q')
		return false;
	if (c == 's')
		v->order = (v->order + 1) % (sizeof(orders) / sizeof(orders[0]));
	if (c == 'p')
		v->paused = !v->paused;
	draw(v);
	return true;
}

static void keep_event(struct view *v, yyjson_val *params)
{
	yyjson_val *data = yyjson_obj_get(params, "data");
	char *json = data ? yyjson_val_write(data, YYJSON_WRITE_NOFLAG, NULL) : NULL;
	const char *time = yyjson_get_str(yyjson_obj_get(params, "time"));

	if (json)
		snprintf(v->event[v->n_events++ % EVENTS], sizeof(v->event[0]), "%.19s %.130s",
			 time ? time : "", json);
	free(json);
}

static int take_events(struct dep *d, struct view *v)
{
	yyjson_val *params;
	yyjson_doc *doc;

	while ((doc = counter_next(d->client, 0, &params, &d->err))) {
		keep_event(v, params);
		yyjson_doc_free(doc);
	}
	return d->err.code == -ETIMEDOUT ? 0 : -1;
}

/* Keys and events until `until`. 1: to end; negative: failed. */
static int wait_until(struct dep *d, struct view *v, usec_t until)
{
	struct pollfd p[2] = {{.fd = counter_fd(d->client), .events = POLLIN},
			      {.fd = raw ? STDIN_FILENO : -1, .events = POLLIN}};
	usec_t now;
	char c;

	while ((now = clock_now()) < until) {
		if (poll(p, 2, (int)((until - now + 999) / 1000)) < 0 && errno != EINTR)
			return -1;
		if (p[1].revents && (read(STDIN_FILENO, &c, 1) != 1 || !key(v, c)))
			return 1;
		if (p[0].revents && take_events(d, v) != 0)
			return -1;
	}
	return 0;
}

static int live(struct dep *d)
{
	struct view *v = calloc(1, sizeof(*v));
	int rc = 0;

	if (!v)
		return DEP_FAILED;
	enter_terminal();
	while (rc == 0) {
		if (!v->paused)
			rc = take(d, &v->s);
		if (rc == 0)
			rc = draw(v);
		if (rc == 0)
			rc = wait_until(d, v, clock_now() + SEC(1));
	}
	leave_terminal();
	yyjson_doc_free(v->s.doc[0]);
	yyjson_doc_free(v->s.doc[1]);
	free(v);
	return rc > 0 ? DEP_OK : DEP_FAILED;
}

int l4s_watch(struct dep *d)
{
	yyjson_val *result;
	yyjson_doc *answer;

	if (d->json || !isatty(STDOUT_FILENO))
		return lines(d);
	answer = dep_ask(d, "subscribe", NULL, NULL, &result);
	if (!answer)
		return DEP_FAILED;
	yyjson_doc_free(answer);
	return live(d);
}
