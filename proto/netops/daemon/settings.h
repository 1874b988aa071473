/* SPDX-License-Identifier: BSD-2-Clause */
/* Where dep-netops listens and whom it believes: depanneur-netops:netops/server of running, as values. */
#ifndef DEP_NETOPS_SETTINGS_H
#define DEP_NETOPS_SETTINGS_H

#include <libyang/libyang.h>
#include <stdbool.h>
#include <stdint.h>

#define SETTINGS_LISTEN 8
#define SETTINGS_NAMES 16

struct settings_listen {
	const char *address;
	uint16_t port;
	bool tls;
};

/* Texts are copies; settings_free() releases them. */
struct settings {
	struct settings_listen listen[SETTINGS_LISTEN];
	unsigned n_listen;
	const char *certificate, *key, *client_ca;
	const char *resource; /* canonical URI of the endpoint, for tokens' audience */
	const char *issuer[SETTINGS_NAMES + 1];
	const char *host[SETTINGS_NAMES + 1];
	const char *origin[SETTINGS_NAMES + 1];
	const char *jwks_file, *tokens_file, *users_file;
	bool errors_as_result;
};

/* tree: running; NULL: nothing is configured. 0 or -ENOMEM. */
int settings_read(struct settings *s, const struct lyd_node *tree);
void settings_free(struct settings *s);
/* Whether listeners differ between them. */
bool settings_same_listeners(const struct settings *a, const struct settings *b);

#endif
