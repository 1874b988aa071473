/* SPDX-License-Identifier: BSD-2-Clause */
/* Connections over time: timers, back-pressure, ends of either side, limits, Unix sockets, upgrade.
 */
#include "base/http_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#define SAY(f, fd, text) fixture_send(f, fd, text, sizeof(text) - 1)

static struct http_stats stats(struct fixture *f)
{
	struct http_stats s;

	http_server_stats(f->server, &s);
	return s;
}

/* What comes until the end, with a NUL. */
static const char *rest(struct fixture *f, int fd)
{
	buf_clear(&f->log);
	fixture_read(f, fd, &f->log, SIZE_MAX);
	buf_u8(&f->log, 0);
	close(fd);
	return (const char *)f->log.p;
}

static void test_a_slow_head_times_out(void **state)
{
	struct fixture f;
	unsigned i;
	int fd;

	fixture_start(&f, (struct http_limits){.head_ms = 100}, NULL);
	fd = fixture_connect(&f, f.port);
	assert_string_equal(rest(&f, fd), ""); /* nothing said: nothing to answer */
	fd = fixture_connect(&f, f.port);
	SAY(&f, fd, "GET /hello HTTP/1.1\r\nx: ");
	/* Slow loris: a byte now and then does not help. */
	for (i = 0; i < 1000 && stats(&f).timeouts < 2; i++) {
		send(fd, "a", 1, MSG_NOSIGNAL);
		fixture_run(&f, 10);
	}
	assert_memory_equal(rest(&f, fd), "HTTP/1.1 408 ", 13);
	assert_int_equal(f.requests, 0);
	fixture_stop(&f);
}

static void test_a_stuck_body_times_out(void **state)
{
	struct fixture f;
	int fd;

	fixture_start(&f, (struct http_limits){.body_ms = 100}, NULL);
	fd = fixture_connect(&f, f.port);
	SAY(&f, fd, "POST /whole HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nabc");
	assert_memory_equal(rest(&f, fd), "HTTP/1.1 408 ", 13);
	assert_int_equal(f.closed, 1);
	assert_int_equal(f.ends, 0);
	fixture_stop(&f);
}

static void test_idle_connections_close(void **state)
{
	struct fixture f;
	const char *got;
	int fd;

	fixture_start(&f, (struct http_limits){.idle_ms = 100}, NULL);
	fd = fixture_connect(&f, f.port);
	SAY(&f, fd, "GET /hello HTTP/1.1\r\nhost: a\r\n\r\n");
	got = rest(&f, fd);
	assert_memory_equal(got, "HTTP/1.1 200 ", 13);
	assert_null(strstr(got, "408"));
	fixture_stop(&f);
}

/* A room that takes its time has no timer against it. */
static void test_an_answer_may_come_late(void **state)
{
	struct http_limits l = {.head_ms = 50, .body_ms = 50, .idle_ms = 50, .write_ms = 50};
	struct fixture f;
	int fd;

	fixture_start(&f, l, NULL);
	fd = fixture_connect(&f, f.port);
	SAY(&f, fd, "GET /hold HTTP/1.0\r\n\r\n");
	fixture_run(&f, 300);
	assert_non_null(f.held);
	http_reply_text(f.held, 200, "late\n");
	assert_non_null(strstr(rest(&f, fd), "\r\n\r\nlate\n"));
	fixture_stop(&f);
}

static size_t waiting(struct fixture *f)
{
	return stats(f).memory;
}

