/* SPDX-License-Identifier: BSD-2-Clause */
/* The identity file: whatever is read parses or is refused; what parses is written and read again
 * as the same. */
#include "proto/kira/node/identity.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct identity_record r;
	struct identity_record again;
	char text[IDENTITY_TEXT];
	struct err err;
	size_t n;

	if (identity_parse(slice_of(data, size), &r, &err) != 0)
		return 0;
	n = identity_format(&r, text);
	if (n >= sizeof(text) || identity_parse(slice_of(text, n), &again, &err) != 0 ||
	    !kira_id_eq(&r.id, &again.id) || r.ssn != again.ssn || !kira_id_valid(&r.id))
		abort();
	return 0;
}
