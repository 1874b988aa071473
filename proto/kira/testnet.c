/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/kira/testnet.h"

#include <stdlib.h>

struct testframe {
	struct testframe *next;
	usec_t due;
	unsigned from;
	unsigned to;
	size_t n;
	uint8_t bytes[];
};

struct kira_addr testnet_addr(unsigned from)
{
	struct kira_addr a = {{0xfe, 0x80}};

	a.b[15] = (uint8_t)(from + 1);
	return a;
}

static void queue_frame(struct testnet *t, unsigned from, unsigned to, struct slice frame)
{
	struct testframe *f;

	t->frames++;
	if (t->tap && !t->tap(t, from, to, frame))
		return;
	if (t->silent[from][to])
		return;
	f = malloc(sizeof(*f) + frame.n);
	f->next = NULL;
	f->due = t->now + MSEC(1);
	f->from = from;
	f->to = to;
	f->n = frame.n;
	memcpy(f->bytes, frame.p, frame.n);
	if (t->last)
		t->last->next = f;
	else
		t->first = f;
	t->last = f;
}

static void on_send(void *ctx, uint32_t link, const struct kira_addr *to, struct slice frame)
{
	struct testnode *x = ctx;
	unsigned peer = link - 1;

	(void)to;
	if (x->link_to[peer])
		queue_frame(x->net, x->i, peer, frame);
}

static void on_node(void *ctx, const struct kira_id *id, unsigned bits, const struct kira_fwd *to)
{
}

static void on_path(void *ctx, const struct kira_id *path_id, const struct kira_fwd *to)
{
}

static void on_event(void *ctx, const struct kira_event *ev)
{
	struct testnode *x = ctx;

	x->events[ev->type]++;
	if (ev->type == KIRA_EV_SSN)
		x->ssn = ev->ssn;
	if (ev->type == KIRA_EV_TRACE) {
		x->traced = true;
		x->n_trace = ev->n_path < 64 ? ev->n_path : 64;
		if (ev->path)
			memcpy(x->trace, ev->path, x->n_trace * sizeof(*x->trace));
	}
}

static void start(struct testnode *x, const struct kira_params *params, struct rng *rng)
{
	const struct kira_env env = {on_send, on_node, on_path, on_event, x};
	struct kira_params p;
	struct rng own;
	uint8_t secret[32];

	if (params) {
		p = *params;
	} else {
		kira_params_default(&p);
		p.ssn = 1;
	}
	p.id = x->id;
	rng_seed(&own, rng_u64(rng));
	rng_bytes(rng, secret, sizeof(secret));
	x->k = kira_new(&p, &env, &own, secret, &x->net->a, NULL, x->net->now);
}

void testnet_init(struct testnet *t, unsigned n, uint64_t seed, const struct kira_params *params, const struct kira_id *ids)
{
	struct rng rng;
	unsigned i;

	memset(t, 0, sizeof(*t));
	alloc_init(&t->a, 0);
	rng_seed(&rng, seed);
	t->n = n;
	for (i = 0; i < n; i++) {
		struct testnode *x = &t->node[i];

		x->net = t;
		x->i = i;
		do
			rng_bytes(&rng, &x->id, sizeof(x->id));
		while (!kira_id_valid(&x->id));
		if (ids)
			x->id = ids[i];
		start(x, params, &rng);
	}
}

void testnet_grid(struct testnet *t, unsigned w, unsigned h, uint64_t seed)
{
	unsigned i;

	testnet_init(t, w * h, seed, NULL, NULL);
	for (i = 0; i < w * h; i++) {
		if (i % w + 1 < w)
			testnet_link(t, i, i + 1);
		if (i + w < w * h)
			testnet_link(t, i, i + w);
	}
}

