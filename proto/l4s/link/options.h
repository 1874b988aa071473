/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line of dep-l4s-link. */
#ifndef DEP_L4S_LINK_OPTIONS_H
#define DEP_L4S_LINK_OPTIONS_H

#include "base/netlink.h"
#include "base/sandbox.h"
#include "proto/l4s/link/link.h"

#define OPTIONS_ADDRS 4

struct options_end {
	char netns[256]; /* name below /run/netns, or a path; "": the caller's */
	struct netlink_addr addr[OPTIONS_ADDRS];
	unsigned addrs;
};

struct options {
	struct link_cfg link;
	struct options_end end[2];
	uint64_t time;	 /* ns; 0: until a signal */
	uint64_t warmup; /* ns that figures leave out */
	const char *pcapng;
	bool json;
	bool quiet;
	bool realtime;
	enum sandbox_seccomp seccomp;
	bool help;
	bool version;
};

extern const char options_help[];

/* Returns 0 or -EINVAL and err. */
int options_read(struct options *o, int argc, char **argv, struct err *err);
/* "100M", "2.5Gbit", "800k": bit/s. "10ms", "150us", "1.5s", "0": ns. "0.1%", "0.001": in 2^-32.
 * Each 0 or -EINVAL. */
int options_rate(const char *text, uint64_t *out);
int options_time(const char *text, uint64_t *out);
int options_share(const char *text, uint32_t *out);

#endif
