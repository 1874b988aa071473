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

/* Text of files and peers may be in it: nothing stays that a terminal would obey, C1 in UTF-8 too. */
static void plain(char *s)
{
	unsigned char *p = (unsigned char *)s;

	for (; *p; p++) {
		if (*p < ' ' || *p == 0x7f)
			*p = '?';
		else if (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0)
			p[0] = p[1] = '?';
	}
}

void err_print(const struct err *e, const char *who, FILE *to)
{
	struct err p = *e;

	plain(p.where);
	plain(p.what);
	plain(p.mend);
	fprintf(to, "%s: %s%s%s%s%s%s\n", who, p.where, p.where[0] ? ": " : "", p.what,
		p.mend[0] ? " (" : "", p.mend, p.mend[0] ? ")" : "");
}
