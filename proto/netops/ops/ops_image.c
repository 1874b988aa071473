/* SPDX-License-Identifier: BSD-2-Clause */
/* How the kernel was before each change (spec §2.12: an inverse is computed from what was
 * observed). Running does not know what an interface was before it was first configured; room sys
 * does, and says so before an application begins. What it said, steps of its own, is kept here and
 * in the journal (type STEP, with the member "found"): unsynced, as after a crash of the machine
 * the kernel has nothing left to be led back. It is written, if empty, before a room is changed:
 * without it none was. An undo leads the kernel there, and so does the rollback of a commit of the
 * ring.
 *
 * Which of them an undo needs is told by the engine's own records: PREPARE begins an application,
 * APPLIED that it came through, ROLLBACK-BEGIN says whether it alone or the whole transaction is
 * undone, RESTORED that it is. So what is read from the journal after a crash is the same. */
#include "proto/netops/ops/ops_priv.h"

#include <stdlib.h>
#include <string.h>

#define IMAGES_MAX 512		    /* applications … */
#define IMAGES_TEXT_MAX (16u << 20) /* … and bytes, of what is not open */

struct ops_image {
	uint32_t commit;
	bool undone; /* kept only as the undo may be tried again */
	char *steps; /* a JSON array */
	size_t n;
};

/* ---- The list ---- */

static void drop(struct ops *o, size_t at)
{
	free(o->image[at].steps);
	o->n_images--;
	memmove(&o->image[at], &o->image[at + 1], (o->n_images - at) * sizeof(*o->image));
	if (o->images_under_way > at)
		o->images_under_way--;
}

void ops_image_forget(struct ops *o)
{
	while (o->n_images)
		drop(o, o->n_images - 1);
	free(o->image);
	o->image = NULL;
	o->images_under_way = 0;
}

static void drop_undone(struct ops *o)
{
	size_t i;

	for (i = o->n_images; i > 0; i--) {
		if (o->image[i - 1].undone)
			drop(o, i - 1);
	}
}

static size_t text_size(const struct ops *o)
{
	size_t n = 0;
	size_t i;

	for (i = 0; i < o->n_images; i++)
		n += o->image[i].n;
	return n;
}

/* What the rollback ring no longer holds, and what is too much, but nothing of the newest commit.
 */
static void trim(struct ops *o)
{
	size_t commits = 1;
	size_t i;

	for (i = 1; i < o->n_images; i++)
		commits += o->image[i].commit != o->image[i - 1].commit;
	while (o->n_images && o->image[0].commit != o->image[o->n_images - 1].commit &&
	       (commits > TXN_RING + 1 || o->n_images > IMAGES_MAX ||
		text_size(o) > IMAGES_TEXT_MAX)) {
		commits -= o->image[0].commit != o->image[1].commit;
		drop(o, 0);
	}
}

static bool keep(struct ops *o, uint32_t commit, const char *steps, size_t n)
{
	struct ops_image *more = realloc(o->image, (o->n_images + 1) * sizeof(*more));
	char *text = more ? strndup(steps, n) : NULL;

	if (more)
		o->image = more;
	if (!text) {
		log_warning("no memory for how the kernel was before a change");
		return false;
	}
	more[o->n_images++] = (struct ops_image){.commit = commit, .steps = text, .n = n};
	trim(o);
	return true;
}

/* ---- Where an operation leads ---- */

/* Those from `from` on that are of a commit later than `after`, newest first. */
static struct rooms_image choose(const struct ops *o, size_t from, uint32_t after)
{
	const char **steps = o->n_images > from ? calloc(o->n_images - from, sizeof(*steps)) : NULL;
	struct rooms_image to = {.steps = steps};
	size_t i;

	for (i = o->n_images; steps && i > from; i--) {
		if (o->image[i - 1].commit > after)
			steps[to.n++] = o->image[i - 1].steps;
	}
	return to;
}

struct rooms_image ops_image_to_apply(const struct ops *o)
{
	uint32_t back_to;
	uint32_t number = txn_open_number(o->txn, &back_to);

	if (back_to == number)
		return (struct rooms_image){0};
	return choose(o, 0, back_to);
}

struct rooms_image ops_image_to_undo(const struct ops *o)
{
	uint32_t back_to;
	uint32_t number = txn_open_number(o->txn, &back_to);

	size_t from = o->undo_one ? o->images_under_way : 0;
	struct rooms_image to = choose(o, from, number - 1);
	bool any = o->n_images > from && o->image[o->n_images - 1].commit == number;

	to.untouched = !any && !o->applied;
	return to;
}

/* ---- The journal ---- */