/* A peer that does not read: what is made for it stays near the mark, and goes on when it reads. */
static void test_a_reader_that_waits_bounds_memory(void **state)
{
	struct fixture f;
	unsigned before;
	int fd;

	fixture_start(&f, (struct http_limits){.queued_bytes = 100000}, NULL);
	fd = fixture_connect(&f, f.port);
	SAY(&f, fd, "GET /big?n=50000000 HTTP/1.0\r\n\r\n");
	fixture_run(&f, 50);
	assert_true(f.left > 30000000);
	assert_true(waiting(&f) < 400000);
	before = f.drained;
	buf_clear(&f.log);
	assert_true(fixture_read(&f, fd, &f.log, 20000000));
	assert_true(f.drained > before);
	assert_false(fixture_read(&f, fd, &f.log, SIZE_MAX));
	assert_non_null(memmem(f.log.p, 300, "\r\n\r\n", 4));
	assert_true(f.log.n > 50000000 && f.log.n < 50000300);
	close(fd);
	fixture_stop(&f);
}

/* A peer that asks without reading the answers: it is read no further. */
static void test_pipelining_is_bounded(void **state)
{
	static const char ask[] = "GET /file HTTP/1.1\r\nhost: a\r\n\r\n";
	struct fixture f;
	unsigned seen;
	unsigned i;
	int fd;

	fixture_start(&f, (struct http_limits){.queued_bytes = 100000}, NULL);
	fd = fixture_connect(&f, f.port);
	for (i = 0; i < 100000; i++) {
		if (send(fd, ask, sizeof(ask) - 1, MSG_NOSIGNAL) != sizeof(ask) - 1)
			break;
		if (i % 100 == 0)
			uv_run(&f.loop, UV_RUN_NOWAIT);
	}
	fixture_run(&f, 50);
	seen = f.requests;
	assert_true(seen < 1000);
	assert_true(waiting(&f) < 1000000);
	fixture_run(&f, 50);
	assert_int_equal(f.requests, seen);
	/* It goes on when the answers are taken. */
	assert_true(fixture_read(&f, fd, &f.log, (size_t)(seen + 5) * 200000));
	assert_true(f.requests > seen);
	close(fd);
	fixture_stop(&f);
}

/* A room that pauses a body: TCP slows the peer down. */
static void test_a_paused_body_bounds_memory(void **state)
{
	static char piece[65536];
	struct fixture f;
	size_t sent = 0;
	ssize_t n;
	unsigned i;
	int fd;

	fixture_start(&f, (struct http_limits){.body_bytes = 1 << 30, .body_ms = 100}, NULL);
	fd = fixture_connect(&f, f.port);
	SAY(&f, fd, "POST /pause HTTP/1.1\r\nhost: a\r\ncontent-length: 50000000\r\n\r\n");
	for (i = 0; i < 200; i++) {
		n = send(fd, piece, sizeof(piece), MSG_NOSIGNAL);
		sent += n > 0 ? (size_t)n : 0;
		fixture_run(&f, 1);
	}
	assert_true(sent < 20000000);
	assert_int_equal(f.seen, 0);
	assert_true(waiting(&f) < 400000);
	/* Nobody is blamed for the pause: no timer ran. */
	assert_non_null(f.held);
	http_body_resume(f.held);
	while (sent < 50000000) {
		size_t m = 50000000 - sent < sizeof(piece) ? 50000000 - sent : sizeof(piece);

		fixture_send(&f, fd, piece, m);
		sent += m;
	}
	fixture_until(&f, &f.ends, 1);
	assert_int_equal(f.seen, 50000000);
	close(fd);
	fixture_stop(&f);
}

/* The pause may come with the last byte: the end is told after it. */
static void test_a_body_paused_at_its_end(void **state)
{
	static const char *const asks[] = {
		"POST /drip HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc",
		"POST /drip HTTP/1.1\r\nhost: a\r\ntransfer-encoding: "
		"chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
	};
	struct fixture f;
	struct http_req *r;
	unsigned i;
	int fd;

	fixture_start(&f, (struct http_limits){0}, NULL);
	fd = fixture_connect(&f, f.port);
	for (i = 0; i < 4; i++) {
		f.seen = 0;
		fixture_send(&f, fd, asks[i / 2], strlen(asks[i / 2]));
		while (f.ends <= i) {
			fixture_run(&f, 1);
			if (!f.held)
				continue;
			r = f.held;
			f.held = NULL;
			http_body_resume(r);
		}
		assert_int_equal(f.seen, 3);
		buf_clear(&f.log);
		fixture_read_text(&f, fd, &f.log, "3 bytes");
	}
	close(fd);
	fixture_stop(&f);
}

