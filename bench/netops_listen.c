/* SPDX-License-Identifier: BSD-2-Clause */
/* netops_listen SOCKET INTERFACE SUBSCRIBERS ROUNDS: how soon subscribers of network:///interfaces are told that a link
 * went up or down. Sets the link over netlink, and takes the time until each connection has its next
 * notifications/resources/updated. Prints one line of JSON. */
#include "base/clock.h"
#include "base/netlink.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define BETWEEN MSEC(30) /* rounds: beyond the coalescing of events */
#define PATIENCE MSEC(2000)

static const char request[] =
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"subscriptions/listen\",\"params\":{\"notifications\":"
	"{\"resourceSubscriptions\":[\"network:///interfaces\"]},\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":"
	"\"2026-07-28\",\"io.modelcontextprotocol/clientCapabilities\":{}}}}";

static void die(const char *what)
{
	fprintf(stderr, "netops_listen: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int subscribe(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	char head[512];
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int n;

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&a, sizeof(a)) != 0)
		die("connect");
	n = snprintf(head, sizeof(head),
		     "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAccept: application/json, "
		     "text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\nMcp-Method: subscriptions/listen\r\n"
		     "Content-Length: %zu\r\n\r\n",
		     sizeof(request) - 1);
	if (write(fd, head, (size_t)n) != n || write(fd, request, sizeof(request) - 1) != (ssize_t)sizeof(request) - 1)
		die("write");
	return fd;
}

/* Reads what is there; whether text is in it. Pieces are small and come whole. */
static bool has(int fd, const char *text)
{
	char buf[65536];
	ssize_t n = recv(fd, buf, sizeof(buf) - 1, MSG_DONTWAIT);

	if (n <= 0)
		return false;
	buf[n] = '\0';
	return strstr(buf, text) != NULL;
}

/* Until each of them has had text, or patience ends. Returns how many had; at[i]: when. */
static unsigned collect(struct pollfd *p, unsigned n, const char *text, usec_t *at)
{
	usec_t end = clock_now() + PATIENCE;
	unsigned had = 0;
	unsigned i;

	memset(at, 0, n * sizeof(*at));
	while (had < n && clock_now() < end && poll(p, n, 100) >= 0) {
		for (i = 0; i < n; i++) {
			if ((p[i].revents & POLLIN) && has(p[i].fd, text) && !at[i]) {
				at[i] = clock_now();
				had++;
			}
		}
	}
	return had;
}

static int by_time(const void *a, const void *b)
{
	usec_t x = *(const usec_t *)a;
	usec_t y = *(const usec_t *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	unsigned n = argc == 5 ? (unsigned)atol(argv[3]) : 0;
	unsigned rounds = argc == 5 ? (unsigned)atol(argv[4]) : 0;
	struct pollfd *p = calloc(n + 1, sizeof(*p));
	usec_t *at = calloc(n + 1, sizeof(*at));
	usec_t *all = calloc((size_t)n * rounds + 1, sizeof(*all));
	struct netlink *nl = netlink_open(NULL);
	struct netlink_link link;
	size_t lost = 0;
	size_t k = 0;
	unsigned i;
	unsigned r;

	if (!n || !rounds || !p || !at || !all || !nl || netlink_link_get(nl, 0, argv[2], &link) != 0)
		die("usage: netops_listen SOCKET INTERFACE SUBSCRIBERS ROUNDS");
	for (i = 0; i < n; i++)
		p[i] = (struct pollfd){.fd = subscribe(argv[1]), .events = POLLIN};
	if (collect(p, n, "acknowledged", at) != n)
		die("not all subscriptions were acknowledged");
	for (r = 0; r < rounds; r++) {
		usec_t begun;

		usleep((useconds_t)BETWEEN);
		for (i = 0; i < n; i++)
			has(p[i].fd, "");
		begun = clock_now();
		if (netlink_link_flags(nl, link.ifindex, r % 2 ? 0 : IFF_UP, IFF_UP, NULL) != 0)
			die("set the link");
		lost += n - collect(p, n, "resources/updated", at);
		for (i = 0; i < n; i++) {
			if (at[i])
				all[k++] = at[i] - begun;
		}
	}
	qsort(all, k, sizeof(*all), by_time);
	printf("{\"subscribers\": %u, \"rounds\": %u, \"lost\": %zu, \"p50_ms\": %.2f, \"p99_ms\": %.2f, \"max_ms\": %.2f}\n",
	       n, rounds, lost, (double)all[k / 2] / 1e3, (double)all[k * 99 / 100] / 1e3, k ? (double)all[k - 1] / 1e3 : 0);
	netlink_close(nl);
	return 0;
}
