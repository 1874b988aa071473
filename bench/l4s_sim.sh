#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The simulator of room l4s beside ns-3: see l4s_sim.py.
exec python3 "$DEP_TOP/bench/l4s_sim.py" "$@"