static void test_a_peer_that_takes_nothing_is_closed(void **state)
{
	struct fixture f;
	int fd;

	fixture_start(&f, (struct http_limits){.write_ms = 100}, NULL);
	fd = fixture_connect(&f, f.port);
	SAY(&f, fd, "GET /big?n=50000000 HTTP/1.0\r\n\r\n");
	fixture_until(&f, &f.closed, 1);
	assert_int_equal(stats(&f).timeouts, 1);
	close(fd);
	fixture_stop(&f);
}

static void test_the_room_learns_that_the_peer_went(void **state)
{
	struct linger reset = {.l_onoff = 1};
	struct fixture f;
	int fd;

	fixture_start(&f, (struct http_limits){0}, NULL);
	fd = fixture_connect(&f, f.port);
	SAY(&f, fd, "GET /hold HTTP/1.1\r\nhost: a\r\n\r\n");
	fixture_until(&f, &f.requests, 1);
	close(fd);
	fixture_until(&f, &f.closed, 1);
	/* By a reset, and while its pipelined bytes keep us from reading. */
	fd = fixture_connect(&f, f.port);
	SAY(&f, fd, "GET /hold HTTP/1.1\r\nhost: a\r\n\r\nGET /hello HTTP/1.1\r\n");
	fixture_until(&f, &f.requests, 2);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(fd);
	fixture_until(&f, &f.closed, 2);
	/* With a body half sent. */
	fd = fixture_connect(&f, f.port);
	SAY(&f, fd, "POST /whole HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nabc");
	fixture_until(&f, &f.requests, 3);
	close(fd);
	fixture_until(&f, &f.closed, 3);
	assert_int_equal(stats(&f).active, 0);
	fixture_stop(&f);
}

/* A request without a watch: the room's late answer goes nowhere, and nothing is left. */
static void test_a_late_answer_to_nobody(void **state)
{
	struct fixture f;
	struct http_req *r;
	int fd;

	fixture_start(&f, (struct http_limits){0}, NULL);
	fd = fixture_connect(&f, f.port);
	SAY(&f, fd, "GET /hold HTTP/1.1\r\nhost: a\r\n\r\n");
	fixture_until(&f, &f.requests, 1);
	r = f.held;
	http_watch(r, (struct http_watch){0});
	close(fd);
	fixture_run(&f, 20);
	assert_int_equal(stats(&f).open, 0);
	assert_int_equal(stats(&f).active, 1);
	http_start(r, 200, NULL, 0);
	assert_true(http_write(r, SLICE_LIT("to nobody")));
	http_end(r);
	assert_int_equal(stats(&f).active, 0);
	fixture_stop(&f);
}

static void test_abort_breaks_the_answer_off(void **state)
{
	struct fixture f;
	const char *got;
	int fd;

	fixture_start(&f, (struct http_limits){0}, NULL);
	fd = fixture_connect(&f, f.port);
	SAY(&f, fd, "GET /abort HTTP/1.1\r\nhost: a\r\n\r\nGET /hello HTTP/1.1\r\nhost: a\r\n\r\n");
	got = rest(&f, fd);
	assert_null(strstr(got, "0\r\n\r\n"));
	assert_null(strstr(got, "hello"));
	fixture_stop(&f);
}

