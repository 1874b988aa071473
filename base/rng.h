/* SPDX-License-Identifier: BSD-2-Clause */
/* Random numbers as a value: xoshiro256** (Blackman and Vigna), seeded; one seed, one sequence. For jitter, sampling and
 * simulations. It can be predicted from its output: what must not be guessed comes from rng_os_bytes(). */
#ifndef DEP_RNG_H
#define DEP_RNG_H

#include <stddef.h>
#include <stdint.h>

struct rng {
	uint64_t s[4];
};

void rng_seed(struct rng *r, uint64_t seed);
uint64_t rng_u64(struct rng *r);
/* Uniform in [0, n), without bias; n 0 gives 0. */
uint64_t rng_below(struct rng *r, uint64_t n);
/* Uniform in [lo, hi]. */
int64_t rng_between(struct rng *r, int64_t lo, int64_t hi);
/* Uniform in [0, 1). */
double rng_unit(struct rng *r);
void rng_bytes(struct rng *r, void *p, size_t n);

/* The kernel's generator, getrandom(2). For shells only. Aborts where the kernel gives none. */
void rng_os_bytes(void *p, size_t n);

#endif
