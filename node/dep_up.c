/* SPDX-License-Identifier: BSD-2-Clause */
/* dep up, down, restart, status: the rooms of this node, through its supervisor depd. */
#include "node/dep_up.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define START_WAIT SEC(10) /* for depd */
#define ROOMS_WAIT SEC(45) /* for rooms to be up, or given up */
#define DOWN_WAIT SEC(90)
#define POLL_US 50000

static const char help[] =
	"dep up [ROOM...]       start the node, or some of its rooms and those they come after\n"
	"dep down [ROOM...]     stop the node, or some of its rooms\n"
	"dep restart [ROOM...]  end rooms and start them again\n"
	"dep status             rooms: state, process, restarts, and why the last one ended\n"
	"\n"
	"  --json               for programs: JSON\n"
	"  --run-dir DIR        sockets (default: $DEP_RUN_DIR, else /run/depanneur)\n"
	"up, where depd is not running yet, hands these to it (depd --help):\n"
	"  --state-dir, --etc-dir, --rooms, --bin-path, --log-file (default: STATE-DIR/depd.log)\n";

struct up {
	struct dep d;
	const char *verb;
	char path[256];	      /* of depd's socket */
	const char *pass[24]; /* options for depd */
	int n_pass;
	const char *run_dir;
	const char *state_dir;
	const char *log_file;
	char **room;
	int n_rooms;
};

bool dep_up_verb(const char *name)
{
	return strcmp(name, "up") == 0 || strcmp(name, "down") == 0 ||
	       strcmp(name, "restart") == 0 || strcmp(name, "status") == 0;
}

static int misused(const struct up *u, const char *what, const char *arg)
{
	fprintf(stderr, "dep %s: %s %s (dep %s --help)\n", u->verb, what, arg, u->verb);
	return DEP_USAGE;
}

/* An option with a value; i is moved on. */
static int take_option(struct up *u, char **argv, int *i)
{
	static const char *const known[] = {"--run-dir", "--state-dir", "--etc-dir",
					    "--rooms",	 "--bin-path",	"--log-file"};
	const char *name = argv[*i];
	const char *value = argv[*i + 1];
	size_t k;

	for (k = 0; k < 6 && strcmp(name, known[k]) != 0; k++)
		;
	if (k == 6)
		return misused(u, "no option", name);
	if (!value)
		return misused(u, "a value is missing after", name);
	if (u->n_pass + 2 > (int)(sizeof(u->pass) / sizeof(u->pass[0])))
		return misused(u, "too many options:", name);
	u->pass[u->n_pass++] = name;
	u->pass[u->n_pass++] = value;
	if (k == 0)
		u->run_dir = value;
	else if (k == 1)
		u->state_dir = value;
	else if (k == 5)
		u->log_file = value;
	++*i;
	return -1;
}

/* Returns an exit status, or -1 to go on. */
static int parse(struct up *u, char **argv)
{
	int rc = -1;
	int i;

	for (i = 1; argv[i] && rc < 0; i++) {
		if (strcmp(argv[i], "--json") == 0) {
			u->d.json = true;
		} else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			fputs(help, stdout);
			return DEP_OK;
		} else if (argv[i][0] == '-') {
			rc = take_option(u, argv, &i);
		} else {
			u->room[u->n_rooms++] = argv[i];
		}
	}
	if (rc < 0 && u->n_rooms > 0 && strcmp(u->verb, "status") == 0)
		return misused(u, "it takes no room:", u->room[0]);
	return rc;
}

/* ---- depd ---- */

static bool is_there(struct up *u)
{
	struct counter_client *cl = counter_connect(u->path, NULL);

	counter_close(cl);
	return cl != NULL;
}

static void not_there(struct up *u)
{
	err_set(&u->d.err, -ENOENT, "depd is not running");
	err_where(&u->d.err, "%s", u->path);
	err_mend(&u->d.err, "start the node with: dep up");
}

/* Where depd is: beside dep, or where Debian puts it. */
static const char *find_depd(char *to, size_t n)
{
	ssize_t len = readlink("/proc/self/exe", to, n - 16);

	while (len > 0 && to[len - 1] != '/')
		len--;
	if (len > 0) {
		memcpy(to + len, "depd", 5);
		if (access(to, X_OK) == 0)
			return to;
		memcpy(to + len, "../sbin/depd", 13);
		if (access(to, X_OK) == 0)
			return to;
	}
	return "/usr/sbin/depd";
}

