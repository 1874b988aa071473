/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/ops/cli.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

struct words {
	char *at[CLI_MAX_WORDS];
	unsigned n;
};

const char *cli_help(void)
{
	return "show configuration [running|candidate|startup] [PATH]; show interfaces [NAME]; "
	       "show route [ipv4|ipv6] [ADDRESS]; show arp [INTERFACE]; show log [COUNT]; show "
	       "history; "
	       "show diff [COMMIT]; show system";
}

/* What a shell or a terminal would make something of has no place in a command. */
static int refuse_bytes(const char *line, size_t n, struct err *err)
{
	static const char shell[] = ";|&$`><";
	size_t i;

	if (n >= CLI_MAX_LINE)
		return err_set(err, -EINVAL, "a command has at most %d bytes", CLI_MAX_LINE - 1);
	for (i = 0; i < n; i++) {
		uint8_t c = (uint8_t)line[i];

		if (memchr(shell, c, sizeof(shell) - 1))
			return err_set(err, -EINVAL, "the character %c is refused in commands", c);
		if (c < 0x20 && c != '\t')
			return err_set(err, -EINVAL, "control characters are refused in commands");
	}
	return 0;
}

/* Words apart by blanks; quotes of either kind hold blanks, inside of a word, too: they stay where
 * a bracket is open. */
static int split(struct cli *c, const char *line, size_t n, unsigned max, struct words *w,
		 struct err *err)
{
	char *to = c->text;
	bool in_word = false;
	bool bracket = false;
	char quote = '\0';
	size_t i;

	*w = (struct words){0};
	for (i = 0; i < n; i++) {
		char ch = line[i];
		bool blank = ch == ' ' || ch == '\t';

		if (blank && !quote && !bracket && w->n < max) {
			if (in_word)
				*to++ = '\0';
			in_word = false;
			continue;
		}
		if (!in_word) {
			if (blank)
				continue;
			if (w->n == max)
				return err_set(err, -EINVAL, "too many words");
			w->at[w->n++] = to;
			in_word = true;
		}
		if (!bracket && !quote && w->n < max && (ch == '\'' || ch == '"')) {
			quote = ch;
			continue;
		}
		if (quote && ch == quote) {
			quote = '\0';
			continue;
		}
		bracket = (bracket || (ch == '[' && !quote)) && ch != ']';
		*to++ = ch;
	}
	*to = '\0';
	if (quote)
		return err_set(err, -EINVAL, "a quote is not closed");
	return 0;
}

static int unknown(struct err *err, const char *what)
{
	err_set(err, -EINVAL, "%.100s is no command of this device", what);
	err_mend(err, "known: %.180s", cli_help());
	return -EINVAL;
}

static bool is(const struct words *w, unsigned i, const char *what)
{
	return i < w->n && strcmp(w->at[i], what) == 0;
}

static bool begins(const struct words *w, unsigned i, const char *const *any)
{
	for (; *any; any++) {
		if (is(w, i, *any))
			return true;
	}
	return false;
}

static int show_configuration(struct cli *c, struct words *w)
{
	static const char *const ds[] = {"running", "candidate", "startup", NULL};
	unsigned i = 2;

	c->what = CLI_SHOW_CONFIGURATION;
	if (begins(w, i, ds))
		c->a = w->at[i++];
	if (i < w->n)
		c->b = w->at[i++];
	return i == w->n ? 0 : -EINVAL;
}

static int show_route(struct cli *c, struct words *w)
{
	static const char *const family[] = {"ipv4", "ipv6", NULL};
	unsigned i = 2;

	c->what = CLI_SHOW_ROUTE;
	if (begins(w, i, family))
		c->a = w->at[i++];
	if (i < w->n)
		c->b = w->at[i++];
	return i == w->n ? 0 : -EINVAL;
}

static int show_log(struct cli *c, struct words *w)
{
	const char *p = w->n > 2 ? w->at[2] : "100";
	unsigned n = 0;

	c->what = CLI_SHOW_LOG;
	for (; *p >= '0' && *p <= '9' && n <= 10000; p++)
		n = n * 10 + (unsigned)(*p - '0');
	c->count = n;
	return w->n <= 3 && *p == '\0' && n >= 1 && n <= 10000 ? 0 : -EINVAL;
}

static int show_plain(struct cli *c, struct words *w, enum cli_what what, unsigned args)
{
	c->what = what;
	if (w->n > 2 && args > 0)
		c->a = w->at[2];
	return w->n <= 2 + args ? 0 : -EINVAL;
}

static int show(struct cli *c, struct words *w)
{
	if (is(w, 1, "configuration") || is(w, 1, "config"))
		return show_configuration(c, w);
	if (is(w, 1, "route") || is(w, 1, "routes"))
		return show_route(c, w);
	if (is(w, 1, "log"))
		return show_log(c, w);
	if (is(w, 1, "interfaces") || is(w, 1, "interface"))
		return show_plain(c, w, CLI_SHOW_INTERFACES, 1);
	if (is(w, 1, "arp") || is(w, 1, "neighbours") || is(w, 1, "neighbors"))
		return show_plain(c, w, CLI_SHOW_ARP, 1);
	if (is(w, 1, "diff"))
		return show_plain(c, w, CLI_SHOW_DIFF, 1);
	if (is(w, 1, "history"))
		return show_plain(c, w, CLI_SHOW_HISTORY, 0);
	if (is(w, 1, "system"))
		return show_plain(c, w, CLI_SHOW_SYSTEM, 0);
	return -EINVAL;
}

int cli_exec(struct cli *c, const char *line, size_t n, struct err *err)
{
	static const char *const configuring[] = {
		"set",	  "delete",   "configure", "conf",  "commit", "rollback",    "no",
		"edit",	  "load",     "save",	   "write", "copy",   "system-view", "undo",
		"reboot", "shutdown", "clear",	   "reset", NULL};
	struct words w;
	int rc = refuse_bytes(line, n, err);

	*c = (struct cli){0};
	if (!rc)
		rc = split(c, line, n, CLI_MAX_WORDS, &w, err);
	if (rc)
		return rc;
	if (begins(&w, 0, configuring)) {
		err_set(err, -EPERM, "%s would change the device: network.cli.exec only shows",
			w.at[0]);
		err_mend(err,
			 "use network.cli.configure or network.yang.edit, then network.commit");
		return -EPERM;
	}
	if (!is(&w, 0, "show") || show(c, &w) != 0)
		return unknown(err, w.n ? c->text : "nothing");
	return 0;
}

int cli_configure(struct cli *c, const char *line, size_t n, struct err *err)
{
	struct words w;
	int rc = refuse_bytes(line, n, err);

	*c = (struct cli){0};
	/* The value is the rest of the line. */
	if (!rc)
		rc = split(c, line, n, 3, &w, err);
	if (rc)
		return rc;
	if (w.n >= 2 && is(&w, 0, "set")) {
		c->what = CLI_SET;
		c->a = w.at[1];
		c->b = w.n == 3 ? w.at[2] : NULL;
		return 0;
	}
	if (w.n == 2 && is(&w, 0, "delete")) {
		c->what = CLI_DELETE;
		c->a = w.at[1];
		return 0;
	}
	err_set(err, -EINVAL, "%.80s is no configuration command", w.n ? w.at[0] : "an empty line");
	err_mend(err, "known: set PATH [VALUE]; delete PATH");
	return -EINVAL;
}
