/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/rng.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

void rng_os_bytes(void *p, size_t n)
{
	uint8_t *to = p;

	while (n > 0) {
		ssize_t got = getrandom(to, n, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			abort();
		to += got;
		n -= (size_t)got;
	}
}
