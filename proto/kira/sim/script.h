/* SPDX-License-Identifier: BSD-2-Clause */
/* Fault scripts: what happens to the network, and when. A step a line:
 *
 *   at TIME ACTION                          every TIME [from TIME] [until TIME] ACTION
 *
 *   link U V down|up                        carrier of a link
 *   silent U V [oneway]                     the link loses everything, its carrier stays; oneway: only from U to V
 *   loss U V P                              the link loses each datagram with probability P, both ways
 *   delay U V TIME                          both ways
 *   heal U V                                up, not silent, no loss
 *   node N kill|crash|stop|start [ssn-lost] kill: neighbours lose carrier; crash: they do not; stop: the daemon hangs and
 *                                           its forwarding tables go on; start: also after stop
 *   cut COUNT[%] random links [silent] [for TIME]
 *   kill|crash|stop COUNT[%] random nodes [for TIME]
 *   partition SET SET                       cuts all links between two sets of nodes, such as 0-49,60 50-59
 *   partition half                          a random connected half from the rest
 *   restore                                 all links are healed and all nodes started
 *   check                                   a survey, in the report
 *
 * Times are numbers with us, ms, s or m. # begins a comment. */
#ifndef DEP_KIRA_SIM_SCRIPT_H
#define DEP_KIRA_SIM_SCRIPT_H

#include "base/clock.h"
#include "base/err.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

#define SCRIPT_SET_MAX 16
#define SCRIPT_STEPS_MAX 100000
extern const char script_help[];

enum script_action {
	SCRIPT_LINK_DOWN,
	SCRIPT_LINK_UP,
	SCRIPT_SILENT,
	SCRIPT_LOSS,
	SCRIPT_DELAY,
	SCRIPT_HEAL,
	SCRIPT_KILL,
	SCRIPT_CRASH,
	SCRIPT_STOP,
	SCRIPT_START,
	SCRIPT_CUT_RANDOM,
	SCRIPT_KILL_RANDOM,
	SCRIPT_CRASH_RANDOM,
	SCRIPT_STOP_RANDOM,
	SCRIPT_PARTITION,
	SCRIPT_PARTITION_HALF,
	SCRIPT_RESTORE,
	SCRIPT_CHECK,
};

struct script_set {
	uint32_t n;
	struct {
		uint32_t lo;
		uint32_t hi;
	} range[SCRIPT_SET_MAX];
};

struct script_step {
	usec_t at;
	usec_t every; /* 0: once */
	usec_t until; /* of every; USEC_NEVER: to the end */
	uint8_t action; /* enum script_action */
	bool flag;      /* oneway, silent, ssn-lost */
	bool percent;   /* of count */
	uint32_t u;     /* link or node */
	uint32_t v;
	uint32_t count;
	double p;       /* loss */
	usec_t time;    /* delay; or how long random faults last, 0: for ever */
	struct script_set a;
	struct script_set b;
	unsigned line;
	char text[96];  /* the action, for people */
};

struct script {
	struct script_step *step; /* in the order of the file */
	uint32_t n;
	uint32_t cap;
};

/* Appends the steps of a text to sc (zeroed before the first). Nodes must be below n_nodes; whether a link exists is
 * seen when the script is attached to a network. Returns 0, or -EINVAL, -E2BIG, -ENOMEM, and err. */
int script_parse(struct script *sc, struct slice text, uint32_t n_nodes, const char *where, struct err *err);
void script_free(struct script *sc);

/* A number with us, ms, s or m; 0 needs no unit. Returns 0 or -EINVAL. */
int script_time(struct slice word, usec_t *out);

#endif
