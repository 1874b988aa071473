/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* From a socket of the kernel to a call of the core, and back. Part of cc.bpf.c. */
#ifndef DEP_L4S_BPF_GLUE_H
#define DEP_L4S_BPF_GLUE_H

#define inline_always static inline __attribute__((always_inline))

/* How often a flow of the view is refreshed. */
#define SHOW_NS 20000000ull

inline_always struct l4s_socket *storage(struct sock *sk)
{
	struct l4s_socket *s = bpf_sk_storage_get(&sockets, sk, NULL, 0);

	return s && s->ready ? s : NULL;
}

inline_always struct cc_bpf_stats *stats_of(uint32_t control)
{
	return bpf_map_lookup_elem(&stats, &control);
}

inline_always uint8_t state_of(uint32_t kernel)
{
	if (kernel == KERNEL_CA_CWR)
		return CC_CWR;
	if (kernel == KERNEL_CA_RECOVERY)
		return CC_RECOVERY;
	return kernel == KERNEL_CA_LOSS ? CC_LOSS : CC_OPEN;
}

inline_always bool cwnd_limited(const struct tcp_sock *tp)
{
	if (BPF_CORE_READ_BITFIELD(tp, is_cwnd_limited))
		return true;
	/* slow start grows to twice what was in use */
	return tp->snd_cwnd < tp->snd_ssthresh && tp->snd_cwnd < 2 * tp->max_packets_out;
}

/* Fills s->ack and s->win. */
inline_always void gather(struct l4s_socket *s, struct sock *sk, uint32_t acked)
{
	const struct tcp_sock *tp = (const struct tcp_sock *)sk;
	const struct inet_connection_sock *icsk = (const struct inet_connection_sock *)sk;
	struct cc_ack *a = &s->ack;

	a->now_ns = bpf_ktime_get_ns();
	a->delivered = tp->delivered;
	a->delivered_ce = tp->delivered_ce;
	a->acked = acked;
	a->lost = tp->lost - s->last_lost;
	s->last_lost = tp->lost;
	a->rtt_us = s->rtt_us;
	a->srtt_us = tp->srtt_us >> 3;
	a->mdev_us = tp->mdev_us >> 2;
	a->min_rtt_us = tp->rtt_min.s[0].v;
	a->inflight = tp->packets_out - (tp->sacked_out + tp->lost_out) + tp->retrans_out;
	a->snd_una = tp->snd_una;
	a->snd_nxt = tp->snd_nxt;
	a->state = state_of(BPF_CORE_READ_BITFIELD(icsk, icsk_ca_state));
	a->ece = s->ece;
	a->cwnd_limited = cwnd_limited(tp);
	a->app_limited = false;
	s->win.cwnd = tp->snd_cwnd;
	s->win.cwnd_cnt = tp->snd_cwnd_cnt;
	s->win.ssthresh = tp->snd_ssthresh;
}

inline_always void log_call(struct l4s_socket *s, uint32_t control, uint32_t op, uint32_t arg,
			    uint32_t ret)
{
	struct cc_bpf_event *e = NULL;

	if (__sync_fetch_and_add(&record_left, -1) > 0)
		e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	else
		s->recording = 0;
	if (!e) {
		if (s->recording)
			__sync_fetch_and_add(&record_lost, 1);
		s->recording = 0;
		return;
	}
	e->id = s->id;
	e->seq = s->seq++;
	e->op = (uint8_t)op;
	e->arg = (uint8_t)arg;
	e->control = (uint8_t)control;
	__builtin_memset(e->pad, 0, sizeof(e->pad));
	e->ret = ret;
	e->pad2 = 0;
	e->ack = s->ack;
	e->in = s->before;
	e->out = s->win;
	e->cc = s->cc;
	bpf_ringbuf_submit(e, 0);
}

/* The calls as functions that the verifier looks at once. */
__attribute__((noinline)) uint32_t call_cubic(struct l4s_socket *s, uint32_t op, uint32_t arg)
{
	if (!s)
		return 0;
	return core_cubic(&s->cc, op, arg, &s->ack, &s->win);
}

