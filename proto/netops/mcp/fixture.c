/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/mcp/fixture_priv.h"

#include <errno.h>
#include <stdlib.h>

/* Lives as long as the process: a fixture is made once. */
static struct fixture fixture;

struct steps {
	uv_timer_t timer;
	struct mcp_req *r;
	bool (*step)(struct mcp_req *r, unsigned n);
	unsigned n;
};

static void closed(uv_handle_t *h)
{
	free(h->data);
}

static void stop(struct steps *s)
{
	uv_close((uv_handle_t *)&s->timer, closed);
}

static void next(uv_timer_t *t)
{
	struct steps *s = t->data;

	if (!s->step(s->r, s->n++))
		stop(s);
}

static void cancelled(struct mcp_req *r)
{
	stop(mcp_ctx(r));
}

void fixture_steps(struct fixture *f, struct mcp_req *r, unsigned ms,
		   bool (*step)(struct mcp_req *r, unsigned n))
{
	struct steps *s = calloc(1, sizeof(*s));

	if (!s) {
		mcp_text(r, true, "no memory");
		return;
	}
	s->r = r;
	s->step = step;
	uv_timer_init(f->loop, &s->timer);
	s->timer.data = s;
	uv_timer_start(&s->timer, next, ms, ms);
	mcp_set_ctx(r, s);
	mcp_on_cancel(r, cancelled);
}

static yyjson_mut_doc *document(const char *json)
{
	yyjson_doc *doc = yyjson_read(json, strlen(json), YYJSON_READ_NOFLAG);
	yyjson_mut_doc *to = doc ? yyjson_doc_mut_copy(doc, NULL) : NULL;

	yyjson_doc_free(doc);
	return to;
}

void fixture_result(struct mcp_req *r, const char *json)
{
	yyjson_mut_doc *doc = document(json);

	mcp_result(r, doc, yyjson_mut_doc_get_root(doc));
	yyjson_mut_doc_free(doc);
}

int fixture_ask(struct mcp_req *r, const char *key, const char *method, const char *json)
{
	yyjson_mut_doc *doc = document(json);
	int rc = mcp_ask(r, key, method, doc, yyjson_mut_doc_get_root(doc));

	yyjson_mut_doc_free(doc);
	return rc;
}

char *fixture_text(yyjson_val *v)
{
	char *s = v ? yyjson_val_write(v, YYJSON_WRITE_NOFLAG, NULL) : NULL;

	return s ? s : strdup("null");
}

int mcp_fixture_add(struct mcp *m, uv_loop_t *loop, struct err *err)
{
	struct fixture *f = &fixture;

	*f = (struct fixture){.m = m, .loop = loop};
	if (fixture_add_basic(f, err) < 0 || fixture_add_ask(f, err) < 0 ||
	    fixture_add_tasks(f, err) < 0 || fixture_add_resources(f, err) < 0 ||
	    fixture_add_prompts(f, err) < 0)
		return err->code ? err->code : err_set(err, -ENOMEM, "no memory");
	return 0;
}
