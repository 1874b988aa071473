/* SPDX-License-Identifier: BSD-2-Clause */
/* Manifests: what is taken is complete and in its bounds, what is refused has a reason. */
#include "node/depd/manifest.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct manifest m;
	struct err err = {0};

	if (manifest_parse(&m, (const char *)data, size, "fuzz", &err) != 0) {
		if (!err.what[0] || m.doc)
			abort();
		return 0;
	}
	if (!m.name || strchr(m.name, '/') || !m.command[0] || m.n_caps > MANIFEST_CAPS ||
	    m.stop_timeout < 1 || m.start_timeout < 1 || m.command[MANIFEST_ARGS] ||
	    m.after[MANIFEST_AFTER])
		abort();
	manifest_free(&m);
	return 0;
}
