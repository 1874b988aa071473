/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/l4s/link/link_priv.h"

#include <errno.h>

int uplink_open(struct link *l, struct err *err)
{
	return err_set(err, -EOPNOTSUPP, "not there yet");
}

void uplink_close(struct link *l)
{
}
