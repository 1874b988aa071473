/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages into the server with the conformance fixture, all eras. The input is a series of
 * messages, each "name: value" lines (header fields; a line "stdio" instead: a shared connection;
 * "get", "delete": those requests), an empty line, the body; they are parted by the byte 0x1e. "@"
 * as a session's or event's value stands for the one that was given last. */
#include "proto/netops/mcp/fixture.h"
#include "proto/netops/mcp/mcp_priv.h"
#include "proto/netops/mcp/testwire.h"

#include "base/loop.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define WIRES 16
#define FIELDS 12

static uv_loop_t loop;
static struct mcp *m;

static void start(void)
{
	struct mcp_params p = {
		.name = "fuzz", .version = "1", .network = "{\"a\":1}", .page_size = 7};
	struct err err = {0};

	uv_loop_init(&loop);
	m = mcp_new(&loop, &p, &err);
	if (!m || mcp_fixture_add(m, &loop, &err) < 0)
		abort();
}

/* Nothing of an input is left for the next: sessions, tasks, timers. Now and then the server is
 * made anew. */
static void stop(void)
{
	static unsigned n;

	list_each_safe (it, &m->sessions_used)
		mcp_session_close(container_of(it, struct mcp_session, used));
	list_each_safe (it, &m->tasks_all) {
		mcp_task_cancel(container_of(it, struct mcp_task, all));
		mcp_task_free(container_of(it, struct mcp_task, all));
	}
	uv_run(&loop, UV_RUN_NOWAIT);
	if (++n % 500)
		return;
	mcp_free(m);
	if (loop_finish(&loop) < 0)
		abort();
	m = NULL;
}

static char *next_line(char **at)
{
	char *line = *at;
	char *end = strchr(line, '\n');

	if (!end)
		return NULL;
	*end = 0;
	*at = end + 1;
	return line;
}

/* One message of the input, which ends with NUL; body may hold NULs up to end. */
static void one(struct testwire *t, struct testwire *pipe, char *text, const char *end,
		char session[64])
{
	const char *field[2 * FIELDS + 1] = {0};
	struct mcp_headers h = {0};
	char verb = 'p';
	size_t n = 0;
	char *value;
	char *line;

	while ((line = next_line(&text)) && *line) {
		value = strchr(line, ':');
		if (strcmp(line, "stdio") == 0)
			verb = 's';
		else if (strcmp(line, "get") == 0 || strcmp(line, "delete") == 0)
			verb = line[0];
		if (!value || n >= 2 * FIELDS)
			continue;
		*value++ = 0;
		value += strspn(value, " ");
		field[n++] = line;
		field[n++] = strcmp(value, "@") == 0 ? session : value;
	}
	if (verb == 's') {
		testwire_say(pipe, text, (size_t)(end - text));
		return;
	}
	testwire_init(t, m, false);
	t->field = field;
	if (verb == 'p') {
		testwire_say(t, text, (size_t)(end - text));
	} else {
		for (n = 0; field[n]; n += 2) {
			if (strcasecmp(field[n], "mcp-session-id") == 0)
				h.session = field[n + 1];
			else if (strcasecmp(field[n], "last-event-id") == 0)
				h.last_event_id = field[n + 1];
		}
		if (verb == 'g')
			mcp_http_get(&t->w, &h);
		else
			mcp_http_delete(&t->w, &h);
	}
	if (t->session[0])
		snprintf(session, 64, "%s", t->session);
	t->field = NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct testwire wire[WIRES];
	struct testwire pipe;
	char session[64] = "";
	char *copy;
	char *text;
	char *end;
	size_t n = 0;
	size_t i;

	if (!m)
		start();
	copy = malloc(size + 1);
	if (!copy)
		return 0;
	memcpy(copy, data, size);
	copy[size] = 0;
	testwire_init(&pipe, m, true);
	for (text = copy; n < WIRES && text <= copy + size; text = end + 1) {
		end = memchr(text, 0x1e, (size_t)(copy + size - text));
		if (!end)
			end = copy + size;
		*end = 0;
		wire[n].gone = true;
		wire[n].last = NULL;
		one(&wire[n], &pipe, text, end, session);
		n++;
		uv_run(&loop, UV_RUN_NOWAIT);
	}
	for (i = 0; i < n; i++)
		testwire_close(&wire[i]);
	testwire_close(&pipe);
	stop();
	free(copy);
	return 0;
}
