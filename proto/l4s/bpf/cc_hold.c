/* SPDX-License-Identifier: BSD-2-Clause */
/* Holds the controls loaded, for tests: l4s-cc-hold SUFFIX [WORD VALUE]... or l4s-cc-hold --probe
 *
 *	cubic TEXT, prague TEXT		parameters (cc_cfg_parse)
 *	mark IFNAME[@NETNS]		NETNS: a file of a network namespace
 *	cgroup PATH=NAME
 *	clsact on			no TCX
 *	record EVENTS			makes recorded calls again
 *	file PATH			and keeps them there
 *
 * Prints "ready" once it holds them; then answers each line: "stats", "flows", "cubic TEXT",
 * "prague TEXT", "off IFNAME", "replay". Ends at the end of its input. */
#include "base/json.h"
#include "proto/l4s/bpf/cc_load.h"
#include "proto/l4s/bpf/replay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct cc_kernel *kernel;
static struct cc_cfg cfg[2];
static struct replay *replay;
static FILE *record;

static int stop(const struct err *err)
{
	err_print(err, "l4s-cc-hold", stderr);
	return 1;
}

static void print_doc(yyjson_mut_doc *doc)
{
	char *text = yyjson_mut_write(doc, 0, NULL);

	puts(text ? text : "{}");
	fflush(stdout);
	free(text);
	yyjson_mut_doc_free(doc);
}

static void add_stats(yyjson_mut_doc *doc, yyjson_mut_val *root, const char *name)
{
	static const char *const cause[] = {"ecn", "loss", "rto", "local"};
	yyjson_mut_val *o = json_add_obj(doc, root, name);
	struct cc_kernel_stats s;
	unsigned i;

	if (cc_kernel_stats(kernel, name, &s, NULL))
		return;
	yyjson_mut_obj_add_uint(doc, o, "sockets", s.sockets);
	yyjson_mut_obj_add_uint(doc, o, "open", s.open);
	yyjson_mut_obj_add_uint(doc, o, "accecn", s.accecn);
	yyjson_mut_obj_add_uint(doc, o, "classic-ecn", s.classic_ecn);
	yyjson_mut_obj_add_uint(doc, o, "no-ecn", s.no_ecn);
	yyjson_mut_obj_add_uint(doc, o, "acks", s.acks);
	yyjson_mut_obj_add_uint(doc, o, "marks", s.marks);
	for (i = 0; i < 4; i++)
		yyjson_mut_obj_add_uint(doc, o, cause[i], s.reductions[i]);
	yyjson_mut_obj_add_uint(doc, o, "rewritten", s.rewritten);
	yyjson_mut_obj_add_uint(doc, o, "unmarked", s.unmarked);
}

static void stats(void)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc);

	yyjson_mut_doc_set_root(doc, root);
	add_stats(doc, root, CC_KERNEL_CUBIC);
	add_stats(doc, root, CC_KERNEL_PRAGUE);
	print_doc(doc);
}

static void add_flow(yyjson_mut_doc *doc, yyjson_mut_val *list, const struct cc_kernel_flow *f)
{
	yyjson_mut_val *o = yyjson_mut_arr_add_obj(doc, list);
	char addr[INET6_ADDRSTRLEN] = "";

	inet_ntop(f->family, f->remote, addr, sizeof(addr));
	json_add_text(doc, o, "remote", "%s", addr);
	yyjson_mut_obj_add_uint(doc, o, "remote-port", f->remote_port);
	yyjson_mut_obj_add_uint(doc, o, "local-port", f->local_port);
	yyjson_mut_obj_add_str(doc, o, "control", cc_algo_name((enum cc_algo)f->algo));
	yyjson_mut_obj_add_uint(doc, o, "bytes-acked", f->bytes_acked);
	yyjson_mut_obj_add_uint(doc, o, "cwnd", f->cwnd);
	yyjson_mut_obj_add_uint(doc, o, "delivered", f->delivered);
	yyjson_mut_obj_add_uint(doc, o, "delivered-ce", f->delivered_ce);
	yyjson_mut_obj_add_uint(doc, o, "srtt-us", f->srtt_us);
	yyjson_mut_obj_add_uint(doc, o, "alpha", f->view.alpha);
	yyjson_mut_obj_add_uint(doc, o, "beta", f->view.beta);
}

static void flows(void)
{
	struct cc_kernel_flow f[64];
	int n = cc_kernel_flows(kernel, f, 64);
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *list = yyjson_mut_arr(doc);
	int i;

	yyjson_mut_doc_set_root(doc, list);
	for (i = 0; i < n && i < 64; i++)
		add_flow(doc, list, &f[i]);
	print_doc(doc);
}

static void show_replay(void)
{
	const struct replay_result *r = replay_result(replay);
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc);
	yyjson_mut_val *ops = json_add_arr(doc, root, "ops");
	unsigned i;

	yyjson_mut_doc_set_root(doc, root);
	yyjson_mut_obj_add_uint(doc, root, "events", r->events);
	yyjson_mut_obj_add_uint(doc, root, "acks", r->acks);
	yyjson_mut_obj_add_uint(doc, root, "sockets", r->sockets);
	yyjson_mut_obj_add_uint(doc, root, "different", r->different);
	yyjson_mut_obj_add_uint(doc, root, "skipped", r->skipped);
	yyjson_mut_obj_add_uint(doc, root, "lost", cc_kernel_record_lost(kernel));
	json_add_text(doc, root, "first", "%s", r->first);
	for (i = 0; i < CC_BPF_OPS; i++)
		yyjson_mut_arr_add_uint(doc, ops, r->ops[i]);
	print_doc(doc);
}