__attribute__((noinline)) uint32_t call_prague(struct l4s_socket *s, uint32_t op, uint32_t arg)
{
	if (!s)
		return 0;
	return core_prague(&s->cc, op, arg, &s->ack, &s->win);
}

/* One call of the core on s->ack and s->win. */
inline_always uint32_t call(struct l4s_socket *s, uint32_t control, uint32_t op, uint32_t arg)
{
	uint32_t ret;

	if (s->recording)
		s->before = s->win;
	ret = control == CC_BPF_PRAGUE ? call_prague(s, op, arg) : call_cubic(s, op, arg);
	if (s->recording)
		log_call(s, control, op, arg, ret);
	return ret;
}

inline_always void give_window(const struct l4s_socket *s, struct sock *sk)
{
	struct tcp_sock *tp = (struct tcp_sock *)sk;
	uint32_t cwnd = s->win.cwnd;

	if (cwnd > tp->snd_cwnd_clamp)
		cwnd = tp->snd_cwnd_clamp;
	tp->snd_cwnd = cwnd ? cwnd : 1;
	tp->snd_cwnd_cnt = s->win.cwnd_cnt;
	tp->snd_ssthresh = s->win.ssthresh;
}

inline_always void give_pacing(const struct l4s_socket *s, struct sock *sk)
{
	uint64_t rate = s->win.pacing_rate;

	if (!rate)
		return;
	if (rate > sk->sk_max_pacing_rate)
		rate = sk->sk_max_pacing_rate;
	sk->sk_pacing_rate = rate;
}

inline_always void fill_flow(struct cc_bpf_flow *f, const struct l4s_socket *s,
			     const struct sock *sk)
{
	const struct tcp_sock *tp = (const struct tcp_sock *)sk;
	const struct sock_common *c = &sk->__sk_common;
	uint32_t i;

	f->family = (uint8_t)c->skc_family;
	f->control = s->control;
	f->ecn_flags = tp->ecn_flags;
	f->local_port = c->skc_num;
	f->remote_port = bpf_ntohs(c->skc_dport);
	if (c->skc_family == AF_INET) {
		f->local[0] = c->skc_rcv_saddr;
		f->remote[0] = c->skc_daddr;
	} else {
		for (i = 0; i < 4; i++) {
			f->local[i] = c->skc_v6_rcv_saddr.in6_u.u6_addr32[i];
			f->remote[i] = c->skc_v6_daddr.in6_u.u6_addr32[i];
		}
	}
	f->bytes_acked = tp->bytes_acked;
	f->pacing_rate = sk->sk_pacing_rate;
	f->at_ns = s->ack.now_ns;
	f->cwnd = tp->snd_cwnd;
	f->ssthresh = tp->snd_ssthresh;
	f->srtt_us = tp->srtt_us >> 3;
	f->min_rtt_us = tp->rtt_min.s[0].v;
	f->delivered = tp->delivered;
	f->delivered_ce = tp->delivered_ce;
	f->cc = s->cc;
}

/* The view's copy of a flow; made where it is not there yet. */
static __attribute__((noinline)) int show_flow(struct l4s_socket *s, const struct sock *sk)
{
	static const struct cc_bpf_flow none;
	struct cc_bpf_flow *f = bpf_map_lookup_elem(&flows, &s->id);

	if (!f) {
		bpf_map_update_elem(&flows, &s->id, &none, BPF_NOEXIST);
		f = bpf_map_lookup_elem(&flows, &s->id);
	}
	s->shown_ns = s->ack.now_ns;
	if (f)
		fill_flow(f, s, sk);
	return 0;
}

