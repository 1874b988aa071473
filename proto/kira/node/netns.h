/* SPDX-License-Identifier: BSD-2-Clause */
/* Network namespaces for tests: each is held by a descriptor, and gone when the test is. Every
 * function asserts. */
#ifndef DEP_KIRA_NETNS_H
#define DEP_KIRA_NETNS_H

#include "base/netlink.h"

/* Enters a new namespace with lo up and no duplicate address detection; returns its descriptor. */
int netns_new(void);
void netns_enter(int ns);
/* A veth pair between two namespaces, both ends up, with link-local addresses fe80::1 in a and
 * fe80::2 in b. Stays in the namespace it was called in. */
void netns_veth(int a, const char *a_name, int b, const char *b_name);
/* In the current namespace. */
uint32_t netns_ifindex(const char *name);
void netns_up(const char *name, bool up);
void netns_delete(const char *name);
/* Adds an address to a device, text as of inet_pton; flags IFA_F_…. */
void netns_addr(const char *name, const char *addr, unsigned prefix, uint32_t flags);

#endif
