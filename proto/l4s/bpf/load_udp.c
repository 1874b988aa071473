/* SPDX-License-Identifier: BSD-2-Clause */
/* UDP that answers to nothing: a constant rate in a class of ECN, and a receiver that counts what
 * each class became. */
#include "proto/l4s/bpf/load.h"

#include "base/json.h"
#include "proto/l4s/ecn.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SIZE_MAX_UDP 9000
#define FALL_BEHIND_NS 100000000 /* what was not sent in time by so much is not sent at all */

static int udp_socket(const struct load_common *c, struct err *err)
{
	int fd = socket(c->addr.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		err_set(err, -errno, "no socket: %s", strerror(errno));
	return fd;
}

static void wait_until(uint64_t at)
{
	struct timespec t = {.tv_sec = (time_t)(at / 1000000000),
			     .tv_nsec = (long)(at % 1000000000)};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

/* Sends in time until the end. Returns packets sent; *late: not sent, for want of time. */
static uint64_t send_all(int fd, const struct load_common *c, const struct load_udp *u,
			 uint64_t *late)
{
	static uint8_t payload[SIZE_MAX_UDP];
	uint64_t gap = (uint64_t)u->size * 8 * 1000000000 / u->rate;
	uint64_t now = load_now_ns();
	uint64_t end = now + c->ms * 1000000ull;
	uint64_t next = now;
	uint64_t sent = 0;

	while (next < end) {
		now = load_now_ns();
		if (next > now)
			wait_until(next);
		if (now > next + FALL_BEHIND_NS) {
			*late += (now - next) / (gap ? gap : 1);
			next = now;
		}
		memcpy(payload, &sent, sizeof(sent));
		if (send(fd, payload, u->size, MSG_NOSIGNAL) == (ssize_t)u->size)
			sent++;
		else
			++*late;
		next += gap;
	}
	return sent;
}

static void print_object(yyjson_mut_doc *doc)
{
	char *text = yyjson_mut_write(doc, 0, NULL);

	if (text)
		puts(text);
	free(text);
	yyjson_mut_doc_free(doc);
}

int load_udp_send(const struct load_common *c, const struct load_udp *u, struct err *err)
{
	int tos = u->ecn;
	bool v6 = c->addr.ss_family == AF_INET6;
	yyjson_mut_doc *doc;
	uint64_t late = 0;
	uint64_t sent;
	int fd;

	if (!u->rate || u->size < sizeof(uint64_t) || u->size > SIZE_MAX_UDP)
		return err_set(err, -EINVAL, "a rate, and packets of 8 to %d bytes", SIZE_MAX_UDP);
	fd = udp_socket(c, err);
	if (fd < 0)
		return err->code;
	if (setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_TCLASS : IP_TOS, &tos,
		       sizeof(tos)) ||
	    connect(fd, (const struct sockaddr *)&c->addr, c->addr_len)) {
		close(fd);
		return err_set(err, -errno, "cannot send: %s", strerror(errno));
	}
	sent = send_all(fd, c, u, &late);
	close(fd);
	doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_doc_set_root(doc, yyjson_mut_obj(doc));
	yyjson_mut_obj_add_uint(doc, yyjson_mut_doc_get_root(doc), "sent", sent);
	yyjson_mut_obj_add_uint(doc, yyjson_mut_doc_get_root(doc), "not-sent", late);
	print_object(doc);
	return 0;
}

/* The ECN field of a received packet. */
static unsigned ecn_of(struct msghdr *m)
{
	struct cmsghdr *h;
	int v = 0;

	for (h = CMSG_FIRSTHDR(m); h; h = CMSG_NXTHDR(m, h)) {
		if (h->cmsg_level == IPPROTO_IP && h->cmsg_type == IP_TOS)
			v = *(uint8_t *)CMSG_DATA(h);
		else if (h->cmsg_level == IPPROTO_IPV6 && h->cmsg_type == IPV6_TCLASS)
			memcpy(&v, CMSG_DATA(h), sizeof(v));
	}
	return (unsigned)v & 3;
}

static void receive_one(int fd, uint64_t packets[4], uint64_t *bytes)
{
	static uint8_t buf[SIZE_MAX_UDP];
	uint8_t control[128];
	struct iovec v = {buf, sizeof(buf)};
	struct msghdr m = {.msg_iov = &v,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(fd, &m, MSG_DONTWAIT);

	if (n < 0)
		return;
	packets[ecn_of(&m)]++;
	*bytes += (uint64_t)n;
}

int load_udp_receive(const struct load_common *c, struct err *err)
{
	static const char *const name[] = ECN_NAMES;
	uint64_t packets[4] = {0};
	uint64_t bytes = 0;
	uint64_t end = load_now_ns() + c->ms * 1000000ull;
	yyjson_mut_doc *doc;
	int room = 4 << 20;
	int on = 1;
	int fd = udp_socket(c, err);
	unsigned i;

	if (fd < 0)
		return err->code;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	setsockopt(fd, IPPROTO_IP, IP_RECVTOS, &on, sizeof(on));
	setsockopt(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&c->addr, c->addr_len)) {
		close(fd);
		return err_set(err, -errno, "cannot bind: %s", strerror(errno));
	}
	fputs("listening\n", stderr);
	while (load_now_ns() < end) {
		struct pollfd p = {.fd = fd, .events = POLLIN};

		if (poll(&p, 1, 20) > 0)
			receive_one(fd, packets, &bytes);
	}
	close(fd);
	doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_doc_set_root(doc, yyjson_mut_obj(doc));
	for (i = 0; i < 4; i++)
		yyjson_mut_obj_add_uint(doc, yyjson_mut_doc_get_root(doc), name[i], packets[i]);
	yyjson_mut_obj_add_uint(doc, yyjson_mut_doc_get_root(doc), "bytes", bytes);
	print_object(doc);
	return 0;
}