/* What a room gets wrong does not become the next request's answer. */
static void test_a_wrong_answer_is_broken_off(void **state)
{
	static const char *const paths[] = {"/short", "/twice"};
	struct fixture f;
	char ask[128];
	unsigned i;
	int fd;

	fixture_start(&f, (struct http_limits){0}, NULL);
	for (i = 0; i < 2; i++) {
		snprintf(ask, sizeof(ask),
			 "GET %s HTTP/1.1\r\nhost: a\r\n\r\nGET /hello HTTP/1.1\r\nhost: a\r\n\r\n",
			 paths[i]);
		fd = fixture_connect(&f, f.port);
		fixture_send(&f, fd, ask, strlen(ask));
		assert_null(strstr(rest(&f, fd), "hello"));
		assert_null(strstr((char *)f.log.p, "second"));
	}
	fd = fixture_connect(&f, f.port);
	SAY(&f, fd, "GET /long HTTP/1.1\r\nhost: a\r\n\r\nGET /hello HTTP/1.0\r\n\r\n");
	assert_non_null(strstr(rest(&f, fd), "content-length: 6\r\n\r\nonetwoHTTP/1.1 200"));
	fixture_stop(&f);
}

static void test_expect_continue(void **state)
{
	struct fixture f;
	int fd;

	fixture_start(&f, (struct http_limits){0}, NULL);
	fd = fixture_connect(&f, f.port);
	SAY(&f, fd,
	    "POST /whole HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n");
	fixture_read_text(&f, fd, &f.log, "HTTP/1.1 100 Continue\r\n\r\n");
	SAY(&f, fd, "abc");
	fixture_read_text(&f, fd, &f.log, "\r\n\r\nabc");
	close(fd);
	/* Not wanted: the answer comes at once, and the connection ends, since the body may come or
	 * not. */
	fd = fixture_connect(&f, f.port);
	SAY(&f, fd,
	    "POST /hello HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n");
	assert_null(strstr(rest(&f, fd), "100 Continue"));
	assert_non_null(strstr((char *)f.log.p, "connection: close"));
	/* Too much: not asked for. */
	fd = fixture_connect(&f, f.port);
	SAY(&f, fd,
	    "POST /whole HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: "
	    "3000000\r\n\r\n");
	assert_memory_equal(rest(&f, fd), "HTTP/1.1 413 ", 13);
	fixture_stop(&f);
}

static void test_upgrade(void **state)
{
	struct fixture f;
	int fd;

	fixture_start(&f, (struct http_limits){.idle_ms = 50, .head_ms = 50}, NULL);
	fd = fixture_connect(&f, f.port);
	SAY(&f, fd,
	    "GET /upgrade HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: "
	    "echo\r\n\r\nearly");
	fixture_read_text(&f, fd, &f.log,
			  "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: "
			  "echo\r\n\r\nearly");
	fixture_run(&f, 200); /* no timer of HTTP holds any more */
	SAY(&f, fd, "GET / HTTP/1.1\r\n\r\n\001\002");
	fixture_read_text(&f, fd, &f.log, "GET / HTTP/1.1\r\n\r\n\001\002");
	SAY(&f, fd, ".");
	assert_string_equal(rest(&f, fd), "");
	/* The peer ends it. */
	fd = fixture_connect(&f, f.port);
	SAY(&f, fd,
	    "GET /upgrade HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n");
	fixture_read_text(&f, fd, &f.log, "101");
	close(fd);
	fixture_until(&f, &f.closed, 1);
	/* Nobody asked. */
	assert_memory_equal(fixture_exchange(&f, "GET /upgrade HTTP/1.0\r\n\r\n", 25),
			    "HTTP/1.1 400", 12);
	/* A room that does not want it answers as ever. */
	fd = fixture_connect(&f, f.port);
	SAY(&f, fd,
	    "GET /hello HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n"
	    "GET /hello HTTP/1.0\r\n\r\n");
	assert_non_null(strstr(strstr(rest(&f, fd), "hello\n"), "HTTP/1.1 200"));
	fixture_stop(&f);
}

