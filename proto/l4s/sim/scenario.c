/* SPDX-License-Identifier: BSD-2-Clause */
/* Scenarios as JSON: tables of members, read strictly. See doc/dep-l4s-sim.1.scd. */
#include "proto/l4s/sim/scenario_priv.h"

#include "base/json.h"
#include "proto/l4s/sim/units.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MS 1000000u
#define SCENARIO_BYTES (4u << 20)
#define TRACE_STEPS 100000u

enum kind { TIME, RATE, SIZE, SHARE, U32, U8, LINK_OR_NONE, NAME, WORD, OTHER };

struct member {
	const char *name;
	enum kind kind;
	size_t offset;
	const char *const *words; /* WORD: the values, by number */
};

/* Where the reader is, for errors. */
struct place {
	const char *origin;
	char path[96];
	struct err *err;
};

static int refuse(const struct place *at, const char *member, const char *what, const char *mend)
{
	const char *dot = at->path[0] && member ? "." : "";
	int r = err_set(at->err, -EINVAL, "%s", what);

	err_where(at->err, "%s: %s%s%s", at->origin, at->path, dot, member ? member : "");
	err_mend(at->err, "%s", mend);
	return r;
}

static int unknown(const struct place *at, const char *member, const struct member *m)
{
	char list[192] = "it may have: ";
	size_t n = strlen(list);
	char what[128];
	int w;

	for (; m->name; m++) {
		w = snprintf(list + n, sizeof(list) - n, "%s%s", m->name, m[1].name ? ", " : "");
		if (w < 0 || (size_t)w >= sizeof(list) - n)
			break;
		n += (size_t)w;
	}
	snprintf(what, sizeof(what), "there is no member '%.64s' here", member);
	return refuse(at, NULL, what, list);
}

/* A value of 64 bits: text with a unit, or where that is usual a plain number. */
static bool quantity(yyjson_val *v, enum kind kind, uint64_t *out)
{
	uint32_t share;

	if (yyjson_is_uint(v) && kind != TIME && kind != SHARE) {
		*out = yyjson_get_uint(v);
		return true;
	}
	if (yyjson_is_num(v) && kind == SHARE) {
		double d = yyjson_get_num(v);

		if (!(d >= 0 && d <= 1))
			return false;
		d *= 4294967296.0;
		*out = d >= 4294967295.0 ? UINT32_MAX : (uint64_t)d;
		return true;
	}
	if (yyjson_is_uint(v) && yyjson_get_uint(v) == 0 && kind == TIME) {
		*out = 0;
		return true;
	}
	if (!yyjson_is_str(v) || strlen(yyjson_get_str(v)) != yyjson_get_len(v))
		return false;
	switch (kind) {
	case TIME:
		return units_time(yyjson_get_str(v), out);
	case RATE:
		return units_rate(yyjson_get_str(v), out);
	case SIZE:
		return units_size(yyjson_get_str(v), out);
	case SHARE:
		if (!units_share(yyjson_get_str(v), &share))
			return false;
		*out = share;
		return true;
	default:
		return false;
	}
}

static int read_word(const struct place *at, const struct member *m, yyjson_val *v, uint8_t *to)
{
	char list[128] = "one of: ";
	size_t n = strlen(list);
	uint8_t i;

	for (i = 0; m->words[i]; i++) {
		if (yyjson_equals_str(v, m->words[i])) {
			*to = i;
			return 0;
		}
		n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s", i ? ", " : "",
				      m->words[i]);
	}
	return refuse(at, m->name, "it is none of the words", list);
}

static int read_name(const struct place *at, const char *member, yyjson_val *v, char *to, size_t n)
{
	size_t len = yyjson_get_len(v);
	size_t i;

	if (!yyjson_is_str(v) || !len || len >= n)
		return refuse(at, member, "it is no name", "text, not too long (23 bytes)");
	for (i = 0; i < len; i++)
		if ((unsigned char)yyjson_get_str(v)[i] < ' ')
			return refuse(at, member, "a control character in a name", "leave it out");
	memcpy(to, yyjson_get_str(v), len);
	to[len] = '\0';
	return 0;
}

