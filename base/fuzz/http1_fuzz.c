/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes, cut anywhere, as HTTP/1.1 (or as HTTP/2 with prior knowledge), to a room that does
 * whatever a room can. */
#include "http_room.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	room_feed(room_server(), slice_of(data, size));
	return 0;
}