static void test_limits_of_connections(void **state)
{
	struct fixture f;
	unsigned i;
	int fd[6];

	fixture_start(&f, (struct http_limits){.per_address = 3}, NULL);
	for (i = 0; i < 4; i++)
		fd[i] = fixture_connect(&f, f.port);
	assert_string_equal(rest(&f, fd[3]), "");
	assert_int_equal(stats(&f).refused, 1);
	assert_int_equal(stats(&f).open, 3);
	close(fd[0]);
	fixture_run(&f, 20);
	fd[0] = fixture_connect(&f, f.port);
	SAY(&f, fd[0], "GET /hello HTTP/1.0\r\n\r\n");
	assert_memory_equal(rest(&f, fd[0]), "HTTP/1.1 200", 12);
	close(fd[1]);
	close(fd[2]);
	fixture_stop(&f);
	fixture_start(&f, (struct http_limits){.connections = 2}, NULL);
	for (i = 0; i < 3; i++)
		fd[i] = fixture_connect(&f, f.port);
	assert_string_equal(rest(&f, fd[2]), "");
	close(fd[0]);
	close(fd[1]);
	fixture_stop(&f);
}

static void test_a_thousand_connections(void **state)
{
	struct rlimit lim;
	struct fixture f;
	unsigned n = 1000;
	unsigned i;
	int *fd;

	getrlimit(RLIMIT_NOFILE, &lim);
	lim.rlim_cur = lim.rlim_max;
	setrlimit(RLIMIT_NOFILE, &lim);
	if (lim.rlim_max < 2 * n + 50)
		skip();
	fixture_start(&f, (struct http_limits){.per_address = 2000}, NULL);
	fd = calloc(n, sizeof(*fd));
	assert_non_null(fd);
	for (i = 0; i < n; i++) {
		fd[i] = fixture_connect(&f, f.port);
		uv_run(&f.loop, UV_RUN_NOWAIT);
	}
	for (i = 0; i < n; i++)
		assert_int_equal(send(fd[i], "GET /hello HTTP/1.1\r\nhost: a\r\n\r\n", 32, 0), 32);
	fixture_until(&f, &f.requests, n);
	for (i = 0; i < n; i++) {
		buf_clear(&f.log);
		fixture_read_text(&f, fd[i], &f.log, "\r\n\r\nhello\n");
	}
	assert_int_equal(stats(&f).open, n);
	assert_true(waiting(&f) < n * 1000 + 1000000);
	for (i = 0; i < n; i++)
		close(fd[i]);
	free(fd);
	fixture_run(&f, 50);
	assert_int_equal(stats(&f).open, 0);
	fixture_stop(&f);
}

static void on_done(void *ctx)
{
	((struct fixture *)ctx)->done++;
}

static void test_graceful_close(void **state)
{
	struct fixture f;
	struct http_req *late;
	int busy;
	int idle;
	int stuck;

	fixture_start(&f, (struct http_limits){0}, NULL);
	idle = fixture_connect(&f, f.port);
	SAY(&f, idle, "GET /hello HTTP/1.1\r\nhost: a\r\n\r\n");
	fixture_read_text(&f, idle, &f.log, "hello\n");
	stuck = fixture_connect(&f, f.port);
	SAY(&f, stuck, "GET /hold HTTP/1.1\r\nhost: a\r\n\r\n");
	fixture_until(&f, &f.requests, 2);
	late = f.held;
	http_watch(late, (struct http_watch){0});
	busy = fixture_connect(&f, f.port);
	SAY(&f, busy, "GET /hold HTTP/1.1\r\nhost: a\r\n\r\n");
	fixture_until(&f, &f.requests, 3);
	http_server_close(f.server, 200, on_done, &f);
	assert_string_equal(rest(&f, idle), "");
	http_reply_text(f.held, 200, "still\n");
	assert_non_null(strstr(rest(&f, busy), "connection: close"));
	assert_non_null(strstr((char *)f.log.p, "still\n"));
	assert_int_equal(f.done, 0);
	assert_string_equal(rest(&f, stuck), "");
	fixture_until(&f, &f.done, 1);
	/* The room lets go of its request after the server's end. */
	http_reply_text(late, 200, "to nobody\n");
	uv_run(&f.loop, UV_RUN_NOWAIT);
	assert_int_equal(uv_loop_close(&f.loop), 0);
	close(f.file);
	buf_free(&f.log);
}

