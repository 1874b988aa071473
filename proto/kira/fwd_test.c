/* SPDX-License-Identifier: BSD-2-Clause */
/* The tables of the forwarding tier (spec §2.19), beside plain models of them. */
#include "proto/kira/puppet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct puppet p;
static struct rng rng;

static void begin(unsigned k, unsigned acc, uint64_t seed)
{
	struct kira_params params;
	unsigned i;

	kira_params_default(&params);
	params.ssn = 1;
	params.k = k;
	params.acc = acc;
	puppet_init(&p, &params, seed);
	for (i = 0; i < 4; i++)
		puppet_meet(&p, i, NULL, 0);
	rng_seed(&rng, seed + 1);
}

static void end(void)
{
	const char *what = core_broken(p.k);

	if (what)
		print_error("%s\n", what);
	assert_null(what);
	assert_int_equal(puppet_free(&p), 0);
}

static struct kira_id any_id(void)
{
	struct kira_id id;

	rng_bytes(&rng, &id, sizeof(id));
	return id;
}

/* Shares at least `bits` bits with ours. */
static struct kira_id near_id(unsigned bits)
{
	struct kira_id id = any_id();
	unsigned i;

	for (i = 0; i < bits; i++) {
		uint8_t mask = (uint8_t)(0x80 >> (i % 8));

		id.b[i / 8] = (uint8_t)((id.b[i / 8] & ~mask) | (p.id.b[i / 8] & mask));
	}
	return id;
}

static struct contact *travel(unsigned i, const struct kira_id *id, unsigned hops)
{
	struct kira_id route[20];
	unsigned n = 0;

	route[n++] = *id;
	while (n + 1 < hops)
		route[n++] = any_id();
	route[n++] = p.peer[i];
	route[n] = p.id;
	puppet_msg(&p, KIRA_PROBE_RSP, 0, id, &p.id, 0);
	kira_wire_route(&p.b, (uint16_t)n, route, n + 1);
	puppet_say(&p, i);
	return puppet_contact(&p, id);
}

static void flush(void)
{
	fwd_dirty(p.k, true, p.now);
	leave(p.k, p.now);
}

/* ---- the NodeID table ---- */

/* What the entry for c must be. */
static struct kira_fwd entry_of(struct contact *c)
{
	struct contact *first = contact_find(p.k, c->active->hop[0]);
	const struct adj *a = container_of(first->adjs.next, struct adj, in);
	struct kira_fwd f = {.kind = is_uln(c) ? KIRA_FWD_NEIGHBOUR : KIRA_FWD_PATH, .link = a->link, .via = a->addr};
	struct kira_id ids[64];
	uint16_t i;

	for (i = 0; i < c->active->n; i++)
		ids[i] = *id_of(p.k, c->active->hop[i]);
	if (!is_uln(c))
		f.label = kira_path_id(KIRA_HASH_SHA1, ids, c->active->n);
	return f;
}

static bool usable(const struct contact *c)
{
	return !c->unset && c->state == KIRA_VALID;
}

static unsigned hops_of(const struct contact *c)
{
	return c->active->n;
}

/* The contact that a packet to `to` goes to, by the words of §2.19; NULL: nobody (we are nearest). */
static struct contact *model(const struct kira_id *to)
{
	unsigned per = (1u << p.k->p.acc) - 1;
	unsigned level = (p.k->n_buckets - 1) / per;
	unsigned b = bucket_of(p.k, to);
	struct contact *best = NULL;
	bool in_bucket = false;
	bool self_nearest = true;

	for (uint32_t i = 0; i < p.k->n_contacts; i++) {
		struct contact *c = p.k->contact[i];

		if (usable(c) && kira_id_eq(id_of(p.k, c->id), to))
			return c;
		in_bucket |= usable(c) && c->bucket == b && b < level * per;
	}
	for (uint32_t i = 0; i < p.k->n_contacts; i++) {
		struct contact *c = p.k->contact[i];
		const struct kira_id *id = id_of(p.k, c->id);

		if (!usable(c) || (in_bucket && c->bucket != b))
			continue;
		/* In its bucket the shortest path counts first; where there is none, and in the deepest level, distance. */
		if (!in_bucket && kira_id_shared(id, &p.id) < (b < level * per ? kira_bucket_bits(b, p.k->p.acc)
										: level * p.k->p.acc))
			continue;
		if (in_bucket && best && hops_of(c) != hops_of(best)) {
			best = hops_of(c) < hops_of(best) ? c : best;
			continue;
		}
		if (!best || kira_id_closer(id, id_of(p.k, best->id), to) < 0)
			best = c;
	}
	if (best && !in_bucket)
		self_nearest = kira_id_closer(&p.id, id_of(p.k, best->id), to) < 0;
	return in_bucket || !self_nearest ? best : NULL;
}

