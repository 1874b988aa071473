/* SPDX-License-Identifier: BSD-2-Clause */
/* The two low bits of the IPv4 TOS and IPv6 traffic class octet (RFC 3168 §5, RFC 9331 §2). */
#ifndef DEP_L4S_ECN_H
#define DEP_L4S_ECN_H

enum ecn {
	ECN_NOT_ECT = 0,
	ECN_ECT1 = 1, /* L4S */
	ECN_ECT0 = 2, /* Classic ECN */
	ECN_CE = 3,
};

#define ECN_NAMES {"not-ect", "ect1", "ect0", "ce"}

#endif
