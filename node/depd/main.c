/* SPDX-License-Identifier: BSD-2-Clause */
/* depd: the supervisor of a node. Starts rooms as their manifests say (manifest.h), each as a user
 * of its own with the capabilities it needs, starts those again that end, stops them in order, and
 * tells `dep status` about them. It reads nothing from the network. Where it is killed, so are the
 * rooms: the kernel sees to that. */
#include "base/log.h"
#include "node/depd/depd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* packaging/rooms/, embedded by base/embed.py. */
extern const char room_sys_json[];
extern const char room_kira_json[];
extern const char room_l4s_json[];
extern const char room_netops_json[];

static const char help[] =
	"usage: depd [OPTION...]\n"
	"\n"
	"Starts the rooms of a node, starts them again where they end, and stops them in order. "
	"Runs in the foreground\n"
	"until SIGTERM; `dep up` runs it in the background.\n"
	"\n"
	"  --run-dir DIR     sockets (default: $DEP_RUN_DIR, else /run/depanneur)\n"
	"  --state-dir DIR   a directory below it for each room (default: /var/lib/depanneur)\n"
	"  --etc-dir DIR     configuration of rooms, NAME.json (default: /etc/depanneur)\n"
	"  --rooms DIR       manifests, beside those built in (default: ETC-DIR/rooms)\n"
	"  --bin-path DIRS   where executables are, separated by ':' (default: beside depd, "
	"/usr/sbin)\n"
	"  --room NAME       start only this one and those it comes after; may be given several "
	"times\n"
	"  --log-file FILE   write lines there (default: standard error); moved to FILE.1 at 8 "
	"MiB\n"
	"  --version, --help\n"
	"\n"
	"Ends with 0 after a signal, 1 where it cannot start, 2 for wrong options, 3 for a "
	"manifest that is not valid.\n";

enum {
	OPT_RUN = 256,
	OPT_STATE,
	OPT_ETC,
	OPT_ROOMS,
	OPT_BIN,
	OPT_ROOM,
	OPT_LOG,
	OPT_VERSION,
	OPT_HELP
};

static const struct option longs[] = {
	{"run-dir", required_argument, NULL, OPT_RUN},
	{"state-dir", required_argument, NULL, OPT_STATE},
	{"etc-dir", required_argument, NULL, OPT_ETC},
	{"rooms", required_argument, NULL, OPT_ROOMS},
	{"bin-path", required_argument, NULL, OPT_BIN},
	{"room", required_argument, NULL, OPT_ROOM},
	{"log-file", required_argument, NULL, OPT_LOG},
	{"version", no_argument, NULL, OPT_VERSION},
	{"help", no_argument, NULL, OPT_HELP},
	{0},
};

static int fail(const struct err *err, int status)
{
	err_print(err, "depd", stderr);
	return status;
}

static int read_option(struct depd_options *o, int c, struct err *err)
{
	switch (c) {
	case OPT_RUN:
		o->run_dir = optarg;
		return 0;
	case OPT_STATE:
		o->state_dir = optarg;
		return 0;
	case OPT_ETC:
		o->etc_dir = optarg;
		return 0;
	case OPT_ROOMS:
		o->rooms_dir = optarg;
		return 0;
	case OPT_BIN:
		o->bin_path = optarg;
		return 0;
	case OPT_LOG:
		o->log_file = optarg;
		return 0;
	case OPT_ROOM:
		if (o->n_only == SUP_MAX)
			return err_set(err, -EINVAL, "too many rooms");
		o->only[o->n_only++] = optarg;
		return 0;
	case OPT_VERSION:
		o->version = true;
		return 0;
	case OPT_HELP:
		o->help = true;
		return 0;
	default:
		return err_set(err, -EINVAL, "no such option, or one without its value: %s", "");
	}
}

