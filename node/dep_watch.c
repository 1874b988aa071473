/* SPDX-License-Identifier: BSD-2-Clause */
/* dep ROOM watch: events as they come. On a terminal a live view, on anything else one line an
 * event. */
#include "node/dep.h"

#include "base/clock.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define KEPT 64 /* events that the live view keeps */

#define ENTER "\033[?1049h\033[?25l" /* alternate screen, no cursor */
#define LEAVE "\033[?25h\033[?1049l"

static int subscribe(struct dep *d)
{
	yyjson_val *result;
	yyjson_doc *answer = dep_ask(d, "subscribe", NULL, NULL, &result);

	yyjson_doc_free(answer);
	return answer ? 0 : -1;
}

/* The members of an event's data: "id=0a00… link=eth0". */
static void add_members(yyjson_val *data, char *to, size_t n)
{
	yyjson_val *content;
	yyjson_obj_iter it;
	yyjson_val *key;
	size_t at = 0;
	char buf[32];

	yyjson_obj_iter_init(data, &it);
	content = yyjson_obj_iter_get_val(yyjson_obj_iter_next(&it));
	yyjson_obj_iter_init(content, &it);
	to[0] = '\0';
	while ((key = yyjson_obj_iter_next(&it)) && at < n)
		at += (size_t)snprintf(to + at, n - at, "%s%s=%s", at ? " " : "",
				       yyjson_get_str(key),
				       dep_text(content, yyjson_get_str(key), buf));
}

/* One event as one line of text, without a newline. */
static void format_event(yyjson_val *params, char *to, size_t n)
{
	const char *path = yyjson_get_str(yyjson_obj_get(params, "path"));
	const char *time = yyjson_get_str(yyjson_obj_get(params, "time"));
	const char *name = path ? strchr(path, ':') : NULL;
	yyjson_val *changes = yyjson_obj_get(params, "changes");
	char rest[400];

	if (!path) {
		snprintf(to, n, "events were lost, %llu in all: this reader is too slow",
			 (unsigned long long)dep_num(params, "lost"));
		return;
	}
	if (changes)
		snprintf(rest, sizeof(rest), "changes=%zu", yyjson_arr_size(changes));
	else
		add_members(yyjson_obj_get(params, "data"), rest, sizeof(rest));
	snprintf(to, n, "%s %s %s", time ? time : "-",
		 changes ? "config"
		 : name	 ? name + 1
			 : path,
		 rest);
}

static int lines(struct dep *d)
{
	yyjson_val *params;
	yyjson_doc *doc;
	char text[512];

	while ((doc = counter_next(d->client, -1, &params, &d->err))) {
		if (d->json) {
			char *json = yyjson_val_write(params, YYJSON_WRITE_NOFLAG, NULL);

			puts(json ? json : "null");
			free(json);
		} else {
			format_event(params, text, sizeof(text));
			dep_print_text(text);
			putchar('\n');
		}
		yyjson_doc_free(doc);
		if (fflush(stdout) != 0)
			return DEP_FAILED;
	}
	return DEP_FAILED;
}

/* --- the live view --- */

struct view {
	char event[KEPT][256]; /* a ring */
	unsigned n;
	unsigned long seen;
};

/* Only what a signal handler may do: give the terminal back. */
static void on_signal(int signum)
{
	static const char leave[] = "\033[?7h" LEAVE;

	_exit(write(STDOUT_FILENO, leave, sizeof(leave) - 1) < 0 ? DEP_FAILED : DEP_OK);
}

static void terminal_size(unsigned *rows, unsigned *columns)
{
	struct winsize w;

	*rows = 24;
	*columns = 80;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_row > 0 && w.ws_col > 0) {
		*rows = w.ws_row;
		*columns = w.ws_col;
	}
}

static int draw(struct dep *d, const struct view *v)
{
	unsigned rows;
	unsigned columns;
	unsigned room;
	unsigned i;
	int used = 0;

	terminal_size(&rows, &columns);
	/* Home, clear, and no wrapping of long lines meanwhile. All of it reaches the terminal in
	 * one write. */
	fputs("\033[H\033[J\033[?7l", stdout);
	if (d->summary)
		used = d->summary(d);
	if (used < 0)
		return -1;
	printf("\nevents: %lu (Ctrl-C ends)\n", v->seen);
	room = rows > (unsigned)used + 4 ? rows - (unsigned)used - 4 : 0;
	for (i = v->n > room ? v->n - room : 0; i < v->n; i++) {
		printf("  ");
		dep_print_text(v->event[(v->seen - v->n + i) % KEPT]);
		putchar('\n');
	}
	fputs("\033[?7h", stdout);
	return fflush(stdout);
}

static void keep(struct view *v, yyjson_val *params)
{
	format_event(params, v->event[v->seen % KEPT], sizeof(v->event[0]));
	v->seen++;
	if (v->n < KEPT)
		v->n++;
}

/* Takes events until `until`, or until none has come for 100 ms after the first: a burst is drawn
 * once. */
static int collect(struct dep *d, struct view *v, usec_t until)
{
	int patience;
	yyjson_val *params;
	yyjson_doc *doc;
	usec_t now;

	while ((now = clock_now()) < until) {
		patience = (int)((until - now + 999) / 1000);
		doc = counter_next(d->client, patience, &params, &d->err);
		if (!doc && d->err.code != -ETIMEDOUT)
			return -1;
		if (!doc)
			return 0;
		keep(v, params);
		yyjson_doc_free(doc);
		if (until > clock_now() + MSEC(100))
			until = clock_now() + MSEC(100);
	}
	return 0;
}

static int live(struct dep *d)
{
	static const int signums[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	struct view *v = calloc(1, sizeof(*v));
	size_t i;
	int rc = 0;

	if (!v)
		return DEP_FAILED;
	for (i = 0; i < sizeof(signums) / sizeof(signums[0]); i++)
		signal(signums[i], on_signal);
	setvbuf(stdout, NULL, _IOFBF, 65536);
	fputs(ENTER, stdout);
	while (rc == 0) {
		rc = draw(d, v);
		if (rc == 0)
			rc = collect(d, v, clock_now() + SEC(1));
	}
	fputs("\033[?7h" LEAVE, stdout);
	fflush(stdout);
	free(v);
	return DEP_FAILED;
}

int dep_watch(struct dep *d)
{
	if (subscribe(d) != 0)
		return DEP_FAILED;
	return !d->json && isatty(STDOUT_FILENO) ? live(d) : lines(d);
}
