/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/sys/kernel.h"

#include "base/netlink.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#define NAME "depprobe0"
#define LOWER "depprobe1"

static const char *const kinds[FEATURES_LINKS] = {"veth", "bridge", "vxlan", "macvlan", "vlan",
						  "vrf",  "dummy",  "ifb",   "tun",	"bond"};

/* Those that stand on another get this one. */
static uint32_t make_lower(struct netlink *nl)
{
	struct netlink_link l = {.name = LOWER, .kind = "veth"};

	if (netlink_link_new(nl, &l, "depprobe2", -1, NULL) != 0)
		return 0;
	return netlink_link_get(nl, 0, LOWER, &l) == 0 ? l.ifindex : 0;
}

static int try(struct netlink *nl, const char *kind, uint32_t lower, struct err *err)
{
	struct netlink_link l = {.name = NAME, .data = {.id = 7}};
	int rc;

	if (strcmp(kind, "tun") == 0) {
		rc = netlink_tun_new(NAME, false, err);
	} else {
		memccpy(l.kind, kind, 0, sizeof(l.kind) - 1);
		if (strcmp(kind, "macvlan") == 0 || strcmp(kind, "vlan") == 0)
			l.peer = lower;
		rc = netlink_link_new(nl, &l, "depprobe3", -1, err);
	}
	if (rc == 0 && netlink_link_get(nl, 0, NAME, &l) == 0)
		netlink_link_delete(nl, l.ifindex, NULL);
	return rc;
}

static void try_all(struct features *f)
{
	struct netlink *nl = netlink_open(NULL);
	uint32_t lower = nl ? make_lower(nl) : 0;
	unsigned n = 0;
	int i;

	for (i = 0; i < FEATURES_LINKS; i++) {
		struct err err = {0};
		int rc = nl ? try(nl, kinds[i], lower, &err) : -ENOBUFS;

		f->link[i].name = kinds[i];
		f->link[i].available = rc == 0;
		snprintf(f->link[i].reason, sizeof(f->link[i].reason), "%.110s",
			 rc ? err.what : "");
		if (rc == 0)
			f->enabled[n++] = kinds[i];
	}
	if (lower)
		netlink_link_delete(nl, lower, NULL);
	netlink_close(nl);
}

void features_probe(struct features *f)
{
	int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	bool away = home >= 0 && unshare(CLONE_NEWNET) == 0;

	*f = (struct features){0};
	try_all(f);
	/* Not to come home would be to work in the wrong namespace. */
	if (away && setns(home, CLONE_NEWNET) != 0)
		_exit(1);
	if (home >= 0)
		close(home);
}