static bool same_fwd(const struct kira_fwd *a, const struct kira_fwd *b)
{
	return a->kind == b->kind && a->link == b->link && memcmp(&a->via, &b->via, sizeof(a->via)) == 0 &&
	       (a->kind != KIRA_FWD_PATH || kira_id_eq(&a->label, &b->label));
}

/* The contact that an entry leads to. */
static struct contact *leads_to(const struct kira_fwd *f)
{
	for (uint32_t i = 0; i < p.k->n_contacts; i++) {
		struct kira_fwd own = entry_of(p.k->contact[i]);

		if (same_fwd(&own, f))
			return p.k->contact[i];
	}
	return NULL;
}

/* Whatever the ID: there is an entry, and where it leads is strictly closer than we are. */
static void assert_closer(const struct kira_id *to)
{
	const struct kira_fwd *f = kira_lookup_node(p.k, to);
	const struct contact *c;

	assert_non_null(f);
	if (kira_id_eq(to, &p.id)) {
		assert_int_equal(f->kind, KIRA_FWD_LOCAL);
		return;
	}
	if (f->kind == KIRA_FWD_UNREACHABLE)
		return;
	c = leads_to(f);
	assert_non_null(c);
	assert_true(kira_id_closer(id_of(p.k, c->id), &p.id, to) < 0);
}

/* The entry is the model's; or, for the cells that are left out where IDs share long prefixes by chance, at least its
 * equal: another contact of the same bucket at as many hops. */
static bool as_the_model(const struct kira_id *to, unsigned *equals)
{
	const struct kira_fwd *f = kira_lookup_node(p.k, to);
	struct contact *c = model(to);
	struct kira_fwd want = c ? entry_of(c) : (struct kira_fwd){.kind = KIRA_FWD_UNREACHABLE};
	const struct contact *got;

	if (same_fwd(f, &want))
		return true;
	got = leads_to(f);
	++*equals;
	return got && c && bucket_of(p.k, to) == c->bucket && got->bucket == c->bucket && hops_of(got) == hops_of(c);
}

static void fill(unsigned n, bool hostile)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		unsigned bits = hostile ? (unsigned)rng_below(&rng, 112) : i % 3 ? 0 : (unsigned)rng_below(&rng, 9);
		struct kira_id id = near_id(bits);

		if (kira_id_valid(&id))
			travel(i % 4, &id, 2 + (unsigned)rng_below(&rng, 2));
	}
	flush();
}

/* §2.19: the table says of each ID what the model says: random tables, k small and 20, 1 and 2 bits a level. */
static void node_table_is_the_model(void **state)
{
	static const unsigned k[] = {1, 2, 4, 20};
	unsigned equals = 0;
	unsigned run;
	unsigned i;

	for (run = 0; run < 16; run++) {
		begin(k[run % 4], 1, 300 + run);
		fill(run * 15, false);
		for (i = 0; i < 1000; i++) {
			struct kira_id to = i < p.k->n_contacts ? *id_of(p.k, p.k->contact[i]->id) :
								  near_id(i % 2 ? 0 : (unsigned)rng_below(&rng, 20));

			if (kira_id_eq(&to, &p.id))
				continue;
			assert_true(as_the_model(&to, &equals));
			assert_closer(&to);
		}
		end();
	}
	assert_true(equals < 100);
}

/* The same with two bits a level, where a bucket that is empty may be served by its siblings. */
static void every_hop_is_closer_with_two_bits_a_level(void **state)
{
	unsigned equals = 0;
	unsigned run;
	unsigned i;

	for (run = 0; run < 8; run++) {
		begin(run % 2 ? 20 : 2, 2, 400 + run);
		fill(run * 25, false);
		for (i = 0; i < 1300; i++) {
			struct kira_id to = near_id(i % 2 ? 0 : (unsigned)rng_below(&rng, 20));
			unsigned b = bucket_of(p.k, &to);
			bool in_bucket = false;

			for (uint32_t j = 0; j < p.k->n_contacts; j++)
				in_bucket |= usable(p.k->contact[j]) && p.k->contact[j]->bucket == b;
			assert_closer(&to);
			/* Where the bucket or the deepest level has somebody, exactly the model's. */
			if (in_bucket || b >= (p.k->n_buckets - 1) / 3 * 3)
				assert_true(as_the_model(&to, &equals));
		}
		end();
	}
	assert_true(equals < 100);
}

