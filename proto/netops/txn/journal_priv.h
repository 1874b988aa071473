/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef DEP_NETOPS_JOURNAL_PRIV_H
#define DEP_NETOPS_JOURNAL_PRIV_H

#include "base/buf.h"
#include "base/list.h"
#include "proto/netops/txn/journal.h"

#define JOURNAL_PATH 4096

struct journal_waiter {
	struct list node;
	void (*done)(void *ctx, int rc);
	void *ctx;
	int rc; /* 0: waits for the sync */
};

struct journal {
	struct journal_params p;
	char dir[JOURNAL_PATH - 64];
	int dir_fd;
	int fd;
	int old_fd; /* the segment before, not yet synced; or -1 */
	uint64_t seq;
	uint8_t hash[32];
	uint64_t end;	   /* of the segment */
	uint64_t durable;  /* up to here it is on the disk */
	uint64_t reserved; /* space is allocated up to here */
	bool no_reserve;   /* the file system cannot */
	bool dir_dirty;	   /* a segment's name is not durable yet */
	struct alloc alloc;
	struct buf tail;  /* the bytes from `durable` to `end` */
	bool rewrite;	  /* an fsync failed: they must be written again */
	struct buf build; /* scratch for a record */

	/* Group sync. */
	struct list waiting; /* for the next sync */
	struct list syncing;
	uv_work_t work;
	uv_idle_t kick;
	bool busy; /* the worker is at it */
	int sync_rc;
	int sync_fd, sync_old_fd;
	bool sync_dir;
	uint64_t sync_end;
	unsigned closing;

	/* Checkpoints. */
	uint64_t since;	   /* bytes of records after the newest */
	uint64_t snapshot; /* bytes of the newest */
	struct checkpoint_job *job;
};

struct checkpoint {
	uint64_t seq;
	uint8_t prev[32];
	uint8_t boot_id[16];
	uint64_t engine_n;
	uint64_t running_n;
	uint8_t *file; /* whole, owned */
	size_t n;
	struct slice engine, running;
};

int journal_err(struct err *err, const char *dir, const char *what, int rc);
void journal_segment_path(const char *dir, uint64_t first, char out[JOURNAL_PATH]);
void journal_checkpoint_path(const char *dir, uint64_t seq, char out[JOURNAL_PATH]);
/* Begins a segment at seq + 1; what is before it is left to the next sync. */
int journal_rotate(struct journal *j, struct err *err);
/* The newest checkpoint that is whole; seq 0: none. 0 or a negative errno and err. */
int checkpoint_newest(const char *dir, struct checkpoint *out, struct err *err);
void checkpoint_free(struct checkpoint *c);
int journal_wait(struct journal *j, int rc, void (*done)(void *ctx, int rc), void *ctx);
/* The worker's part of a checkpoint being waited for. */
bool journal_checkpoint_busy(const struct journal *j);

static inline uint32_t le32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t le64(const uint8_t *p)
{
	return le32(p) | (uint64_t)le32(p + 4) << 32;
}

static inline void put_le32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
	p[2] = (uint8_t)(v >> 16);
	p[3] = (uint8_t)(v >> 24);
}

static inline void put_le64(uint8_t *p, uint64_t v)
{
	put_le32(p, (uint32_t)v);
	put_le32(p + 4, (uint32_t)(v >> 32));
}

#endif
