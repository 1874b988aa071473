/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages and what the decoder makes of them, for wire_check_test.py: lines of hex, a space and JSON.
 *   wire_dump SEED COUNT MUTATED    random messages; of each 100, MUTATED are changed in some bytes
 *   wire_dump                       the messages given as lines of hex on standard input */
#include "proto/kira/vectors.h"
#include "proto/kira/wire_sample.h"

#include <stdio.h>
#include <stdlib.h>

static uint8_t bytes[65535];
static uint8_t line[1 << 20];

static int dump(struct slice datagram)
{
	struct kira_msg m;
	enum kira_drop drop = kira_wire_decode(&m, datagram);
	struct buf b;
	size_t i;

	buf_fixed(&b, line, sizeof(line));
	for (i = 0; i < datagram.n; i++)
		buf_printf(&b, "%02x", datagram.p[i]);
	buf_u8(&b, ' ');
	sample_json(&b, drop, &m);
	buf_u8(&b, '\n');
	return !b.failed && fwrite(line, 1, b.n, stdout) == b.n ? 0 : -1;
}

/* A byte changed, or the end cut with the length put right, or a piece written over another. */
static void mutate(struct rng *r, struct buf *b)
{
	uint64_t times = 1 + rng_below(r, 3);
	size_t n;

	for (; times > 0; times--) {
		switch (rng_below(r, 6)) {
		case 0:
			b->n -= rng_below(r, b->n);
			buf_patch_u16(b, 3, (uint16_t)b->n);
			break;
		case 1:
			n = rng_below(r, b->n < 20 ? b->n : 20);
			memmove(b->p + rng_below(r, b->n - n), b->p + rng_below(r, b->n - n), n);
			break;
		case 2:
			b->p[rng_below(r, b->n)] = rng_below(r, 2) ? 0 : 0xff;
			break;
		default:
			b->p[rng_below(r, b->n)] ^= (uint8_t)(1u << rng_below(r, 8));
		}
	}
}

static int random_messages(uint64_t seed, unsigned long count, unsigned long mutated)
{
	static struct sample s;
	struct rng r;

	rng_seed(&r, seed);
	for (; count > 0; count--) {
		struct buf b;

		sample_random(&s, &r);
		buf_fixed(&b, bytes, sizeof(bytes));
		if (!sample_build(&s, &b))
			return -1;
		if (rng_below(&r, 100) < mutated)
			mutate(&r, &b);
		if (dump(buf_slice(&b)) < 0)
			return -1;
	}
	return 0;
}

static int given_messages(void)
{
	static char text[2 * sizeof(bytes) + 2];
	long n;

	while (fgets(text, sizeof(text), stdin)) {
		text[strcspn(text, "\n")] = '\0';
		n = hex_bytes(text, bytes, sizeof(bytes));
		if (n < 0) {
			fprintf(stderr, "wire_dump: not hex: %.40s\n", text);
			return -1;
		}
		if (dump(slice_of(bytes, (size_t)n)) < 0)
			return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	int rc;

	if (argc != 1 && argc != 4) {
		fprintf(stderr, "usage: wire_dump [SEED COUNT MUTATED]\n");
		return 2;
	}
	rc = argc == 1 ? given_messages() :
			 random_messages(strtoull(argv[1], NULL, 0), strtoul(argv[2], NULL, 0),
					 strtoul(argv[3], NULL, 0));
	return rc < 0 || fflush(stdout) != 0 ? 1 : 0;
}
