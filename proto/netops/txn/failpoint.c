/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/txn/failpoint.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const names[] = {
	/* the engine */
	"txn.begin",
	"txn.prepare.written",
	"txn.prepare.durable",
	"txn.commit-prepared",
	"txn.step.before",
	"txn.step.written",
	"txn.applied",
	"txn.applied.written",
	"txn.applied.durable",
	"txn.running",
	"txn.follow-up.begin",
	"txn.follow-up.written",
	"txn.confirm.before",
	"txn.confirm.written",
	"txn.confirm.durable",
	"txn.abort.before",
	"txn.abort.written",
	"txn.rollback.before",
	"txn.rollback.written",
	"txn.rollback.running",
	"txn.undo.before",
	"txn.undone",
	"txn.restored.written",
	"txn.restored.durable",
	"txn.retry",
	"txn.recover",
	/* the journal */
	"journal.create.opened",
	"journal.create.dir-synced",
	"journal.append.before",
	"journal.append.half",
	"journal.append.written",
	"journal.sync.before",
	"journal.sync.done",
	"journal.sync.told",
	"journal.open.scanned",
	"journal.open.truncated",
	"journal.rotate.opened",
	"journal.rotate.done",
	/* its checkpoints */
	"checkpoint.begin",
	"checkpoint.written.half",
	"checkpoint.written",
	"checkpoint.synced",
	"checkpoint.renamed",
	"checkpoint.dir-synced",
	"checkpoint.record",
	"checkpoint.removed-old",
	/* the audit log */
	"audit.key.written",
	"audit.add.before",
	"audit.add.written",
	"audit.sign.before",
	"audit.sign.written",
	"audit.head.written",
	"audit.head.renamed",
	NULL,
};

bool failpoint_armed;
static const char *armed;
static atomic_long left;

const char *const *failpoint_names(void)
{
	return names;
}

void failpoint_init(void)
{
	const char *env = getenv("DEP_FAILPOINT");
	const char *colon = env ? strrchr(env, ':') : NULL;
	size_t n = colon ? (size_t)(colon - env) : 0;
	long count = colon ? strtol(colon + 1, NULL, 10) : 0;
	size_t i;

	if (!env || !*env)
		return;
	if (strcmp(env, "list") == 0) {
		for (i = 0; names[i]; i++)
			puts(names[i]);
		exit(0);
	}
	for (i = 0; names[i] && (strlen(names[i]) != n || strncmp(names[i], env, n) != 0); i++)
		;
	if (!names[i] || count < 1) {
		fprintf(stderr,
			"DEP_FAILPOINT=%s: there is no such point; DEP_FAILPOINT=list names them\n",
			env);
		exit(2);
	}
	armed = names[i];
	atomic_store(&left, count);
	failpoint_armed = true;
}

void failpoint_pass(const char *name)
{
	if (armed && strcmp(name, armed) == 0 && atomic_fetch_sub(&left, 1) == 1)
		kill(getpid(), SIGKILL);
}

void failpoint_at(void *ctx, const char *name)
{
	(void)ctx;
	FAILPOINT(name);
}
