/* SPDX-License-Identifier: BSD-2-Clause */
/* TUN and TAP devices as the ends of the link. They vanish with their descriptor. */
#include "proto/l4s/link/link_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int tun_offload(int fd, bool gso)
{
	unsigned flags = gso ? TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN : 0;

	return ioctl(fd, TUNSETOFFLOAD, flags) == 0 ? 0 : -errno;
}

int port_make_tun(struct link_port *p, bool tap, bool gso, const char *name, struct err *err)
{
	struct ifreq ifr = {0};
	int rc;

	p->fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (p->fd < 0) {
		rc = err_set(err, -errno, "cannot open /dev/net/tun: %s", strerror(errno));
		err_mend(err, "load the kernel's tun driver: modprobe tun");
		return rc;
	}
	ifr.ifr_flags = (short)((tap ? IFF_TAP : IFF_TUN) | IFF_NO_PI | (gso ? IFF_VNET_HDR : 0));
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (ioctl(p->fd, TUNSETIFF, &ifr) != 0) {
		rc = err_set(err, -errno, "cannot make the interface %s: %s", name,
			     strerror(errno));
		err_mend(err, rc == -EBUSY ? "choose another name, or end the program that has it"
					   : "run as root, or with CAP_NET_ADMIN");
		return rc;
	}
	snprintf(p->name, sizeof(p->name), "%s", ifr.ifr_name);
	p->ethernet = tap;
	if (gso && (rc = tun_offload(p->fd, true)) < 0)
		return err_set(err, rc, "%s: cannot take large packets: %s", p->name,
			       strerror(-rc));
	return 0;
}

/* txqueuelen and the largest packet, which base/netlink does not set. */
static int set_queue(struct link_port *p, unsigned gso_max_segs, struct err *err)
{
	char bytes[256];
	struct nlmsghdr *h = (struct nlmsghdr *)bytes;
	struct ifinfomsg *info = NLMSG_DATA(h);
	struct {
		struct nlattr a;
		uint32_t v;
	} attr[2] = {
		{{sizeof(attr[0]), IFLA_TXQLEN}, LINK_TXQUEUE},
		{{sizeof(attr[1]), IFLA_GSO_MAX_SEGS}, gso_max_segs},
	};
	size_t n = gso_max_segs ? sizeof(attr) : sizeof(attr[0]);

	memset(bytes, 0, sizeof(bytes));
	h->nlmsg_type = RTM_NEWLINK;
	h->nlmsg_len = (uint32_t)(NLMSG_LENGTH(sizeof(*info)) + n);
	info->ifi_index = (int)p->ifindex;
	memcpy((char *)info + NLMSG_ALIGN(sizeof(*info)), attr, n);
	return netlink_talk(p->nl, h, NULL, NULL, err);
}

int port_set_up(struct link_port *p, uint32_t mtu, unsigned gso_max_segs, struct err *err)
{
	struct netlink_link link;
	int rc;

	p->nl = netlink_open(err);
	if (!p->nl)
		return -EIO;
	rc = netlink_link_get(p->nl, 0, p->name, &link);
	if (rc < 0)
		return err_set(err, rc, "%s: %s", p->name, strerror(-rc));
	p->ifindex = link.ifindex;
	rc = set_queue(p, gso_max_segs, err);
	if (rc == 0)
		rc = netlink_link_mtu(p->nl, p->ifindex, mtu ? mtu : 1500, err);
	if (rc == 0)
		rc = netlink_link_flags(p->nl, p->ifindex, IFF_UP, IFF_UP, err);
	port_dropped_reset(p);
	return rc;
}

int port_open_tun(struct link_port *p, const struct link_cfg *cfg, unsigned i, struct err *err)
{
	int home = -1;
	int rc;

	if (cfg->netns[i] >= 0) {
		home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
		if (home < 0 || setns(cfg->netns[i], CLONE_NEWNET) != 0) {
			rc = err_set(err, -errno, "cannot enter the network namespace of %s: %s",
				     cfg->name[i], strerror(errno));
			if (home >= 0)
				close(home);
			return rc;
		}
	}
	rc = port_make_tun(p, false, cfg->mode == LINK_TUN_GSO, cfg->name[i], err);
	if (rc == 0)
		rc = port_set_up(p, cfg->mtu, cfg->gso_max_segs, err);
	p->out = p->fd;
	if (home >= 0) {
		/* Not to come home would let what follows happen in another namespace. */
		if (setns(home, CLONE_NEWNET) != 0)
			abort();
		close(home);
	}
	return rc;
}

void port_close(struct link_port *p)
{
	netlink_close(p->nl);
	p->nl = NULL;
	if (p->out >= 0 && p->out != p->fd)
		close(p->out);
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
	p->out = -1;
}

static uint64_t tx_dropped(struct link_port *p)
{
	struct netlink_link link;

	if (!p->nl || netlink_link_get(p->nl, p->ifindex, NULL, &link) < 0)
		return 0;
	return link.stats.tx_dropped;
}

uint64_t port_dropped(struct link_port *p)
{
	uint64_t n = tx_dropped(p);

	return n > p->tx_dropped ? n - p->tx_dropped : 0;
}

void port_dropped_reset(struct link_port *p)
{
	p->tx_dropped = tx_dropped(p);
}
