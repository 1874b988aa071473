/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/err.h"

#include <errno.h>
#include <string.h>

int err_flush(FILE *f, const char *name, struct err *err)
{
	int before = ferror(f);

	errno = 0;
	if (fflush(f) == 0 && !before)
		return 0;
	err_set(err, -EIO, "was not written whole: %s", strerror(errno ? errno : EIO));
	err_where(err, "%s", name);
	return -EIO;
}