static void test_unix_sockets(void **state)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	char dir[] = "/tmp/http-test-XXXXXX";
	struct err err = {0};
	struct fixture f;
	struct stat st;
	int fd;

	assert_non_null(mkdtemp(dir));
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/s", dir);
	fixture_start(&f, (struct http_limits){0}, NULL);
	assert_int_equal(http_listen_unix(f.server, sa.sun_path, 0660, (gid_t)-1, &err), 0);
	assert_int_equal(stat(sa.sun_path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	/* Somebody listens: not taken away. */
	assert_int_equal(http_listen_unix(f.server, sa.sun_path, 0660, (gid_t)-1, &err),
			 -EADDRINUSE);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	SAY(&f, fd, "GET /hold HTTP/1.1\r\nhost: a\r\n\r\n");
	fixture_until(&f, &f.requests, 1);
	assert_true(http_peer(f.held)->is_unix);
	assert_int_equal(http_peer(f.held)->uid, getuid());
	assert_int_equal(http_peer(f.held)->pid, getpid());
	assert_string_equal(http_peer(f.held)->text, "unix");
	http_reply_text(f.held, 200, "ok");
	fixture_read_text(&f, fd, &f.log, "ok");
	close(fd);
	fixture_stop(&f);
	assert_int_equal(access(sa.sun_path, F_OK), -1);
	/* A file that was left behind is replaced. */
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	close(fd);
	fixture_start(&f, (struct http_limits){0}, NULL);
	assert_int_equal(http_listen_unix(f.server, sa.sun_path, 0600, (gid_t)-1, &err), 0);
	fixture_stop(&f);
	rmdir(dir);
}

static void test_listeners_say_what_is_wrong(void **state)
{
	struct err err = {0};
	struct fixture f;

	fixture_start(&f, (struct http_limits){0}, NULL);
	assert_int_equal(http_listen_tcp(f.server, "localhost", 0, false, &err), -EINVAL);
	assert_true(err.mend[0] != '\0');
	assert_int_equal(http_listen_tcp(f.server, "127.0.0.1", (uint16_t)f.port, false, &err),
			 -EADDRINUSE);
	assert_int_equal(http_listen_tcp(f.server, "127.0.0.1", 0, true, &err), -EINVAL);
	assert_int_equal(http_listen_unix(f.server, "/no/such/place", 0600, (gid_t)-1, &err),
			 -ENOENT);
	fixture_stop(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_slow_head_times_out),
		cmocka_unit_test(test_a_stuck_body_times_out),
		cmocka_unit_test(test_idle_connections_close),
		cmocka_unit_test(test_an_answer_may_come_late),
		cmocka_unit_test(test_a_reader_that_waits_bounds_memory),
		cmocka_unit_test(test_pipelining_is_bounded),
		cmocka_unit_test(test_a_paused_body_bounds_memory),
		cmocka_unit_test(test_a_body_paused_at_its_end),
		cmocka_unit_test(test_a_peer_that_takes_nothing_is_closed),
		cmocka_unit_test(test_the_room_learns_that_the_peer_went),
		cmocka_unit_test(test_a_late_answer_to_nobody),
		cmocka_unit_test(test_abort_breaks_the_answer_off),
		cmocka_unit_test(test_a_wrong_answer_is_broken_off),
		cmocka_unit_test(test_expect_continue),
		cmocka_unit_test(test_upgrade),
		cmocka_unit_test(test_limits_of_connections),
		cmocka_unit_test(test_a_thousand_connections),
		cmocka_unit_test(test_graceful_close),
		cmocka_unit_test(test_unix_sockets),
		cmocka_unit_test(test_listeners_say_what_is_wrong),
	};

	return cmocka_run_group_tests_name("http_life", tests, NULL, NULL);
}