/* §2.19: contacts that share very long prefixes with us make no table without end, and still every hop is closer. */
static void hostile_ids_make_no_endless_table(void **state)
{
	unsigned run;
	unsigned i;

	for (run = 0; run < 4; run++) {
		begin(run % 2 ? 20 : 3, 1 + run / 2, 500 + run);
		fill(1500, true);
		assert_true(p.k->n_nodes <= 9 * p.k->n_contacts + 2 * 112 * 64 + 112 * 64 + 512);
		for (i = 0; i < 300; i++) {
			struct kira_id to = near_id((unsigned)rng_below(&rng, 112));

			assert_closer(&to);
		}
		for (uint32_t j = 0; j < p.k->n_contacts; j++) {
			struct kira_fwd want = entry_of(p.k->contact[j]);

			if (usable(p.k->contact[j]))
				assert_true(same_fwd(kira_lookup_node(p.k, id_of(p.k, p.k->contact[j]->id)), &want));
		}
		end();
	}
	/* Only far down, all buckets above empty. */
	begin(20, 1, 510);
	for (i = 0; i < 2000; i++)
		travel(0, (struct kira_id[]){near_id(60 + i % 50)}, 2);
	flush();
	assert_true(p.k->n_contacts > 500);
	assert_true(p.k->n_nodes <= 9 * p.k->n_contacts + 2 * 112 * 64 + 112 * 64 + 512);
	for (i = 0; i < 300; i++) {
		struct kira_id to = near_id((unsigned)rng_below(&rng, 112));

		assert_closer(&to);
	}
	end();
}

/* §2.23: two invented IDs next to that of a contact do not draw its traffic, though their path is shorter. */
static void neighbouring_ids_draw_no_traffic(void **state)
{
	unsigned run;
	unsigned i;

	for (run = 0; run < 30; run++) {
		struct kira_id id;
		struct contact *c;
		struct kira_fwd want;

		begin(20, 1, 520 + run);
		for (i = 0; i < 30 + run; i++)
			travel(0, (struct kira_id[]){near_id(1)}, 2);
		id = any_id();
		id.b[0] = (uint8_t)(p.id.b[0] ^ 0x80);
		c = travel(0, &id, 3);
		id.b[13] ^= 2;
		travel(1, &id, 2);
		id.b[13] ^= 1;
		travel(1, &id, 2);
		flush();
		want = entry_of(c);
		assert_true(same_fwd(kira_lookup_node(p.k, id_of(p.k, c->id)), &want));
		end();
	}
}

/* §2.19: the ID of nobody that we are nearest to is unreachable; alone, everything is. */
static void what_we_are_nearest_to_is_unreachable(void **state)
{
	struct kira_id to;
	unsigned i;

	puppet_init(&p, NULL, 41);
	rng_seed(&rng, 42);
	for (i = 0; i < 100; i++) {
		to = any_id();
		assert_int_equal(kira_lookup_node(p.k, &to)->kind, KIRA_FWD_UNREACHABLE);
	}
	assert_int_equal(kira_lookup_node(p.k, &p.id)->kind, KIRA_FWD_LOCAL);
	puppet_meet(&p, 0, NULL, 0);
	to = p.id;
	to.b[13] ^= 1;
	assert_int_equal(kira_lookup_node(p.k, &to)->kind, KIRA_FWD_UNREACHABLE);
	to = p.peer[0];
	to.b[13] ^= 1;
	assert_int_equal(kira_lookup_node(p.k, &to)->kind, KIRA_FWD_NEIGHBOUR);
	end();
}

/* §2.19: only what changed is written. */
static void node_table_is_written_by_difference(void **state)
{
	size_t before;
	struct kira_id x;

	begin(4, 1, 43);
	fill(60, false);
	before = p.node_writes;
	flush();
	assert_int_equal(p.node_writes, before);
	/* A neighbour more: its own entry, and the prefixes that lead to it. */
	x = any_id();
	travel(0, &x, 2);
	flush();
	assert_true(p.node_writes - before < 12);
	end();
}

