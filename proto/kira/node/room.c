/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/kira/node/room.h"

#include "base/log.h"
#include "proto/kira/node/trace.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

struct room {
	struct node *node;
	struct counter *counter;
	struct traces *traces;
};

/* ---- what clients ask ---- */

static int not_now(struct err *err)
{
	return err_set(err, -EAGAIN, "the node is starting or stopping");
}

static int on_state(void *ctx, const char *path, yyjson_mut_doc *doc, yyjson_mut_val *root,
		    struct err *err)
{
	struct room *r = ctx;

	if (!r->node->core)
		return not_now(err);
	if (report_state(r->node, path, doc, root) != 0)
		return err_set(err, -ENOMEM, "out of memory");
	return 0;
}

static int on_apply(void *ctx, const struct config *to, const struct config_diff *diff,
		    bool dry_run, struct err *err)
{
	struct room *r = ctx;

	if (!r->node->core)
		return not_now(err);
	return node_apply(r->node, to, diff, dry_run, err);
}

/* A NodeID, or an address of one. */
static int read_target(const struct node *n, const char *text, struct kira_id *id, struct err *err)
{
	struct kira_addr addr;

	if (!strchr(text, ':'))
		return kira_id_parse(text, id) == 0
			       ? 0
			       : err_set(err, -EINVAL, "%s is no NodeID", text);
	if (inet_pton(AF_INET6, text, addr.b) == 1 &&
	    kira_addr_id(n->settings.core.node_prefix, &addr, id))
		return 0;
	err_set(err, -EINVAL, "%s is no address of a node", text);
	err_mend(err,
		 "node addresses of this network begin with %x:", n->settings.core.node_prefix);
	return -EINVAL;
}

static int on_call(void *ctx, uint64_t call, const char *rpc, const struct lyd_node *input,
		   struct err *err)
{
	struct room *r = ctx;
	struct kira_id target;
	int rc;

	if (strcmp(rpc, "trace") != 0)
		return err_set(err, -ENOSYS, "this node has no action %s", rpc);
	if (!r->node->core)
		return not_now(err);
	rc = read_target(r->node, config_text(input, "target"), &target, err);
	if (rc == 0)
		rc = trace_begin(r->traces, call, &target, err);
	node_settle(r->node);
	return rc;
}

static void on_metrics(void *ctx, struct buf *out)
{
	struct room *r = ctx;

	if (r->node->core)
		report_metrics(r->node, out);
}

/* ---- what they are told ---- */

static const char *notification(uint8_t type)
{
	switch (type) {
	case KIRA_EV_NEIGHBOUR_UP:
		return "neighbour-up";
	case KIRA_EV_NEIGHBOUR_DOWN:
		return "neighbour-down";
	case KIRA_EV_CONTACT_NEW:
		return "contact-new";
	case KIRA_EV_CONTACT_VALID:
		return "contact-valid";
	case KIRA_EV_CONTACT_INVALID:
		return "contact-invalid";
	case KIRA_EV_CONTACT_DEAD:
		return "contact-dead";
	case KIRA_EV_CONTACT_REPLACED:
		return "contact-replaced";
	default:
		return NULL;
	}
}

static void notify(struct room *r, const char *name, const struct kira_event *ev)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *obj = yyjson_mut_obj(doc);
	char id[KIRA_ID_TEXT];
	char addr[46];
	char fallback[16];

	kira_id_format(&ev->id, id);
	report_address(r->node, &ev->id, addr);
	yyjson_mut_obj_add_strcpy(doc, obj, "id", id);
	yyjson_mut_obj_add_strcpy(doc, obj, "address", addr);
	if (ev->type == KIRA_EV_NEIGHBOUR_UP || ev->type == KIRA_EV_NEIGHBOUR_DOWN) {
		inet_ntop(AF_INET6, ev->addr.b, addr, sizeof(addr));
		yyjson_mut_obj_add_strcpy(doc, obj, "link",
					  report_link(r->node, ev->link, fallback));
		yyjson_mut_obj_add_strcpy(doc, obj, "link-address", addr);
	} else if (ev->type == KIRA_EV_CONTACT_VALID && ev->took > 0) {
		json_add_u64(doc, obj, "outage", (uint64_t)ev->took);
	}
	counter_event(r->counter, name, doc, obj);
	yyjson_mut_doc_free(doc);
}

void room_event(struct room *r, const struct kira_event *ev)
{
	const char *name = notification(ev->type);

	if (ev->type == KIRA_EV_TRACE)
		trace_event(r->traces, ev);
	else if (name && counter_listened(r->counter))
		notify(r, name, ev);
}

void room_pump(struct room *r)
{
	trace_pump(r->traces);
}

void room_core_gone(struct room *r)
{
	trace_abort(r->traces);
}

/* ---- life ---- */

struct room *room_open(struct node *n, struct config *config, struct err *err)
{
	struct room *r = calloc(1, sizeof(*r));
	struct counter_room room = {
		.name = "kira",
		.version = DEP_VERSION,
		.schema = n->params.schema,
		.state = on_state,
		.apply = on_apply,
		.call = on_call,
		.metrics = on_metrics,
		.ctx = r,
	};

	if (r)
		r->traces = traces_new(n);
	if (!r || !r->traces) {
		free(r);
		config_free(config);
		err_set(err, -ENOMEM, "out of memory");
		return NULL;
	}
	r->node = n;
	r->counter =
		counter_new(&n->loop, &room, n->params.socket, n->params.socket_gid, config, err);
	if (!r->counter) {
		room_close(r);
		return NULL;
	}
	traces_counter(r->traces, r->counter);
	return r;
}

const struct config *room_config(const struct room *r)
{
	return counter_config(r->counter);
}

int room_reload(struct room *r, struct err *err)
{
	const struct node_params *p = &r->node->params;
	struct config *to;

	if (!p->file)
		return err_set(err, -ENOENT, "there is no configuration file to read again");
	to = config_load(p->schema, p->file, err);
	return to ? counter_apply(r->counter, to, err) : err->code;
}

void room_close(struct room *r)
{
	if (!r)
		return;
	if (r->counter)
		counter_free(r->counter);
	traces_free(r->traces);
	free(r);
}
