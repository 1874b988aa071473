/* SPDX-License-Identifier: BSD-2-Clause */
/* For tests: a running link between two namespaces of its own, with sockets in them. Needs root. */
#ifndef DEP_L4S_LINK_RIG_H
#define DEP_L4S_LINK_RIG_H

#include "proto/l4s/link/link.h"

#include <pthread.h>

struct rig {
	int home;
	int ns[2];
	struct link_cfg cfg;
	struct link *l;
	pthread_t thread;
	struct err err;
	int rc;
};

/* False: this process may make no namespaces or devices; prints why. */
bool rig_possible(void);
/* A link of 100 Mb/s with a FIFO queue and 5 ms each way, over TUN. */
void rig_defaults(struct link_cfg *cfg);
/* Starts it: ends l0 (10.9.0.1, fd09::1) and r0 (10.9.0.2, fd09::2). */
void rig_start(struct rig *r, const struct link_cfg *cfg);
void rig_stop(struct rig *r);
/* A socket in the namespace of end i, for the time of the call only there. */
int rig_socket(struct rig *r, unsigned i, int family, int type, int protocol);
void rig_enter(struct rig *r, unsigned i);
void rig_leave(struct rig *r);
/* A UDP socket of end i, bound to the port, that tells ECN fields; and the other end as its
 * destination. */
int rig_udp(struct rig *r, unsigned i, int family, unsigned port);
/* One datagram of n bytes (at least 4) that begins with `seq`. */
void rig_send(int fd, uint32_t seq, size_t n);
void rig_set_ecn(int fd, int family, unsigned ecn);
/* One datagram, waiting at most ms: true, its seq, its ECN field and when the kernel had it
 * (CLOCK_REALTIME, ns; NULL: not asked). */
bool rig_receive(int fd, int ms, uint32_t *seq, unsigned *ecn, uint64_t *at);
/* Waits until everything that was sent is through. */
void rig_drain(struct rig *r, struct link_stats *s);
/* A counter of /proc/net/snmp or snmp6 of end i: "Ip:InHdrErrors", "Udp6InCsumErrors". */
uint64_t rig_counter(struct rig *r, unsigned i, const char *name);
/* A setting below /proc/sys of end i. */
void rig_sysctl(struct rig *r, unsigned i, const char *name, const char *value);

#endif