bool ops_image_found(struct ops *o, const char *steps, size_t n)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *obj = yyjson_mut_obj(doc);
	uint32_t back_to;
	uint32_t number = txn_open_number(o->txn, &back_to);
	size_t len = 0;
	uint64_t seq = 0;
	char *text;

	yyjson_mut_doc_set_root(doc, obj);
	json_add_text(doc, obj, "commitId", "c-%06u", number);
	yyjson_mut_obj_add_val(doc, obj, "found", yyjson_mut_rawn(doc, steps, n));
	text = yyjson_mut_write(doc, 0, &len);
	yyjson_mut_doc_free(doc);
	if (text)
		seq = journal_append(o->journal, JOURNAL_STEP, 0, slice_of(text, len), NULL, NULL,
				     NULL);
	free(text);
	return seq != 0 && keep(o, number, steps, n);
}

static uint32_t number_of(yyjson_val *record)
{
	const char *id = yyjson_get_str(yyjson_obj_get(record, "commitId"));

	return id && strncmp(id, "c-", 2) == 0 ? (uint32_t)strtoul(id + 2, NULL, 10) : 0;
}

static void load(struct ops *o, uint32_t number, yyjson_val *steps)
{
	size_t n = 0;
	char *text = yyjson_is_arr(steps) ? yyjson_val_write(steps, 0, &n) : NULL;

	if (text)
		keep(o, number, text, n);
	free(text);
}

static void restored(struct ops *o, uint32_t number)
{
	size_t i;

	for (i = o->undo_one ? o->images_under_way : 0; i < o->n_images; i++)
		o->image[i].undone = o->image[i].undone || o->image[i].commit == number;
}

void ops_image_note(struct ops *o, enum journal_type type, struct slice json)
{
	const char *reason;
	yyjson_doc *doc;
	yyjson_val *root;

	if (type == JOURNAL_PREPARE) {
		drop_undone(o);
		o->images_under_way = o->n_images;
		o->undo_one = false;
		o->applied = false;
	}
	if (type == JOURNAL_APPLIED)
		o->applied = true;
	if (type != JOURNAL_STEP && type != JOURNAL_ROLLBACK_BEGIN && type != JOURNAL_RESTORED)
		return;
	doc = yyjson_read((const char *)json.p, json.n, 0);
	root = yyjson_doc_get_root(doc);
	if (type == JOURNAL_STEP) {
		load(o, number_of(root), yyjson_obj_get(root, "found"));
	} else if (type == JOURNAL_ROLLBACK_BEGIN) {
		drop_undone(o);
		reason = yyjson_get_str(yyjson_obj_get(root, "reason"));
		o->undo_one = reason && strcmp(reason, "follow-up") == 0;
	} else {
		restored(o, number_of(root));
	}
	yyjson_doc_free(doc);
}

/* ---- Checkpoints ---- */

/* As one more member of the engine's object, which passes over what it does not know. */
char *ops_image_checkpoint(const struct ops *o, char *text, size_t *n)
{
	yyjson_doc *engine = text ? yyjson_read(text, *n, 0) : NULL;
	yyjson_mut_doc *doc = engine ? yyjson_doc_mut_copy(engine, NULL) : NULL;
	yyjson_mut_val *arr = doc ? json_add_arr(doc, yyjson_mut_doc_get_root(doc), "found") : NULL;
	char *out = NULL;
	size_t i;

	for (i = 0; i < o->n_images && arr; i++) {
		const struct ops_image *m = &o->image[i];
		yyjson_mut_val *obj;

		if (m->undone)
			continue;
		obj = yyjson_mut_arr_add_obj(doc, arr);
		json_add_text(doc, obj, "commitId", "c-%06u", m->commit);
		yyjson_mut_obj_add_val(doc, obj, "steps", yyjson_mut_rawn(doc, m->steps, m->n));
	}
	if (arr)
		out = yyjson_mut_write(doc, 0, n);
	yyjson_mut_doc_free(doc);
	yyjson_doc_free(engine);
	free(text);
	return out;
}

void ops_image_load(struct ops *o, struct slice engine)
{
	yyjson_doc *doc = yyjson_read((const char *)engine.p, engine.n, 0);
	yyjson_arr_iter it =
		yyjson_arr_iter_with(yyjson_obj_get(yyjson_doc_get_root(doc), "found"));
	yyjson_val *obj;

	while ((obj = yyjson_arr_iter_next(&it)))
		load(o, number_of(obj), yyjson_obj_get(obj, "steps"));
	o->images_under_way = o->n_images;
	o->applied = true;
	yyjson_doc_free(doc);
}
