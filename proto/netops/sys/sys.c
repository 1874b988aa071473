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
	s->log_fd = -1;
	features_probe(&s->features);
	s->resources = resources_new();
	if (!s->resources)
		return err_set(err, -ENOMEM, "no memory");
	s->filters = filters_open(p->state_dir, err);
	if (!s->filters) {
		log_err(LOG_LEVEL_WARNING, err);
		snprintf(s->features.filters_reason, sizeof(s->features.filters_reason), "%.150s",
			 err->what);
	}
	rc = logging_open(s, err);
	if (rc == 0)
		rc = watch_open(s, err);
	return rc ? rc : room_open(s, err);
}

static usec_t due(struct sys *s, usec_t now)
{
	usec_t lines = logging_tick(s, now);
	usec_t events = events_tick(s->events, now);

	return lines < events ? lines : events;
}

void sys_settle(struct sys *s)
{
	loop_timer_set(&s->timer, due(s, clock_now()));
}

static usec_t on_due(void *ctx, usec_t now)
{
	return due(ctx, now);
}

static void on_sample(uv_timer_t *timer)
{
	struct sys *s = timer->data;

	resources_sample(s->resources);
	counter_changed(s->counter, "/depanneur-sys:system-resources");
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
	if (rc == 0)
		rc = logging_start(s);
	if (rc == 0)
		rc = uv_timer_init(&s->loop, &s->sampler);
	s->sampler.data = s;
	if (rc == 0)
		rc = uv_timer_start(&s->sampler, on_sample, 1000, RESOURCES_INTERVAL_MS);
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
	logging_close(s);
	watch_close(s);
	if (s->timer.tick)
		loop_timer_close(&s->timer);
	if (s->looped)
		loop_finish(&s->loop);
	netlink_close(s->nl);
	filters_close(s->filters);
	resources_free(s->resources);
	config_schema_free(s->schema);
}
