/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef DEP_NETOPS_CRC32C_H
#define DEP_NETOPS_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* CRC-32C (Castagnoli, RFC 3720 appendix B.4) of n bytes, going on from crc (0 at the beginning).
 * Uses the processor's instruction where it has one. */
uint32_t crc32c(uint32_t crc, const void *p, size_t n);
/* The same by tables only; for tests. */
uint32_t crc32c_table(uint32_t crc, const void *p, size_t n);

#endif