void testnet_restart(struct testnet *t, unsigned i, uint64_t seed, const struct kira_params *params)
{
	struct testnode *x = &t->node[i];
	struct rng rng;
	unsigned j;

	rng_seed(&rng, seed);
	kira_free(x->k);
	start(x, params, &rng);
	for (j = 0; j < t->n; j++)
		if (x->link_to[j])
			kira_link_up(x->k, j + 1, 1500, t->now);
}

void testnet_free(struct testnet *t)
{
	unsigned i;

	for (i = 0; i < t->n; i++)
		kira_free(t->node[i].k);
	while (t->first) {
		struct testframe *f = t->first;

		t->first = f->next;
		free(f);
	}
}

void testnet_link(struct testnet *t, unsigned a, unsigned b)
{
	t->node[a].link_to[b] = b + 1;
	t->node[b].link_to[a] = a + 1;
	kira_link_up(t->node[a].k, b + 1, 1500, t->now);
	kira_link_up(t->node[b].k, a + 1, 1500, t->now);
}

void testnet_cut(struct testnet *t, unsigned a, unsigned b)
{
	t->node[a].link_to[b] = 0;
	t->node[b].link_to[a] = 0;
	kira_link_down(t->node[a].k, b + 1, t->now);
	kira_link_down(t->node[b].k, a + 1, t->now);
}

void testnet_silence(struct testnet *t, unsigned a, unsigned b, bool on)
{
	t->silent[a][b] = on;
	t->silent[b][a] = on;
}

void testnet_run(struct testnet *t, usec_t until)
{
	for (;;) {
		usec_t due = t->first ? t->first->due : USEC_NEVER;
		unsigned i;
		struct testframe *f;

		for (i = 0; i < t->n; i++)
			if (kira_next(t->node[i].k) < due)
				due = kira_next(t->node[i].k);
		if (due > until)
			break;
		t->now = due > t->now ? due : t->now;
		for (i = 0; i < t->n; i++)
			if (kira_next(t->node[i].k) <= t->now)
				kira_tick(t->node[i].k, t->now);
		while (t->first && t->first->due <= t->now) {
			struct kira_addr from;

			f = t->first;
			t->first = f->next;
			if (!t->first)
				t->last = NULL;
			from = testnet_addr(f->from);
			if (t->node[f->to].link_to[f->from])
				kira_receive(t->node[f->to].k, f->from + 1, &from, slice_of(f->bytes, f->n), t->now);
			free(f);
		}
	}
	t->now = until;
}

unsigned testnet_walk(struct testnet *t, unsigned a, unsigned b)
{
	struct kira_id label[3]; /* the stack of encapsulations, [n-1] outermost */
	unsigned n = 0;
	unsigned at = a;
	unsigned hops = 0;
	unsigned steps;

	for (steps = 0; steps < 500 && hops < 200; steps++) {
		const struct kira_fwd *f;
		bool popped = n == 0;

		f = n ? kira_lookup_path(t->node[at].k, &label[n - 1]) : kira_lookup_node(t->node[at].k, &t->node[b].id);
		if (!f || f->kind == KIRA_FWD_UNREACHABLE || f->kind == KIRA_FWD_NONE)
			return 0;
		if (f->kind == KIRA_FWD_LOCAL) {
			if (popped)
				return at == b ? hops + 1 : 0;
			n--;
			continue;
		}
		if (f->kind == KIRA_FWD_PATH) {
			if (n == 0)
				n = 1;
			label[n - 1] = f->label;
			if (f->bypass && n < 3)
				label[n++] = f->outer;
		}
		if (!t->node[at].link_to[f->link - 1] || t->silent[at][f->link - 1])
			return 0;
		at = f->link - 1;
		hops++;
	}
	return 0;
}

unsigned testnet_missing(struct testnet *t)
{
	unsigned missing = 0;
	unsigned a;
	unsigned b;

	for (a = 0; a < t->n; a++)
		for (b = 0; b < t->n; b++)
			missing += a != b && !testnet_walk(t, a, b);
	return missing;
}
