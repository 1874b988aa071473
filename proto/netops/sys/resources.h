/* SPDX-License-Identifier: BSD-2-Clause */
/* Processor and memory, from /proc. */
#ifndef DEP_SYS_RESOURCES_H
#define DEP_SYS_RESOURCES_H

#include "base/json.h"

#define RESOURCES_INTERVAL_MS 30000

struct resources;

struct resources *resources_new(void); /* the first sample is taken */
void resources_free(struct resources *r);
/* Utilization since the last sample. */
void resources_sample(struct resources *r);
/* depanneur-sys:system-resources, and what ietf-system:system-state says of the machine. */
void state_resources(const struct resources *r, const char *path, yyjson_mut_doc *doc,
		     yyjson_mut_val *root);

#endif
