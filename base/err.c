/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/err.h"

#include <stdarg.h>

#define FORMAT(to, fmt)                                                                            \
	do {                                                                                       \
		va_list ap;                                                                        \
		va_start(ap, fmt);                                                                 \
		vsnprintf(to, sizeof(to), fmt, ap);                                                \
		va_end(ap);                                                                        \
	} while (0)

int err_set(struct err *e, int code, const char *fmt, ...)
{
	if (!e)
		return code;
	e->code = code;
	e->where[0] = '\0';
	e->mend[0] = '\0';
	FORMAT(e->what, fmt);
	return code;
}

void err_where(struct err *e, const char *fmt, ...)
{
	if (e)
		FORMAT(e->where, fmt);
}

void err_mend(struct err *e, const char *fmt, ...)
{
	if (e)
		FORMAT(e->mend, fmt);
}

void err_print(const struct err *e, const char *who, FILE *to)
{
	fprintf(to, "%s: %s%s%s%s%s%s\n", who, e->where, e->where[0] ? ": " : "", e->what,
		e->mend[0] ? " (" : "", e->mend, e->mend[0] ? ")" : "");
}
