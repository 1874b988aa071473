/* SPDX-License-Identifier: BSD-2-Clause */
/* Any frames, cut anywhere, behind the preface and an empty SETTINGS. */
#include "http_room.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char preface[] =
		"\041\000PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\000\000\000\004\000\000\000\000\000";
	uint8_t *p = malloc(sizeof(preface) - 1 + size);

	if (!p)
		return 0;
	memcpy(p, preface, sizeof(preface) - 1);
	if (size > 0)
		memcpy(p + sizeof(preface) - 1, data, size);
	room_feed(room_server(), slice_of(p, sizeof(preface) - 1 + size));
	free(p);
	return 0;
}
