/* SPDX-License-Identifier: BSD-2-Clause */
/* One run as a line of JSON, and back. */
#include "proto/l4s/study/grid.h"

#include "base/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES (64u << 10)

static void put_group(yyjson_mut_doc *d, yyjson_mut_val *arr, const struct grid_group_result *g)
{
	yyjson_mut_val *o = yyjson_mut_arr_add_obj(d, arr);

	yyjson_mut_obj_add_real(d, o, "rate", g->rate);
	yyjson_mut_obj_add_real(d, o, "jain", g->jain);
	yyjson_mut_obj_add_uint(d, o, "sent", g->sent);
	yyjson_mut_obj_add_uint(d, o, "retransmitted", g->retransmitted);
	yyjson_mut_obj_add_uint(d, o, "lost", g->lost);
	yyjson_mut_obj_add_uint(d, o, "marked", g->marked);
	yyjson_mut_obj_add_uint(d, o, "delivered_ce", g->delivered_ce);
	yyjson_mut_obj_add_uint(d, o, "by_ecn", g->by_ecn);
	yyjson_mut_obj_add_uint(d, o, "by_loss", g->by_loss);
	yyjson_mut_obj_add_uint(d, o, "rtos", g->rtos);
	yyjson_mut_obj_add_real(d, o, "rtt", g->rtt);
	yyjson_mut_obj_add_real(d, o, "beta", g->beta);
	yyjson_mut_obj_add_real(d, o, "classic", g->classic);
}

static void put_queue(yyjson_mut_doc *d, yyjson_mut_val *arr, const struct grid_queue_result *q)
{
	yyjson_mut_val *o = yyjson_mut_arr_add_obj(d, arr);
	yyjson_mut_val *delay;

	yyjson_mut_obj_add_real(d, o, "mean", q->mean);
	delay = yyjson_mut_arr_with_real(d, q->delay, GRID_QUANTILES);
	yyjson_mut_obj_add_val(d, o, "delay", delay);
	yyjson_mut_obj_add_uint(d, o, "arrived", q->arrived);
	yyjson_mut_obj_add_uint(d, o, "forwarded", q->forwarded);
	yyjson_mut_obj_add_uint(d, o, "marked", q->marked);
	yyjson_mut_obj_add_uint(d, o, "dropped_ect", q->dropped_ect);
	yyjson_mut_obj_add_uint(d, o, "dropped_not_ect", q->dropped_not_ect);
}

char *grid_line(const char *version, const char *cell, uint64_t seed, const struct grid_result *r,
		size_t *n)
{
	yyjson_mut_doc *d = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *o = d ? yyjson_mut_obj(d) : NULL;
	yyjson_mut_val *groups;
	yyjson_mut_val *queues;
	char *line;

	if (!o) {
		yyjson_mut_doc_free(d);
		return NULL;
	}
	yyjson_mut_doc_set_root(d, o);
	yyjson_mut_obj_add_str(d, o, "code", version);
	yyjson_mut_obj_add_str(d, o, "cell", cell);
	yyjson_mut_obj_add_uint(d, o, "seed", seed);
	groups = json_add_arr(d, o, "group");
	for (uint32_t i = 0; i < r->n_groups; i++)
		put_group(d, groups, &r->group[i]);
	queues = json_add_arr(d, o, "queue");
	for (unsigned i = 0; i < 2; i++)
		put_queue(d, queues, &r->queue[i]);
	yyjson_mut_obj_add_real(d, o, "utilisation", r->utilisation);
	yyjson_mut_obj_add_real(d, o, "load_rate", r->load_rate);
	yyjson_mut_obj_add_uint(d, o, "load_sent", r->load_sent);
	yyjson_mut_obj_add_uint(d, o, "load_received", r->load_received);
	yyjson_mut_obj_add_uint(d, o, "packets", r->packets);
	yyjson_mut_obj_add_real(d, o, "cpu", r->cpu);
	line = yyjson_mut_write(d, YYJSON_WRITE_ALLOW_INF_AND_NAN | YYJSON_WRITE_NEWLINE_AT_END, n);
	yyjson_mut_doc_free(d);
	return line;
}

