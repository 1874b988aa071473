/* SPDX-License-Identifier: BSD-2-Clause */
/* Any text as a key set, a file of tokens and a file of users: read or refused with a reason. */
#include "proto/netops/auth/auth.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct principal p = {0};
	struct err err = {0};
	struct auth_keys *k = auth_keys_parse((const char *)data, size, &err);
	struct auth_tokens *t;
	struct auth_users *u;

	if (k ? auth_keys_count(k) == 0 : err.what[0] == '\0')
		abort();
	auth_keys_free(k);
	t = auth_tokens_parse((const char *)data, size, "tokens", &err);
	if (t)
		auth_tokens_find(t, slice_of("token", 5), 0, &p);
	auth_tokens_free(t);
	u = auth_users_parse((const char *)data, size, "users", &err);
	auth_users_free(u);
	return 0;
}
