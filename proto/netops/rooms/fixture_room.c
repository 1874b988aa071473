/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/rooms/fixture_room.h"

#include "base/counter.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern const char box_yang[];
extern const char depanneur_sys_yang[];

static const char crate_yang[] =
	"module crate { yang-version 1.1; namespace \"urn:crate\"; prefix c; import box { prefix "
	"b; }"
	" revision 2026-11-24;"
	" container crate { leaf wood { type string; } leaf nails { type uint32; default 4; }"
	"  container seen { config false; leaf times { type uint64; } } }"
	" augment /b:box { leaf in-crate { type boolean; } }"
	" augment /b:box/b:contents/b:thing { leaf packed { type boolean; } } }";
static const char shelf_yang[] =
	"module shelf { yang-version 1.1; namespace \"urn:shelf\"; prefix s; revision 2026-11-24;"
	" container shelf { leaf height { type uint32; } } }";

static const struct counter_module crate_modules[] = {
	{"crate", NULL, crate_yang, NULL, true, true},
	{"box", NULL, box_yang, NULL, true, false},
	{0},
};
static const struct counter_module shelf_modules[] = {
	{"box", NULL, box_yang, NULL, true, true},
	{"shelf", NULL, shelf_yang, NULL, true, true},
	{0},
};
static const struct counter_module sys_modules[] = {
	{"depanneur-sys", NULL, depanneur_sys_yang, NULL, true, false},
	{"iana-if-type", NULL, NULL, NULL, true, false},
	{"ietf-interfaces", NULL, NULL, NULL, true, false},
	{"ietf-ip", NULL, NULL, NULL, true, false},
	{0},
};

static struct counter *counter;

