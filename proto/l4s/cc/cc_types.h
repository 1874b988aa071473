/* SPDX-License-Identifier: BSD-2-Clause */
/* The integer types, for user space and for eBPF programs: these have them from vmlinux.h already,
 * where uint64_t is another type than in stdint.h. */
#ifndef DEP_L4S_CC_TYPES_H
#define DEP_L4S_CC_TYPES_H

#ifndef __VMLINUX_H__
#include <stdbool.h>
#include <stdint.h>
#endif

#ifndef UINT32_MAX
#define UINT32_MAX 0xffffffffu
#endif
#ifndef UINT64_MAX
#define UINT64_MAX 0xffffffffffffffffull
#endif

/* For a function of more than five arguments, which eBPF cannot call. */
#define cc_inline static inline __attribute__((always_inline))

#endif
