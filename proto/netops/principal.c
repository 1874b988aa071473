/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/principal.h"

#include <string.h>

static const struct {
	enum scope bit;
	const char *name;
} scopes[] = {
	{SCOPE_READ, "network:read"},	      {SCOPE_DIAGNOSE, "network:diagnose"},
	{SCOPE_EDIT, "network:edit"},	      {SCOPE_COMMIT, "network:commit"},
	{SCOPE_ROLLBACK, "network:rollback"}, {SCOPE_AUDIT, "network:audit"},
	{SCOPE_ADMIN, "network:admin"},
};
#define N_SCOPES (sizeof(scopes) / sizeof(scopes[0]))

const char *scope_name(enum scope s)
{
	size_t i;

	for (i = 0; i < N_SCOPES; i++) {
		if (scopes[i].bit == s)
			return scopes[i].name;
	}
	return NULL;
}

unsigned scope_parse(const char *text)
{
	unsigned found = 0;
	size_t n;
	size_t i;

	for (; *text; text += n + (text[n] == ' ')) {
		n = strcspn(text, " ");
		for (i = 0; i < N_SCOPES; i++) {
			if (strlen(scopes[i].name) == n && strncmp(scopes[i].name, text, n) == 0)
				found |= scopes[i].bit;
		}
	}
	return found;
}

bool principal_same(const struct principal *a, const struct principal *b)
{
	return strcmp(a->user, b->user) == 0 && strcmp(a->client, b->client) == 0;
}