static const char *expected(enum kind kind)
{
	switch (kind) {
	case TIME:
		return "a time as text: \"20ms\", \"1.5s\", \"100us\"";
	case RATE:
		return "a rate: \"100M\", \"2.5G\", or bit/s as a number";
	case SIZE:
		return "bytes: \"100k\", or a number";
	case SHARE:
		return "a share from 0 to 1, or \"1%\"";
	default:
		return "a whole number that is not negative";
	}
}

static int read_member(const struct place *at, const struct member *m, yyjson_val *v, void *obj)
{
	uint8_t *to = (uint8_t *)obj + m->offset;
	uint64_t n;
	uint32_t u;

	switch (m->kind) {
	case OTHER:
		return 0;
	case NAME:
		return read_name(at, m->name, v, (char *)to, 24);
	case WORD:
		return read_word(at, m, v, to);
	case LINK_OR_NONE:
		if (!yyjson_is_int(v) || yyjson_get_sint(v) < -1 || yyjson_get_sint(v) >= SIM_LINKS)
			return refuse(at, m->name, "it is no link", "-1: none, or a link's number");
		*to = (uint8_t)yyjson_get_sint(v);
		return 0;
	case U8:
		if (!yyjson_is_uint(v) || yyjson_get_uint(v) > UINT8_MAX)
			return refuse(at, m->name, "it is no such number", "0 to 255");
		*to = (uint8_t)yyjson_get_uint(v);
		return 0;
	default:
		break;
	}
	if (m->kind == U32 ? !yyjson_is_uint(v) : !quantity(v, m->kind, &n))
		return refuse(at, m->name, "the value does not fit", expected(m->kind));
	if (m->kind == TIME || m->kind == RATE || m->kind == SIZE) {
		memcpy(to, &n, sizeof(n));
		return 0;
	}
	if (m->kind == U32)
		n = yyjson_get_uint(v);
	if (n > UINT32_MAX)
		return refuse(at, m->name, "the value does not fit", "below 2^32");
	u = (uint32_t)n;
	memcpy(to, &u, sizeof(u));
	return 0;
}

