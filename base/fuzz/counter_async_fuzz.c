/* SPDX-License-Identifier: BSD-2-Clause */
/* Whatever a room sends: each request is answered exactly once, and memory is released. */
#include "base/counter_async.h"

#include "base/loop.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define REQUESTS 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sockaddr_un addr = {.sun_family = AF_UNIX};
static int listener = -1;

static struct counter_link *link_;
static unsigned sent;
static unsigned answered;

static void clean_up(void)
{
	unlink(addr.sun_path);
}

static void set_up(void)
{
	snprintf(addr.sun_path, sizeof(addr.sun_path), "/tmp/fuzz-counter-async.%d", getpid());
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(listener, (struct sockaddr *)&addr, sizeof(addr)) != 0 || listen(listener, 4) != 0)
		abort();
	atexit(clean_up);
}

static void on_answer(void *ctx, yyjson_val *result, const struct err *err)
{
	if (!result == !err)
		abort();
	answered++;
}

static void on_up(void *ctx)
{
	for (; sent < REQUESTS; sent++) {
		if (counter_link_request(link_, "hello", NULL, NULL, -1, on_answer, NULL, NULL) !=
		    0)
			abort();
	}
}

static void on_down(void *ctx, const struct err *why)
{
	counter_link_close(link_);
}

static void on_event(void *ctx, yyjson_val *params)
{
	if (!params)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct counter_link_env env = {.up = on_up, .down = on_down, .event = on_event};
	uv_loop_t loop;
	int fd;

	if (size > 65536)
		return 0;
	if (listener < 0)
		set_up();
	if (uv_loop_init(&loop) != 0)
		abort();
	sent = answered = 0;
	link_ = counter_link_new(&loop, addr.sun_path, &env, NULL);
	fd = accept(listener, NULL, NULL);
	/* First the requests, then what pretends to answer them. */
	while (sent == 0)
		uv_run(&loop, UV_RUN_ONCE);
	if (fd < 0 || send(fd, data, size, MSG_NOSIGNAL) != (ssize_t)size)
		abort();
	close(fd);
	uv_run(&loop, UV_RUN_DEFAULT);
	if (loop_finish(&loop) != 0 || answered != sent)
		abort();
	return 0;
}
