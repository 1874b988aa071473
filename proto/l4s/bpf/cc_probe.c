/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether this kernel can: what it lacks is said, and what to do. */
#include "proto/l4s/bpf/cc_load_priv.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Lockdown in confidentiality mode takes reading kernel memory from eBPF. */
static int lockdown(struct err *err)
{
	char line[128] = "";
	FILE *f = fopen("/sys/kernel/security/lockdown", "re");
	bool locked;

	if (!f)
		return 0;
	locked = fgets(line, sizeof(line), f) && strstr(line, "[confidentiality]");
	fclose(f);
	if (!locked)
		return 0;
	err_set(err, -EPERM, "the kernel is locked down (confidentiality)");
	err_mend(err, "start it without lockdown=confidentiality");
	return -EPERM;
}

/* The whole thing, under names of its own, for a moment. */
static int attempt(struct err *err)
{
	char suffix[3] = "_?";
	struct cc_kernel_opts o = {.suffix = suffix};
	struct cc_kernel *k;
	int rc;

	suffix[1] = (char)('a' + getpid() % 26);
	rc = cc_kernel_load_opts(&k, &o, NULL, NULL, err);
	if (rc == -EBUSY) /* somebody else is probing: so it works */
		return 0;
	if (rc == 0)
		cc_kernel_free(k);
	return rc == -EPERM || rc == 0 ? rc : -EOPNOTSUPP;
}

int cc_kernel_probe(struct err *err)
{
	struct cc_kernel_types t;
	int rc = lockdown(err);

	if (rc == 0)
		rc = cc_kernel_types(&t, err);
	return rc ? rc : attempt(err);
}
