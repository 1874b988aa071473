/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/l4s/bpf/replay.h"

#include "proto/l4s/bpf/core.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC "L4S calls 1\n"

struct replay_socket {
	uint32_t id; /* 0: free */
	uint32_t next;
	uint8_t control;
	bool broken; /* a call is missing */
	struct cc cc;
};

struct replay {
	struct replay_result result;
	struct replay_socket socket[REPLAY_SOCKETS];
};

struct replay *replay_new(void)
{
	return calloc(1, sizeof(struct replay));
}

void replay_free(struct replay *r)
{
	free(r);
}

const struct replay_result *replay_result(const struct replay *r)
{
	return &r->result;
}

/* ---- is it a record at all? ---- */

/* A byte that is read as bool must be one. */
static bool bools_fine(const struct cc_bpf_event *e)
{
	const uint8_t *cfg = (const uint8_t *)&e->cc.cfg;
	const uint8_t *ack = (const uint8_t *)&e->ack;
	static const uint16_t in_cfg[] = {
		offsetof(struct cc_cfg, pacing),
		offsetof(struct cc_cfg, fast_convergence),
		offsetof(struct cc_cfg, rtt_independence),
		offsetof(struct cc_cfg, classic_detection),
		offsetof(struct cc_cfg, calm_growth),
		offsetof(struct cc_cfg, small_packets),
		offsetof(struct cc_cfg, abe) + offsetof(struct abe_cfg, slow_start),
		offsetof(struct cc_cfg, abe) + offsetof(struct abe_cfg, frlossreduce),
		offsetof(struct cc_cfg, abe) + offsetof(struct abe_cfg, fast_conv_beta),
	};
	static const uint16_t in_ack[] = {
		offsetof(struct cc_ack, ece),
		offsetof(struct cc_ack, cwnd_limited),
		offsetof(struct cc_ack, app_limited),
	};
	unsigned i;

	for (i = 0; i < sizeof(in_cfg) / sizeof(*in_cfg); i++)
		if (cfg[in_cfg[i]] > 1)
			return false;
	for (i = 0; i < sizeof(in_ack) / sizeof(*in_ack); i++)
		if (ack[in_ack[i]] > 1)
			return false;
	return true;
}

static int check(const struct cc_bpf_event *e, struct err *err)
{
	static const uint8_t most[CC_BPF_OPS] = {
		[CC_BPF_INIT] = CC_FEEDBACK_DCTCP,
		[CC_BPF_SSTHRESH] = CC_CAUSE_LOCAL,
		[CC_BPF_STATE] = CC_LOSS,
	};
	struct cc_cfg cfg;

	if (e->op >= CC_BPF_OPS || e->control >= CC_BPF_CONTROLS || e->id == 0 ||
	    e->arg > most[e->op] || e->ack.state > CC_LOSS || !bools_fine(e))
		return err_set(err, -EINVAL, "not the record of a call");
	if (e->op != CC_BPF_INIT)
		return 0;
	cfg = e->cc.cfg;
	/* what was negotiated does not have to go with the rest */
	cfg.feedback = e->control == CC_BPF_PRAGUE ? CC_FEEDBACK_ACCECN : CC_FEEDBACK_CLASSIC;
	if (cfg.ect == ECN_NOT_ECT)
		cfg.ect = ECN_ECT0;
	if (cfg.algo != (e->control == CC_BPF_PRAGUE ? CC_PRAGUE : CC_CUBIC))
		return err_set(err, -EINVAL, "parameters of another control");
	return cc_cfg_check(&cfg, err);
}

/* ---- again ---- */

static struct replay_socket *find(struct replay *r, uint32_t id)
{
	uint32_t i = id * 2654435761u % REPLAY_SOCKETS;
	uint32_t n;

	for (n = 0; n < REPLAY_SOCKETS; n++, i = (i + 1) % REPLAY_SOCKETS)
		if (r->socket[i].id == id || r->socket[i].id == 0)
			return &r->socket[i];
	return NULL;
}

static void differs(struct replay *r, const struct cc_bpf_event *e, const char *what)
{
	if (r->result.different++ == 0)
		snprintf(r->result.first, sizeof(r->result.first),
			 "socket %u, call %u (control %u, op %u, arg %u): %s", e->id, e->seq,
			 e->control, e->op, e->arg, what);
}

static void compare(struct replay *r, const struct cc_bpf_event *e, const struct cc *cc,
		    const struct cc_win *w, uint32_t ret)
{
	const struct cc_win *o = &e->out;

	if (ret != e->ret)
		differs(r, e, "result");
	else if (w->cwnd != o->cwnd || w->cwnd_cnt != o->cwnd_cnt || w->ssthresh != o->ssthresh)
		differs(r, e, "window");
	else if (w->packet != o->packet || w->pacing_rate != o->pacing_rate || w->burst != o->burst)
		differs(r, e, "pacing");
	else if (memcmp(cc->priv, e->cc.priv, sizeof(cc->priv)) || cc->last_ns != e->cc.last_ns)
		differs(r, e, "state");
}

static void begin(struct replay *r, struct replay_socket *s, const struct cc_bpf_event *e)
{
	*s = (struct replay_socket){.id = e->id, .control = e->control, .cc.cfg = e->cc.cfg};
	r->result.sockets++;
}

int replay_event(struct replay *r, const struct cc_bpf_event *e, struct err *err)
{
	struct replay_socket *s = NULL;
	struct cc_win w = e->in;
	uint32_t ret;
	int rc = check(e, err);

	if (rc == 0)
		s = find(r, e->id);
	if (rc == 0 && !s)
		rc = err_set(err, -E2BIG, "more than %d sockets", REPLAY_SOCKETS);
	if (rc)
		return rc;
	if (e->op == CC_BPF_INIT && s->id == 0)
		begin(r, s, e);
	if (s->id == 0 || s->broken || e->seq != s->next || e->control != s->control) {
		s->broken = true;
		r->result.skipped++;
		return 0;
	}
	s->next++;
	if (s->control == CC_BPF_PRAGUE)
		ret = core_prague(&s->cc, e->op, e->arg, &e->ack, &w);
	else
		ret = core_cubic(&s->cc, e->op, e->arg, &e->ack, &w);
	r->result.events++;
	r->result.ops[e->op]++;
	r->result.acks += e->op == CC_BPF_ACK;
	compare(r, e, &s->cc, &w, ret);
	return 0;
}

/* ---- files ---- */

int replay_file_begin(FILE *f)
{
	uint32_t size = sizeof(struct cc_bpf_event);

	return fwrite(MAGIC, sizeof(MAGIC) - 1, 1, f) == 1 && fwrite(&size, 4, 1, f) == 1 ? 0
											  : -EIO;
}

int replay_bytes(struct replay *r, struct slice in, struct err *err)
{
	struct cc_bpf_event e;
	struct slice magic;
	uint32_t size = 0;
	uint64_t n = 0;
	int rc = 0;

	if (!slice_take(&in, sizeof(MAGIC) - 1, &magic) || !slice_eq(magic, SLICE_LIT(MAGIC)) ||
	    !slice_copy(&in, &size, sizeof(size)) || size != sizeof(e))
		return err_set(err, -EINVAL, "not a record of calls, or of another version");
	for (; rc == 0 && in.n; n++) {
		if (slice_copy(&in, &e, sizeof(e)))
			rc = replay_event(r, &e, err);
		else
			rc = err_set(err, -EINVAL, "%zu bytes too many", in.n);
		if (rc)
			err_where(err, "call %llu", (unsigned long long)n);
	}
	return rc;
}