/* ---- the PathID table ---- */

static struct kira_id label(const struct kira_id *ids, size_t n)
{
	return kira_path_id(KIRA_HASH_SHA1, ids, n);
}

struct expected {
	unsigned wrong;
	unsigned n;
};

static bool check_path(void *ctx, const struct kira_id *in, const struct kira_fwd *f, usec_t refreshed)
{
	struct expected *x = ctx;

	x->n++;
	x->wrong += refreshed != 0;
	return true;
}

/* §2.19: exactly [self], [self, n1] and [self, n1, n2] of the vicinity are precomputed, each rewritten to its suffix. */
static void precomputed_paths_are_those_of_the_vicinity(void **state)
{
	static struct kira_id nb[4][6];
	struct expected x = {0};
	struct kira_id ids[3];
	unsigned i;
	unsigned j;

	begin(20, 1, 44);
	for (i = 0; i < 4; i++) {
		for (j = 0; j < 6; j++)
			nb[i][j] = j < 4 ? any_id() : p.peer[(i + (j == 4 ? 1 : 3)) % 4];
		puppet_list(&p, i, 6, nb[i], 6);
	}
	kira_each_fwd_path(p.k, check_path, &x);
	assert_int_equal(x.n, 1 + 4 + 4 * 6);
	assert_int_equal(x.wrong, 0);
	ids[0] = p.id;
	for (i = 0; i < 4; i++) {
		ids[1] = p.peer[i];
		for (j = 0; j < 6; j++) {
			struct kira_id in;
			struct kira_id out;
			const struct kira_fwd *f;

			ids[2] = nb[i][j];
			in = label(ids, 3);
			out = label(ids + 1, 2);
			f = kira_lookup_path(p.k, &in);
			assert_non_null(f);
			assert_int_equal(f->kind, KIRA_FWD_PATH);
			assert_int_equal(f->link, i + 1);
			assert_true(kira_id_eq(&f->label, &out));
			in = label(ids, 2);
			out = label(ids + 1, 1);
			f = kira_lookup_path(p.k, &in);
			assert_non_null(f);
			assert_true(kira_id_eq(&f->label, &out));
		}
	}
	ids[0] = label(&p.id, 1);
	assert_int_equal(kira_lookup_path(p.k, &ids[0])->kind, KIRA_FWD_LOCAL);
	end();
}

/* §2.19: on change only the difference is applied. */
static void path_table_is_written_by_difference(void **state)
{
	struct kira_id nb[3];
	size_t before;

	begin(20, 1, 45);
	nb[0] = any_id();
	nb[1] = any_id();
	nb[2] = any_id();
	puppet_list(&p, 0, 6, nb, 2);
	before = p.path_writes;
	puppet_list(&p, 0, 7, nb, 2);
	assert_int_equal(p.path_writes, before);
	puppet_list(&p, 0, 8, nb, 3);
	assert_int_equal(p.path_writes, before + 1);
	end();
}

/* PathSetupReq of src by neighbour 0 through us to neighbour 1 and on. */
static void say_setup(uint8_t type, uint8_t flags, const struct kira_id *src, const struct kira_id *rest, size_t n)
{
	struct kira_id route[20];
	size_t i;

	route[0] = *src;
	route[1] = p.peer[0];
	route[2] = p.id;
	route[3] = p.peer[1];
	for (i = 0; i < n; i++)
		route[4 + i] = rest[i];
	puppet_msg(&p, type, flags, src, &route[3 + n], 9);
	kira_wire_route(&p.b, 2, route, 4 + n);
	puppet_say(&p, 0);
}

static void keep_meeting(usec_t d)
{
	usec_t until = p.now + d;
	unsigned i;

	while (p.now < until) {
		puppet_run(&p, SEC(1));
		for (i = 0; i < 4; i++)
			puppet_meet(&p, i, NULL, 0);
	}
}

