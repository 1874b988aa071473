/* SPDX-License-Identifier: BSD-2-Clause */
/* A network that outlives its command. The work is done by a process that stays and holds the network (its descriptors
 * keep the meter, its life the daemons); the command's own process only waits for it and returns when told.
 *
 * As init of a process namespace (./dev makes it so) it cannot be another process: it then says on the descriptor
 * DEP_KEEP_FD that the network is there to stay, and ./dev returns. */
#include "lab/demo.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define RUN "/run/dep-lab"

static int keep_fd = -1;

static int wait_for(pid_t worker, int fd)
{
	int status;
	char c;

	for (;;) {
		ssize_t n = read(fd, &c, 1);

		if (n == 1)
			return 0;
		if (n == 0)
			break;
		/* Ctrl-C reaches the worker by itself. */
		if (errno == EINTR && demo_signal && demo_signal != SIGINT)
			kill(worker, demo_signal);
		demo_signal = 0;
	}
	if (waitpid(worker, &status, 0) != worker)
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int keep_begin(void)
{
	const char *env = getenv("DEP_KEEP_FD");
	int p[2];
	pid_t pid;

	if (env) {
		keep_fd = (int)strtol(env, NULL, 10);
		fcntl(keep_fd, F_SETFD, FD_CLOEXEC);
		return 0;
	}
	if (pipe2(p, O_CLOEXEC) != 0)
		return 2;
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		return 2;
	if (pid == 0) {
		close(p[0]);
		keep_fd = p[1];
		return 0;
	}
	close(p[1]);
	return 1 + wait_for(pid, p[0]);
}

static void tell(const struct demo *d)
{
	const char *name = lab_name(d->lab);
	unsigned last = d->graph.n - 1;

	printf("\nThe network stays up: nodes 0 to %u.\n", last);
	if (getenv("DEP_KEEP_FD"))
		printf("  enter a node:   ./dev demo --enter %u            a shell in node %u\n"
		       "                  ./dev demo --enter %u ip -6 addr  one command there\n"
		       "  end it all:     ./dev demo --stop\n",
		       last, last, last);
	else
		printf("  enter a node:   ip netns exec %s-%u bash\n"
		       "  logs and state: %s/%u\n"
		       "  end it all:     dep-lab demo --stop\n",
		       name, last, lab_dir(d->lab), last);
	fflush(stdout);
}

void keep_hold(struct demo *d)
{
	char path[LAB_PATH];
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	FILE *f;

	prober_free(d->prober);
	d->prober = NULL;
	tell(d);
	snprintf(path, sizeof(path), "%s/keep", lab_dir(d->lab));
	f = fopen(path, "we");
	if (f) {
		fprintf(f, "%d\n", (int)getpid());
		fclose(f);
	}
	setsid();
	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	close(null);
	if (write(keep_fd, d->failed ? "f" : "k", 1) != 1)
		demo_signal = SIGTERM;
	close(keep_fd);
	while (!demo_signal) {
		usleep(200000);
		lab_poll(d->lab);
	}
}

/* Asks the holder to end and waits until its directory is gone. */
static bool stop_one(const char *name)
{
	char dir[300];
	char path[310];
	long pid = 0;
	FILE *f;

	snprintf(dir, sizeof(dir), RUN "/%s", name);
	snprintf(path, sizeof(path), "%s/keep", dir);
	f = fopen(path, "re");
	if (!f)
		return false;
	if (fscanf(f, "%ld", &pid) != 1)
		pid = 0;
	fclose(f);
	if (pid <= 0 || kill((pid_t)pid, SIGTERM) != 0)
		return false;
	for (unsigned k = 0; k < 500 && access(dir, F_OK) == 0; k++)
		usleep(20000);
	return access(dir, F_OK) != 0;
}

int keep_stop(void)
{
	DIR *dir = opendir(RUN);
	struct dirent *e;
	unsigned n = 0;

	while (dir && (e = readdir(dir)))
		if (e->d_name[0] != '.' && stop_one(e->d_name))
			n++;
	if (dir)
		closedir(dir);
	n += lab_sweep();
	printf(n ? "%u ended\n" : "no network was left up\n", n);
	return 0;
}
