/* SPDX-License-Identifier: BSD-2-Clause */
/* ietf-system and ietf-syslog: one step each, with all that the tree says of it. */
#include "proto/netops/sys/plan_priv.h"

#include <stdlib.h>
#include <string.h>

/* ---- ietf-system ---- */

static void number(struct planner *p, yyjson_mut_val *o, const char *key, const char *value,
		   unsigned otherwise)
{
	yyjson_mut_obj_add_uint(p->doc, o, key, value ? strtoul(value, NULL, 10) : otherwise);
}

static void resolver(struct planner *p, yyjson_mut_val *s, const struct lyd_node *at)
{
	const struct lyd_node *options = plan_child(at, "options");
	yyjson_mut_val *o;
	yyjson_mut_val *search;
	yyjson_mut_val *server;
	const struct lyd_node *n;

	if (!plan_child(at, "server") && !plan_child(at, "search"))
		return;
	o = json_add_obj(p->doc, s, "dns");
	search = json_add_arr(p->doc, o, "search");
	server = json_add_arr(p->doc, o, "server");
	LY_LIST_FOR(lyd_child(at), n)
	{
		const char *address = plan_value(plan_child(n, "udp-and-tcp"), "address");

		if (strcmp(n->schema->name, "search") == 0)
			yyjson_mut_arr_add_strcpy(p->doc, search, lyd_get_value(n));
		else if (address)
			yyjson_mut_arr_add_strcpy(p->doc, server, address);
	}
	number(p, o, "timeout", plan_value(options, "timeout"), 5);
	number(p, o, "attempts", plan_value(options, "attempts"), 2);
}

static void system_step(struct planner *p, const struct lyd_node *system)
{
	yyjson_mut_val *s = plan_step(p, PLAN_SETTING, "system");

	plan_text(p, s, "hostname", plan_value(system, "hostname"));
	if (plan_child(system, "dns-resolver"))
		resolver(p, s, plan_child(system, "dns-resolver"));
}

/* ---- ietf-syslog ---- */

static const char *const facilities[] = {
	"kern",	  "user",   "mail",	"daemon", "auth",   "syslog", "lpr",	 "news",
	"uucp",	  "cron",   "authpriv", "ftp",	  "ntp",    "audit",  "console", "cron2",
	"local0", "local1", "local2",	"local3", "local4", "local5", "local6",	 "local7"};
static const char *const severities[] = {"emergency", "alert",	"critical", "error",
					 "warning",   "notice", "info",	    "debug"};

/* Place of a name, without its prefix; -1: none of them. */
static int place(const char *const *names, int n, const char *value)
{
	const char *colon = value ? strrchr(value, ':') : NULL;
	int i;

	value = colon ? colon + 1 : value;
	for (i = 0; value && i < n; i++)
		if (strcmp(names[i], value) == 0)
			return i;
	return -1;
}

static void selection(struct planner *p, yyjson_mut_val *o, const struct lyd_node *target)
{
	yyjson_mut_val *list = NULL;
	const struct lyd_node *filter = plan_child(target, "filter");
	const struct lyd_node *n;

	LY_LIST_FOR(filter ? lyd_child(filter) : NULL, n)
	{
		const char *severity = plan_value(n, "severity");
		int facility = place(facilities, 24, plan_value(n, "facility"));
		yyjson_mut_val *s;

		list = list ? list : json_add_arr(p->doc, o, "select");
		s = yyjson_mut_arr_add_obj(p->doc, list);
		if (facility >= 0)
			yyjson_mut_obj_add_int(p->doc, s, "facility", facility);
		yyjson_mut_obj_add_int(p->doc, s, "severity",
				       severity && strcmp(severity, "all") == 0
					       ? 7
					       : place(severities, 8, severity));
	}
}

static void file(struct planner *p, yyjson_mut_val *list, const struct lyd_node *at)
{
	const char *name = plan_value(at, "name") + strlen("file:");
	yyjson_mut_val *o = yyjson_mut_arr_add_obj(p->doc, list);

	while (*name == '/')
		name++;
	if (strchr(name, '/') || !name[0])
		plan_refuse(p, plan_value(at, "name"),
			    "a log file is a name without directories: file:NAME");
	plan_text(p, o, "name", name);
	selection(p, o, at);
}

static void remote(struct planner *p, yyjson_mut_val *list, const struct lyd_node *at)
{
	const struct lyd_node *udp = plan_child(at, "udp");
	int facility = place(facilities, 24, plan_value(at, "facility-override"));
	const struct lyd_node *n;

	LY_LIST_FOR(udp ? lyd_child(udp) : NULL, n)
	{
		yyjson_mut_val *o = yyjson_mut_arr_add_obj(p->doc, list);

		json_add_text(p->doc, o, "name", "%s %s", plan_value(at, "name"),
			      plan_value(n, "address"));
		plan_text(p, o, "address", plan_value(n, "address"));
		number(p, o, "port", plan_value(n, "port"), 514);
		if (facility >= 0)
			yyjson_mut_obj_add_int(p->doc, o, "facility", facility);
		selection(p, o, at);
	}
}

static void logging_step(struct planner *p, const struct lyd_node *syslog)
{
	const struct lyd_node *actions = syslog ? plan_child(syslog, "actions") : NULL;
	const struct lyd_node *files = actions ? plan_child(actions, "file") : NULL;
	const struct lyd_node *remotes = actions ? plan_child(actions, "remote") : NULL;
	yyjson_mut_val *s = plan_step(p, PLAN_SETTING, "logging");
	yyjson_mut_val *list = NULL;
	const struct lyd_node *n;

	LY_LIST_FOR(files ? lyd_child(files) : NULL, n)
	{
		list = list ? list : json_add_arr(p->doc, s, "file");
		file(p, list, n);
	}
	list = NULL;
	LY_LIST_FOR(remotes ? lyd_child(remotes) : NULL, n)
	{
		list = list ? list : json_add_arr(p->doc, s, "remote");
		remote(p, list, n);
	}
}

/* ---- Both ---- */

void plan_settings_change(struct planner *p, const struct change *c)
{
	p->system = p->system || strncmp(c->path, "/ietf-system:system/hostname", 28) == 0 ||
		    strncmp(c->path, "/ietf-system:system/dns-resolver", 32) == 0;
	p->logging = p->logging || strncmp(c->path, "/ietf-syslog:syslog", 19) == 0;
}

void plan_settings_all(struct planner *p, const struct lyd_node *system,
		       const struct lyd_node *syslog)
{
	const struct lyd_node *dns = system ? plan_child(system, "dns-resolver") : NULL;

	p->system = system && (plan_child(system, "hostname") || plan_child(dns, "server") ||
			       plan_child(dns, "search"));
	p->logging = syslog != NULL;
}

void plan_settings_steps(struct planner *p, const struct lyd_node *system,
			 const struct lyd_node *syslog)
{
	if (p->system)
		system_step(p, system);
	if (p->logging)
		logging_step(p, syslog);
}
