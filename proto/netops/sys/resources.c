/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/sys/resources.h"

#include "base/counter.h"
#include "proto/netops/sys/state.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

struct resources {
	uint64_t busy;
	uint64_t all;
	unsigned permille;
	unsigned cpus;
	char sampled[STATE_TIME_TEXT];
};

/* The beginning of a small file, ended by a NUL. */
static bool read_text(const char *path, char *to, size_t n)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd >= 0 ? read(fd, to, n - 1) : -1;

	if (fd >= 0)
		close(fd);
	to[got > 0 ? got : 0] = '\0';
	return got > 0;
}

static int64_t wall_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

/* Ticks of all processors: proc_stat(5). */
static bool read_cpu(uint64_t *busy, uint64_t *all)
{
	char text[512];
	uint64_t v[8] = {0};
	int i;

	if (!read_text("/proc/stat", text, sizeof(text)) ||
	    sscanf(text, "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
			 " %" SCNu64 " %" SCNu64,
		   &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7]) < 4)
		return false;
	for (*all = 0, i = 0; i < 8; i++)
		*all += v[i];
	*busy = *all - v[3] - v[4]; /* idle, waiting */
	return true;
}

struct resources *resources_new(void)
{
	struct resources *r = calloc(1, sizeof(*r));
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	if (!r)
		return NULL;
	r->cpus = n > 0 ? (unsigned)n : 1;
	/* The first answer is the average since the start of the machine. */
	resources_sample(r);
	return r;
}

void resources_free(struct resources *r)
{
	free(r);
}

void resources_sample(struct resources *r)
{
	uint64_t busy;
	uint64_t all;

	if (!read_cpu(&busy, &all))
		return;
	if (all > r->all && busy >= r->busy)
		r->permille = (unsigned)((busy - r->busy) * 1000 / (all - r->all));
	r->busy = busy;
	r->all = all;
	state_time(wall_now(), r->sampled);
}

/* "MemTotal:  123 kB" in bytes. */
static uint64_t field(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at ? strtoull(at + strlen(name), NULL, 10) * 1024 : 0;
}

static void add_memory(yyjson_mut_doc *doc, yyjson_mut_val *o)
{
	char text[4096];
	uint64_t total;
	uint64_t available;

	if (!read_text("/proc/meminfo", text, sizeof(text)))
		return;
	total = field(text, "MemTotal:");
	available = field(text, "MemAvailable:");
	o = json_add_obj(doc, o, "memory");
	json_add_u64(doc, o, "total", total);
	json_add_u64(doc, o, "used", total > available ? total - available : 0);
	json_add_u64(doc, o, "available", available);
	json_add_u64(doc, o, "free", field(text, "MemFree:"));
	json_add_u64(doc, o, "buffers", field(text, "Buffers:"));
	json_add_u64(doc, o, "cached", field(text, "\nCached:"));
}

static void add_system(yyjson_mut_doc *doc, yyjson_mut_val *root)
{
	yyjson_mut_val *state = json_add_obj(doc, root, "ietf-system:system-state");
	yyjson_mut_val *o = json_add_obj(doc, state, "platform");
	char text[STATE_TIME_TEXT];
	struct utsname u;

	if (uname(&u) == 0) {
		yyjson_mut_obj_add_strcpy(doc, o, "os-name", u.sysname);
		yyjson_mut_obj_add_strcpy(doc, o, "os-release", u.release);
		yyjson_mut_obj_add_strcpy(doc, o, "os-version", u.version);
		yyjson_mut_obj_add_strcpy(doc, o, "machine", u.machine);
	}
	o = json_add_obj(doc, state, "clock");
	state_time(wall_now(), text);
	yyjson_mut_obj_add_strcpy(doc, o, "current-datetime", text);
	state_time(state_boot_time(), text);
	yyjson_mut_obj_add_strcpy(doc, o, "boot-datetime", text);
}

void state_resources(const struct resources *r, const char *path, yyjson_mut_doc *doc,
		     yyjson_mut_val *root)
{
	yyjson_mut_val *o;

	if (counter_wants(path, "/ietf-system:system-state"))
		add_system(doc, root);
	if (!counter_wants(path, "/depanneur-sys:system-resources"))
		return;
	o = json_add_obj(doc, root, "depanneur-sys:system-resources");
	json_add_text(doc, o, "cpu-utilization", "%u.%u", r->permille / 10, r->permille % 10);
	yyjson_mut_obj_add_uint(doc, o, "cpus", r->cpus);
	yyjson_mut_obj_add_strcpy(doc, o, "sampled", r->sampled);
	add_memory(doc, o);
}
