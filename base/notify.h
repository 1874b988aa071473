/* SPDX-License-Identifier: BSD-2-Clause */
/* Tells the service manager how the daemon fares: sd_notify(3)'s protocol, one datagram to
 * $NOTIFY_SOCKET. */
#ifndef DEP_NOTIFY_H
#define DEP_NOTIFY_H

/* state: "READY=1", "RELOADING=1", "STOPPING=1", "STATUS=…", several joined by newlines. Does
 * nothing where there is no service manager. Returns 1 where it was told, 0 where there is none, or
 * a negative errno. */
int notify_manager(const char *state);

#endif
