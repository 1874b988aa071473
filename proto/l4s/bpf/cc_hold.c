/* SPDX-License-Identifier: BSD-2-Clause */
/* Holds the controls loaded, for tests: l4s-cc-hold SUFFIX [WORD VALUE]...
 *
 *	cubic TEXT, prague TEXT		parameters (cc_cfg_parse)
 *	mark IFNAME[@NETNS]		NETNS: a file of a network namespace
 *	cgroup PATH=NAME
 *	clsact on			no TCX
 *
 * Prints "ready" once it holds them; then answers each line: "stats", "flows", "cubic TEXT",
 * "prague TEXT", "off IFNAME". Ends at the end of its input. */
#include "base/json.h"
#include "proto/l4s/bpf/cc_load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct cc_kernel *kernel;
static struct cc_cfg cfg[2];

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
	if (!strncmp(line, "cubic ", 6))
		rc = cc_cfg_parse(&cfg[0], line, err);
	else if (!strncmp(line, "prague ", 7))
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

int main(int argc, char **argv)
{
	struct cc_kernel_opts o = {.suffix = argc > 1 ? argv[1] : ""};
	struct err err = {0};
	char line[256];
	int i;

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
	while (fgets(line, sizeof(line), stdin))
		if (answer(line, &err))
			return stop(&err);
	cc_kernel_free(kernel);
	return 0;
}
