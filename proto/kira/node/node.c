/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/kira/node/node.h"

#include "base/log.h"
#include "base/rng.h"
#include "base/notify.h"
#include "proto/kira/node/room.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

/* More than any node needs; a bug or an attack must not take the machine's memory. */
#define CORE_MEMORY (256u << 20)

enum { POLL_LINKS, POLL_IFACES, POLL_DATA };

/* ---- what the core asks for ---- */

static void env_send(void *ctx, uint32_t link, const struct kira_addr *to, struct slice frame)
{
	struct node *n = ctx;

	links_send(n->links, link, to, frame);
}

static void table_error(struct node *n, const char *table, int rc)
{
	n->table_errors++;
	log_warning("the data plane refused an entry", LOG_TEXT("table", table),
		    LOG_TEXT("why", strerror(-rc)));
}

static void env_fwd_node(void *ctx, const struct kira_id *id, unsigned bits,
			 const struct kira_fwd *to)
{
	struct node *n = ctx;
	int rc = dataplane_set_node(n->data, id, bits, to);

	if (rc != 0)
		table_error(n, "node", rc);
}

static void env_fwd_path(void *ctx, const struct kira_id *path_id, const struct kira_fwd *to)
{
	struct node *n = ctx;
	int rc = dataplane_set_path(n->data, path_id, to);

	if (rc != 0)
		table_error(n, "path", rc);
}

static void use_ssn(struct node *n, uint32_t ssn)
{
	struct err err;

	if (ssn != KIRA_SSN_INVALID && identity_use(n->identity, ssn, &err) != 0)
		log_err(LOG_LEVEL_ERROR, &err);
}

static void log_neighbour(const struct node *n, const struct kira_event *ev, const char *what)
{
	char id[KIRA_ID_TEXT];
	char fallback[16];

	kira_id_format(&ev->id, id);
	log_info(what, LOG_TEXT("id", id), LOG_TEXT("link", report_link(n, ev->link, fallback)));
}

static void env_event(void *ctx, const struct kira_event *ev)
{
	struct node *n = ctx;

	switch (ev->type) {
	case KIRA_EV_NEIGHBOUR_UP:
		dataplane_neighbour_up(n->data, ev->link, &ev->addr);
		log_neighbour(n, ev, "neighbour up");
		break;
	case KIRA_EV_NEIGHBOUR_DOWN:
		dataplane_neighbour_down(n->data, ev->link, &ev->addr);
		log_neighbour(n, ev, "neighbour down");
		break;
	case KIRA_EV_SSN:
		use_ssn(n, ev->ssn);
		break;
	default:
		break;
	}
	room_event(n->room, ev);
}

/* ---- what the core is told ---- */

static usec_t next_deadline(const struct node *n)
{
	usec_t core = kira_next(n->core);

	return n->ifaces_due < core ? n->ifaces_due : core;
}

void node_settle(struct node *n)
{
	if (!n->core)
		return;
	room_pump(n->room);
	loop_timer_set(&n->timer, next_deadline(n));
}

static void on_datagram(void *ctx, uint32_t ifindex, const struct kira_addr *from,
			struct slice frame)
{
	struct node *n = ctx;

	kira_receive(n->core, ifindex, from, frame, clock_now());
}

static void on_miss(void *ctx, const struct kira_id *dest)
{
	struct node *n = ctx;

	if (n->core)
		kira_want(n->core, dest, clock_now());
}

/* A listing that failed is tried again even if no event comes. */
static int read_ifaces(struct node *n)
{
	int rc = ifaces_read(n->ifaces);

	n->ifaces_due = rc == 0 ? USEC_NEVER : clock_now() + SEC(1);
	if (rc != 0)
		log_warning("cannot read the interfaces; trying again", LOG_TEXT("why", strerror(-rc)));
	return rc;
}

