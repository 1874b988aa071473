/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/memory.h"

#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

void memory_give_back(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];

	while (maps && fgets(line, sizeof(line), maps)) {
		char mode[5];
		char *from;
		char *to;

		/* Only text: what is not executable may have been relocated, and would be lost. */
		if (sscanf(line, "%p-%p %4s", (void **)&from, (void **)&to, mode) == 3 &&
		    strcmp(mode, "r-xp") == 0 && strchr(line, '/'))
			madvise(from, (size_t)(to - from), MADV_DONTNEED);
	}
	if (maps)
		fclose(maps);
	malloc_trim(0);
}
