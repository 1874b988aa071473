/* SPDX-License-Identifier: BSD-2-Clause */
/* Netlink messages from outside: any bytes may come, and every event must be within its bounds. */
#include "base/netlink.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(void *ctx, const struct netlink_event *ev)
{
	size_t *n = ctx;

	++*n;
	if (ev->type == NETLINK_EV_LINK &&
	    (strnlen(ev->link.name, IFNAMSIZ) == IFNAMSIZ ||
	     strnlen(ev->link.kind, sizeof(ev->link.kind)) == sizeof(ev->link.kind) ||
	     ev->link.n_hwaddr > NETLINK_HWADDR_MAX || ev->link.ifindex == 0))
		abort();
	if (ev->type == NETLINK_EV_NEIGH && ev->neigh.n_hwaddr > NETLINK_HWADDR_MAX)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t n = 0;
	uint32_t *aligned = malloc(size ? size : 1);

	if (!aligned)
		return 0;
	memcpy(aligned, data, size);
	netlink_parse(slice_of(aligned, size), check, &n);
	/* The shortest message is longer than 16 bytes. */
	if (n > size / 16)
		abort();
	free(aligned);
	return 0;
}
