/* SPDX-License-Identifier: BSD-2-Clause */
/* What a scenario may be. */
#include "proto/l4s/sim/sim.h"

#include <errno.h>

#define RATE_MIN 1000u
#define RATE_MAX 1000000000000u
#define BYTES_MAX 1000000000000000u
#define SAMPLE_MIN 10000u
#define TIME_MAX 100000000000000u /* 10^5 s */
#define DELAY_MAX 100000000000u

static int bad(struct err *err, const char *part, uint32_t i, const char *what, const char *mend)
{
	int r = err_set(err, -EINVAL, "%s", what);

	err_where(err, "%s %u", part, i);
	err_mend(err, "%s", mend);
	return r;
}

static int check_trace(const struct sim_link_cfg *k, uint32_t i, struct err *err)
{
	uint32_t t;

	for (t = 0; t < k->n_trace; t++) {
		if (k->trace[t].rate &&
		    (k->trace[t].rate < RATE_MIN || k->trace[t].rate > RATE_MAX))
			return bad(err, "link", i, "a rate of the trace is out of range",
				   "0 (an outage) or 1 kb/s to 1 Tb/s");
		if (t && k->trace[t].at <= k->trace[t - 1].at)
			return bad(err, "link", i, "the trace's times do not increase",
				   "give its steps in order");
		if (k->trace[t].at > TIME_MAX)
			return bad(err, "link", i, "a time of the trace is out of range",
				   "at most 100000 s");
	}
	if (k->trace_period > TIME_MAX)
		return bad(err, "link", i, "the trace's period is out of range",
			   "at most 100000 s");
	if (k->n_trace && k->trace_period && k->trace[k->n_trace - 1].at >= k->trace_period)
		return bad(err, "link", i, "the trace is longer than its period",
			   "a period beyond its last step, or 0: once");
	return 0;
}

static int check_link(const struct sim_link_cfg *k, uint32_t i, struct err *err)
{
	int r;

	if (k->rate < RATE_MIN || k->rate > RATE_MAX)
		return bad(err, "link", i, "the rate is out of range", "1 kb/s to 1 Tb/s");
	if (k->overhead > 256)
		return bad(err, "link", i, "overhead beyond 256 bytes", "14 is Ethernet's");
	if (k->delay > DELAY_MAX || k->jitter > DELAY_MAX)
		return bad(err, "link", i, "delay or jitter beyond 100 s", "make it shorter");
	r = aqm_cfg_check(&k->aqm, err);
	if (r < 0) {
		err_where(err, "link %u, queue", i);
		return r;
	}
	return check_trace(k, i, err);
}

static int check_flow(const struct sim_cfg *cfg, uint32_t i, struct err *err)
{
	const struct sim_flow_cfg *f = &cfg->flow[i];
	int r;

	if (!f->count)
		return bad(err, "flow group", i, "a group of no flow", "count 1 or more");
	if (f->rtt < 1000 || f->rtt > DELAY_MAX)
		return bad(err, "flow group", i, "the round-trip time is out of range",
			   "1 us to 100 s");
	if (f->start > TIME_MAX || f->start_spread > TIME_MAX || f->stop > TIME_MAX ||
	    f->gap > TIME_MAX)
		return bad(err, "flow group", i, "a time is out of range", "at most 100000 s");
	if (f->stop && f->stop <= f->start + f->start_spread)
		return bad(err, "flow group", i, "it stops before all of it started",
			   "stop after start and its spread, or 0: never");
	if (f->bytes > BYTES_MAX)
		return bad(err, "flow group", i, "an object's size is out of range",
			   "at most 10^15 bytes");
	if (f->ack_delay > TIME_MAX || f->gro > TIME_MAX)
		return bad(err, "flow group", i, "the ACK delay or GRO's time is out of range",
			   "at most 100000 s");
	if (f->gap && !f->bytes)
		return bad(err, "flow group", i, "a gap between objects without size",
			   "bytes is the size of an object");
	if (f->first_link > f->last_link || f->last_link >= cfg->n_links)
		return bad(err, "flow group", i, "its first and last link are no way",
			   "links are numbered from 0, and passed upwards");
	if (f->ack_link < -1 || f->ack_link >= (int)cfg->n_links)
		return bad(err, "flow group", i, "there is no such link for ACKs",
			   "-1: none, or a link's number");
	if (!f->ack_every || f->ack_every > 64 || f->ack_thin > 1024 || f->gso > 64)
		return bad(err, "flow group", i, "segments an ACK, thinning or GSO out of range",
			   "1 to 64; thinning to 1024");
	r = cc_cfg_check(&f->cc, err);
	if (r < 0)
		err_where(err, "flow group %u", i);
	return r;
}

