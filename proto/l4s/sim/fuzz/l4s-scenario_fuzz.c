/* SPDX-License-Identifier: BSD-2-Clause */
/* Any text as a scenario; what is accepted runs for a moment, unless that would be long. */
#include "proto/l4s/sim/sim.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static bool is_small(const struct sim_cfg *cfg)
{
	uint32_t flows = 0;
	uint32_t i;

	for (i = 0; i < cfg->n_flows; i++)
		flows += cfg->flow[i].count;
	for (i = 0; i < cfg->n_links; i++)
		if (cfg->link[i].rate > 200000000 || cfg->link[i].aqm.flows > 65536 ||
		    (cfg->link[i].aqm.tupdate && cfg->link[i].aqm.tupdate < 100000) ||
		    (cfg->link[i].trace_period && cfg->link[i].trace_period < 100000))
			return false;
	for (i = 0; i < cfg->n_loads; i++)
		if (cfg->load[i].rate > 200000000 || cfg->load[i].packet < 60)
			return false;
	return flows <= 16;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct scenario s;
	struct sim_result *r;
	struct err err = {0};
	struct alloc a;

	if (scenario_parse(&s, (const char *)data, n, "fuzz", &err) < 0) {
		if (!err.code || !err.what[0])
			abort();
		return 0;
	}
	if (is_small(&s.cfg)) {
		r = malloc(sizeof(*r));
		if (s.cfg.duration > 300000000) {
			s.cfg.duration = 300000000;
			s.cfg.warmup = 0;
		}
		alloc_init(&a, 64u << 20);
		if (r && sim_run(&s.cfg, NULL, &a, r, &err) == 0)
			sim_result_free(r, &a);
		free(r);
		if (a.used)
			abort();
	}
	scenario_free(&s);
	return 0;
}
