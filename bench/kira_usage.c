/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench/kira.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static FILE *open_proc(const char *pid, const char *what)
{
	char path[128];

	snprintf(path, sizeof(path), "/proc/%.32s/%.64s", pid, what);
	return fopen(path, "re");
}

/* Rss and Pss of the whole address space. */
static void add_memory(const char *pid, struct usage *out)
{
	FILE *f = open_proc(pid, "smaps_rollup");
	char line[256];
	unsigned long kib;

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Rss: %lu", &kib) == 1)
			out->rss += (uint64_t)kib * 1024;
		else if (sscanf(line, "Pss: %lu", &kib) == 1)
			out->pss += (uint64_t)kib * 1024;
	}
	if (f)
		fclose(f);
}

/* Of every thread, in nanoseconds: stat(5) knows only hundredths of a second. */
static void add_cpu(const char *pid, struct usage *out)
{
	char path[128];
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%.32s/task", pid);
	d = opendir(path);
	while (d && (e = readdir(d))) {
		unsigned long long ns;
		FILE *f;

		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "task/%.32s/schedstat", e->d_name);
		f = open_proc(pid, path);
		if (f && fscanf(f, "%llu", &ns) == 1)
			out->cpu += (usec_t)(ns / 1000);
		if (f)
			fclose(f);
	}
	if (d)
		closedir(d);
}

int usage_of(const char *netns, struct usage *out)
{
	struct stat want;
	struct dirent *e;
	DIR *d;

	*out = (struct usage){0};
	if (stat(netns, &want) != 0 || !(d = opendir("/proc")))
		return -errno;
	while ((e = readdir(d))) {
		char path[128];
		struct stat st;

		if (e->d_name[0] < '1' || e->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%.32s/ns/net", e->d_name);
		if (stat(path, &st) != 0 || st.st_ino != want.st_ino || st.st_dev != want.st_dev)
			continue;
		out->processes++;
		add_memory(e->d_name, out);
		add_cpu(e->d_name, out);
	}
	closedir(d);
	return 0;
}
