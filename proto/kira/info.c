/* SPDX-License-Identifier: BSD-2-Clause */
/* The core's state for people, metrics and tests. */
#include "proto/kira/core.h"

const struct kira_stats *kira_stats(const struct kira *k)
{
	return &k->stats;
}

const struct kira_id *kira_own_id(const struct kira *k)
{
	return id_of(k, k->self);
}

uint32_t kira_ssn(const struct kira *k)
{
	return k->ssn;
}

const struct kira_params *kira_params(const struct kira *k)
{
	return &k->p;
}

size_t kira_n_contacts(const struct kira *k)
{
	return k->n_contacts;
}

size_t kira_n_neighbours(const struct kira *k)
{
	return k->n_uln;
}

void kira_each_neighbour(const struct kira *k, bool (*f)(void *ctx, const struct kira_neighbour_info *), void *ctx)
{
	for (uint32_t i = 0; i < k->n_contacts; i++) {
		const struct contact *c = k->contact[i];

		list_each(it, &c->adjs)
		{
			const struct adj *a = container_of(it, struct adj, in);
			struct kira_neighbour_info n = {.id = *id_of(k, c->id),
							.link = a->link,
							.addr = a->addr,
							.ssn = c->ssn,
							.degree = c->degree,
							.heard = a->heard};

			if (!f(ctx, &n))
				return;
		}
	}
}

void kira_each_contact(const struct kira *k, bool (*f)(void *ctx, const struct kira_contact_info *), void *ctx)
{
	struct kira_id ids[KIRA_ROUTE_MAX];

	for (uint32_t i = 0; i < k->n_contacts; i++) {
		const struct contact *c = k->contact[i];
		struct kira_contact_info n = {.id = *id_of(k, c->id),
					      .state = c->state,
					      .neighbour = is_uln(c),
					      .bucket = c->bucket,
					      .ssn = c->ssn,
					      .degree = c->degree,
					      .seen = c->seen,
					      .validated = c->validated,
					      .path = ids + 1,
					      .n_path = c->active->n};

		path_ids(k, c->active, ids);
		if (!f(ctx, &n))
			return;
	}
}

void kira_each_vicinity(const struct kira *k, bool (*f)(void *ctx, const struct kira_vicinity_info *), void *ctx)
{
	struct kira_id nb[512];

	hash_each(it, &k->vic)
	{
		const struct vnode *v = container_of(it, struct vnode, node);
		struct kira_vicinity_info n = {.id = *id_of(k, v->id),
					       .distance = v->dist,
					       .ssn_observed = v->observed,
					       .ssn_synched = v->synched,
					       .neighbours = nb};

		for (; n.n_neighbours < v->n_nb && n.n_neighbours < 512; n.n_neighbours++)
			nb[n.n_neighbours] = *id_of(k, v->nb[n.n_neighbours]);
		if (!f(ctx, &n))
			return;
	}
}
