/* SPDX-License-Identifier: BSD-2-Clause */
/* What is set besides the network: the name of the machine and its resolver (ietf-system), and
 * where lines of the log go (ietf-syslog). A step says all of one of the two. */
#ifndef DEP_SYS_SETTINGS_H
#define DEP_SYS_SETTINGS_H

#include "proto/netops/sys/message.h"
#include "proto/netops/sys/step.h"

struct settings;

struct settings_params {
	const char *state_dir;	/* what was there before */
	const char *log_dir;	 /* for the files of actions/file, each a ring of its own */
	const char *resolv_conf; /* NULL: the resolver is none of our business */
	bool hostname;		 /* may be set */
};

/* The texts must outlive it. NULL: no memory. */
struct settings *settings_new(const struct settings_params *p);
void settings_free(struct settings *s);
/* Step of kind STEP_SYSTEM or STEP_LOGGING. *changed: it was not so before; then, and where it was
 * no dry run, *back is the step that leads back, the caller's. Returns 0, or a negative errno and
 * err; then all is as before. */
int settings_apply(struct settings *s, const struct step *to, bool dry_run, bool *changed,
		   struct step *back, struct err *err);
/* Whether lines go somewhere. */
bool settings_logs(const struct settings *s);
/* A line of the log (n bytes at line, without its end), to those who want its facility and
 * severity. */
void settings_line(struct settings *s, const struct syslog_message *m, const char *now,
		   const char *host, const char *line, size_t n);

/* forward.c: logging */
struct forward;
/* json: the content of step logging. NULL and err. */
struct forward *forward_new(const char *dir, const char *json, struct err *err);
void forward_free(struct forward *f);
void forward_line(struct forward *f, const struct syslog_message *m, const char *now,
		  const char *host, const char *line, size_t n);

#endif
