/* SPDX-License-Identifier: BSD-2-Clause */
/* Syslog messages as programs send them (RFC 5424, RFC 3164 and its local form without a host), made into lines for
 * people. Bytes in, text out: fuzzed. */
#ifndef DEP_SYS_MESSAGE_H
#define DEP_SYS_MESSAGE_H

#include "base/slice.h"

#define SYSLOG_LINE 1024 /* the longest, with its end; more is cut */

struct syslog_message {
	uint8_t facility;
	uint8_t severity;
	struct slice time; /* RFC 3339 of RFC 5424, or empty */
	struct slice host;
	struct slice app;
	struct slice pid;
	struct slice text;
};

/* Never fails: what has no form is text of facility user, severity notice. */
void syslog_parse(struct slice in, struct syslog_message *m);
/* "TIME HOST APP[PID]: TEXT", without a newline: control characters, what is no UTF-8 and what turns the direction of
 * text are written \xNN, so that a message is one line whatever is in it. now and host stand in where the message has none.
 * Returns the length. */
size_t syslog_line(const struct syslog_message *m, const char *now, const char *host,
		   char to[SYSLOG_LINE]);

#endif
