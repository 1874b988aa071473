/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/sys/sys.h"

#include "base/log.h"

#include <errno.h>
#include <malloc.h>
#include <string.h>

extern const char depanneur_sys_yang[];

int sys_open(struct sys *s, const struct sys_params *p, struct err *err)
{
	int rc;

	memset(s, 0, sizeof(*s));
	s->params = *p;
	s->schema = config_schema_new("depanneur-sys", depanneur_sys_yang, err);
	if (!s->schema)
		return err->code;
	rc = uv_loop_init(&s->loop);
	if (rc != 0)
		return err_set(err, rc, "cannot make the loop: %s", uv_strerror(rc));
	s->looped = true;
	s->nl = netlink_open(err);
	if (!s->nl)
		return err->code;
	s->filters = filters_open(p->state_dir, err);
	if (!s->filters)
		log_err(LOG_LEVEL_WARNING, err);
	rc = watch_open(s, err);
	return rc ? rc : room_open(s, err);
}

static usec_t on_due(void *ctx, usec_t now)
{
	struct sys *s = ctx;

	return events_tick(s->events, now);
}

static void on_stop(void *ctx, int signum)
{
	struct sys *s = ctx;

	uv_stop(&s->loop);
}

int sys_run(struct sys *s, struct err *err)
{
	int rc = loop_timer_init(&s->timer, &s->loop, on_due, s);

	if (rc == 0)
		rc = loop_signals_init(&s->signals, &s->loop, on_stop, NULL, s);
	if (rc == 0)
		rc = watch_start(s);
	if (rc != 0)
		return err_set(err, rc, "cannot set up the loop: %s", uv_strerror(rc));
	log_notice("backend started");
	malloc_trim(0);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	log_notice("backend stopped");
	return 0;
}

void sys_close(struct sys *s)
{
	room_close(s);
	watch_close(s);
	if (s->timer.tick)
		loop_timer_close(&s->timer);
	if (s->looped)
		loop_finish(&s->loop);
	netlink_close(s->nl);
	filters_close(s->filters);
	config_schema_free(s->schema);
}
