/* SPDX-License-Identifier: BSD-2-Clause */
/* What depd must know of a room: a JSON file, packaging/rooms/NAME.json. Those files are built in;
 * a file of the same name in the operator's directory takes the place of one, others add to them.
 *
 * name               of the room, of its socket (RUN/NAME.sock) and its directory (STATE/NAME)
 * description        for people
 * command            executable and arguments; {run}, {state}, {etc} and {user} stand for
 * directories and the user's number config             arguments that are added where the file that
 * the last one names is there user               who it runs as, where depd is root; without such a
 * user, a number of its own from 61184 on starts-as-root     arguments with which it becomes that
 * user by itself, once it has opened what it must capabilities       it may have; others are out of
 * its reach. Without starts-as-root it has them from the beginning after              rooms that
 * must be up before it starts, and stop after it; it may use their sockets restart "always"
 * (default), "on-failure", "never" restart-limit      failures in a row, each within 10 s of its
 * start, after which it is given up (10) start-timeout      seconds until its socket must answer
 * (30) stop-timeout       seconds between SIGTERM and SIGKILL (10) */
#ifndef DEP_DEPD_MANIFEST_H
#define DEP_DEPD_MANIFEST_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <yyjson.h>

#define MANIFEST_ARGS 32
#define MANIFEST_CAPS 24
#define MANIFEST_AFTER 16
#define MANIFEST_BYTES 65536

enum restart { RESTART_ALWAYS, RESTART_ON_FAILURE, RESTART_NEVER };

struct manifest {
	yyjson_doc *doc; /* holds the texts */
	const char *name;
	const char *description;
	const char *command[MANIFEST_ARGS + 1]; /* each ended by NULL */
	const char *config[MANIFEST_ARGS + 1];
	const char *as_root[MANIFEST_ARGS + 1];
	const char *after[MANIFEST_AFTER + 1];
	const char *user; /* or NULL */
	bool starts_as_root;
	int cap[MANIFEST_CAPS];
	unsigned n_caps;
	enum restart restart;
	unsigned restart_limit;
	unsigned start_timeout;
	unsigned stop_timeout;
};

/* Returns 0, or -EINVAL and err (origin, member, mend). */
int manifest_parse(struct manifest *m, const char *text, size_t n, const char *origin,
		   struct err *err);
void manifest_free(struct manifest *m);

#endif
