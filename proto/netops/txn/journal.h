/* SPDX-License-Identifier: BSD-2-Clause */
/* The journal (spec §2.2): append-only segments of records in a directory of their own, chained by
 * SHA-256, guarded by CRC-32C, made durable in groups by a worker thread.
 *
 *   journal-<seq>     a segment, named by its first record's number in 16 hex digits
 *   checkpoint-<seq>  configuration and engine as they were after record <seq>; recovery begins
 * with the newest
 *
 * A record, packed, little-endian: u32 magic "NJ01" | u32 len | u64 seq | u8 type | u8 flags | u16
 * 0 | u64 wall_ns | u64 boottime_ns | u8 boot_id[16] | u8 prev_sha256[32] | payload | u32 crc32c.
 * len is that of the payload; the CRC covers everything before it; prev_sha256 is the hash of the
 * whole record before it (zeros before the first).
 *
 * flags: JOURNAL_F_FIRM: everything before this record was durable when it was written. So what is
 * broken before a firm record was damaged, not torn by a crash: recovery refuses it. A broken tail
 * without one behind it is cut off.
 *
 * Segments are kept, as the audit log is in them; a checkpoint begins a new one. Of checkpoint
 * files the newest two stay.
 *
 * A record that could not be written leaves no trace. One whose fsync failed is in the file but
 * perhaps not on the disk: the caller is told, appends what takes it back, and the bytes are
 * written again before the next fsync. Space for records that end a transaction (all but PREPARE,
 * AUDIT, CHECKPOINT) is reserved ahead, so that a full disk hinders only what begins. */
#ifndef DEP_NETOPS_JOURNAL_H
#define DEP_NETOPS_JOURNAL_H

#include "base/clock.h"
#include "base/err.h"
#include "base/slice.h"
#include "proto/netops/txn/txn.h"

#include <uv.h>

#define JOURNAL_MAGIC 0x31304a4eu /* "NJ01" */
#define JOURNAL_HEADER 84
#define JOURNAL_OVERHEAD (JOURNAL_HEADER + 4)
#define JOURNAL_MAX_PAYLOAD (64u << 20)
#define JOURNAL_RESERVE (64u << 10)
#define JOURNAL_F_FIRM 0x02
#define JOURNAL_F_AUDIT_SIGNED 0x01 /* of AUDIT: a signed checkpoint of the chain (audit.h) */

struct journal_record {
	uint64_t seq;
	enum journal_type type;
	uint8_t flags;
	uint64_t wall_ns;
	uint64_t boottime_ns;
	uint8_t boot_id[16];
	uint8_t prev[32];
	uint8_t hash[32];     /* of this whole record */
	struct slice payload; /* valid until the next one is read */
};

struct journal_params {
	uv_loop_t *loop;
	const char *dir; /* made (0700) where it is missing */
	bool fsync;	 /* false: measurements only */
	uint8_t boot_id[16];
	size_t checkpoint_min; /* bytes of records before a checkpoint is worth it; 0: 1 MiB */
	/* Clocks; NULL: the system's. */
	int64_t (*wall)(void *ctx);
	usec_t (*boottime)(void *ctx);
	void *ctx;
	/* For tests: instead of pwrite(2) and fdatasync(2). NULL: these. */
	ssize_t (*pwrite)(int fd, const void *p, size_t n, off_t at);
	int (*fdatasync)(int fd);
};

/* /proc/sys/kernel/random/boot_id. 0 or a negative errno. */
int journal_boot_id(uint8_t out[16]);

struct journal;
/* Reads the newest segments, cuts off a torn tail, is then ready to append. NULL and err: -EBADMSG
 * where what is there was damaged, -ENOTSUP a foreign format, other errno of the files. */
struct journal *journal_open(const struct journal_params *p, struct err *err);
/* Waits for the worker; callbacks that are due are called with -ECANCELED. The loop must run once
 * more. */
void journal_close(struct journal *j);

/* What recovery needs: the newest checkpoint, if there is one, and each record after it (but
 * CHECKPOINT records). A function that returns not 0 ends it with that. same_boot: written since
 * the machine started. */
struct journal_visitor {
	int (*checkpoint)(void *ctx, struct slice engine, struct slice running, bool same_boot,
			  struct err *err);
	int (*record)(void *ctx, const struct journal_record *r, bool same_boot, struct err *err);
	void *ctx;
};
int journal_replay(struct journal *j, const struct journal_visitor *v, struct err *err);

/* Appends a record. done NULL: it becomes durable some time, at the latest with the next that asks
 * for it; else done is called once from the loop, when it and everything before it is durable (0)
 * or could not be made so. Returns its seq, or 0: it could not be written (err, may be NULL); done
 * is called then, too, with that errno. */
uint64_t journal_append(struct journal *j, enum journal_type type, uint8_t flags,
			struct slice payload, void (*done)(void *ctx, int rc), void *ctx,
			struct err *err);
/* Blocks until everything so far is durable. For recovery and the end. */
int journal_flush(struct journal *j, struct err *err);
uint64_t journal_seq(const struct journal *j);		      /* of the newest record, 0: none */
void journal_head(const struct journal *j, uint8_t hash[32]); /* its hash */
const char *journal_dir(const struct journal *j);
bool journal_fsyncs(const struct journal *j);

/* Whether the records since the last checkpoint outgrow it: its cost is then paid for. */
bool journal_wants_checkpoint(const struct journal *j);
/* Writes a checkpoint of the state after the newest record, by the worker; the texts are copied.
 * done is called from the loop, 0 or a negative errno (nothing is lost then). -EBUSY while another
 * is under way. */
int journal_checkpoint(struct journal *j, struct slice engine, struct slice running,
		       const char *running_hash, void (*done)(void *ctx, int rc), void *ctx);

/* ---- Reading, without a journal open ---- */

struct journal_reader;
/* Reads the directory's records from the segment on that holds `from` (0: the first kept). NULL and
 * err. */
struct journal_reader *journal_read(const char *dir, uint64_t from, struct err *err);
/* 1 and the record; 0 at the end; -EBADMSG and err: what comes next is no valid record, or not that
 * which the one before it calls for (journal_reader_next() is the number it should have); other
 * errno. */
int journal_next(struct journal_reader *r, struct journal_record *out, struct err *err);
uint64_t journal_reader_next(const struct journal_reader *r);
void journal_read_end(struct journal_reader *r);
/* First numbers of the segments, ascending; *out is freed by the caller. The number of them, or a
 * negative errno. */
int journal_segments(const char *dir, uint64_t **out);

/* One record at the front of s, whatever chain it is in: its length and *out, or 0. hash: reckon
 * out->hash. */
size_t journal_parse(struct slice s, bool hash, struct journal_record *out);

#endif