[[noreturn]] static void become_depd(struct up *u)
{
	char path[PATH_MAX];
	const char *argv[64];
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int n = 0;
	int i;

	argv[n++] = "depd";
	for (i = 0; i < u->n_pass; i++)
		argv[n++] = u->pass[i];
	argv[n++] = "--log-file";
	argv[n++] = u->log_file;
	for (i = 0; i < u->n_rooms && n < 60; i++) {
		argv[n++] = "--room";
		argv[n++] = u->room[i];
	}
	argv[n] = NULL;
	setsid();
	/* It keeps our standard error until its log is open, to say what is wrong. */
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	execv(find_depd(path, sizeof(path)), (char **)argv);
	fprintf(stderr, "dep up: cannot execute %s: %s\n", find_depd(path, sizeof(path)),
		strerror(errno));
	_exit(127);
}

static int start_depd(struct up *u)
{
	usec_t end = clock_now() + START_WAIT;
	char log_file[PATH_MAX];
	int status;
	pid_t pid;

	if (!u->log_file) {
		snprintf(log_file, sizeof(log_file), "%s/depd.log",
			 u->state_dir ? u->state_dir : "/var/lib/depanneur");
		u->log_file = log_file;
	}
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		become_depd(u);
	while (pid > 0 && clock_now() < end) {
		if (is_there(u))
			return 0;
		if (waitpid(pid, &status, WNOHANG) == pid)
			return err_set(&u->d.err, -ECHILD, "depd ended at once");
		usleep(POLL_US);
	}
	err_set(&u->d.err, -ETIMEDOUT, "depd does not answer");
	err_mend(&u->d.err, "see its log: %s", u->log_file);
	return -ETIMEDOUT;
}

static int call(struct up *u, const char *rpc)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *params = yyjson_mut_obj(doc);
	yyjson_mut_val *rooms;
	yyjson_val *result;
	yyjson_doc *answer;
	int i;

	yyjson_mut_obj_add_str(doc, params, "rpc", rpc);
	rooms = json_add_arr(doc, json_add_obj(doc, params, "input"), "room");
	for (i = 0; i < u->n_rooms; i++)
		yyjson_mut_arr_add_str(doc, rooms, u->room[i]);
	if (strcmp(rpc, "end") == 0)
		yyjson_mut_obj_remove_key(params, "input");
	answer = dep_ask(&u->d, "call", doc, params, &result);
	yyjson_mut_doc_free(doc);
	yyjson_doc_free(answer);
	return answer ? 0 : u->d.err.code;
}

/* ---- Showing ---- */

static void age(yyjson_val *room, char *to, size_t n)
{
	const char *since = yyjson_get_str(yyjson_obj_get(room, "since"));
	char buf[32];
	struct tm tm = {0};
	time_t now = time(NULL);
	time_t then;

	snprintf(to, n, "-");
	if (!since || !strptime(since, "%Y-%m-%dT%H:%M:%SZ", &tm))
		return;
	then = timegm(&tm);
	snprintf(to, n, "%s", dep_span(now > then ? (uint64_t)(now - then) * 1000 : 0, buf));
}

static void print_rooms(yyjson_val *list)
{
	static const char *const head[] = {"ROOM",   "STATE",	  ">PID",    "USER",
					   ">SINCE", ">RESTARTS", "LAST END"};
	struct table t;
	yyjson_val *room;
	char buf[32];
	size_t max;
	size_t i;

	table_init(&t, head, 7);
	yyjson_arr_foreach(list, i, max, room)
	{
		table_cell(&t, dep_text(room, "name", buf));
		table_cell(&t, dep_text(room, "state", buf));
		table_cell(&t, dep_text(room, "pid", buf));
		table_cell(&t, dep_text(room, "user", buf));
		age(room, buf, sizeof(buf));
		table_cell(&t, buf);
		table_cell(&t, dep_text(room, "restarts", buf));
		table_cell(&t, dep_text(room, "last-end", buf));
	}
	table_print(&t);
	table_free(&t);
}

static int show(struct up *u)
{
	yyjson_val *depd;
	yyjson_doc *doc = dep_state(&u->d, "/depanneur-depd:depd", &depd);

	if (!doc)
		return DEP_FAILED;
	if (u->d.json)
		dep_print_json(depd);
	else
		print_rooms(yyjson_obj_get(depd, "room"));
	yyjson_doc_free(doc);
	return DEP_OK;
}