static int read_options(struct depd_options *o, int argc, char **argv, struct err *err)
{
	const char *run = getenv("DEP_RUN_DIR");
	int rc = 0;
	int c;

	*o = (struct depd_options){
		.run_dir = run && *run ? run : "/run/depanneur",
		.state_dir = "/var/lib/depanneur",
		.etc_dir = "/etc/depanneur",
	};
	opterr = 0;
	while (rc == 0 && (c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		const char *given = argv[optind - 1];

		rc = read_option(o, c, err);
		if (c == '?')
			err_set(err, rc, "no such option, or one without its value: %s", given);
	}
	if (rc == 0 && optind < argc)
		rc = err_set(err, -EINVAL, "what is %s?", argv[optind]);
	if (rc != 0)
		err_mend(err, "depd --help lists all options");
	return rc;
}

/* ---- Manifests ---- */

/* One of the same name takes the place of an earlier one. */
static int add_manifest(struct depd *d, const char *text, size_t n, const char *origin,
			struct err *err)
{
	struct manifest m;
	unsigned i;
	int rc = manifest_parse(&m, text, n, origin, err);

	if (rc != 0)
		return rc;
	for (i = 0; i < d->n && strcmp(d->manifest[i].name, m.name) != 0; i++)
		;
	if (i == SUP_MAX) {
		manifest_free(&m);
		return err_set(err, -ENOSPC, "more than %d rooms", SUP_MAX);
	}
	if (i < d->n)
		manifest_free(&d->manifest[i]);
	else
		d->n++;
	d->manifest[i] = m;
	return 0;
}

static int add_file(struct depd *d, int dir, const char *name, struct err *err)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	char *text = malloc(MANIFEST_BYTES);
	ssize_t n = fd >= 0 && text ? read(fd, text, MANIFEST_BYTES) : -1;
	int rc;

	if (n < 0) {
		rc = err_set(err, -EIO, "cannot read the manifest");
		err_where(err, "%s", name);
	} else {
		rc = add_manifest(d, text, (size_t)n, name, err);
	}
	if (fd >= 0)
		close(fd);
	free(text);
	return rc;
}

static int add_files(struct depd *d, struct err *err)
{
	char path[512];
	struct dirent *e;
	DIR *dir;
	int rc = 0;

	snprintf(path, sizeof(path), "%s/rooms", d->o.etc_dir);
	dir = opendir(d->o.rooms_dir ? d->o.rooms_dir : path);
	if (!dir && !d->o.rooms_dir)
		return 0;
	if (!dir) {
		rc = err_set(err, -errno, "cannot read manifests: %s", strerror(errno));
		err_where(err, "%s", d->o.rooms_dir);
		return rc;
	}
	while (rc == 0 && (e = readdir(dir))) {
		size_t n = strlen(e->d_name);

		if (n > 5 && strcmp(e->d_name + n - 5, ".json") == 0 && e->d_name[0] != '.')
			rc = add_file(d, dirfd(dir), e->d_name, err);
	}
	closedir(dir);
	return rc;
}

static int add_all(struct depd *d, struct err *err)
{
	const char *const built_in[] = {room_sys_json, room_kira_json, room_l4s_json,
				      room_netops_json};
	unsigned i;
	int rc = 0;

	for (i = 0; i < sizeof(built_in) / sizeof(built_in[0]) && rc == 0; i++)
		rc = add_manifest(d, built_in[i], strlen(built_in[i]), "built in", err);
	if (rc == 0)
		rc = add_files(d, err);
	for (i = 0; i < d->n && rc == 0; i++)
		rc = sup_add(&d->sup, &d->manifest[i]);
	for (i = 0; i < d->o.n_only && rc == 0; i++) {
		if (!sup_find(&d->sup, d->o.only[i]))
			rc = err_set(err, -ENOENT, "there is no room %.40s", d->o.only[i]);
	}
	return rc == 0 ? sup_check(&d->sup, err) : rc;
}

/* ---- What the core asks for ---- */

static pid_t on_spawn(void *ctx, const struct manifest *m, struct err *err)
{
	return spawn_room(ctx, m, err);
}

static void on_kill(void *ctx, pid_t pid, int sig)
{
	kill(pid, sig);
}

static bool on_ready(void *ctx, const struct manifest *m)
{
	struct depd *d = ctx;
	struct counter_client *cl;
	char path[256];

	snprintf(path, sizeof(path), "%s/%s.sock", d->o.run_dir, m->name);
	cl = counter_connect(path, NULL);
	counter_close(cl);
	return cl != NULL;
}

