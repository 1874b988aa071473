/* SPDX-License-Identifier: BSD-2-Clause */
/* The log's ways in: a datagram socket that programs may use as /dev/log, and what we do ourselves. */
#include "proto/netops/sys/state.h"
#include "proto/netops/sys/sys.h"
#include "proto/netops/sys/message.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define DATAGRAM 8192
#define DATAGRAMS 256 /* in a row, before others have their turn */

static void now_text(char to[STATE_TIME_TEXT])
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	state_time(ts.tv_sec * 1000000000ll + ts.tv_nsec, to);
}

static void add(struct sys *s, struct slice message)
{
	struct syslog_message m;
	char line[SYSLOG_LINE];
	char now[STATE_TIME_TEXT];
	int rc;

	syslog_parse(message, &m);
	now_text(now);
	rc = ring_add(s->ring, line, syslog_line(&m, now, s->host, line));
	if (rc)
		log_error("a line of the log is lost", LOG_TEXT("reason", strerror(-rc)));
	else
		s->new_lines++;
}

static void on_readable(uv_poll_t *poll, int status, int what)
{
	struct sys *s = poll->data;
	uint8_t in[DATAGRAM];
	int i;

	for (i = 0; i < DATAGRAMS; i++) {
		ssize_t n = recv(s->log_fd, in, sizeof(in), MSG_DONTWAIT);

		if (n < 0)
			break;
		if (n > 0)
			add(s, slice_of(in, (size_t)n));
	}
	sys_settle(s);
}

void logging_own(struct sys *s, enum log_level level, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	int n;
	int head;

	/* Facility daemon. */
	head = snprintf(text, sizeof(text), "<%d>dep-sys[%d]: ", 3 * 8 + (int)level, (int)getpid());
	va_start(ap, fmt);
	n = vsnprintf(text + head, sizeof(text) - (size_t)head, fmt, ap);
	va_end(ap);
	if (n < 0 || !s->ring)
		return;
	add(s, slice_of(text, strlen(text)));
	sys_settle(s);
}

usec_t logging_tick(struct sys *s, usec_t now)
{
	yyjson_mut_doc *doc;
	yyjson_mut_val *o;

	if (s->new_lines == 0)
		return USEC_NEVER;
	if (s->lines_due > now)
		return s->lines_due;
	if (counter_listened(s->counter)) {
		doc = yyjson_mut_doc_new(NULL);
		o = yyjson_mut_obj(doc);
		yyjson_mut_obj_add_uint(doc, o, "lines", s->new_lines);
		counter_event(s->counter, "log-line", doc, o);
		yyjson_mut_doc_free(doc);
	}
	s->new_lines = 0;
	s->lines_due = now + EVENTS_HOLD;
	return USEC_NEVER;
}

int logging_open(struct sys *s, struct err *err)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int n = snprintf(at.sun_path, sizeof(at.sun_path), "%s/log.sock", s->params.run_dir);
	int bytes = 1 << 20;

	if (n < 0 || (size_t)n >= sizeof(at.sun_path))
		return err_set(err, -ENAMETOOLONG, "%s/log.sock is too long", s->params.run_dir);
	if (gethostname(s->host, sizeof(s->host) - 1) != 0 || !s->host[0])
		memcpy(s->host, "-", 2);
	s->ring = ring_open(s->params.state_dir, 0, err);
	if (!s->ring)
		return err->code;
	unlink(at.sun_path);
	s->log_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->log_fd < 0 || bind(s->log_fd, (struct sockaddr *)&at, sizeof(at)) != 0 ||
	    chmod(at.sun_path, 0666) != 0) {
		err_set(err, -errno, "cannot make %s: %s", at.sun_path, strerror(errno));
		return err->code;
	}
	setsockopt(s->log_fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	return 0;
}

int logging_start(struct sys *s)
{
	int rc = uv_poll_init(&s->loop, &s->log_poll, s->log_fd);

	if (rc)
		return rc;
	s->log_poll.data = s;
	s->logging = true;
	return uv_poll_start(&s->log_poll, UV_READABLE, on_readable);
}

void logging_close(struct sys *s)
{
	char path[128];

	if (s->logging) {
		uv_poll_stop(&s->log_poll);
		uv_close((uv_handle_t *)&s->log_poll, NULL);
	}
	s->logging = false;
	if (s->log_fd >= 0) {
		close(s->log_fd);
		snprintf(path, sizeof(path), "%s/log.sock", s->params.run_dir);
		unlink(path);
	}
	s->log_fd = -1;
	ring_close(s->ring);
	s->ring = NULL;
}