/* §2.19: a set-up makes an entry for the rest of its path; a probe refreshes it; it lives 60 s after the last. */
static void set_up_refresh_and_expiry(void **state)
{
	struct kira_id rest[2];
	struct kira_id src;
	struct kira_id ids[4];
	struct kira_id in;
	struct kira_id out;
	const struct kira_fwd *f;

	begin(20, 1, 46);
	rest[0] = any_id();
	rest[1] = any_id();
	src = any_id();
	ids[0] = p.id;
	ids[1] = p.peer[1];
	ids[2] = rest[0];
	ids[3] = rest[1];
	in = label(ids, 4);
	out = label(ids + 1, 3);
	assert_null(kira_lookup_path(p.k, &in));
	say_setup(KIRA_PATH_SETUP_REQ, 0, &src, rest, 2);
	f = kira_lookup_path(p.k, &in);
	assert_non_null(f);
	assert_int_equal(f->kind, KIRA_FWD_PATH);
	assert_int_equal(f->link, 2);
	assert_true(kira_id_eq(&f->label, &out));
	/* It went on. */
	assert_int_equal(p.type_sent[KIRA_PATH_SETUP_REQ], 1);
	keep_meeting(SEC(50));
	say_setup(KIRA_PROBE_REQ, KIRA_FLAG_EXACT, &src, rest, 2);
	keep_meeting(SEC(55));
	assert_non_null(kira_lookup_path(p.k, &in));
	keep_meeting(SEC(20));
	assert_null(kira_lookup_path(p.k, &in));
	end();
}

/* §2.19: a remaining path of three nodes is precomputed everywhere and needs no entry. */
static void a_short_rest_needs_no_set_up(void **state)
{
	struct kira_id rest;
	struct kira_id src;

	begin(20, 1, 46);
	rest = any_id();
	src = any_id();
	say_setup(KIRA_PATH_SETUP_REQ, 0, &src, &rest, 1);
	assert_int_equal(p.k->n_explicit, 0);
	assert_int_equal(p.type_sent[KIRA_PATH_SETUP_REQ], 1);
	end();
}

/* §2.19, trap of §8: two sources share a suffix; one leaves, the other loses nothing. */
static void teardown_does_not_take_a_shared_suffix(void **state)
{
	struct kira_id rest[2];
	struct kira_id src[2];
	struct kira_id ids[4];
	struct kira_id in;

	begin(20, 1, 47);
	rest[0] = any_id();
	rest[1] = any_id();
	src[0] = any_id();
	src[1] = any_id();
	ids[0] = p.id;
	ids[1] = p.peer[1];
	ids[2] = rest[0];
	ids[3] = rest[1];
	in = label(ids, 4);
	say_setup(KIRA_PATH_SETUP_REQ, 0, &src[0], rest, 2);
	say_setup(KIRA_PATH_SETUP_REQ, 0, &src[1], rest, 2);
	assert_int_equal(p.k->n_explicit, 1);
	say_setup(KIRA_PATH_TEARDOWN_REQ, 0, &src[0], rest, 2);
	assert_non_null(kira_lookup_path(p.k, &in));
	keep_meeting(SEC(50));
	say_setup(KIRA_PROBE_REQ, KIRA_FLAG_EXACT, &src[1], rest, 2);
	keep_meeting(SEC(30));
	assert_non_null(kira_lookup_path(p.k, &in));
	end();
}

/* Where the table is full, what somebody said goodbye to goes first. */
static void a_full_table_lets_go_of_what_was_torn_down(void **state)
{
	struct kira_params params;
	struct kira_id rest[5][2];
	struct kira_id src;
	unsigned i;

	kira_params_default(&params);
	params.ssn = 1;
	params.max_path_ids = 3;
	puppet_init(&p, &params, 48);
	rng_seed(&rng, 3);
	puppet_meet(&p, 0, NULL, 0);
	puppet_meet(&p, 1, NULL, 0);
	src = any_id();
	for (i = 0; i < 5; i++) {
		rest[i][0] = any_id();
		rest[i][1] = any_id();
		say_setup(KIRA_PATH_SETUP_REQ, 0, &src, rest[i], 2);
	}
	assert_int_equal(p.k->n_explicit, 3);
	assert_int_equal(kira_stats(p.k)->setup_refused, 2);
	say_setup(KIRA_PATH_TEARDOWN_REQ, 0, &src, rest[0], 2);
	say_setup(KIRA_PATH_SETUP_REQ, 0, &src, rest[4], 2);
	assert_int_equal(p.k->n_explicit, 3);
	assert_int_equal(kira_stats(p.k)->setup_refused, 2);
	end();
}