static int read_object(const struct place *at, const struct member *m, yyjson_val *v, void *obj)
{
	yyjson_obj_iter it;
	yyjson_val *key;
	uint32_t i;
	int r;

	if (!yyjson_obj_iter_init(v, &it))
		return refuse(at, NULL, "it is no object", "write {…}");
	while ((key = yyjson_obj_iter_next(&it))) {
		for (i = 0; m[i].name; i++)
			if (yyjson_equals_str(key, m[i].name))
				break;
		if (!m[i].name)
			return unknown(at, yyjson_get_str(key), m);
		if (yyjson_obj_get(v, m[i].name) != yyjson_obj_iter_get_val(key))
			return refuse(at, m[i].name, "the member is there twice", "keep one");
		r = read_member(at, &m[i], yyjson_obj_iter_get_val(key), obj);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- links ---- */

#define L(field) offsetof(struct sim_link_cfg, field)
static const struct member link_members[] = {
	{"rate", RATE, L(rate), NULL},
	{"aqm", OTHER, 0, NULL},
	{"overhead", U32, L(overhead), NULL},
	{"delay", TIME, L(delay), NULL},
	{"jitter", TIME, L(jitter), NULL},
	{"loss", SHARE, L(loss), NULL},
	{"trace", OTHER, 0, NULL},
	{"trace-period", TIME, L(trace_period), NULL},
	{NULL, OTHER, 0, NULL},
};

#define T(field) offsetof(struct sim_rate_step, field)
static const struct member step_members[] = {
	{"at", TIME, T(at), NULL},
	{"rate", RATE, T(rate), NULL},
	{NULL, OTHER, 0, NULL},
};

static int read_trace(struct scenario *s, uint32_t l, yyjson_val *v, struct place *at)
{
	size_t len = strlen(at->path);
	size_t n = yyjson_arr_size(v);
	yyjson_arr_iter it;
	yyjson_val *step;
	size_t i = 0;
	int r;

	if (!v)
		return 0;
	if (!yyjson_is_arr(v) || !n || n > TRACE_STEPS)
		return refuse(at, "trace", "it is no list of steps",
			      "[{\"at\": \"1s\", \"rate\": \"50M\"}, …], at most 100000");
	s->trace[l] = calloc(n, sizeof(*s->trace[l]));
	if (!s->trace[l])
		return err_set(at->err, -ENOMEM, "no memory for a trace");
	yyjson_arr_iter_init(v, &it);
	while ((step = yyjson_arr_iter_next(&it))) {
		snprintf(at->path + len, sizeof(at->path) - len, ".trace[%zu]", i);
		r = read_object(at, step_members, step, &s->trace[l][i++]);
		if (r < 0)
			return r;
	}
	at->path[len] = '\0';
	s->cfg.link[l].trace = s->trace[l];
	s->cfg.link[l].n_trace = (uint32_t)n;
	return 0;
}

/* The queue manager of link l in words, for the rate that the link has now. text may be what s
 * holds. */
static int set_aqm(struct scenario *s, uint32_t l, const char *text, struct err *err)
{
	struct aqm_cfg aqm;
	char *copy;
	int r = aqm_cfg_parse(&aqm, text, s->cfg.link[l].rate, err);

	if (r < 0)
		return r;
	copy = strdup(text);
	if (!copy)
		return err_set(err, -ENOMEM, "no memory for a scenario");
	free(s->aqm[l]);
	s->aqm[l] = copy;
	s->cfg.link[l].aqm = aqm;
	return 0;
}

static int read_aqm(struct scenario *s, uint32_t l, yyjson_val *v, const struct place *at)
{
	const char *text = v ? yyjson_get_str(v) : "dualpi2";
	int r;

	if (!text)
		return refuse(at, "aqm", "it is no text",
			      "\"dualpi2 linux\", \"fifo limit 100ms\"");
	r = set_aqm(s, l, text, at->err);
	if (r < 0)
		err_where(at->err, "%s: %s.aqm", at->origin, at->path);
	return r;
}

static int read_link(struct scenario *s, uint32_t l, yyjson_val *v, struct place *at)
{
	struct sim_link_cfg *k = &s->cfg.link[l];
	int r;

	*k = (struct sim_link_cfg){.rate = 100000000, .overhead = 14};
	r = read_object(at, link_members, v, k);
	if (r < 0)
		return r;
	r = read_aqm(s, l, yyjson_obj_get(v, "aqm"), at);
	return r < 0 ? r : read_trace(s, l, yyjson_obj_get(v, "trace"), at);
}

/* ---- flows ---- */

#define F(field) offsetof(struct sim_flow_cfg, field)
static const struct member flow_members[] = {
	{"cc", OTHER, 0, NULL},
	{"name", NAME, F(name), NULL},
	{"count", U32, F(count), NULL},
	{"rtt", TIME, F(rtt), NULL},
	{"start", TIME, F(start), NULL},
	{"start-spread", TIME, F(start_spread), NULL},
	{"stop", TIME, F(stop), NULL},
	{"bytes", SIZE, F(bytes), NULL},
	{"gap", TIME, F(gap), NULL},
	{"rwnd", U32, F(rwnd), NULL},
	{"ack-every", U32, F(ack_every), NULL},
	{"ack-delay", TIME, F(ack_delay), NULL},
	{"ack-thin", U32, F(ack_thin), NULL},
	{"gso", U32, F(gso), NULL},
	{"gro", TIME, F(gro), NULL},
	{"first-link", U8, F(first_link), NULL},
	{"last-link", U8, F(last_link), NULL},
	{"ack-link", LINK_OR_NONE, F(ack_link), NULL},
	{NULL, OTHER, 0, NULL},
};

void scenario_flow_defaults(struct sim_flow_cfg *f)
{
	*f = (struct sim_flow_cfg){
		.count = 1,
		.rtt = 20 * MS,
		.start_spread = 100 * MS,
		.ack_every = 2,
		.ack_delay = 40 * MS,
		.ack_link = -1,
	};
}

/* A group without a name has its control's words. */
static void name_after(char *name, size_t n, const char *text)
{
	size_t i;

	if (name[0])
		return;
	for (i = 0; i + 1 < n && text[i]; i++)
		name[i] = (unsigned char)text[i] < ' ' ? ' ' : text[i];
	name[i] = '\0';
}

int scenario_flow_cc(struct sim_flow_cfg *f, const char *text, struct err *err)
{
	int r = cc_cfg_parse(&f->cc, text, err);

	if (r < 0)
		return r;
	name_after(f->name, sizeof(f->name), text);
	return 0;
}

static int read_flow(struct scenario *s, uint32_t i, yyjson_val *v, struct place *at)
{
	struct sim_flow_cfg *f = &s->flow[i];
	const char *text;
	int r;

	scenario_flow_defaults(f);
	f->last_link = (uint8_t)(s->cfg.n_links - 1);
	r = read_object(at, flow_members, v, f);
	if (r < 0)
		return r;
	text = yyjson_get_str(yyjson_obj_get(v, "cc"));
	if (!text)
		return refuse(at, "cc", "a flow needs a congestion control",
			      "\"cubic\", \"cubic abe 0.85\", \"prague\", \"reno\", \"dctcp\"");
	r = scenario_flow_cc(f, text, at->err);
	if (r < 0)
		err_where(at->err, "%s: %s.cc", at->origin, at->path);
	return r;
}

/* ---- loads ---- */

static const char *const load_kinds[] = {"cbr", "poisson", "on-off", "frames", NULL};
static const char *const ecn_words[] = {"not-ect", "ect1", "ect0", "ce", NULL};

#define D(field) offsetof(struct sim_load_cfg, field)
static const struct member load_members[] = {
	{"kind", WORD, D(kind), load_kinds},
	{"name", NAME, D(name), NULL},
	{"ecn", WORD, D(ecn), ecn_words},
	{"rate", RATE, D(rate), NULL},
	{"packet", U32, D(packet), NULL},
	{"on", TIME, D(on), NULL},
	{"off", TIME, D(off), NULL},
	{"per-second", U32, D(per_second), NULL},
	{"start", TIME, D(start), NULL},
	{"stop", TIME, D(stop), NULL},
	{"first-link", U8, D(first_link), NULL},
	{"last-link", U8, D(last_link), NULL},
	{NULL, OTHER, 0, NULL},
};

void scenario_load_defaults(struct sim_load_cfg *d)
{
	*d = (struct sim_load_cfg){
		.packet = 1500,
		.rate = 1000000,
		.on = 1000 * MS,
		.off = 1000 * MS,
		.per_second = 30,
	};
}

static int read_load(struct scenario *s, uint32_t i, yyjson_val *v, struct place *at)
{
	struct sim_load_cfg *d = &s->load[i];
	int r;

	scenario_load_defaults(d);
	d->last_link = (uint8_t)(s->cfg.n_links - 1);
	r = read_object(at, load_members, v, d);
	name_after(d->name, sizeof(d->name), load_kinds[d->kind]);
	return r;
}

/* ---- the whole ---- */

#define C(field) offsetof(struct scenario, cfg.field)
static const struct member top_members[] = {
	{"name", OTHER, 0, NULL},
	{"time", TIME, C(duration), NULL},
	{"warmup", TIME, C(warmup), NULL},
	{"sample", TIME, C(sample), NULL},
	{"seed", OTHER, 0, NULL},
	{"links", OTHER, 0, NULL},
	{"flows", OTHER, 0, NULL},
	{"loads", OTHER, 0, NULL},
	{NULL, OTHER, 0, NULL},
};

static int read_list(struct scenario *s, yyjson_val *v, const char *name, size_t max,
		     int (*one)(struct scenario *, uint32_t, yyjson_val *, struct place *),
		     struct place *at)
{
	yyjson_arr_iter it;
	yyjson_val *x;
	uint32_t i = 0;
	int r = 0;

	at->path[0] = '\0';
	if (!v)
		return 0;
	if (!yyjson_is_arr(v))
		return refuse(at, name, "it is no list", "write […]");
	if (yyjson_arr_size(v) > max)
		return refuse(at, name, "the list is too long",
			      "see SIM_LINKS, SIM_LOADS, SIM_FLOWS");
	yyjson_arr_iter_init(v, &it);
	while (!r && (x = yyjson_arr_iter_next(&it))) {
		snprintf(at->path, sizeof(at->path), "%s[%u]", name, i);
		r = one(s, i++, x, at);
	}
	at->path[0] = '\0';
	return r;
}

static int read_lists(struct scenario *s, yyjson_val *root, struct place *at)
{
	yyjson_val *links = yyjson_obj_get(root, "links");
	yyjson_val *flows = yyjson_obj_get(root, "flows");
	yyjson_val *loads = yyjson_obj_get(root, "loads");
	size_t n = yyjson_arr_size(flows);
	int r;

	if (!yyjson_arr_size(links))
		return refuse(at, "links", "a scenario needs a link",
			      "\"links\": [{\"rate\": \"100M\", \"aqm\": \"dualpi2\"}]");
	s->cfg.n_links =
		(uint32_t)(yyjson_arr_size(links) < SIM_LINKS ? yyjson_arr_size(links) : SIM_LINKS);
	s->flow = calloc((n < SIM_FLOWS ? n : SIM_FLOWS) + 1, sizeof(*s->flow));
	s->load = calloc(SIM_LOADS, sizeof(*s->load));
	if (!s->flow || !s->load)
		return err_set(at->err, -ENOMEM, "no memory for a scenario");
	r = read_list(s, links, "links", SIM_LINKS, read_link, at);
	if (!r)
		r = read_list(s, flows, "flows", SIM_FLOWS, read_flow, at);
	if (!r)
		r = read_list(s, loads, "loads", SIM_LOADS, read_load, at);
	s->cfg.flow = s->flow;
	s->cfg.n_flows = (uint32_t)n;
	s->cfg.load = s->load;
	s->cfg.n_loads = (uint32_t)yyjson_arr_size(loads);
	return r;
}

static int read_top(struct scenario *s, yyjson_val *root, struct place *at)
{
	yyjson_val *seed = yyjson_obj_get(root, "seed");
	yyjson_val *name = yyjson_obj_get(root, "name");
	int r;

	s->cfg.duration = 60000u * (uint64_t)MS;
	s->cfg.seed = 1;
	r = read_object(at, top_members, root, s);
	if (r < 0)
		return r;
	if (!yyjson_obj_get(root, "warmup"))
		s->cfg.warmup = s->cfg.duration / 3;
	if (seed && !json_get_u64(seed, &s->cfg.seed))
		return refuse(at, "seed", "it is no seed", "a whole number");
	if (name)
		r = read_name(at, "name", name, s->name, sizeof(s->name));
	return r < 0 ? r : read_lists(s, root, at);
}

int scenario_parse(struct scenario *s, const char *text, size_t n, const char *origin,
		   struct err *err)
{
	struct place at = {.origin = origin ? origin : "scenario", .err = err};
	yyjson_doc *doc = json_parse(text, n, SCENARIO_BYTES, origin, err);
	int r;

	memset(s, 0, sizeof(*s));
	if (!doc)
		return -EINVAL;
	r = read_top(s, yyjson_doc_get_root(doc), &at);
	yyjson_doc_free(doc);
	if (!r)
		r = sim_cfg_check(&s->cfg, err);
	if (r < 0)
		scenario_free(s);
	return r;
}

void scenario_free(struct scenario *s)
{
	uint32_t i;

	for (i = 0; i < SIM_LINKS; i++) {
		free(s->trace[i]);
		free(s->aqm[i]);
	}
	free(s->flow);
	free(s->load);
	memset(s, 0, sizeof(*s));
}

/* ---- one value of a grid ---- */

/* "rtt2" is that of group 2: which groups `name` means, by its number; 0: all. false: it is not
 * `word`. */
static bool grid_name(const char *name, const char *word, uint64_t *group)
{
	size_t n = strlen(word);

	*group = 0;
	if (strncmp(name, word, n) != 0)
		return false;
	return !name[n] || (units_count(name + n, group) && *group);
}

static int no_grid(struct err *err, const char *name, const char *what, const char *mend)
{
	int r = err_set(err, -EINVAL, "%s", what);

	err_where(err, "%s", name);
	err_mend(err, "%s", mend);
	return r;
}

static int set_link(struct scenario *s, const char *name, const char *value, struct err *err)
{
	uint64_t rate;

	if (!strcmp(name, "aqm"))
		return set_aqm(s, 0, value, err);
	if (!units_rate(value, &rate))
		return no_grid(err, name, "the value is no rate", "40M, 100M, 2.5G");
	s->cfg.link[0].rate = rate;
	return set_aqm(s, 0, s->aqm[0], err);
}

static int set_flow(struct sim_flow_cfg *f, const char *name, const char *value, struct err *err)
{
	uint64_t v;

	if (!strncmp(name, "cc", 2)) {
		f->name[0] = '\0';
		return scenario_flow_cc(f, value, err);
	}
	if (!strncmp(name, "rtt", 3)) {
		if (!units_time(value, &f->rtt))
			return no_grid(err, name, "the value is no time", "5ms, 100us");
		return 0;
	}
	if (!units_count(value, &v) || v > SIM_FLOWS)
		return no_grid(err, name, "the value is no number of flows", "1 to 4096");
	f->count = (uint32_t)v;
	return 0;
}

int scenario_set(struct scenario *s, const char *name, const char *value, struct err *err)
{
	uint64_t group;
	uint32_t i;
	int r = 0;

	if (!strcmp(name, "rate") || !strcmp(name, "aqm"))
		return set_link(s, name, value, err);
	if (!grid_name(name, "rtt", &group) && !grid_name(name, "count", &group) &&
	    !grid_name(name, "cc", &group))
		return no_grid(err, name, "there is nothing of this name to vary",
			       "rate, aqm, rtt, count, cc; rtt2: that of the second group");
	if (group > s->cfg.n_flows)
		return no_grid(err, name, "there is no such group", "groups count from 1");
	for (i = 0; i < s->cfg.n_flows && !r; i++)
		if (!group || group == i + 1)
			r = set_flow(&s->flow[i], name, value, err);
	return r;
}

int scenario_dumbbell(struct scenario *s, uint64_t rate, const char *aqm,
		      const struct scenario_group *g, uint32_t n, uint64_t duration,
		      uint64_t warmup, uint64_t seed, struct err *err)
{
	uint32_t i;
	int r;

	memset(s, 0, sizeof(*s));
	s->cfg.n_links = 1;
	s->cfg.link[0].rate = rate;
	s->cfg.link[0].overhead = 14;
	s->cfg.duration = duration;
	s->cfg.warmup = warmup;
	s->cfg.seed = seed;
	s->flow = calloc(n + 1, sizeof(*s->flow));
	if (!s->flow)
		return err_set(err, -ENOMEM, "no memory for %u groups", n);
	r = set_aqm(s, 0, aqm, err);
	for (i = 0; i < n && !r; i++) {
		scenario_flow_defaults(&s->flow[i]);
		s->flow[i].count = g[i].count;
		s->flow[i].rtt = g[i].rtt;
		r = scenario_flow_cc(&s->flow[i], g[i].cc, err);
	}
	s->cfg.flow = s->flow;
	s->cfg.n_flows = n;
	if (!r)
		r = sim_cfg_check(&s->cfg, err);
	if (r < 0)
		scenario_free(s);
	return r;
}
