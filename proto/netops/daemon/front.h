/* SPDX-License-Identifier: BSD-2-Clause */
/* The HTTP side of dep-netops: /mcp, the console and its login, protected-resource metadata, metrics; and who asks. */
#ifndef DEP_NETOPS_FRONT_H
#define DEP_NETOPS_FRONT_H

#include "base/http.h"
#include "proto/netops/daemon/settings.h"
#include "proto/netops/mcp/http.h"
#include "proto/netops/ops/ops.h"

struct front;

/* All must outlive the front. state_dir: for its keys. */
struct front *front_new(uv_loop_t *loop, struct ops *o, struct mcp *m, const char *run_dir, const char *state_dir,
			struct err *err);
/* Takes over settings: listeners that differ are closed and opened, files are read (again). A listener that cannot be
 * opened is logged, and the others serve. */
void front_configure(struct front *f, struct settings *s);
/* Certificates, keys and token files again. */
void front_reload(struct front *f);
/* Closes everything; done is called from the loop when front is gone. */
void front_close(struct front *f, void (*done)(void *ctx), void *ctx);

#endif
