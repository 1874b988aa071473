/* SPDX-License-Identifier: BSD-2-Clause */
/* A message as any program may send it becomes one line, printable, of bounded length. */
#include "proto/netops/sys/message.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void within(struct slice part, const uint8_t *data, size_t size)
{
	if (part.n && (part.p < data || part.p + part.n > data + size))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct syslog_message m;
	char line[SYSLOG_LINE];
	size_t n;
	size_t i;

	syslog_parse(slice_of(data, size), &m);
	if (m.facility > 23 || m.severity > 7)
		abort();
	within(m.time, data, size);
	within(m.host, data, size);
	within(m.app, data, size);
	within(m.pid, data, size);
	within(m.text, data, size);
	n = syslog_line(&m, "2026-01-01T00:00:00.000Z", "host", line);
	if (n >= SYSLOG_LINE)
		abort();
	for (i = 0; i < n; i++)
		if ((uint8_t)line[i] < 32 || line[i] == 127)
			abort();
	return 0;
}
