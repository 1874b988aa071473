/* SPDX-License-Identifier: BSD-2-Clause */
/* What a node must not lose: its NodeID, and which state sequence numbers it has used (spec §2.8).
 *
 * Both live in one small text file, `identity`, in the node's state directory. It is replaced as a
 * whole (temporary file, fsync, rename, fsync of the directory), so that a crash leaves the old or
 * the new one. State sequence numbers are reserved in strides ahead of use: the file names a number
 * that is at least the highest ever sent, and a node that starts again begins above it, also after
 * a crash. A file that is there but cannot be used is an error, never a new identity: a new NodeID
 * is a new address. The directory is locked: two daemons never share an identity. */
#ifndef DEP_KIRA_IDENTITY_H
#define DEP_KIRA_IDENTITY_H

#include "base/err.h"
#include "base/slice.h"
#include "proto/kira/id.h"

#define IDENTITY_FILE "identity"
#define IDENTITY_TEXT 512    /* no identity file is longer */
#define IDENTITY_STRIDE 1000 /* state sequence numbers reserved at a time */

struct identity_record {
	struct kira_id id;
	uint32_t ssn; /* no higher one has been sent; 0: none at all */
};

/* The file's text: lines "key value"; '#' opens a comment line. Its last line is a checksum over
 * the values, so that a damaged file is noticed. Parsing returns 0, or -EINVAL and err with the
 * line and the mend. */
int identity_parse(struct slice text, struct identity_record *out, struct err *err);
/* Writes the text to `to`, at least IDENTITY_TEXT bytes; returns its length. */
size_t identity_format(const struct identity_record *r, char *to);

struct identity;

/* Opens and locks the state directory `dir`, making it (mode 0700) where it is missing, and loads
 * the identity or, where there is no file, makes one with a random NodeID. Reserves the first
 * stride. Returns NULL and err: -EBUSY where another daemon holds the directory, -EINVAL where the
 * file is damaged. */
struct identity *identity_open(const char *dir, struct err *err);
/* Gives directory and file to a user that the process will become. Returns 0 or a negative errno
 * and err. */
int identity_chown(struct identity *id, uint32_t uid, uint32_t gid, struct err *err);

const struct kira_id *identity_id(const struct identity *id);
/* The highest state sequence number that may have been used before identity_open: the core starts
 * above it. */
uint32_t identity_ssn(const struct identity *id);
/* Descriptor of the locked directory. */
int identity_dir(const struct identity *id);

/* The node now uses `ssn`: reserves more when the stride is nearly used up. To be called before a
 * message carries it. Returns 0, or a negative errno and err where the file could not be written
 * (it is tried again with the next one). */
int identity_use(struct identity *id, uint32_t ssn, struct err *err);

/* Writes the number last used in place of the reservation and unlocks; to be called when nothing is
 * sent any more. */
void identity_close(struct identity *id);
/* Unlocks and leaves the file as it is, as a crash does. */
void identity_drop(struct identity *id);

#endif
