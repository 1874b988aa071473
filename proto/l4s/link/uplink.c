/* SPDX-License-Identifier: BSD-2-Clause */
/* In front of an interface: what leaves by it passes the bottleneck first.
 *
 * An eBPF program on the interface's egress (TCX) redirects IP packets with their Ethernet headers
 * to a TAP device, which the bottleneck reads; it sends them on by a packet socket with
 * PACKET_QDISC_BYPASS, which goes to the driver past the egress hook, so nothing loops. To the host
 * and its neighbours nothing else changes: addresses, routes and ARP stay on the interface. The
 * program hangs on a link and the TAP on a descriptor; both end with the process, and packets take
 * their old way. */
#include "proto/l4s/link/link_priv.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_arp.h>
#include <linux/if_packet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "uplink_bpf.skel.h"

struct uplink {
	struct l4s_uplink_bpf *skel;
	struct bpf_link *hook;
};

static int open_out(struct link *l, uint32_t ifindex, struct err *err)
{
	struct link_port *p = &l->port[1];
	struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = (int)ifindex};
	int size = 16 << 20;
	int one = 1;
	int rc = 0;

	/* Protocol 0: it receives nothing. */
	p->out = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (p->out < 0 || bind(p->out, (struct sockaddr *)&to, sizeof(to)) != 0 ||
	    setsockopt(p->out, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)) != 0 ||
	    (l->gso && setsockopt(p->out, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one)) != 0)) {
		rc = err_set(err, -errno, "cannot send on %s: %s", p->name, strerror(errno));
		err_mend(err, "run as root, or with CAP_NET_RAW");
	} else {
		setsockopt(p->out, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	}
	return rc;
}

/* Without addresses of its own nothing but what is redirected leaves by the TAP. */
static int open_tap(struct link *l, struct err *err)
{
	struct link_port *p = &l->port[0];
	int rc;

	rc = port_make_tun(p, true, l->gso, l->cfg.name[0][0] ? l->cfg.name[0] : "dep-l4s%d", err);
	if (rc == 0) {
		rc = netlink_sysctl_set(p->name, "disable_ipv6", 1, err);
		rc = rc == -ENOENT ? 0 : rc;
	}
	return rc == 0 ? port_set_up(p, l->cfg.mtu, l->cfg.gso_max_segs, err) : rc;
}

static int hook(struct link *l, uint32_t ifindex, struct err *err)
{
	struct uplink *u = l->uplink;
	int rc;

	libbpf_set_print(NULL);
	u->skel = l4s_uplink_bpf__open();
	if (!u->skel)
		return err_set(err, -errno, "cannot open the eBPF program: %s", strerror(errno));
	u->skel->rodata->tap_ifindex = l->port[0].ifindex;
	rc = l4s_uplink_bpf__load(u->skel);
	if (rc == 0) {
		u->hook = bpf_program__attach_tcx(u->skel->progs.l4s_uplink, (int)ifindex, NULL);
		rc = u->hook ? 0 : -errno;
	}
	if (rc < 0) {
		err_set(err, rc, "cannot redirect what leaves by %s: %s", l->cfg.uplink,
			strerror(-rc));
		err_mend(err, rc == -EPERM ? "run as root, or with CAP_BPF and CAP_NET_ADMIN"
					   : "this needs Linux 6.6 or newer, with TCX");
	}
	return rc;
}

int uplink_open(struct link *l, struct err *err)
{
	struct link_port *p = &l->port[1];
	struct netlink_link link;
	int rc;

	l->uplink = calloc(1, sizeof(*l->uplink));
	p->nl = netlink_open(err);
	if (!l->uplink || !p->nl)
		return -ENOMEM;
	rc = netlink_link_get(p->nl, 0, l->cfg.uplink, &link);
	if (rc < 0)
		return err_set(err, rc, "there is no interface %s", l->cfg.uplink);
	if (link.type != ARPHRD_ETHER)
		return err_set(err, -EOPNOTSUPP, "%s is no Ethernet interface", l->cfg.uplink);
	snprintf(p->name, sizeof(p->name), "%s", link.name);
	p->ifindex = link.ifindex;
	if (l->cfg.mtu == 0)
		l->cfg.mtu = link.mtu;
	rc = open_tap(l, err);
	if (rc == 0)
		rc = open_out(l, link.ifindex, err);
	return rc == 0 ? hook(l, link.ifindex, err) : rc;
}

void uplink_close(struct link *l)
{
	struct uplink *u = l->uplink;

	if (!u)
		return;
	bpf_link__destroy(u->hook);
	l4s_uplink_bpf__destroy(u->skel);
	free(u);
	l->uplink = NULL;
}
