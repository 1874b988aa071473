/* SPDX-License-Identifier: BSD-2-Clause */
/* Where lines of the log go beside the ring: into files, and to collectors by UDP (RFC 5424, RFC
 * 5426). A collector that does not answer costs nothing and is told nothing twice. */
#include "proto/netops/sys/ring.h"
#include "proto/netops/sys/settings.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define TARGETS_MAX 32
#define DATAGRAM 1400 /* fits a packet: RFC 5426 §3.2 */
#define ALL 24	      /* facilities */
#define NONE (-1)

struct target {
	struct ring *ring;	/* a file */
	int fd;			/* a collector */
	struct sockaddr_in6 to; /* or the smaller one of IPv4 */
	socklen_t n_to;
	int facility;	   /* its override; NONE */
	bool everything;   /* no selection */
	int8_t least[ALL]; /* of each facility, the least severe that is wanted; NONE */
};

struct forward {
	struct target target[TARGETS_MAX];
	size_t n;
};

static void read_selection(struct target *t, yyjson_val *select)
{
	size_t i;
	size_t n;
	yyjson_val *v;

	memset(t->least, NONE, sizeof(t->least));
	t->everything = yyjson_arr_size(select) == 0;
	yyjson_arr_foreach(select, i, n, v)
	{
		yyjson_val *facility = yyjson_obj_get(v, "facility");
		int8_t least = (int8_t)yyjson_get_int(yyjson_obj_get(v, "severity"));
		size_t k;

		for (k = 0; k < ALL; k++)
			if ((!facility || yyjson_get_uint(facility) == k) && least > t->least[k])
				t->least[k] = least;
	}
}

static int open_file(struct target *t, const char *dir, const char *name, struct err *err)
{
	char path[512];

	if (strchr(name, '/') || name[0] == '.')
		return err_set(err, -EINVAL, "a log file is named without a directory");
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if ((mkdir(dir, 0750) != 0 && errno != EEXIST) ||
	    (mkdir(path, 0750) != 0 && errno != EEXIST))
		return err_set(err, -errno, "cannot make %s: %s", path, strerror(errno));
	t->ring = ring_open(path, 0, err);
	return t->ring ? 0 : err->code;
}

static int open_remote(struct target *t, const char *address, unsigned port, struct err *err)
{
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	bool v6 = strchr(address, ':') != NULL;

	if (inet_pton(v6 ? AF_INET6 : AF_INET, address,
		      v6 ? (void *)&six.sin6_addr : (void *)&four.sin_addr) != 1)
		return err_set(err, -EINVAL, "%.60s is no address", address);
	t->fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (t->fd < 0)
		return err_set(err, -errno, "cannot make a socket: %s", strerror(errno));
	/* A way there is looked for with each line: it may come later. */
	t->n_to = v6 ? sizeof(six) : sizeof(four);
	memcpy(&t->to, v6 ? (void *)&six : (void *)&four, t->n_to);
	return 0;
}

static struct target *next(struct forward *f, yyjson_val *v, struct err *err)
{
	struct target *t = &f->target[f->n];

	if (f->n == TARGETS_MAX) {
		err_set(err, -E2BIG, "more than %d files and collectors", TARGETS_MAX);
		return NULL;
	}
	f->n++;
	*t = (struct target){.fd = -1, .facility = NONE};
	read_selection(t, yyjson_obj_get(v, "select"));
	return t;
}

static int open_all(struct forward *f, const char *dir, yyjson_val *root, struct err *err)
{
	struct target *t;
	yyjson_val *v;
	size_t i;
	size_t n;
	int rc = 0;

	yyjson_arr_foreach(yyjson_obj_get(root, "file"), i, n, v)
	{
		t = rc == 0 ? next(f, v, err) : NULL;
		rc = t ? open_file(t, dir, yyjson_get_str(yyjson_obj_get(v, "name")), err)
		       : err->code;
	}
	yyjson_arr_foreach(yyjson_obj_get(root, "remote"), i, n, v)
	{
		t = rc == 0 ? next(f, v, err) : NULL;
		if (t && yyjson_obj_get(v, "facility"))
			t->facility = (int)yyjson_get_uint(yyjson_obj_get(v, "facility"));
		rc = t ? open_remote(t, yyjson_get_str(yyjson_obj_get(v, "address")),
				     (unsigned)yyjson_get_uint(yyjson_obj_get(v, "port")), err)
		       : err->code;
	}
	return rc;
}

struct forward *forward_new(const char *dir, const char *json, struct err *err)
{
	struct forward *f = calloc(1, sizeof(*f));
	yyjson_doc *doc = f ? yyjson_read(json, strlen(json), 0) : NULL;
	int rc = doc ? open_all(f, dir, yyjson_doc_get_root(doc), err)
		     : err_set(err, -ENOMEM, "no memory");

	yyjson_doc_free(doc);
	if (rc == 0)
		return f;
	forward_free(f);
	return NULL;
}

void forward_free(struct forward *f)
{
	size_t i;

	for (i = 0; f && i < f->n; i++) {
		ring_close(f->target[i].ring);
		if (f->target[i].fd >= 0)
			close(f->target[i].fd);
	}
	free(f);
}

static int field(struct slice s, const char *otherwise, char *to, size_t n)
{
	size_t i;

	if (s.n == 0)
		return snprintf(to, n, "%s", otherwise);
	for (i = 0; i < s.n && i + 1 < n; i++)
		to[i] = s.p[i] > 32 && s.p[i] < 127 ? (char)s.p[i] : '?';
	to[i] = '\0';
	return (int)i;
}

/* RFC 5424 §6. The text is that of the line, whose control characters are written out already. */
static void send_line(const struct target *t, const struct syslog_message *m, const char *now,
		      const char *host, const char *line, size_t n)
{
	char time[48];
	char from[128];
	char app[49];
	char pid[64];
	char out[DATAGRAM];
	const char *text = memmem(line, n, ": ", 2);
	unsigned facility = t->facility == NONE ? m->facility : (unsigned)t->facility;
	int len;

	text = text ? text + 2 : line;
	field(m->time, now, time, sizeof(time));
	field(m->host, host, from, sizeof(from));
	field(m->app, "-", app, sizeof(app));
	field(m->pid, "-", pid, sizeof(pid));
	len = snprintf(out, sizeof(out), "<%u>1 %s %s %s %s - - %.*s", facility * 8 + m->severity,
		       time, from, app, pid, (int)(line + n - text), text);
	if (len > 0)
		sendto(t->fd, out, (size_t)len < sizeof(out) ? (size_t)len : sizeof(out) - 1,
		       MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)&t->to, t->n_to);
}

void forward_line(struct forward *f, const struct syslog_message *m, const char *now,
		  const char *host, const char *line, size_t n)
{
	size_t i;

	for (i = 0; i < f->n; i++) {
		const struct target *t = &f->target[i];

		if (!t->everything && (m->facility >= ALL || m->severity > t->least[m->facility] ||
				       t->least[m->facility] == NONE))
			continue;
		if (t->ring)
			ring_add(t->ring, line, n);
		else
			send_line(t, m, now, host, line, n);
	}
}