static usec_t on_due(void *ctx, usec_t now)
{
	struct node *n = ctx;

	if (!n->core)
		return USEC_NEVER;
	if (n->ifaces_due <= now)
		read_ifaces(n);
	kira_tick(n->core, now);
	room_pump(n->room);
	return next_deadline(n);
}

static bool wanted(void *ctx, const char *name)
{
	struct node *n = ctx;

	return settings_wants(n->trying ? n->trying : room_config(n->room), name);
}

static void link_off(struct node *n, const struct iface *i)
{
	/* The core first: its repairs are what traffic waits for. */
	kira_link_down(n->core, i->ifindex, clock_now());
	links_leave(n->links, i->ifindex);
	dataplane_link_down(n->data, i->ifindex);
	log_info("link down", LOG_TEXT("link", i->name));
}

/* A link that cannot carry traffic must not be announced as one. */
static void link_on(struct node *n, const struct iface *i)
{
	struct err err = {0};
	int rc = links_join(n->links, i->ifindex);

	if (rc == 0)
		rc = dataplane_link_up(n->data, i->ifindex, &err);
	else
		err_set(&err, rc, "cannot join ff02::1: %s", strerror(-rc));
	if (rc == 0)
		rc = kira_link_up(n->core, i->ifindex, i->mtu, clock_now());
	if (rc == 0) {
		log_info("link up", LOG_TEXT("link", i->name), LOG_NUM("mtu", i->mtu));
		return;
	}
	if (err.code == 0)
		err_set(&err, rc, "the routing did not take the link: %s", strerror(-rc));
	if (err.where[0] == '\0')
		err_where(&err, "%s", i->name);
	log_err(LOG_LEVEL_ERROR, &err);
}

static void on_iface(void *ctx, const struct iface *i, enum iface_role was)
{
	struct node *n = ctx;
	struct err err = {0};

	if (was == IFACE_LINK && i->role != IFACE_LINK)
		link_off(n, i);
	if (i->role == IFACE_LINK)
		link_on(n, i);
	else if (i->role == IFACE_BYSTANDER && dataplane_guard(n->data, i->ifindex, &err) != 0)
		log_err(LOG_LEVEL_WARNING, &err);
	else if (i->role == IFACE_NONE && was == IFACE_BYSTANDER)
		dataplane_link_down(n->data, i->ifindex);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct node *n = poll->data;

	if (!n->core)
		return;
	if (poll == n->poll[POLL_LINKS])
		links_read(n->links);
	else if (poll == n->poll[POLL_IFACES])
		read_ifaces(n);
	else
		dataplane_read(n->data, clock_now());
	/* An error of the socket, such as lost events, is read by now; libuv stopped waiting at it. */
	if (status < 0 && !uv_is_closing((uv_handle_t *)poll))
		uv_poll_start(poll, UV_READABLE, on_poll);
	node_settle(n);
}

static void release_poll(uv_handle_t *h)
{
	free(h);
}

static void unwatch(struct node *n, int which)
{
	if (n->poll[which])
		uv_close((uv_handle_t *)n->poll[which], release_poll);
	n->poll[which] = NULL;
}

static int watch(struct node *n, int which, int fd)
{
	uv_poll_t *poll = malloc(sizeof(*poll));
	int rc;

	if (!poll)
		return -ENOMEM;
	rc = uv_poll_init(&n->loop, poll, fd);
	if (rc != 0) {
		free(poll);
		return rc;
	}
	poll->data = n;
	n->poll[which] = poll;
	return uv_poll_start(poll, UV_READABLE, on_poll);
}

/* ---- signals ---- */

static void on_reload(void *ctx)
{
	struct node *n = ctx;
	struct err err = {0};

	notify_manager("RELOADING=1");
	if (room_reload(n->room, &err) != 0)
		log_err(LOG_LEVEL_ERROR, &err);
	notify_manager("READY=1");
}

static void on_stop(void *ctx, int signum)
{
	struct node *n = ctx;

	notify_manager("STOPPING=1");
	uv_stop(&n->loop);
}