/* ---- Waiting ---- */

static bool is_meant(const struct up *u, yyjson_val *room)
{
	int i;

	for (i = 0; i < u->n_rooms; i++) {
		if (yyjson_equals_str(yyjson_obj_get(room, "name"), u->room[i]))
			return true;
	}
	return u->n_rooms == 0;
}

/* How many of the rooms meant are in a state that `list` names, which it writes with spaces around.
 * -1: no answer. */
static int count(struct up *u, const char *list)
{
	yyjson_val *depd;
	yyjson_doc *doc = dep_state(&u->d, "/depanneur-depd:depd", &depd);
	yyjson_val *room;
	char word[32];
	size_t max;
	size_t i;
	int n = 0;

	if (!doc)
		return -1;
	yyjson_arr_foreach(yyjson_obj_get(depd, "room"), i, max, room)
	{
		snprintf(word, sizeof(word), " %.20s ",
			 yyjson_get_str(yyjson_obj_get(room, "state")));
		n += is_meant(u, room) && strstr(list, word);
	}
	yyjson_doc_free(doc);
	return n;
}

/* Until no room meant is under way. */
static int wait_rooms(struct up *u, usec_t patience)
{
	usec_t end = clock_now() + patience;
	int n;

	while ((n = count(u, " waiting starting backoff stopping ")) > 0 && clock_now() < end)
		usleep(POLL_US);
	return n < 0 ? DEP_FAILED : DEP_OK;
}

static int wait_end(struct up *u)
{
	usec_t end = clock_now() + DOWN_WAIT;

	counter_close(u->d.client);
	u->d.client = NULL;
	while (is_there(u)) {
		if (clock_now() >= end)
			return err_set(&u->d.err, -ETIMEDOUT, "depd is still there");
		usleep(POLL_US);
	}
	return 0;
}

/* ---- Verbs ---- */

static int up(struct up *u)
{
	int rc = is_there(u) ? call(u, "start") : start_depd(u);

	if (rc != 0 || wait_rooms(u, ROOMS_WAIT) != DEP_OK || show(u) != DEP_OK)
		return DEP_FAILED;
	return count(u, " down failed waiting starting backoff ") == 0 ? DEP_OK : DEP_FAILED;
}

static int down(struct up *u)
{
	if (!is_there(u)) {
		if (u->n_rooms == 0)
			return DEP_OK;
		not_there(u);
		return DEP_FAILED;
	}
	if (u->n_rooms == 0)
		return call(u, "end") == 0 && wait_end(u) == 0 ? DEP_OK : DEP_FAILED;
	if (call(u, "stop") != 0 || wait_rooms(u, DOWN_WAIT) != DEP_OK)
		return DEP_FAILED;
	return show(u);
}

static int restart(struct up *u)
{
	if (call(u, "restart") != 0 || wait_rooms(u, ROOMS_WAIT) != DEP_OK || show(u) != DEP_OK)
		return DEP_FAILED;
	return count(u, " down failed waiting starting backoff ") == 0 ? DEP_OK : DEP_FAILED;
}

static int run(struct up *u)
{
	if (strcmp(u->verb, "up") == 0)
		return up(u);
	if (strcmp(u->verb, "down") == 0)
		return down(u);
	if (!is_there(u)) {
		not_there(u);
		if (u->d.json)
			puts("null");
		return DEP_FAILED;
	}
	return strcmp(u->verb, "restart") == 0 ? restart(u) : show(u);
}

int dep_up_main(int argc, char **argv)
{
	struct up u = {.verb = argv[0], .room = calloc((size_t)argc + 1, sizeof(char *))};
	char who[32];
	int rc;

	if (!u.room)
		return DEP_FAILED;
	rc = parse(&u, argv);
	if (rc < 0) {
		if (u.run_dir)
			snprintf(u.path, sizeof(u.path), "%s/depd.sock", u.run_dir);
		else
			counter_path("depd", u.path, sizeof(u.path));
		u.d.socket = u.path;
		u.d.room = "depd";
		rc = run(&u);
	}
	snprintf(who, sizeof(who), "dep %s", u.verb);
	if (rc == DEP_FAILED && u.d.err.code)
		err_print(&u.d.err, who, stderr);
	counter_close(u.d.client);
	free(u.room);
	return rc;
}