struct fixture_room *fixture_rooms(unsigned n)
{
	void *p = mmap(NULL, n * sizeof(struct fixture_room), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* Until its sockets are closed: a signal takes its time. */
static void kill_and_wait(pid_t pid)
{
	struct pollfd p = {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};

	kill(pid, SIGKILL);
	poll(&p, 1, 10000);
	close(p.fd);
}

/* What a test wants to happen here. Returns whether the room refuses. */
static bool at(struct fixture_room *r, enum fixture_at where)
{
	if (r->tell == where && r->other && r->other->pid) {
		r->tell = AT_NOTHING;
		kill_and_wait(r->other->pid);
	}
	if (r->die == where) {
		r->die = AT_NOTHING;
		kill(getpid(), SIGKILL);
	}
	if (r->hang && where == AT_APPLY) {
		r->hang = false;
		raise(SIGSTOP);
	}
	return r->refuse == where;
}

static int refused(struct err *err)
{
	err_set(err, -EINVAL, "it does not want to");
	err_where(err, "/box:box/size");
	err_mend(err, "ask another");
	return -EINVAL;
}

static int on_apply(void *ctx, const struct config *to, const struct config_diff *diff,
		    bool dry_run, struct err *err)
{
	struct fixture_room *r = ctx;
	char *text;

	if (dry_run) {
		r->checks++;
		return at(r, AT_CHECK) ? refused(err) : 0;
	}
	r->applies++;
	if (at(r, AT_APPLY))
		return refused(err);
	text = config_print(to, false);
	snprintf(r->config, sizeof(r->config), "%s", text);
	free(text);
	at(r, AT_APPLIED);
	return 0;
}

static int on_state(void *ctx, const char *path, yyjson_mut_doc *doc, yyjson_mut_val *root,
		    struct err *err)
{
	struct fixture_room *r = ctx;
	yyjson_mut_val *o;
	yyjson_mut_val *list;
	unsigned i;

	if (strcmp(r->name, "sys") == 0)
		return 0;
	if (strcmp(r->name, "crate") == 0)
		json_add_u64(doc, json_add_obj(doc, json_add_obj(doc, root, "crate:crate"), "seen"),
			     "times", r->applies);
	o = json_add_obj(doc, json_add_obj(doc, root, "box:box"), "contents");
	if (strcmp(r->name, "box") == 0)
		json_add_u64(doc, o, "count", 2);
	list = json_add_arr(doc, o, "thing");
	for (i = 1; i <= 3; i++) {
		yyjson_mut_val *e;

		if (i == 3 && strcmp(r->name, "box") == 0)
			break;
		e = yyjson_mut_arr_add_obj(doc, list);
		yyjson_mut_obj_add_uint(doc, e, "id", i);
		if (strcmp(r->name, "box") == 0)
			yyjson_mut_obj_add_str(doc, e, "kind", "toy");
		else
			yyjson_mut_obj_add_bool(doc, e, "crate:packed", i != 2);
	}
	return 0;
}

/* Room sys: steps as text, and as the way back one step that tells how many they were. */
static int sys_apply(struct fixture_room *r, uint64_t call, const struct lyd_node *input,
		     struct err *err)
{
	bool dry_run = config_flag(input, "dry-run");
	size_t n = strlen(r->steps);
	yyjson_mut_doc *doc;
	yyjson_mut_val *out;
	yyjson_mut_val *address;
	char *text = NULL;

	if (dry_run) {
		r->checks++;
		return at(r, AT_CHECK) ? refused(err)
				       : (counter_reply(counter, call, NULL, NULL), 0);
	}
	r->applies++;
	if (at(r, AT_APPLY))
		return refused(err);
	lyd_print_mem(&text, input, LYD_JSON, LYD_PRINT_SHRINK);
	snprintf(r->steps + n, sizeof(r->steps) - n, "%s\n", text);
	free(text);
	at(r, AT_APPLIED);
	doc = yyjson_mut_doc_new(NULL);
	out = yyjson_mut_obj(doc);
	address = json_add_obj(doc, yyjson_mut_arr_add_obj(doc, json_add_arr(doc, out, "inverse")),
			       "address");
	yyjson_mut_obj_add_str(doc, address, "link", "inverse0");
	yyjson_mut_obj_add_str(doc, address, "ip", "192.0.2.1/24");
	counter_reply(counter, call, doc, out);
	yyjson_mut_doc_free(doc);
	return 0;
}

static int on_call(void *ctx, uint64_t call, const char *rpc, const struct lyd_node *input,
		   struct err *err)
{
	yyjson_mut_doc *doc;
	yyjson_mut_val *out;

	if (strcmp(rpc, "apply") == 0)
		return sys_apply(ctx, call, input, err);
	if (strcmp(rpc, "shake") != 0)
		return err_set(err, -ENOSYS, "not here");
	if (strcmp(config_text(input, "how"), "badly") == 0)
		return refused(err);
	if (strcmp(config_text(input, "how"), "never") == 0)
		return 0;
	counter_event(counter, "moved", NULL, NULL);
	doc = yyjson_mut_doc_new(NULL);
	out = yyjson_mut_obj(doc);
	yyjson_mut_obj_add_str(doc, out, "sound", "rattle");
	counter_reply(counter, call, doc, out);
	yyjson_mut_doc_free(doc);
	return 0;
}

[[noreturn]] static void serve(struct fixture_room *r, const char *dir)
{
	bool sys = strcmp(r->name, "sys") == 0;
	struct counter_room room = {
		.name = r->name,
		.version = "1",
		.state = on_state,
		.apply = sys ? NULL : on_apply,
		.call = on_call,
		.ctx = r,
	};
	char path[128];
	uv_loop_t loop;

	prctl(PR_SET_PDEATHSIG, (unsigned long)SIGKILL, 0L, 0L, 0L);
	if (sys) {
		room.schema = config_schema_new("depanneur-sys", depanneur_sys_yang, NULL);
		room.modules = sys_modules;
		room.max_line = COUNTER_LINE_LIMIT;
	} else if (strcmp(r->name, "crate") == 0) {
		room.schema = counter_schema_new("crate", crate_modules, NULL);
		room.modules = crate_modules;
	} else if (r->second_module) {
		room.schema = counter_schema_new("box", shelf_modules, NULL);
		room.modules = shelf_modules;
	} else {
		room.schema = config_schema_new("box", box_yang, NULL);
	}
	r->config[0] = '\0';
	r->starts++;
	snprintf(path, sizeof(path), "%s/%s.sock", dir, r->name);
	if (!room.schema || uv_loop_init(&loop) != 0)
		_exit(1);
	counter = counter_new(&loop, &room, path, (gid_t)-1,
			      config_parse(room.schema, "{}", 2, NULL, NULL), NULL);
	if (counter)
		uv_run(&loop, UV_RUN_DEFAULT);
	_exit(1);
}

void fixture_start(struct fixture_room *r, const char *dir)
{
	pid_t pid = fork();

	if (pid == 0)
		serve(r, dir);
	r->pid = pid;
}

void fixture_kill(struct fixture_room *r)
{
	if (r->pid <= 0)
		return;
	kill(r->pid, SIGKILL);
	waitpid(r->pid, NULL, 0);
	r->pid = 0;
}

bool fixture_ended(struct fixture_room *r)
{
	if (r->pid <= 0 || waitpid(r->pid, NULL, WNOHANG) != r->pid)
		return false;
	r->pid = 0;
	return true;
}
