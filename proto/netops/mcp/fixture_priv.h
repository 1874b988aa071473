/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef DEP_NETOPS_MCP_FIXTURE_PRIV_H
#define DEP_NETOPS_MCP_FIXTURE_PRIV_H

#include "proto/netops/mcp/fixture.h"

#define FIXTURE_PNG                                                                                \
	"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5E" \
	"rkJggg=="
#define FIXTURE_WAV "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAAAAA=="

struct fixture {
	struct mcp *m;
	uv_loop_t *loop;
	bool extra_tool, extra_prompt; /* what the trigger tools add and remove */
};

/* Calls step(r, 0), (r, 1) … each after ms milliseconds, until it returns false: then it has
 * answered. Stops when r is cancelled. */
void fixture_steps(struct fixture *f, struct mcp_req *r, unsigned ms,
		   bool (*step)(struct mcp_req *r, unsigned n));

/* JSON text as a result; as what is asked for. The text is ours and valid. */
void fixture_result(struct mcp_req *r, const char *json);
int fixture_ask(struct mcp_req *r, const char *key, const char *method, const char *json);
/* Text of a JSON value, to be released with free(). */
char *fixture_text(yyjson_val *v);

int fixture_add_basic(struct fixture *f, struct err *err);
int fixture_add_ask(struct fixture *f, struct err *err);
int fixture_add_tasks(struct fixture *f, struct err *err);
int fixture_add_resources(struct fixture *f, struct err *err);
int fixture_add_prompts(struct fixture *f, struct err *err);

#endif
