/* SPDX-License-Identifier: BSD-2-Clause */
/* The daemons that a laboratory can run. Each as its package ships it: default timers, no tuning. */
#include "lab/daemon.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <yyjson.h>

#define ASSIGNED "fd00:0:0:1::/64"

extern char **environ;

/* Runs a program to its end with its output in a file. Returns 0, a negative errno, or its exit status. */
static int run_into(const char *file, char *const argv[])
{
	posix_spawn_file_actions_t fa;
	pid_t pid;
	int status;
	int rc;

	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_addopen(&fa, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&fa, 1, file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	posix_spawn_file_actions_adddup2(&fa, 1, 2);
	rc = posix_spawnp(&pid, argv[0], &fa, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&fa);
	if (rc != 0)
		return -rc;
	if (waitpid(pid, &status, 0) != pid)
		return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -EINTR;
}

/* The first line that `argv` prints with `word` in it. */
static int version_line(char *const argv[], const char *word, char *buf, size_t n)
{
	char path[] = "/tmp/dep-lab-version-XXXXXX";
	int fd = mkstemp(path);
	FILE *f;
	int rc;

	if (fd < 0)
		return -errno;
	close(fd);
	rc = run_into(path, argv);
	f = rc >= 0 && rc != 127 ? fopen(path, "r") : NULL;
	rc = -ENOENT;
	while (f && rc != 0 && fgets(buf, (int)n, f)) {
		buf[strcspn(buf, "\n")] = 0;
		if (strstr(buf, word))
			rc = 0;
	}
	if (f)
		fclose(f);
	unlink(path);
	return rc;
}

static int write_file(const char *path, const char *text, struct err *err)
{
	FILE *f = fopen(path, "we");

	if (!f || fputs(text, f) < 0) {
		int rc = -errno;

		if (f)
			fclose(f);
		return err_set(err, rc, "cannot write %s: %s", path, strerror(-rc));
	}
	return fclose(f) == 0 ? 0 : err_set(err, -errno, "cannot write %s: %s", path, strerror(errno));
}

static void arg_interfaces(struct lab *lab, const struct lab_node *node, struct lab_argv *out)
{
	for (unsigned l = 0; l < lab_n_links(lab); l++)
		for (unsigned k = 0; k < 2; k++)
			if (lab_link(lab, l)->end[k].node == node->i)
				lab_arg(out, "%s", lab_link(lab, l)->end[k].name);
}

/* -- static: the lab's own routes, no process */

static const struct lab_daemon daemon_static = {
	.name = "static",
	.title = "static routes",
	.assigned = true,
	.metered = true,
};

/* -- dep-kira */

/* Beside this program in the build directory, or installed. */
static const char *kira_program(void)
{
	static char path[LAB_PATH + 32];
	const char *env = getenv("DEP_KIRA");
	ssize_t n;
	char *slash;

	if (env)
		return env;
	n = readlink("/proc/self/exe", path, LAB_PATH);
	for (unsigned up = 0; up < 2 && n > 0; up++) {
		path[n] = 0;
		slash = strrchr(path, '/');
		n = slash ? slash - path : 0;
	}
	if (n > 0) {
		snprintf(path + n, sizeof(path) - (size_t)n, "/proto/kira/node/dep-kira");
		if (access(path, X_OK) == 0)
			return path;
	}
	return "dep-kira";
}

static int kira_version(char *buf, size_t n)
{
	char *argv[] = {(char *)kira_program(), "--version", NULL};

	return version_line(argv, "", buf, n);
}

static int kira_prepare(struct lab *lab, struct lab_node *node, struct err *err)
{
	static const char *const dirs[] = {"state", "run"};

	for (unsigned k = 0; k < 2; k++) {
		char path[LAB_PATH + 8];

		snprintf(path, sizeof(path), "%s/%s", node->dir, dirs[k]);
		if (mkdir(path, 0755) != 0 && errno != EEXIST)
			return err_set(err, -errno, "cannot make %s: %s", path, strerror(errno));
	}
	return 0;
}

static void kira_command(struct lab *lab, const struct lab_node *node, struct lab_argv *out)
{
	lab_arg(out, "%s", kira_program());
	lab_arg(out, "--state-dir");
	lab_arg(out, "%s/state", node->dir);
	lab_arg(out, "--run-dir");
	lab_arg(out, "%s/run", node->dir);
}

static const struct lab_daemon daemon_kira = {
	.name = "kira",
	.title = "dep-kira",
	.version = kira_version,
	.prepare = kira_prepare,
	.command = kira_command,
	.prefix = {.s6_addr = {0xfc, 0x00}},
	.prefix_bits = 16,
	.metered = true,
};

/* -- babeld */

static int babeld_version(char *buf, size_t n)
{
	char *argv[] = {"babeld", "-V", NULL};

	return version_line(argv, "babeld", buf, n);
}

/* It refuses to start where a pid file lies about, as after a kill. */
static int babeld_prepare(struct lab *lab, struct lab_node *node, struct err *err)
{
	char path[LAB_PATH + 8];

	snprintf(path, sizeof(path), "%s/pid", node->dir);
	unlink(path);
	return 0;
}

static void babeld_command(struct lab *lab, const struct lab_node *node, struct lab_argv *out)
{
	lab_arg(out, "babeld");
	lab_arg(out, "-I");
	lab_arg(out, "%s/pid", node->dir);
	lab_arg(out, "-S");
	lab_arg(out, "%s/state", node->dir);
	lab_arg(out, "-C");
	lab_arg(out, "redistribute local ip " ASSIGNED " le 128 allow");
	lab_arg(out, "-C");
	lab_arg(out, "redistribute local deny");
	arg_interfaces(lab, node, out);
}

static const struct lab_daemon daemon_babeld = {
	.name = "babeld",
	.title = "babeld",
	.version = babeld_version,
	.prepare = babeld_prepare,
	.command = babeld_command,
	.assigned = true,
	.metered = true,
};

/* -- BIRD, OSPFv3. Host routes come in by `direct`, as OSPFv3 ignores lo, which has no link-local address. */

static int bird_version(char *buf, size_t n)
{
	char *argv[] = {"bird", "--version", NULL};

	return version_line(argv, "BIRD", buf, n);
}

static int bird_prepare(struct lab *lab, struct lab_node *node, struct err *err)
{
	char path[LAB_PATH + 16];
	char text[1024];

	snprintf(path, sizeof(path), "%s/bird.conf", node->dir);
	snprintf(text, sizeof(text),
		 "router id 10.0.%u.%u;\n"
		 "protocol device {}\n"
		 "protocol direct { ipv6; interface \"lo\"; }\n"
		 "protocol kernel { ipv6 { export all; }; }\n"
		 "protocol ospf v3 {\n"
		 "	ipv6 { import all; export where net ~ " ASSIGNED "; };\n"
		 "	area 0 { interface \"to-*\" { type ptp; }; };\n"
		 "}\n",
		 (node->i + 1) >> 8, (node->i + 1) & 255);
	return write_file(path, text, err);
}

static void bird_command(struct lab *lab, const struct lab_node *node, struct lab_argv *out)
{
	lab_arg(out, "bird");
	lab_arg(out, "-f");
	lab_arg(out, "-c");
	lab_arg(out, "%s/bird.conf", node->dir);
	lab_arg(out, "-s");
	lab_arg(out, "%s/bird.ctl", node->dir);
	lab_arg(out, "-P");
	lab_arg(out, "%s/pid", node->dir);
}

static const struct lab_daemon daemon_bird = {
	.name = "bird",
	.title = "BIRD (OSPFv3)",
	.version = bird_version,
	.prepare = bird_prepare,
	.command = bird_command,
	.assigned = true,
	.metered = true,
};

/* -- Yggdrasil: its own addresses (200::/7) on a TUN device; neighbours by multicast */

static int yggdrasil_version(char *buf, size_t n)
{
	char *argv[] = {"yggdrasil", "-version", NULL};

	return version_line(argv, "version", buf, n);
}

/* A configuration of its own making, with a key; only what would collide between nodes of one machine is changed. */
static int yggdrasil_prepare(struct lab *lab, struct lab_node *node, struct err *err)
{
	char *argv[] = {"yggdrasil", "-genconf", "-json", NULL};
	char path[LAB_PATH + 16];
	yyjson_doc *doc;
	yyjson_mut_doc *conf;
	yyjson_mut_val *root;
	int rc;

	snprintf(path, sizeof(path), "%s/ygg.conf", node->dir);
	if (access(path, R_OK) == 0)
		return 0;
	rc = run_into(path, argv);
	if (rc != 0)
		return err_set(err, rc < 0 ? rc : -EIO, "yggdrasil -genconf failed");
	doc = yyjson_read_file(path, 0, NULL, NULL);
	conf = doc ? yyjson_doc_mut_copy(doc, NULL) : NULL;
	root = conf ? yyjson_mut_doc_get_root(conf) : NULL;
	yyjson_doc_free(doc);
	if (!root || !yyjson_mut_obj_put(root, yyjson_mut_str(conf, "AdminListen"), yyjson_mut_str(conf, "none")) ||
	    !yyjson_mut_obj_put(root, yyjson_mut_str(conf, "IfName"), yyjson_mut_str(conf, "ygg0")) ||
	    !yyjson_mut_write_file(path, conf, 0, NULL, NULL))
		rc = err_set(err, -EIO, "cannot write %s", path);
	yyjson_mut_doc_free(conf);
	return rc;
}

static void yggdrasil_command(struct lab *lab, const struct lab_node *node, struct lab_argv *out)
{
	lab_arg(out, "yggdrasil");
	lab_arg(out, "-useconffile");
	lab_arg(out, "%s/ygg.conf", node->dir);
}

static const struct lab_daemon daemon_yggdrasil = {
	.name = "yggdrasil",
	.title = "Yggdrasil",
	.version = yggdrasil_version,
	.prepare = yggdrasil_prepare,
	.command = yggdrasil_command,
	.prefix = {.s6_addr = {0x02, 0x00}},
	.prefix_bits = 8, /* 200::/8 are nodes, 300::/8 their subnets */
};

const struct lab_daemon *const lab_daemons[] = {
	&daemon_kira, &daemon_babeld, &daemon_bird, &daemon_yggdrasil, &daemon_static, NULL,
};

const struct lab_daemon *lab_daemon_find(const char *name)
{
	for (unsigned k = 0; lab_daemons[k]; k++)
		if (strcmp(lab_daemons[k]->name, name) == 0)
			return lab_daemons[k];
	return NULL;
}
