#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Room netops beside yuma123's netconfd: see netops.py.
exec python3 "$DEP_TOP/bench/netops.py" "$@"
