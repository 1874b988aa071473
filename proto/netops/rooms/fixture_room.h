/* SPDX-License-Identifier: BSD-2-Clause */
/* Rooms for tests: real processes behind real sockets, that note what they are asked, refuse, hang,
 * and die by kill -9 where a test says so. "box" and "crate" take a configuration, and forget it
 * when they end; "sys" takes plan steps. */
#ifndef DEP_NETOPS_FIXTURE_ROOM_H
#define DEP_NETOPS_FIXTURE_ROOM_H

#include <stdbool.h>
#include <sys/types.h>

enum fixture_at {
	AT_NOTHING,
	AT_CHECK,  /* config.apply with dry_run, or apply with dry-run */
	AT_APPLY,  /* before it has any effect */
	AT_APPLIED /* it has its effect, and is not answered yet */
};

/* In memory that test and room share. */
struct fixture_room {
	char name[16];
	pid_t pid;
	enum fixture_at die;	/* once */
	enum fixture_at refuse; /* as long as it says so */
	enum fixture_at tell;	/* once: kill -9 of `other` at that point */
	struct fixture_room *other;
	bool hang;	    /* at AT_APPLY, once: no answer comes */
	bool second_module; /* of box: it has one more */
	char config[4096];  /* in force */
	char steps[16384];  /* of room sys: all that was really asked, one request a line */
	unsigned checks, applies, starts;
};

/* n rooms, all without a process. */
struct fixture_room *fixture_rooms(unsigned n);
/* Starts the process; its socket is DIR/NAME.sock. */
void fixture_start(struct fixture_room *r, const char *dir);
/* kill -9, and waits for its end. */
void fixture_kill(struct fixture_room *r);
/* Whether it has ended by itself; its pid is 0 then. */
bool fixture_ended(struct fixture_room *r);

#endif
