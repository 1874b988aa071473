/* SPDX-License-Identifier: BSD-2-Clause */
/* Validation of what the trail did (RFC 7950 §8): looks at the nodes that came, went or changed,
 * and at the constraints elsewhere that mention them. */
#ifndef DEP_NETOPS_STORE_CHECK_H
#define DEP_NETOPS_STORE_CHECK_H

#include "proto/netops/store/tree.h"

/* 0, or -EINVAL and e (-32084 with a tag and app-tag of RFC 7950 §15), -ENOMEM. */
int tree_check(struct tree *t, size_t mark, struct neterr *e);

#endif
