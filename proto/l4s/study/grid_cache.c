/* SPDX-License-Identifier: BSD-2-Clause */
/* The cache of results: what is in it already is taken over. */
#include "proto/l4s/study/grid_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <unistd.h>

struct named {
	char text[GRID_TEXT];
	struct grid_entry *entry;
};

static int by_text(const void *a, const void *b)
{
	return strcmp(((const struct named *)a)->text, ((const struct named *)b)->text);
}

static struct named *name_cells(struct grid *g)
{
	struct named *name = malloc((g->n ? g->n : 1) * sizeof(*name));

	if (!name)
		return NULL;
	for (size_t i = 0; i < g->n; i++) {
		grid_cell_text(&g->entry[i].cell, name[i].text, GRID_TEXT);
		name[i].entry = &g->entry[i];
	}
	qsort(name, g->n, sizeof(*name), by_text);
	return name;
}

static bool usable(const struct grid_options *o, const char *version, const char *cell)
{
	if (strcmp(version, o->version) == 0)
		return true;
	return o->fresh && !strstr(cell, o->fresh);
}

static void take_line(struct grid *g, const struct grid_options *o, const struct named *name,
		      const char *line, size_t n)
{
	char version[64];
	struct named key;
	struct named *at;
	struct grid_result r;
	uint64_t seed;

	if (grid_line_parse(line, n, version, key.text, &seed, &r) < 0 ||
	    !usable(o, version, key.text))
		return;
	at = bsearch(&key, name, g->n, sizeof(*name), by_text);
	if (!at || seed < g->first_seed || seed - g->first_seed >= at->entry->seeds ||
	    r.n_groups != at->entry->cell.n_groups)
		return;
	at->entry->cached += !at->entry->run[seed - g->first_seed].done;
	at->entry->run[seed - g->first_seed] = r;
}

int grid_cache_read(struct grid *g, const struct grid_options *o, struct err *err)
{
	FILE *f = fopen(o->cache, "re");
	struct named *name;
	char *line = NULL;
	size_t room = 0;
	ssize_t n;

	if (!f && errno == ENOENT)
		return 0;
	name = name_cells(g);
	if (!f || !name) {
		int code = f ? -ENOMEM : -errno;

		free(name);
		if (f)
			fclose(f);
		err_set(err, code, "cannot read the results of earlier runs: %s", strerror(-code));
		err_where(err, "%s", o->cache);
		return code;
	}
	while ((n = getline(&line, &room, f)) > 0)
		take_line(g, o, name, line, (size_t)n);
	free(line);
	free(name);
	fclose(f);
	return 0;
}

/* A line cut off by an interruption is ended first, so that the next one is whole. */
static int end_cut_line(int fd)
{
	off_t end = lseek(fd, 0, SEEK_END);
	char last;

	if (end <= 0)
		return 0;
	if (pread(fd, &last, 1, end - 1) != 1)
		return -errno;
	if (last != '\n' && write(fd, "\n", 1) != 1)
		return -errno;
	return 0;
}

int grid_cache_open(const struct grid_options *o, struct err *err)
{
	int fd = open(o->cache, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	int rc = fd < 0 ? -errno : end_cut_line(fd);

	if (rc < 0) {
		if (fd >= 0)
			close(fd);
		err_set(err, rc, "cannot keep results: %s", strerror(-rc));
		err_where(err, "%s", o->cache);
		return rc;
	}
	return fd;
}

int grid_cache_append(int fd, const struct grid_options *o, const struct grid_cell *c,
		      uint64_t seed, const struct grid_result *r, struct err *err)
{
	char cell[GRID_TEXT];
	size_t n = 0;
	char *line;
	ssize_t done;

	grid_cell_text(c, cell, sizeof(cell));
	line = grid_line(o->version, cell, seed, r, &n);
	if (!line)
		return err_set(err, -ENOMEM, "out of memory");
	done = write(fd, line, n);
	free(line);
	if (done == (ssize_t)n)
		return 0;
	err_set(err, done < 0 ? -errno : -ENOSPC, "cannot keep a result: %s",
		strerror(done < 0 ? errno : ENOSPC));
	err_where(err, "%s", o->cache);
	return -EIO;
}
