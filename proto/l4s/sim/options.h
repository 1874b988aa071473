/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line of dep-l4s-sim. */
#ifndef DEP_L4S_SIM_OPTIONS_H
#define DEP_L4S_SIM_OPTIONS_H

#include "proto/l4s/sim/batch.h"

struct options {
	struct scenario scenario;
	struct batch batch;
	bool json;
	bool help;
	bool version;
	const char *csv;
	const char *samples;
	const char *pcapng;
	uint8_t pcapng_link;
};

extern const char options_usage[];

/* Reads everything: 0 or negative errno and err. Release with options_free. */
int options_read(struct options *o, int argc, char **argv, struct err *err);
void options_free(struct options *o);

#endif