static int check_load(const struct sim_cfg *cfg, uint32_t i, struct err *err)
{
	const struct sim_load_cfg *d = &cfg->load[i];

	if (d->packet < 29 || d->packet > 9000)
		return bad(err, "load", i, "the size of its packets is out of range",
			   "29 to 9000 bytes, IP and UDP headers with it");
	if (d->rate < RATE_MIN || d->rate > RATE_MAX)
		return bad(err, "load", i, "the rate is out of range", "1 kb/s to 1 Tb/s");
	if (d->ecn > 3 || d->kind > SIM_LOAD_FRAMES)
		return bad(err, "load", i, "no such ECN codepoint or kind of load",
			   "not-ect, ect0, ect1; cbr, poisson, on-off, frames");
	if (d->first_link > d->last_link || d->last_link >= cfg->n_links)
		return bad(err, "load", i, "its first and last link are no way",
			   "links are numbered from 0, and passed upwards");
	if (d->on > TIME_MAX || d->off > TIME_MAX || d->start > TIME_MAX || d->stop > TIME_MAX)
		return bad(err, "load", i, "a time is out of range", "at most 100000 s");
	if (d->kind == SIM_LOAD_ON_OFF && (d->on < 1000 || d->off < 1000))
		return bad(err, "load", i, "on and off must be times of 1 us and more",
			   "their means");
	if (d->kind == SIM_LOAD_ON_OFF &&
	    (unsigned __int128)d->rate * (d->on + d->off) / d->on > RATE_MAX)
		return bad(err, "load", i, "the rate while it is on is out of range",
			   "rate is the mean: rate * (on + off) / on is at most 1 Tb/s");
	if (d->kind == SIM_LOAD_FRAMES && (!d->per_second || d->per_second > 100000))
		return bad(err, "load", i, "frames a second out of range", "1 to 100000");
	return 0;
}

int sim_cfg_check(const struct sim_cfg *cfg, struct err *err)
{
	uint64_t flows = 0;
	uint32_t i;
	int r = 0;

	if (!cfg->n_links || cfg->n_links > SIM_LINKS)
		return err_set(err, -EINVAL, "1 to %u links, not %u", SIM_LINKS, cfg->n_links);
	if (cfg->n_loads > SIM_LOADS)
		return err_set(err, -EINVAL, "at most %u loads, not %u", SIM_LOADS, cfg->n_loads);
	for (i = 0; i < cfg->n_flows; i++)
		flows += cfg->flow[i].count;
	if (flows > SIM_FLOWS)
		return err_set(err, -EINVAL, "at most %u flows, not %llu", SIM_FLOWS,
			       (unsigned long long)flows);
	if (!cfg->duration || cfg->duration > TIME_MAX || cfg->warmup >= cfg->duration)
		return err_set(
			err, -EINVAL,
			"the warm-up must be shorter than the run, and that at most 100000 s");
	if (cfg->sample && (cfg->sample < SAMPLE_MIN || cfg->sample > TIME_MAX))
		return err_set(err, -EINVAL, "samples 10 us to 100000 s apart, not %llu ns",
			       (unsigned long long)cfg->sample);
	for (i = 0; i < cfg->n_links && !r; i++)
		r = check_link(&cfg->link[i], i, err);
	for (i = 0; i < cfg->n_flows && !r; i++)
		r = check_flow(cfg, i, err);
	for (i = 0; i < cfg->n_loads && !r; i++)
		r = check_load(cfg, i, err);
	return r;
}
