/* SPDX-License-Identifier: BSD-2-Clause */
/* The counter's calls: an rpc of the room's module is begun, and answered now or later. */
#include "base/counter_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The schema node of an rpc named "trace" or "kira:trace", or NULL and err. */
static const struct lysc_node *find_rpc(struct counter *c, const char *name, struct err *err)
{
	const char *rest = name;
	const struct lys_module *m = counter_module_of(c, &rest);
	const struct lysc_node *rpc;
	char known[128] = "";
	size_t at = 0;

	if (!m) {
		err_set(err, -ENOENT, "%s has no rpc %.60s", c->room.name, name);
		err_mend(err, "hello lists its modules");
		return NULL;
	}
	LY_LIST_FOR((const struct lysc_node *)m->compiled->rpcs, rpc)
	{
		if (strcmp(rpc->name, rest) == 0)
			return rpc;
		if (at < sizeof(known))
			at += (size_t)snprintf(known + at, sizeof(known) - at, "%s%s",
					       at ? ", " : "", rpc->name);
	}
	err_set(err, -ENOENT, "%s has no rpc %.60s", c->room.name, rest);
	err_mend(err, known[0] ? "there is: %s" : "it has none%s", known);
	return NULL;
}

/* Input as JSON text {"kira:trace": input}. */
static char *wrap_input(const struct lysc_node *rpc, yyjson_val *input, size_t *n)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc);
	char *text = NULL;
	char name[160];

	snprintf(name, sizeof(name), "%s:%s", rpc->module->name, rpc->name);
	yyjson_mut_doc_set_root(doc, root);
	if (yyjson_mut_obj_add_val(doc, root, name,
				   input ? yyjson_val_mut_copy(doc, input) : yyjson_mut_obj(doc)))
		text = yyjson_mut_write(doc, YYJSON_WRITE_NOFLAG, n);
	yyjson_mut_doc_free(doc);
	return text;
}

static struct pending *take_pending(struct counter *c)
{
	unsigned i;

	for (i = 0; i < COUNTER_MAX_CALLS; i++) {
		if (c->pending[i].call == 0) {
			c->pending[i] = (struct pending){.call = ++c->last_call};
			return &c->pending[i];
		}
	}
	return NULL;
}

static struct pending *find_pending(struct counter *c, uint64_t call)
{
	unsigned i;

	for (i = 0; call != 0 && i < COUNTER_MAX_CALLS; i++) {
		if (c->pending[i].call == call)
			return &c->pending[i];
	}
	return NULL;
}

void counter_forget(struct counter *c, const struct peer *p)
{
	unsigned i;

	for (i = 0; i < COUNTER_MAX_CALLS; i++) {
		if (c->pending[i].peer == p)
			c->pending[i] = (struct pending){0};
	}
}

static int keep_id(struct pending *w, yyjson_val *id)
{
	char *text;
	size_t n;

	if (!id)
		return 0;
	text = yyjson_val_write(id, YYJSON_WRITE_NOFLAG, &n);
	if (!text || n >= sizeof(w->id)) {
		free(text);
		return -EINVAL;
	}
	memcpy(w->id, text, n + 1);
	free(text);
	return 0;
}

static int begin_call(struct counter *c, struct request *r, const struct lysc_node *rpc,
		      const struct lyd_node *input, struct err *err)
{
	struct pending *w = take_pending(c);
	char name[160];
	uint64_t call;
	int rc;

	if (!w) {
		err_set(err, -EBUSY, "%d calls are under way", COUNTER_MAX_CALLS);
		err_mend(err, "call again when they are answered");
		return -EBUSY;
	}
	call = w->call;
	w->peer = r->peer;
	w->rpc = rpc;
	if (keep_id(w, r->id) != 0) {
		*w = (struct pending){0};
		return err_set(err, -EINVAL, "the id is longer than %d bytes", COUNTER_MAX_ID);
	}
	if (strcmp(rpc->module->name, config_schema_name(c->room.schema)) == 0)
		snprintf(name, sizeof(name), "%s", rpc->name);
	else
		snprintf(name, sizeof(name), "%s:%s", rpc->module->name, rpc->name);
	rc = c->room.call(c->room.ctx, call, name, input, err);
	if (rc == 0)
		return DEFERRED;
	w = find_pending(c, call);
	if (!w)
		return DEFERRED;
	*w = (struct pending){0};
	return rc;
}

int counter_do_call(struct counter *c, struct request *r, struct err *err)
{
	const char *name = yyjson_get_str(request_param(r, "rpc"));
	yyjson_val *in = request_param(r, "input");
	const struct lysc_node *rpc;
	struct lyd_node *input;
	char *text;
	size_t n;
	int rc;

	r->code = RPC_PARAMS;
	if (!name || (in && !yyjson_is_obj(in))) {
		err_set(err, -EINVAL, name ? "input is not an object" : "params have no rpc");
		err_mend(err, "send {\"rpc\": \"name\", \"input\": {…}}");
		return -EINVAL;
	}
	rpc = find_rpc(c, name, err);
	if (!rpc || !c->room.call)
		return rpc ? err_set(err, -ENOSYS, "%s has no rpc", c->room.name) : -ENOENT;
	text = wrap_input(rpc, in, &n);
	if (!text)
		return err_set(err, -ENOMEM, "no memory");
	input = config_rpc_input(c->room.schema, text, n, err);
	free(text);
	if (!input)
		return -EINVAL;
	r->code = RPC_REFUSED;
	rc = begin_call(c, r, rpc, input, err);
	lyd_free_all(input);
	return rc;
}

/* The answer of a call: its id, and output or err. */
static void answer(struct counter *c, uint64_t call, yyjson_mut_val *output, const struct err *err)
{
	struct pending *w = find_pending(c, call);
	yyjson_mut_doc *doc;
	yyjson_mut_val *root;
	yyjson_mut_val *result;
	struct peer *p;

	if (!w)
		return;
	p = w->peer;
	if (w->id[0]) {
		doc = yyjson_mut_doc_new(NULL);
		root = counter_envelope(doc);
		yyjson_mut_obj_add_val(doc, root, "id", yyjson_mut_rawcpy(doc, w->id));
		if (err) {
			counter_add_error(doc, root, RPC_REFUSED, err);
		} else {
			result = json_add_obj(doc, root, "result");
			yyjson_mut_obj_add_val(doc, result, "output",
					       output ? yyjson_mut_val_mut_copy(doc, output)
						      : yyjson_mut_obj(doc));
		}
		counter_send_doc(p, doc);
		yyjson_mut_doc_free(doc);
	}
	w = find_pending(c, call);
	if (w)
		*w = (struct pending){0};
}

void counter_reply(struct counter *c, uint64_t call, yyjson_mut_doc *doc, yyjson_mut_val *output)
{
	answer(c, call, output, NULL);
}

void counter_fail(struct counter *c, uint64_t call, const struct err *err)
{
	answer(c, call, NULL, err);
}
