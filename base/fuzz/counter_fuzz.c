/* SPDX-License-Identifier: BSD-2-Clause */
/* The lines of any client, one after the other, to a room: each has at most one answer, which is
 * one line of JSON-RPC, and state stays what the module says. No sockets: output stays in the
 * peer's buffer. */
#include "base/counter_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

extern const char box_yang[];

static const char lid_yang[] =
	"module lid { yang-version 1.1; namespace \"urn:lid\"; prefix l; import box { prefix b; }"
	" revision 2026-11-24; feature lock; rpc turn; notification turned;"
	" augment /b:box/b:contents { leaf locked { if-feature lock; type boolean; } } }";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char state_text[] = "{\"box:box\":{\"contents\":{\"count\":\"2\",\"thing\":[{\"id\":1,"
				 "\"kind\":\"a\",\"place\":{\"x\":1,\"y\":2}},"
				 "{\"id\":2,\"kind\":\"b\",\"place\":{\"x\":-1}}]}}}";

static int on_state(void *ctx, const char *path, yyjson_mut_doc *doc, yyjson_mut_val *root,
		    struct err *err)
{
	yyjson_doc *in = json_parse(state_text, sizeof(state_text) - 1, 0, NULL, NULL);

	yyjson_mut_obj_add_val(
		doc, root, "box:box",
		yyjson_val_mut_copy(doc, yyjson_obj_get(yyjson_doc_get_root(in), "box:box")));
	yyjson_doc_free(in);
	return 0;
}

static int on_apply(void *ctx, const struct config *to, const struct config_diff *diff,
		    bool dry_run, struct err *err)
{
	return config_u64(config_tree(to), "/box:box/size", 0) == 13 ? -EINVAL : 0;
}

static int on_call(void *ctx, uint64_t call, const char *rpc, const struct lyd_node *input,
		   struct err *err)
{
	struct counter *c = *(struct counter **)ctx;
	uint64_t times;

	if (strcmp(rpc, "lid:turn") == 0)
		return -EIO;
	times = config_u64(input, "times", 0);
	if (!config_text(input, "how") || times < 1 || times > 50)
		abort();
	if (times == 1)
		counter_event(c, "moved", NULL, NULL);
	else if (times < 40)
		counter_reply(c, call, NULL, NULL);
	return times == 50 ? -EIO : 0;
}

static void check_output(struct peer *p)
{
	const char *nl;
	yyjson_doc *doc;
	yyjson_val *root;
	struct slice s = buf_slice(&p->out);
	struct slice line;

	while (s.n > 0) {
		nl = memchr(s.p, '\n', s.n);
		if (!nl || !slice_take(&s, (size_t)(nl - (const char *)s.p), &line))
			abort();
		s = slice_of(s.p + 1, s.n - 1);
		doc = json_parse((const char *)line.p, line.n, SIZE_MAX, NULL, NULL);
		root = yyjson_doc_get_root(doc);
		if (!yyjson_equals_str(yyjson_obj_get(root, "jsonrpc"), "2.0"))
			abort();
		if (!yyjson_obj_get(root, "id") == !yyjson_obj_get(root, "method"))
			abort();
		yyjson_doc_free(doc);
	}
	buf_clear(&p->out);
}

static void fuzz(struct counter *c, struct peer *p, struct slice in)
{
	const uint8_t *nl;
	size_t n;

	while (in.n > 0) {
		nl = memchr(in.p, '\n', in.n);
		n = nl ? (size_t)(nl - in.p) : in.n;
		counter_handle(c, p, (const char *)in.p, n);
		check_output(p);
		n += nl ? 1 : 0;
		in = slice_of(in.p + n, in.n - n);
	}
}

/* An even first byte: a room of one module; an odd one: a room that lists two. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const features[] = {"lock", NULL};
	static const struct counter_module modules[] = {
		{"box", NULL, box_yang, NULL, true, true},
		{"lid", "2026-11-24", lid_yang, features, true, false},
		{"ietf-inet-types", NULL, NULL, NULL, false, false},
		{0},
	};
	static struct config_schema *s;
	struct counter *c = calloc(1, sizeof(*c));
	struct peer *p = calloc(1, sizeof(*p));

	if (!s)
		s = counter_schema_new("box", modules, NULL);
	if (!s || !c || !p)
		abort();
	c->room = (struct counter_room){.name = "box",
					.version = "1",
					.schema = s,
					.state = on_state,
					.apply = on_apply,
					.call = on_call,
					.ctx = &c};
	if (size > 0 && data[0] & 1)
		c->room.modules = modules;
	c->running = config_parse(s, "{}", 2, NULL, NULL);
	alloc_init(&c->alloc, 0);
	list_init(&c->peers);
	p->counter = c;
	buf_init(&p->out, &c->alloc);
	list_add(&c->peers, &p->at);
	fuzz(c, p, slice_of(data, size));
	buf_free(&p->out);
	if (c->alloc.used != 0)
		abort();
	free(p->subscribed);
	free(p);
	config_free(c->running);
	free(c);
	return 0;
}