/* ---- life ---- */

static void link_again(void *ctx, const struct iface *i)
{
	struct node *n = ctx;

	if (i->role == IFACE_LINK)
		link_on(n, i);
}

/* A core with these parameters, whose state sequence numbers begin above `ssn`, on the links there
 * are. */
static int make_core(struct node *n, const struct kira_params *params, uint32_t ssn,
		     struct err *err)
{
	const struct kira_env env = {
		.send = env_send,
		.fwd_node = env_fwd_node,
		.fwd_path = env_fwd_path,
		.event = env_event,
		.ctx = n,
	};
	struct kira_params p = *params;
	uint8_t secret[32];
	struct rng rng;
	uint64_t seed;

	p.id = n->id;
	p.ssn = ssn;
	rng_os_bytes(secret, sizeof(secret));
	rng_os_bytes(&seed, sizeof(seed));
	rng_seed(&rng, seed);
	n->core = kira_new(&p, &env, &rng, secret, &n->alloc, NULL, clock_now());
	explicit_bzero(secret, sizeof(secret));
	if (!n->core)
		return err_set(err, -ENOMEM, "cannot make the routing core: out of memory");
	use_ssn(n, kira_ssn(n->core));
	ifaces_each(n->ifaces, link_again, n);
	return 0;
}

/* Another socket: its port changed. */
static int replace_links(struct node *n, uint16_t port, struct err *err)
{
	struct links *links = links_open(port, on_datagram, n, err);
	int rc;

	if (!links)
		return -EADDRINUSE;
	unwatch(n, POLL_LINKS);
	links_close(n->links);
	n->links = links;
	rc = watch(n, POLL_LINKS, links_fd(links));
	return rc == 0 ? 0 : err_set(err, rc, "cannot poll the socket: %s", uv_strerror(rc));
}

/* In place: the process, its identity and the data plane stay. */
static int replace_core(struct node *n, const struct settings *to, struct err *err)
{
	uint32_t ssn = kira_ssn(n->core);
	int rc;

	if (to->port != n->settings.port) {
		rc = replace_links(n, to->port, err);
		if (rc != 0)
			return rc;
	}
	room_core_gone(n->room);
	kira_free(n->core);
	n->core = NULL;
	rc = make_core(n, &to->core, ssn, err);
	if (rc != 0) {
		n->failed = true;
		uv_stop(&n->loop);
	}
	return rc;
}

int node_apply(struct node *n, const struct config *to, const struct config_diff *diff,
	       bool dry_run, struct err *err)
{
	enum settings_reach reach;
	struct settings settings;
	const char *path;
	int rc = 0;

	reach = settings_reach(diff, &path);
	if (reach == SETTINGS_PROCESS) {
		err_set(err, -EBUSY, "this cannot change while the node runs");
		err_where(err, "%s", path);
		err_mend(err, "change it in the configuration file and start dep-kira again");
		return -EBUSY;
	}
	if (dry_run)
		return 0;
	settings_read(&settings, to);
	if (reach == SETTINGS_ROUTING)
		rc = replace_core(n, &settings, err);
	if (rc != 0)
		return rc;
	settings_read(&n->settings, to);
	n->trying = to;
	ifaces_review(n->ifaces);
	n->trying = NULL;
	node_settle(n);
	return 0;
}

/* A configuration that names a NodeID wins; the file goes on keeping the state sequence numbers. */
static int open_identity(struct node *n, struct err *err)
{
	n->identity = identity_open(n->params.state_dir, err);
	if (!n->identity)
		return err->code;
	n->id = n->settings.core.id;
	if (kira_id_eq(&n->id, &kira_id_undefined))
		n->id = *identity_id(n->identity);
	return 0;
}