static void on_changed(void *ctx, const struct unit *u)
{
	if (u->state == UNIT_FAILED)
		log_error("room is given up", LOG_TEXT("room", u->m->name),
			  LOG_TEXT("why", u->why));
	else if (u->state == UNIT_BACKOFF)
		log_warning("room ended, and is started again", LOG_TEXT("room", u->m->name),
			    LOG_TEXT("why", u->why));
	else if (u->state == UNIT_UP || u->state == UNIT_DOWN)
		log_notice(u->state == UNIT_UP ? "room is up" : "room is down",
			   LOG_TEXT("room", u->m->name));
	serve_changed(ctx, u);
}

/* ---- Life ---- */

void depd_settle(struct depd *d)
{
	loop_timer_set(&d->timer, sup_tick(&d->sup, clock_now()));
	if (d->ending && sup_is_down(&d->sup))
		uv_stop(&d->loop);
}

void depd_end(struct depd *d)
{
	unsigned i;

	d->ending = true;
	for (i = 0; i < d->sup.n; i++)
		sup_down(&d->sup, &d->sup.unit[i], clock_now());
}

static usec_t on_tick(void *ctx, usec_t now)
{
	struct depd *d = ctx;
	usec_t next = sup_tick(&d->sup, now);

	if (d->ending && sup_is_down(&d->sup))
		uv_stop(&d->loop);
	return next;
}

static void on_child(uv_signal_t *h, int signum)
{
	struct depd *d = h->data;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		sup_exit(&d->sup, pid, status, clock_now());
	depd_settle(d);
}

static void on_stop(void *ctx, int signum)
{
	depd_end(ctx);
	depd_settle(ctx);
}

static void on_reload(void *ctx)
{
	log_notice("manifests are read at the start only");
}

static int start(struct depd *d, struct err *err)
{
	unsigned i;
	int rc = spawn_dirs(d, err);

	if (rc == 0)
		rc = serve_open(d, err);
	/* Until here, what is wrong is said to whom started us. */
	if (rc == 0)
		rc = lines_open(d->o.log_file, err);
	if (rc != 0)
		return rc;
	loop_timer_init(&d->timer, &d->loop, on_tick, d);
	uv_signal_init(&d->loop, &d->child);
	d->child.data = d;
	uv_signal_start(&d->child, on_child, SIGCHLD);
	loop_signals_init(&d->signals, &d->loop, on_stop, on_reload, d);
	for (i = 0; i < d->o.n_only; i++)
		sup_up(&d->sup, sup_find(&d->sup, d->o.only[i]), clock_now());
	for (i = 0; d->o.n_only == 0 && i < d->sup.n; i++)
		sup_up(&d->sup, &d->sup.unit[i], clock_now());
	depd_settle(d);
	return 0;
}

static int serve(struct depd *d)
{
	struct err err = {0};
	int rc;

	d->started = clock_now();
	d->timer.fd = -1;
	d->sup.env = (struct sup_env){on_spawn, on_kill, on_ready, on_changed, d};
	if (add_all(d, &err) != 0)
		return fail(&err, 3);
	if (uv_loop_init(&d->loop) != 0)
		return 1;
	rc = start(d, &err);
	if (rc == 0)
		uv_run(&d->loop, UV_RUN_DEFAULT);
	counter_free(d->counter);
	loop_timer_close(&d->timer);
	loop_finish(&d->loop);
	config_schema_free(d->schema);
	return rc == 0 ? 0 : fail(&err, 1);
}

int main(int argc, char **argv)
{
	static struct depd d;
	struct err err = {0};
	unsigned i;
	int rc;

	if (read_options(&d.o, argc, argv, &err) != 0)
		return fail(&err, 2);
	if (d.o.help || d.o.version) {
		fputs(d.o.help ? help : "depd " DEP_VERSION "\n", stdout);
		return 0;
	}
	loop_signals_hold();
	log_init("depd", LOG_LEVEL_NOTICE);
	rc = serve(&d);
	for (i = 0; i < d.n; i++)
		manifest_free(&d.manifest[i]);
	return rc;
}
