/* SPDX-License-Identifier: BSD-2-Clause */
/* The end of the demo: one node is operated over MCP by lab/agent.py, which runs in the node's namespace. What it says is
 * shown line by line while the network goes on being watched; where it breaks the node off, the prober sees it. */
#include "lab/demo.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define OPERATE_LIMIT SEC(60)
#define MAX_LINKS 32

struct agent {
	pid_t pid;
	int out; /* what it says */
	char line[512];
	size_t n;
};

/* The node with most links: the hardest to cut off. */
static unsigned choose(struct demo *d)
{
	unsigned best = 0;
	unsigned most = 0;
	unsigned i;

	for (i = 0; i < d->graph.n; i++) {
		unsigned degree = 0;
		unsigned l;

		for (l = 0; l < lab_n_links(d->lab); l++)
			degree += lab_link(d->lab, l)->end[0].node == i || lab_link(d->lab, l)->end[1].node == i;
		if (degree > most && degree <= MAX_LINKS && lab_node(d->lab, i)->state == LAB_RUNNING) {
			most = degree;
			best = i;
		}
	}
	return best;
}

static void command(struct demo *d, unsigned i, struct lab_argv *a)
{
	const char *top = getenv("DEP_TOP");
	const struct lab_node *node = lab_node(d->lab, i);
	const struct lab_node *other = lab_node(d->lab, i == 0 ? d->graph.n - 1 : 0);
	char addr[INET6_ADDRSTRLEN];
	unsigned l;

	lab_arg(a, "python3");
	lab_arg(a, "%s/lab/agent.py", top ? top : LAB_SOURCE);
	lab_arg(a, "%s/build/release", top ? top : LAB_SOURCE);
	lab_arg(a, "%s/run", node->dir);
	lab_arg(a, "%s", node->dir);
	lab_arg(a, "%s", inet_ntop(AF_INET6, &other->addr, addr, sizeof(addr)));
	for (l = 0; l < lab_n_links(d->lab); l++) {
		const struct lab_link *link = lab_link(d->lab, l);

		if (link->end[0].node == i || link->end[1].node == i)
			lab_arg(a, "%s", link->end[link->end[1].node == i].name);
	}
}

static int start_agent(struct demo *d, unsigned i, struct agent *agent, struct err *err)
{
	struct lab_argv a = {0};
	int ends[2];
	int rc;

	command(d, i, &a);
	if (pipe2(ends, O_CLOEXEC) != 0)
		return err_set(err, -errno, "no pipe: %s", strerror(errno));
	rc = lab_enter(d->lab, i);
	agent->pid = rc == 0 ? fork() : -1;
	if (agent->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		dup2(ends[1], 1);
		dup2(ends[1], 2);
		execvp(a.argv[0], a.argv);
		_exit(127);
	}
	if (rc == 0)
		lab_leave(d->lab);
	close(ends[1]);
	agent->out = ends[0];
	if (agent->pid < 0) {
		close(ends[0]);
		return err_set(err, rc ? rc : -errno, "cannot start the agent");
	}
	fcntl(agent->out, F_SETFL, O_NONBLOCK);
	return 0;
}

/* Shows whole lines. Returns false at the end of its output. */
static bool listen_to(struct demo *d, struct agent *agent)
{
	char chunk[256];
	ssize_t got = read(agent->out, chunk, sizeof(chunk));
	ssize_t i;

	if (got < 0)
		return errno == EAGAIN || errno == EINTR;
	for (i = 0; i < got; i++) {
		if (chunk[i] != '\n')
			agent->line[agent->n++] = chunk[i];
		if (chunk[i] == '\n' || agent->n == sizeof(agent->line)) {
			view_line(d, "  %.*s", (int)agent->n, agent->line);
			agent->n = 0;
		}
	}
	return got > 0;
}

int operate(struct demo *d, int (*step)(struct demo *d), struct err *err)
{
	unsigned i = choose(d);
	usec_t limit = clock_now() + OPERATE_LIMIT;
	struct agent agent = {0};
	int status = 0;
	int rc;

	d->phase = "operated over MCP";
	view_line(d, "node %u is operated over MCP: it changes its links, and cuts itself off by mistake", i);
	rc = start_agent(d, i, &agent, err);
	if (rc != 0)
		return rc;
	while (rc >= 0 && listen_to(d, &agent) && clock_now() < limit)
		rc = step(d);
	if (rc < 0 || clock_now() >= limit)
		kill(agent.pid, SIGTERM);
	while (waitpid(agent.pid, &status, 0) < 0 && errno == EINTR)
		;
	close(agent.out);
	if (rc >= 0 && status != 0) {
		view_line(d, "  the agent FAILED");
		d->failed = true;
	}
	d->phase = "watching";
	return rc < 0 ? rc : 0;
}