inline_always void after_ack(struct l4s_socket *s, struct sock *sk)
{
	struct cc_bpf_stats *n = stats_of(s->control);
	uint32_t ce = s->ack.delivered_ce - s->last_ce;

	s->last_ce = s->ack.delivered_ce;
	if (n) {
		n->acks++;
		n->marks += ce;
	}
	if (s->ack.now_ns - s->shown_ns >= SHOW_NS)
		show_flow(s, sk);
}

/* ---- hooks that both controls share ---- */

/* An ACK of Prague's socket that has no state: Reno. */
inline_always void ack_stateless(struct sock *sk, uint32_t ack, uint32_t acked)
{
	const struct inet_connection_sock *icsk = (const struct inet_connection_sock *)sk;
	struct tcp_sock *tp = (struct tcp_sock *)sk;

	if (BPF_CORE_READ_BITFIELD(icsk, icsk_ca_state) <= KERNEL_CA_DISORDER)
		tcp_reno_cong_avoid(sk, ack, acked);
	else if (tp->snd_cwnd > tp->snd_ssthresh)
		tp->snd_cwnd = tp->snd_ssthresh;
}

inline_always uint8_t feedback_of(const struct tcp_sock *tp)
{
	if (tp->ecn_flags & KERNEL_ECN_ACCECN)
		return CC_FEEDBACK_ACCECN;
	if (tp->ecn_flags & KERNEL_ECN_RFC3168)
		return CC_FEEDBACK_CLASSIC;
	return CC_FEEDBACK_NONE;
}

/* has: it has a state; gone: it has another control already. */
inline_always void count_open(uint32_t control, uint8_t feedback, bool has, bool gone)
{
	struct cc_bpf_stats *n = stats_of(control);

	if (!n)
		return;
	n->sockets++;
	n->accecn += feedback == CC_FEEDBACK_ACCECN;
	n->classic_ecn += feedback == CC_FEEDBACK_CLASSIC;
	n->no_ecn += feedback == CC_FEEDBACK_NONE;
	n->closed += !has;
	n->no_memory += !has && !gone;
}

/* Prague gives the socket to another control where its feedback is missing. */
inline_always bool hand_over(struct sock *sk, uint8_t feedback)
{
	char name[16];
	uint32_t i;

	/* byte by byte: only so it stays volatile, which the loader has changed */
	for (i = 0; i < sizeof(name); i++)
		name[i] = feedback == CC_FEEDBACK_CLASSIC ? classic_name[i] : no_ecn_name[i];
	return bpf_setsockopt(sk, SOL_TCP, TCP_CONGESTION, name, sizeof(name)) == 0;
}

inline_always void configure(struct l4s_socket *s, struct sock *sk, uint32_t control,
			     uint8_t feedback)
{
	const struct tcp_sock *tp = (const struct tcp_sock *)sk;
	const struct inet_connection_sock *icsk = (const struct inet_connection_sock *)sk;
	const struct cc_cfg *cfg = bpf_map_lookup_elem(&params, &control);

	if (cfg)
		s->cc.cfg = *cfg;
	s->cc.cfg.feedback = feedback;
	if (feedback == CC_FEEDBACK_NONE)
		s->cc.cfg.ect = ECN_NOT_ECT;
	/* what the route and the path say */
	s->cc.cfg.initial_window = (uint16_t)tp->snd_cwnd;
	s->cc.cfg.mss = tp->mss_cache;
	s->cc.cfg.mtu = icsk->icsk_pmtu_cookie;
	if (s->cc.cfg.mtu < tp->mss_cache)
		s->cc.cfg.mtu = tp->mss_cache + 40;
}

