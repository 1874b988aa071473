/* SPDX-License-Identifier: BSD-2-Clause */
/* What a person must read when something failed: what happened, where, and the mend. A function that can fail returns 0
 * or a negative errno; where that number is not enough it also fills a struct err. */
#ifndef DEP_ERR_H
#define DEP_ERR_H

#include <stdio.h>

struct err {
	int code;       /* the negative errno, 0: no error */
	char what[256]; /* what failed and why */
	char where[128]; /* file and line, path in a tree, interface…; may be empty */
	char mend[192]; /* what the reader can do; may be empty */
};

/* Sets code and what; clears where and mend. Returns code. e may be NULL. */
int err_set(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void err_where(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void err_mend(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Prints "who: where: what (mend)" as one line. */
void err_print(const struct err *e, const char *who, FILE *to);
/* Writes out what f still holds. Returns 0, or -EIO and err where that or any write before it failed: a full disk must
 * not look like success. name: what to call f. */
int err_flush(FILE *f, const char *name, struct err *err);

#endif