static int open_data_plane(struct node *n, struct err *err)
{
	struct dataplane_params p = n->settings.data;

	p.id = n->id;
	p.miss = on_miss;
	p.ctx = n;
	n->data = dataplane_open(&p, err);
	if (!n->data)
		return err->code;
	/* Where bpf was not possible, err says why. */
	if (p.kind == DATAPLANE_AUTO && dataplane_kind(n->data) == DATAPLANE_TUN && err->code != 0)
		log_err(LOG_LEVEL_WARNING, err);
	return 0;
}

int node_open(struct node *n, const struct node_params *params, struct config *config,
	      struct err *err)
{
	const struct ifaces_ops ops = {.wanted = wanted, .changed = on_iface, .ctx = n};
	int rc;

	memset(n, 0, sizeof(*n));
	n->params = *params;
	n->started = clock_now();
	n->ifaces_due = USEC_NEVER;
	settings_read(&n->settings, config);
	alloc_init(&n->alloc, CORE_MEMORY);
	rc = uv_loop_init(&n->loop);
	if (rc != 0) {
		config_free(config);
		return err_set(err, rc, "cannot make the loop: %s", uv_strerror(rc));
	}
	n->looped = true;
	if (open_identity(n, err) != 0) {
		config_free(config);
		return err->code;
	}
	n->room = room_open(n, config, err);
	if (!n->room)
		return err->code;
	n->links = links_open(n->settings.port, on_datagram, n, err);
	if (!n->links || open_data_plane(n, err) != 0)
		return err->code;
	n->ifaces = ifaces_open(n->settings.device, &ops, err);
	return n->ifaces ? 0 : err->code;
}

static int start(struct node *n, struct err *err)
{
	int fd = dataplane_fd(n->data);
	int rc;

	rc = loop_timer_init(&n->timer, &n->loop, on_due, n);
	if (rc == 0)
		rc = loop_signals_init(&n->signals, &n->loop, on_stop, on_reload, n);
	if (rc == 0)
		rc = watch(n, POLL_LINKS, links_fd(n->links));
	if (rc == 0)
		rc = watch(n, POLL_IFACES, ifaces_fd(n->ifaces));
	if (rc == 0 && fd >= 0)
		rc = watch(n, POLL_DATA, fd);
	if (rc != 0)
		return err_set(err, rc, "cannot set up the loop: %s", uv_strerror(rc));
	rc = make_core(n, &n->settings.core, identity_ssn(n->identity), err);
	if (rc != 0)
		return rc;
	/* The first read finds all interfaces. */
	rc = read_ifaces(n);
	if (rc != 0)
		return err_set(err, rc, "cannot list the interfaces: %s", strerror(-rc));
	node_settle(n);
	return 0;
}

int node_run(struct node *n, struct err *err)
{
	char id[KIRA_ID_TEXT];
	char addr[46];
	int rc = start(n, err);

	if (rc != 0)
		return rc;
	kira_id_format(&n->id, id);
	report_address(n, &n->id, addr);
	log_notice("node started", LOG_TEXT("id", id), LOG_TEXT("address", addr),
		   LOG_NUM("port", n->settings.port),
		   LOG_TEXT("data-plane", dataplane_kind_name(dataplane_kind(n->data))));
	notify_manager("READY=1");
	malloc_trim(0);
	uv_run(&n->loop, UV_RUN_DEFAULT);
	if (n->failed)
		return err_set(err, -ENOMEM, "the routing could not be started again");
	log_notice("node stopped", LOG_TEXT("id", id));
	return 0;
}

void node_close(struct node *n)
{
	int i;

	for (i = 0; i < 3; i++)
		unwatch(n, i);
	if (n->core)
		kira_free(n->core);
	n->core = NULL;
	dataplane_close(n->data);
	ifaces_close(n->ifaces);
	links_close(n->links);
	identity_close(n->identity);
	room_close(n->room);
	if (n->timer.tick)
		loop_timer_close(&n->timer);
	if (n->looped)
		loop_finish(&n->loop);
}