static int start_record(const char *events, struct err *err)
{
	replay = replay_new();
	if (!replay)
		return err_set(err, -ENOMEM, "no memory for a replay");
	return cc_kernel_record(kernel, (uint32_t)strtoul(events, NULL, 10), err);
}

static int start_file(const char *path, struct err *err)
{
	record = fopen(path, "we");
	if (!record || replay_file_begin(record))
		return err_set(err, -errno, "cannot write %s: %s", path, strerror(errno));
	return 0;
}

static int mark(char *where, struct err *err)
{
	char *at = strchr(where, '@');
	int netns = -1;
	int rc;

	if (at) {
		*at = '\0';
		netns = open(at + 1, O_RDONLY | O_CLOEXEC);
		if (netns < 0)
			return err_set(err, -errno, "cannot open %s: %s", at + 1, strerror(errno));
	}
	rc = cc_kernel_mark_on(kernel, where, netns, err);
	if (netns >= 0)
		close(netns);
	return rc;
}

static int set(const char *word, char *value, struct err *err)
{
	char *name;

	if (!strcmp(word, "mark"))
		return mark(value, err);
	if (!strcmp(word, "record"))
		return start_record(value, err);
	if (!strcmp(word, "file"))
		return start_file(value, err);
	if (!strcmp(word, "cgroup")) {
		name = strrchr(value, '=');
		if (!name)
			return err_set(err, -EINVAL, "cgroup PATH=NAME");
		*name++ = '\0';
		return cc_kernel_cgroup(kernel, value, name, err);
	}
	return 0;
}

static int answer(char *line, struct err *err)
{
	int rc = 0;

	line[strcspn(line, "\n")] = '\0';
	if (!strcmp(line, "stats")) {
		stats();
		return 0;
	}
	if (!strcmp(line, "flows")) {
		flows();
		return 0;
	}
	if (replay && !strcmp(line, "replay")) {
		show_replay();
		return 0;
	}
	if (!strncmp(line, "cubic", 5))
		rc = cc_cfg_parse(&cfg[0], line, err);
	else if (!strncmp(line, "prague", 6))
		rc = cc_cfg_parse(&cfg[1], line, err);
	else if (!strncmp(line, "off ", 4))
		rc = cc_kernel_mark_off(kernel, line + 4, -1, err);
	else
		rc = err_set(err, -EINVAL, "unknown: %s", line);
	if (rc == 0 && strncmp(line, "off ", 4))
		rc = cc_kernel_change(kernel, &cfg[0], &cfg[1], err);
	if (rc == 0) {
		puts("ok");
		fflush(stdout);
	}
	return rc;
}

/* What must be known before loading. */
static int options(int argc, char **argv, struct cc_kernel_opts *o, struct err *err)
{
	int rc = 0;
	int i;

	cc_cfg_defaults(&cfg[0], CC_CUBIC);
	cfg[0].abe.mode = ABE_FIXED;
	cc_cfg_defaults(&cfg[1], CC_PRAGUE);
	for (i = 2; rc == 0 && i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "cubic"))
			rc = cc_cfg_parse(&cfg[0], argv[i + 1], err);
		else if (!strcmp(argv[i], "prague"))
			rc = cc_cfg_parse(&cfg[1], argv[i + 1], err);
		else if (!strcmp(argv[i], "clsact"))
			o->clsact = true;
	}
	return rc;
}

/* Commands, and calls as they come. */
static int serve(struct err *err)
{
	struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
	char line[256];
	int rc = 0;

	while (rc >= 0) {
		if (replay)
			rc = replay_live(replay, kernel, 5, record, err);
		if (rc < 0 || poll(&p, 1, replay ? 0 : -1) <= 0)
			continue;
		if (!fgets(line, sizeof(line), stdin))
			return 0;
		rc = answer(line, err);
	}
	return rc;
}

int main(int argc, char **argv)
{
	struct cc_kernel_opts o = {.suffix = argc > 1 ? argv[1] : "", .ring = 8u << 20};
	struct err err = {0};
	int rc;
	int i;

	if (argc == 2 && !strcmp(argv[1], "--probe"))
		return cc_kernel_probe(&err) ? stop(&err) : 0;
	if (getenv("DEP_BPF_LOG"))
		o.log = stderr;
	if (options(argc, argv, &o, &err) ||
	    cc_kernel_load_opts(&kernel, &o, &cfg[0], &cfg[1], &err))
		return stop(&err);
	for (i = 2; i + 1 < argc; i += 2)
		if (set(argv[i], argv[i + 1], &err))
			return stop(&err);
	printf("ready %s %s %s\n", cc_kernel_name(kernel, CC_CUBIC),
	       cc_kernel_name(kernel, CC_PRAGUE), cc_kernel_tcx(kernel) ? "tcx" : "clsact");
	fflush(stdout);
	rc = serve(&err);
	cc_kernel_free(kernel);
	replay_free(replay);
	if (record)
		fclose(record);
	return rc < 0 ? stop(&err) : 0;
}
