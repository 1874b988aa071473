#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The real bottleneck beside a bare relay and the kernel's token bucket: see l4s_link.py.
exec python3 "$DEP_TOP/bench/l4s_link.py" "$@"