/* §2.19: another `out` for an `in` is refused; an Error only where the request wants one. */
static void a_hash_collision_is_refused(void **state)
{
	struct kira_id rest[2];
	struct kira_id src;

	begin(20, 1, 49);
	rest[0] = any_id();
	rest[1] = any_id();
	src = any_id();
	say_setup(KIRA_PATH_SETUP_REQ, 0, &src, rest, 2);
	hash_each(it, &p.k->paths)
	{
		struct path_entry *e = container_of(it, struct path_entry, node);

		/* As if another path had the same hash. */
		if (!e->precomputed)
			e->out1.b[0] ^= 1;
	}
	puppet_forget(&p);
	say_setup(KIRA_PATH_SETUP_REQ, 0, &src, rest, 2);
	assert_int_equal(kira_stats(p.k)->setup_refused, 1);
	assert_int_equal(p.type_sent[KIRA_ERROR], 0);
	assert_int_equal(p.type_sent[KIRA_PATH_SETUP_REQ], 0);
	say_setup(KIRA_PATH_SETUP_REQ, KIRA_FLAG_DIAGNOSTIC, &src, rest, 2);
	assert_int_equal(kira_stats(p.k)->setup_refused, 2);
	assert_int_equal(p.type_sent[KIRA_ERROR], 1);
	end();
}

/* §4.1: when the first hop goes, entries go around it by what the vicinity shows, at once. */
static void entries_go_around_a_lost_neighbour(void **state)
{
	struct kira_id far;
	struct kira_id ids[3];
	struct kira_id in;
	struct kira_id outer;
	const struct kira_fwd *f;

	begin(20, 1, 50);
	far = any_id();
	puppet_list(&p, 0, 6, &far, 1);
	puppet_list(&p, 1, 6, &far, 1);
	ids[0] = p.id;
	ids[1] = p.peer[0];
	ids[2] = far;
	in = label(ids, 3);
	assert_int_equal(kira_lookup_path(p.k, &in)->link, 1);
	kira_link_down(p.k, 1, p.now);
	f = kira_lookup_path(p.k, &in);
	assert_non_null(f);
	assert_int_equal(f->kind, KIRA_FWD_PATH);
	assert_int_equal(f->link, 2);
	assert_true(f->bypass);
	ids[0] = p.peer[1];
	ids[1] = far;
	outer = label(ids, 2);
	assert_true(kira_id_eq(&f->outer, &outer));
	in = label(&far, 1);
	assert_true(kira_id_eq(&f->label, &in));
	end();
}

/* §2.22: an end system forwards nothing and offers no path. */
static void an_end_system_has_no_paths_for_others(void **state)
{
	struct kira_params params;
	struct kira_id rest[2];
	struct kira_id src;
	struct expected x = {0};

	kira_params_default(&params);
	params.ssn = 1;
	params.end_system = true;
	puppet_init(&p, &params, 51);
	rng_seed(&rng, 5);
	puppet_meet(&p, 0, NULL, 0);
	puppet_meet(&p, 1, NULL, 0);
	rest[0] = any_id();
	rest[1] = any_id();
	src = any_id();
	puppet_forget(&p);
	say_setup(KIRA_PATH_SETUP_REQ, 0, &src, rest, 2);
	say_setup(KIRA_PROBE_REQ, 0, &src, rest, 2);
	assert_int_equal(p.type_sent[KIRA_PATH_SETUP_REQ] + p.type_sent[KIRA_PROBE_REQ], 0);
	kira_each_fwd_path(p.k, check_path, &x);
	assert_int_equal(x.n, 1);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(node_table_is_the_model),
		cmocka_unit_test(every_hop_is_closer_with_two_bits_a_level),
		cmocka_unit_test(hostile_ids_make_no_endless_table),
		cmocka_unit_test(neighbouring_ids_draw_no_traffic),
		cmocka_unit_test(what_we_are_nearest_to_is_unreachable),
		cmocka_unit_test(node_table_is_written_by_difference),
		cmocka_unit_test(precomputed_paths_are_those_of_the_vicinity),
		cmocka_unit_test(path_table_is_written_by_difference),
		cmocka_unit_test(set_up_refresh_and_expiry),
		cmocka_unit_test(a_short_rest_needs_no_set_up),
		cmocka_unit_test(teardown_does_not_take_a_shared_suffix),
		cmocka_unit_test(a_full_table_lets_go_of_what_was_torn_down),
		cmocka_unit_test(a_hash_collision_is_refused),
		cmocka_unit_test(entries_go_around_a_lost_neighbour),
		cmocka_unit_test(an_end_system_has_no_paths_for_others),
	};

	return cmocka_run_group_tests_name("fwd", tests, NULL, NULL);
}