static bool get_u64(yyjson_val *o, const char *key, uint64_t *to)
{
	yyjson_val *v = yyjson_obj_get(o, key);

	if (!yyjson_is_uint(v))
		return false;
	*to = yyjson_get_uint(v);
	return true;
}

static bool get_real(yyjson_val *o, const char *key, double *to)
{
	yyjson_val *v = yyjson_obj_get(o, key);

	if (!yyjson_is_num(v))
		return false;
	*to = yyjson_get_num(v);
	return true;
}

static bool get_text(yyjson_val *o, const char *key, char *to, size_t n)
{
	yyjson_val *v = yyjson_obj_get(o, key);
	size_t len = yyjson_get_len(v);

	if (!yyjson_is_str(v) || len >= n)
		return false;
	memcpy(to, yyjson_get_str(v), len + 1);
	return true;
}

static bool get_group(yyjson_val *o, struct grid_group_result *g)
{
	return get_real(o, "rate", &g->rate) && get_real(o, "jain", &g->jain) &&
	       get_u64(o, "sent", &g->sent) && get_u64(o, "retransmitted", &g->retransmitted) &&
	       get_u64(o, "lost", &g->lost) && get_u64(o, "marked", &g->marked) &&
	       get_u64(o, "delivered_ce", &g->delivered_ce) && get_u64(o, "by_ecn", &g->by_ecn) &&
	       get_u64(o, "by_loss", &g->by_loss) && get_u64(o, "rtos", &g->rtos) &&
	       get_real(o, "rtt", &g->rtt) && get_real(o, "beta", &g->beta) &&
	       get_real(o, "classic", &g->classic);
}

static bool get_queue(yyjson_val *o, struct grid_queue_result *q)
{
	yyjson_val *delay = yyjson_obj_get(o, "delay");

	if (yyjson_arr_size(delay) != GRID_QUANTILES)
		return false;
	for (size_t i = 0; i < GRID_QUANTILES; i++)
		q->delay[i] = yyjson_get_num(yyjson_arr_get(delay, i));
	return get_real(o, "mean", &q->mean) && get_u64(o, "arrived", &q->arrived) &&
	       get_u64(o, "forwarded", &q->forwarded) && get_u64(o, "marked", &q->marked) &&
	       get_u64(o, "dropped_ect", &q->dropped_ect) &&
	       get_u64(o, "dropped_not_ect", &q->dropped_not_ect);
}

static bool get_result(yyjson_val *o, struct grid_result *r)
{
	yyjson_val *groups = yyjson_obj_get(o, "group");
	yyjson_val *queues = yyjson_obj_get(o, "queue");

	r->n_groups = (uint32_t)yyjson_arr_size(groups);
	if (!yyjson_is_arr(groups) || r->n_groups > GRID_GROUPS || yyjson_arr_size(queues) != 2)
		return false;
	for (uint32_t i = 0; i < r->n_groups; i++)
		if (!get_group(yyjson_arr_get(groups, i), &r->group[i]))
			return false;
	for (unsigned i = 0; i < 2; i++)
		if (!get_queue(yyjson_arr_get(queues, i), &r->queue[i]))
			return false;
	return get_real(o, "utilisation", &r->utilisation) &&
	       get_real(o, "load_rate", &r->load_rate) && get_u64(o, "load_sent", &r->load_sent) &&
	       get_u64(o, "load_received", &r->load_received) &&
	       get_u64(o, "packets", &r->packets) && get_real(o, "cpu", &r->cpu);
}

int grid_line_parse(const char *text, size_t n, char version[64], char cell[GRID_TEXT],
		    uint64_t *seed, struct grid_result *r)
{
	yyjson_doc *d = json_parse(text, n, LINE_MAX_BYTES, NULL, NULL);
	yyjson_val *o = yyjson_doc_get_root(d);
	bool good;

	*r = (struct grid_result){0};
	good = d && get_text(o, "code", version, 64) && get_text(o, "cell", cell, GRID_TEXT) &&
	       get_u64(o, "seed", seed) && get_result(o, r);
	yyjson_doc_free(d);
	r->done = good;
	return good ? 0 : -EINVAL;
}
