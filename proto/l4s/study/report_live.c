/* SPDX-License-Identifier: BSD-2-Clause */
/* Live runs beside simulated ones: cells of the study that were also run with the kernel's TCP
 * through the real bottleneck, as test/l4s_live.py --csv writes them. */
#include "proto/l4s/study/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	RATE,
	RTT,
	CONTROL,
	RATIO,
	MODEL,
	FACTOR,
	L99,
	C50,
	C99,
	USED,
	RATE_ERROR,
	LATE,
	BAD,
	COLUMNS,
};

/* Cuts a line at its commas; the last column may be quoted and then have commas. False: not a line
 * of such a file. */
static bool cut(char *line, char *col[COLUMNS])
{
	char *p = line;

	line[strcspn(line, "\r\n")] = 0;
	for (unsigned i = 0; i < COLUMNS; i++) {
		col[i] = p;
		if (i + 1 == COLUMNS)
			break;
		p = strchr(p, ',');
		if (!p)
			return false;
		*p++ = 0;
	}
	if (*col[BAD] == '"')
		col[BAD]++;
	col[BAD][strcspn(col[BAD], "\"")] = 0;
	return strspn(col[RATE], "0123456789.") == strlen(col[RATE]) && *col[RATE];
}

static void text(FILE *f, const char *s)
{
	for (; *s; s++) {
		if (*s == '<')
			fputs("&lt;", f);
		else if (*s == '&')
			fputs("&amp;", f);
		else
			fputc(*s, f);
	}
}

static double value(const char *s)
{
	char *end;
	double v = strtod(s, &end);

	return end == s || *end ? NAN : v;
}

static void row(FILE *f, char *col[COLUMNS])
{
	double ratio = value(col[RATIO]);
	double model = value(col[MODEL]);

	fprintf(f, "<tr><td class=\"n\">%g</td><td class=\"n\">%g</td><td>", value(col[RATE]),
		value(col[RTT]));
	text(f, col[CONTROL]);
	if (*col[BAD]) {
		fprintf(f, "</td><td class=\"soft\" colspan=\"8\">bad twice, not published: ");
		text(f, col[BAD]);
		fprintf(f, "</td></tr>\n");
		return;
	}
	fprintf(f,
		"</td><td class=\"n\">%.2f</td><td class=\"n\">%.2f</td><td class=\"n %s\">%+.0f "
		"%%</td><td class=\"n\">%.2f</td><td class=\"n\">%.1f</td><td "
		"class=\"n\">%.1f</td><td class=\"n\">%.1f</td><td class=\"n\">%.0f</td></tr>\n",
		ratio, model, fmax(ratio / model, model / ratio) <= 1.2 ? "pass" : "fail",
		100 * (ratio / model - 1), value(col[L99]), value(col[C50]), value(col[C99]),
		100 * value(col[USED]), value(col[LATE]));
}

void live_table(FILE *f, const char *dir)
{
	char path[4096];
	char *line = NULL;
	size_t room = 0;
	char *col[COLUMNS];
	FILE *in;

	snprintf(path, sizeof(path), "%s/live.csv", dir);
	in = fopen(path, "re");
	if (!in)
		return;
	fprintf(f,
		"<section><h2>Live beside simulated</h2><p class=\"soft\">One flow of each kind: "
		"the kernel's TCP with the room's controls, between two namespaces, through the "
		"real bottleneck; the simulator over 20 seeds. A run that was late, or whose "
		"programs had to wait for a processor, is repeated once and else not "
		"published.</p><div class=\"wide\"><table><tr><th class=\"n\">Mb/s</th><th "
		"class=\"n\">ms</th><th>C control</th><th class=\"n\">P/C live</th><th "
		"class=\"n\">simulated</th><th class=\"n\">apart</th><th class=\"n\">L p99, "
		"ms</th><th class=\"n\">C p50</th><th class=\"n\">C p99</th><th class=\"n\">link "
		"used, %%</th><th class=\"n\">late p99, µs</th></tr>\n");
	while (getline(&line, &room, in) > 0)
		if (cut(line, col))
			row(f, col);
	fprintf(f, "</table></div></section>\n");
	free(line);
	fclose(in);
}
