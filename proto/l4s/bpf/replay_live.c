/* SPDX-License-Identifier: BSD-2-Clause */
/* The record as it comes from the kernel. */
#include "proto/l4s/bpf/cc_load.h"
#include "proto/l4s/bpf/replay.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

struct take {
	struct replay *r;
	FILE *file;
	struct err *err;
	int n;
};

static int take(void *ctx, void *data, size_t n)
{
	struct take *t = ctx;
	struct cc_bpf_event e;
	int rc;

	if (n < sizeof(e))
		return err_set(t->err, -EINVAL, "a call of %zu bytes", n);
	memcpy(&e, data, sizeof(e));
	if (t->file && fwrite(&e, sizeof(e), 1, t->file) != 1)
		return err_set(t->err, -EIO, "cannot write the record");
	rc = replay_event(t->r, &e, t->err);
	t->n += rc == 0;
	return rc;
}

int replay_live(struct replay *r, const struct cc_kernel *k, int timeout_ms, FILE *file,
		struct err *err)
{
	struct take t = {.r = r, .file = file, .err = err};
	struct ring_buffer *ring = ring_buffer__new(cc_kernel_ring(k), take, &t, NULL);
	int rc;

	if (!ring)
		return err_set(err, -errno, "cannot read the record: %s", strerror(errno));
	rc = ring_buffer__consume(ring);
	if (rc == 0)
		rc = ring_buffer__poll(ring, timeout_ms);
	ring_buffer__free(ring);
	return rc < 0 ? rc : t.n;
}
