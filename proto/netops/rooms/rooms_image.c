/* SPDX-License-Identifier: BSD-2-Clause */
/* How room sys found the kernel. Running knows only what was configured: what an interface was
 * before its first configuration is in the kernel alone. So before a change room sys is asked, by a
 * dry run, for steps that lead back to what it observes: from the steps of the change, and from
 * those that would undo it, as both may touch what the other does not. An undo takes these after
 * its own. */
#include "proto/netops/rooms/rooms_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* In the order in which they are taken. Routes may be refused: theirs who made them. Those of
 * filters are not here. */
static const char *const kinds[] = {"link", "sysctl", "address", "neighbour", "route"};
#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))
#define KIND_ROUTE (N_KINDS - 1)

static size_t kind_of(yyjson_mut_val *step)
{
	size_t k;

	for (k = 0; k < N_KINDS && !yyjson_mut_obj_get(step, kinds[k]); k++)
		;
	return k;
}

static void take_kind(yyjson_mut_doc *doc, yyjson_mut_val *to, yyjson_mut_val *steps, size_t kind)
{
	yyjson_mut_arr_iter it = yyjson_mut_arr_iter_with(steps);
	yyjson_mut_val *step;

	while ((step = yyjson_mut_arr_iter_next(&it))) {
		if (kind_of(step) == kind)
			yyjson_mut_arr_append(to, yyjson_mut_val_mut_copy(doc, step));
	}
}

yyjson_mut_val *image_read(const struct rooms_image *i, yyjson_mut_doc *doc)
{
	yyjson_mut_val *all = yyjson_mut_arr(doc);
	yyjson_mut_val *sorted = yyjson_mut_arr(doc);
	yyjson_arr_iter it;
	yyjson_val *step;
	size_t k;

	for (k = 0; k < i->n && all; k++) {
		yyjson_doc *one = yyjson_read(i->steps[k], strlen(i->steps[k]), 0);

		it = yyjson_arr_iter_with(yyjson_doc_get_root(one));
		while ((step = yyjson_arr_iter_next(&it)))
			yyjson_mut_arr_append(all, yyjson_val_mut_copy(doc, step));
		yyjson_doc_free(one);
		if (!one)
			return NULL;
	}
	for (k = 0; k < N_KINDS && all && sorted; k++)
		take_kind(doc, sorted, all, k);
	return all ? sorted : NULL;
}

/* ---- What was there stays ---- */

static bool same(yyjson_mut_val *a, yyjson_mut_val *b, const char *key)
{
	return yyjson_mut_equals(yyjson_mut_obj_get(a, key), yyjson_mut_obj_get(b, key));
}

/* Whether the image's last word about it is that it was there. */
static bool was_there(yyjson_mut_val *step, yyjson_mut_val *image)
{
	size_t kind = kind_of(step);
	yyjson_mut_val *what = kind < N_KINDS ? yyjson_mut_obj_get(step, kinds[kind]) : NULL;
	yyjson_mut_arr_iter it = yyjson_mut_arr_iter_with(image);
	yyjson_mut_val *other;
	bool there = false;

	if (!yyjson_mut_obj_get(what, "absent"))
		return false;
	while ((other = yyjson_mut_arr_iter_next(&it))) {
		other = yyjson_mut_obj_get(other, kinds[kind]);
		if (!other)
			continue;
		if (kind == 0 && same(what, other, "name") &&
		    (yyjson_mut_obj_get(other, "kind") || yyjson_mut_obj_get(other, "absent")))
			there = !yyjson_mut_obj_get(other, "absent");
		else if (kind == 2 && same(what, other, "link") && same(what, other, "ip"))
			there = !yyjson_mut_obj_get(other, "absent");
	}
	return there;
}

void image_spare(yyjson_mut_val *steps, yyjson_mut_val *image)
{
	size_t n = yyjson_mut_arr_size(steps);

	for (; n > 0; n--) {
		yyjson_mut_val *step = yyjson_mut_arr_remove_first(steps);

		if (!was_there(step, image))
			yyjson_mut_arr_append(steps, step);
	}
}

/* ---- Led there ---- */

int image_append(struct payload *p, yyjson_mut_val *image, yyjson_mut_val *said, size_t max)
{
	yyjson_mut_val *first = yyjson_mut_arr(p->doc);
	yyjson_mut_val *routes = yyjson_mut_arr(p->doc);
	size_t before;
	size_t k;
	int rc;

	if (!first || !routes)
		return -ENOMEM;
	for (k = 0; k < KIND_ROUTE; k++)
		take_kind(p->doc, first, image, k);
	for (k = 0; k < KIND_ROUTE; k++)
		take_kind(p->doc, first, said, k);
	take_kind(p->doc, routes, image, KIND_ROUTE);
	rc = payload_slice(p, first, max);
	before = p->n_slices;
	if (rc == 0)
		rc = payload_slice(p, routes, max);
	p->n_lenient = p->n_slices - before;
	return rc;
}

/* ---- Looked at ---- */

static void look(struct payload *to, yyjson_mut_val *arr, const struct payload *steps)
{
	size_t i;
	size_t k;

	for (i = 0; i < steps->n_slices; i++) {
		/* Routes are told apart by whose they are, and ours are led back by the
		 * configuration. */
		for (k = 0; k < KIND_ROUTE; k++)
			take_kind(to->doc, arr, steps->slice[i], k);
	}
}

/* Both ways in one request, where they fit: a dry run looks at each step by itself. */
int image_look(struct part *p)
{
	yyjson_mut_val *arr;

	p->look.doc = yyjson_mut_doc_new(NULL);
	arr = yyjson_mut_arr(p->look.doc);
	if (!arr)
		return -ENOMEM;
	look(&p->look, arr, &p->forth);
	look(&p->look, arr, &p->back);
	return payload_slice(&p->look, arr, room_slice(p->room));
}

void image_seen(yyjson_mut_doc *doc, yyjson_mut_val *arr, yyjson_val *output)
{
	yyjson_arr_iter it = yyjson_arr_iter_with(yyjson_obj_get(output, "inverse"));
	yyjson_val *step;

	while ((step = yyjson_arr_iter_next(&it)))
		yyjson_mut_arr_append(arr, yyjson_val_mut_copy(doc, step));
}