inline_always void open_socket(struct sock *sk, uint32_t control)
{
	struct tcp_sock *tp = (struct tcp_sock *)sk;
	uint8_t feedback = feedback_of(tp);
	struct l4s_socket *s;

	if (control == CC_BPF_PRAGUE && feedback != CC_FEEDBACK_ACCECN) {
		/* where a route has locked the control it stays, without a state: Reno */
		count_open(control, feedback, false, hand_over(sk, feedback));
		return;
	}
	s = bpf_sk_storage_get(&sockets, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	count_open(control, feedback, s != NULL, false);
	if (!s)
		return;
	__builtin_memset(s, 0, sizeof(*s));
	s->id = __sync_fetch_and_add(&next_id, 1) + 1;
	s->control = (uint8_t)control;
	s->recording = record_left > 0;
	s->ect1 = control == CC_BPF_PRAGUE;
	s->last_ce = tp->delivered_ce;
	s->last_lost = tp->lost;
	configure(s, sk, control, feedback);
	gather(s, sk, 0);
	call(s, control, CC_BPF_INIT, feedback);
	if ((control == CC_BPF_PRAGUE || s->cc.cfg.pacing) &&
	    sk->sk_pacing_status == KERNEL_PACING_NONE)
		sk->sk_pacing_status = KERNEL_PACING_NEEDED;
	s->ready = 1;
}

inline_always void close_socket(struct sock *sk)
{
	struct l4s_socket *s = storage(sk);
	struct cc_bpf_stats *n;

	if (!s)
		return;
	n = stats_of(s->control);
	if (n)
		n->closed++;
	bpf_map_delete_elem(&flows, &s->id);
	s->ready = 0;
	s->ect1 = 0;
}

inline_always void ack_begins(struct sock *sk, uint32_t flags)
{
	struct l4s_socket *s = storage(sk);

	if (s)
		s->ece = (flags & KERNEL_ACK_ECE) != 0;
}

/* Why the kernel asks for a threshold. It marks packets lost before it asks because of a loss, so
 * without any the cause is ECE or, without ECE, a full queue of this host. A timeout asks while no
 * timer is pending, an ACK while one is. */
inline_always uint32_t cause_of(const struct l4s_socket *s, const struct sock *sk)
{
	const struct tcp_sock *tp = (const struct tcp_sock *)sk;
	const struct inet_connection_sock *icsk = (const struct inet_connection_sock *)sk;

	if (tp->lost_out == 0)
		return s->ece ? CC_CAUSE_ECN : CC_CAUSE_LOCAL;
	return icsk->icsk_pending ? CC_CAUSE_LOSS : CC_CAUSE_RTO;
}

inline_always uint32_t reduce(struct sock *sk, uint32_t control)
{
	struct l4s_socket *s = storage(sk);
	struct cc_bpf_stats *n = stats_of(control);
	uint32_t cause;
	uint32_t ret;

	if (!s)
		return tcp_reno_ssthresh(sk);
	cause = cause_of(s, sk);
	if (n)
		n->reductions[cause & 3]++;
	if (control == CC_BPF_PRAGUE && cause == CC_CAUSE_ECN) {
		if (s->rewritten == s->rewritten_seen) {
			cause = CC_CAUSE_LOSS;
			if (n)
				n->unmarked++;
		}
		s->rewritten_seen = s->rewritten;
	}
	gather(s, sk, 0);
	ret = call(s, control, CC_BPF_SSTHRESH, cause);
	s->ece = 0;
	return ret > 2 ? ret : 2;
}

inline_always void change_state(struct sock *sk, uint32_t control, uint32_t to)
{
	struct tcp_sock *tp = (struct tcp_sock *)sk;
	struct l4s_socket *s = storage(sk);

	if (!s)
		return;
	gather(s, sk, 0);
	call(s, control, CC_BPF_STATE, state_of(to));
	tp->snd_ssthresh = s->win.ssthresh;
}

inline_always uint32_t undo(struct sock *sk, uint32_t control)
{
	struct l4s_socket *s = storage(sk);

	if (!s)
		return tcp_reno_undo_cwnd(sk);
	gather(s, sk, 0);
	return call(s, control, CC_BPF_UNDO, 0);
}

inline_always void restart(struct sock *sk, uint32_t control)
{
	struct l4s_socket *s = storage(sk);

	if (!s)
		return;
	gather(s, sk, 0);
	call(s, control, CC_BPF_RESTART, 0);
}

#endif
