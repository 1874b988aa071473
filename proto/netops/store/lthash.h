/* SPDX-License-Identifier: BSD-2-Clause */
/* A hash of a multiset that is kept as elements come and go (LtHash: lattice-based, after Bellare
 * and Micciancio). Each element is hashed to a vector of 1024 numbers of 16 bits, and the vectors
 * are added; so the order does not matter and taking an element out is a subtraction. To find two
 * multisets with the same sum is to solve a short integer solution problem in that dimension and
 * modulus, for which 1024 x 16 bits give more than 200 bits of security; a plain sum of 256-bit
 * hashes would fall to a generalised birthday attack. The vector comes from SHA-256 of the element
 * as the key of ChaCha20, which stands for a random function here. */
#ifndef DEP_NETOPS_LTHASH_H
#define DEP_NETOPS_LTHASH_H

#include <stddef.h>
#include <stdint.h>

struct lthash {
	uint16_t at[1024];
};

/* One element: parts are taken with their lengths, so that they cannot be confused; NULL is none.
 */
int lthash_add(struct lthash *h, const char *const *parts, size_t n);
int lthash_del(struct lthash *h, const char *const *parts, size_t n);
/* "sha256:" and 64 hex digits. */
int lthash_text(const struct lthash *h, char out[72]);

#endif
