/* SPDX-License-Identifier: BSD-2-Clause */
/* Words of the command line. */
#include "proto/l4s/bpf/load.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

static int bad(struct err *err, const char *what, const char *text)
{
	return err_set(err, -EINVAL, "%s is not %s", text, what);
}

/* Thousandths of a number written with up to nine digits before the point and three after. */
static int thousandths(const char **p, uint64_t *out)
{
	uint64_t v = 0;
	int digits = 0;
	int after = 0;

	while (isdigit((unsigned char)**p) && ++digits <= 12)
		v = v * 10 + (uint64_t)(*(*p)++ - '0');
	v *= 1000;
	if (**p == '.') {
		uint64_t unit = 100;

		for (++*p; isdigit((unsigned char)**p) && after < 3; ++*p, after++, unit /= 10)
			v += unit * (uint64_t)(**p - '0');
	}
	*out = v;
	return digits + after && digits <= 12 ? 0 : -EINVAL;
}

int load_number(const char *text, uint64_t *out, struct err *err)
{
	const char *p = text;
	uint64_t unit = 1;
	uint64_t v;

	if (thousandths(&p, &v))
		return bad(err, "a number", text);
	if (*p == 'k' || *p == 'K')
		unit = 1000, p++;
	else if (*p == 'M')
		unit = 1000000, p++;
	else if (*p == 'G')
		unit = 1000000000, p++;
	if (*p || v > (UINT64_C(1) << 62) / unit)
		return bad(err, "a number such as 10, 1.5M or 2G", text);
	*out = v * unit / 1000;
	return 0;
}

static int seconds(const char *text, uint32_t *ms, struct err *err)
{
	const char *p = text;
	uint64_t v;

	if (thousandths(&p, &v) || *p || v > LOAD_SECONDS_MAX * 1000ull)
		return bad(err, "seconds, up to 3600", text);
	*ms = (uint32_t)v;
	return 0;
}

static int spec_word(const char *key, const char *value, struct load_spec *s, struct err *err)
{
	uint64_t v;
	int rc;

	if (!strcmp(key, "cc")) {
		if (strlen(value) >= LOAD_CC)
			return bad(err, "a congestion control (15 characters)", value);
		memcpy(s->cc, value, strlen(value) + 1);
		return 0;
	}
	if (!strcmp(key, "start"))
		return seconds(value, &s->start_ms, err);
	if (!strcmp(key, "seconds"))
		return seconds(value, &s->ms, err);
	rc = load_number(value, &v, err);
	if (rc)
		return rc;
	if (!strcmp(key, "bytes")) {
		s->bytes = v;
	} else if (!strcmp(key, "count") && v >= 1 && v <= LOAD_FLOWS_MAX) {
		s->count = (uint32_t)v;
	} else {
		err_set(err, -EINVAL, "%s=%s: unknown or out of range", key, value);
		err_mend(err, "cc, count, start, seconds, bytes");
		return -EINVAL;
	}
	return 0;
}

int load_spec_parse(const char *text, struct load_spec *s, struct err *err)
{
	char word[64];
	char *value;
	size_t n;
	int rc = 0;

	while (rc == 0 && *text) {
		n = strcspn(text, ",");
		if (n >= sizeof(word))
			return bad(err, "a flow", text);
		memcpy(word, text, n);
		word[n] = '\0';
		value = strchr(word, '=');
		if (!value)
			return bad(err, "a word such as count=2", word);
		*value++ = '\0';
		rc = spec_word(word, value, s, err);
		text += n + (text[n] == ',');
	}
	return rc;
}

int load_address(const char *host, uint16_t port, struct load_common *c, struct err *err)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&c->addr;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&c->addr;

	memset(&c->addr, 0, sizeof(c->addr));
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		c->addr_len = sizeof(*v4);
		return 0;
	}
	if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
		c->addr_len = sizeof(*v6);
		return 0;
	}
	return bad(err, "an IPv4 or IPv6 address", host);
}

int load_netns(const char *name, struct err *err)
{
	char path[300];
	int fd;
	int rc = 0;

	snprintf(path, sizeof(path), "%s%s", strchr(name, '/') ? "" : "/run/netns/", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		rc = err_set(err, -errno, "cannot enter the network namespace %s: %s", path,
			     strerror(errno));
	if (rc == -ENOENT)
		err_mend(err, "make it first: ip netns add %s", name);
	if (fd >= 0)
		close(fd);
	return rc;
}
