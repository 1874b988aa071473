/* SPDX-License-Identifier: BSD-2-Clause */
/* The report: one HTML file without scripts or outside parts. */
#include "lab/chart.h"

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

static const char style[] =
	":root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--ink:#15181d;--soft:#5b6472;--line:#e3e6eb;--grid:#edeff3;"
	"--main:#2a6fd6;--good:#157f4a;--bad:#c2261f;--k0:#2a78d6;--k1:#e0592a;--k2:#159a6b;--k3:#7a5bd0;--k4:#c98500}\n"
	"@media(prefers-color-scheme:dark){:root{--bg:#101216;--card:#181b21;--ink:#e8eaee;--soft:#9aa3b2;--line:#2a2f38;"
	"--grid:#23272f;--main:#5b9bf0;--good:#43b97c;--bad:#ef6a61;--k0:#4d94ea;--k1:#ee7a4e;--k2:#2fb886;--k4:#dba23a;--k3:#a78bf0}}\n"
	"*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"
	"'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif}\n"
	"main{max-width:1120px;margin:0 auto;padding:32px 20px 60px}header{display:flex;flex-wrap:wrap;align-items:baseline;gap:6px 16px;margin-bottom:20px}\n"
	"h1{font-size:25px;margin:0;letter-spacing:-.01em}h2{font-size:16px;margin:0 0 4px}p{margin:0 0 12px;color:var(--soft)}\n"
	".verdict{font-weight:650;font-size:14px;padding:2px 11px;border-radius:99px;color:#fff;background:var(--good)}.verdict.bad{background:var(--bad)}\n"
	".sub{color:var(--soft);flex-basis:100%}\n"
	".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(165px,1fr));gap:12px;margin-bottom:16px}\n"
	".tile,section{background:var(--card);border:1px solid var(--line);border-radius:10px}.tile{padding:12px 16px}\n"
	".tile b{display:block;font-size:24px;font-weight:640;letter-spacing:-.02em;line-height:1.25}.tile span{color:var(--soft);font-size:13px}\n"
	"section{padding:18px 20px;margin-bottom:16px}.two{display:grid;grid-template-columns:1fr 1fr;gap:16px}\n"
	"@media(max-width:860px){.two{grid-template-columns:1fr}}.two section{margin-bottom:16px}\n"
	"svg{display:block;width:100%;height:auto;font:11px system-ui,sans-serif}\n"
	".grid{stroke:var(--grid);stroke-width:1}.tick{fill:var(--soft)}.mid{text-anchor:middle}.end{text-anchor:end}.cap{fill:var(--ink);font-size:12px;font-weight:600}\n"
	".line{fill:none;stroke:var(--main);stroke-width:2;stroke-linejoin:round}.thin{fill:none;stroke:var(--main);stroke-width:1;opacity:.55}.area{fill:var(--main);opacity:.1;stroke:none}\n"
	".k0{--c:var(--k0)}.k1{--c:var(--k1)}.k2{--c:var(--k2)}.k3{--c:var(--k3)}.k4{--c:var(--k4)}.k5{--c:var(--soft)}\n"
	".band rect{fill:var(--c);opacity:.09}.band line{stroke:var(--c);stroke-width:1.5}\n"
	".badge circle{fill:var(--c);stroke:var(--card);stroke-width:2}.badge text{fill:#fff;text-anchor:middle;font-size:10px;font-weight:700}\n"
	".link{stroke:var(--soft);stroke-width:1.6;opacity:.55}.link.hit{stroke:var(--c);stroke-width:3;opacity:1}\n"
	".node circle{fill:var(--card);stroke:var(--ink);stroke-width:1.6}.node text{fill:var(--ink);text-anchor:middle;font-size:10px;font-weight:600}.node.hit circle{stroke:var(--c);stroke-width:3}\n"
	".cdf{fill:none;stroke:var(--c);stroke-width:2}.key rect{fill:var(--c)}.key text{fill:var(--ink);font-size:12px}\n"
	".wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:13.5px;font-variant-numeric:tabular-nums}\n"
	"th{text-align:left;color:var(--soft);font-weight:550;border-bottom:1px solid var(--line);padding:5px 10px 5px 0;white-space:nowrap}\n"
	"td{border-bottom:1px solid var(--grid);padding:5px 10px 5px 0;vertical-align:top}tr:last-child td{border-bottom:0}td.n,th.n{text-align:right}\n"
	"tr.repair td{color:var(--soft)}.dot{display:inline-block;width:9px;height:9px;border-radius:9px;background:var(--c);margin-right:7px}\n"
	".ok{color:var(--good);font-weight:600}.no{color:var(--bad);font-weight:600}code{font:12.5px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}\n"
	".bar{display:inline-block;height:10px;border-radius:0 4px 4px 0;background:var(--main);vertical-align:middle;margin-left:8px}\n"
	"footer{color:var(--soft);font-size:13px}dl{display:grid;grid-template-columns:max-content 1fr;gap:3px 18px;margin:0;font-size:13.5px}dt{color:var(--soft)}dd{margin:0}\n";

/* Text into HTML. */
static void esc(FILE *f, const char *s)
{
	for (; *s; s++) {
		if (*s == '<')
			fputs("&lt;", f);
		else if (*s == '>')
			fputs("&gt;", f);
		else if (*s == '&')
			fputs("&amp;", f);
		else
			fputc(*s, f);
	}
}

/* Mean rates of node i from `from` to `to`; i == n: mean of all nodes. */
static void rate(const struct demo *d, unsigned i, usec_t from, usec_t to, double *bytes, double *packets)
{
	const struct demo_traffic *t = &d->traffic;
	unsigned n = d->graph.n;
	double span = 0;

	*bytes = *packets = 0;
	for (size_t k = 0; k < t->n; k++) {
		if (t->samples[k].at - t->samples[k].span < from || t->samples[k].at > to)
			continue;
		span += (double)t->samples[k].span / 1e6;
		for (unsigned j = i == n ? 0 : i; j < (i == n ? n : i + 1); j++) {
			*bytes += t->bytes[k * n + j];
			*packets += t->packets[k * n + j];
		}
	}
	if (span > 0) {
		*bytes /= span * (i == n ? n : 1);
		*packets /= span * (i == n ? n : 1);
	}
}

struct spans {
	usec_t rest_from; /* all pairs had answered, no fault yet */
	usec_t rest_to;
	usec_t end;
};

static struct spans spans_of(const struct demo *d)
{
	struct spans s = {.end = clock_now()};

	s.rest_from = d->last_start + (d->all_took > 0 ? d->all_took : 0);
	s.rest_to = d->n_faults && d->faults[0].at ? d->faults[0].at : s.end;
	return s;
}

static int by_length(const void *a, const void *b)
{
	usec_t x = *(const usec_t *)a;
	usec_t y = *(const usec_t *)b;

	return (x > y) - (x < y);
}

/* Median and worst of the outages of all faults. Returns how many. */
static size_t all_outages(const struct demo *d, usec_t *median, usec_t *worst)
{
	usec_t *all;
	size_t n = 0;

	*median = *worst = 0;
	for (unsigned k = 0; k < d->n_faults; k++)
		n += d->faults[k].lengths ? d->faults[k].hit : 0;
	all = calloc(n + 1, sizeof(*all));
	if (!all)
		return 0;
	n = 0;
	for (unsigned k = 0; k < d->n_faults; k++) {
		if (!d->faults[k].lengths)
			continue;
		memcpy(all + n, d->faults[k].lengths, d->faults[k].hit * sizeof(*all));
		n += d->faults[k].hit;
	}
	qsort(all, n, sizeof(*all), by_length);
	if (n) {
		*median = all[n / 2];
		*worst = all[n - 1];
	}
	free(all);
	return n;
}

static void tile(FILE *f, const char *value, const char *name)
{
	fprintf(f, "<div class=\"tile\"><b>");
	esc(f, value);
	fprintf(f, "</b><span>");
	esc(f, name);
	fprintf(f, "</span></div>\n");
}

static void write_tiles(FILE *f, const struct demo *d, const struct spans *s)
{
	usec_t median;
	usec_t worst;
	double bytes;
	double packets;
	char a[64];
	char t[24];
	unsigned done = 0;
	size_t n = all_outages(d, &median, &worst);

	for (unsigned k = 0; k < d->n_faults; k++)
		done += d->faults[k].done && d->faults[k].kind != FAULT_REPAIR;
	fprintf(f, "<div class=\"tiles\">\n");
	snprintf(a, sizeof(a), "%u / %u", d->graph.n, d->graph.m);
	tile(f, a, "nodes / links");
	tile(f, d->all_took >= 0 ? text_time(d->all_took, t) : "never", "last start to all pairs reachable");
	snprintf(a, sizeof(a), "%u", done);
	tile(f, a, "faults, each repaired");
	tile(f, n ? text_time(median, t) : "none", "median outage of pairs cut off");
	tile(f, n ? text_time(worst, t) : "none", "worst outage");
	rate(d, d->graph.n, s->rest_from, s->rest_to, &bytes, &packets);
	snprintf(a, sizeof(a), "%s/s", text_bytes(bytes, t));
	tile(f, a, d->daemon->metered ? "control traffic a node sends, at rest" : "traffic a node sends, at rest");
	fprintf(f, "</div>\n");
}

static void write_faults(FILE *f, const struct demo *d)
{
	char t[24];

	fprintf(f, "<section><h2>Faults</h2><p>An outage of a pair runs from its first probe lost to the next answered, "
		   "where at least two in a row were lost. Pairs that the graph no longer connects do not count.</p>\n"
		   "<div class=\"wide\"><table><tr><th class=\"n\">#</th><th class=\"n\">at</th><th>what</th>"
		   "<th class=\"n\">pairs cut off</th><th class=\"n\">median</th><th class=\"n\">worst</th><th class=\"n\">bound</th>"
		   "<th>longest</th><th></th></tr>\n");
	for (unsigned k = 0; k < d->n_faults; k++) {
		const struct demo_fault *x = &d->faults[k];
		bool repair = x->kind == FAULT_REPAIR;

		if (!x->done)
			continue;
		fprintf(f, "<tr class=\"%s\"><td class=\"n\">", repair ? "repair" : "");
		if (!repair)
			fprintf(f, "%u", k / 2 + 1);
		fprintf(f, "</td><td class=\"n\">%.1f s</td><td><span class=\"dot k%d\"></span>", (double)(x->at - d->began) / 1e6,
			x->kind);
		esc(f, x->text);
		fprintf(f, "</td><td class=\"n\">%u of %u</td>", x->hit, x->expected);
		fprintf(f, "<td class=\"n\">%s</td>", x->hit ? text_time(x->median, t) : "–");
		fprintf(f, "<td class=\"n\">%s</td>", x->hit ? text_time(x->worst, t) : "–");
		fprintf(f, "<td class=\"n\">%s</td><td>", text_time(x->bound, t));
		for (unsigned m = 0; m < x->n_worst; m++)
			fprintf(f, "%s%u→%u", m ? ", " : "", x->worst_pairs[m].s, x->worst_pairs[m].d);
		if (x->open)
			fprintf(f, "</td><td class=\"no\">%u pairs not reachable</td></tr>\n", x->open);
		else
			fprintf(f, "</td><td class=\"%s\">%s</td></tr>\n", x->ok ? "ok" : "no", x->ok ? "in time" : "too late");
	}
	fprintf(f, "</table></div></section>\n");
}

static void write_nodes(FILE *f, struct demo *d, const struct spans *s)
{
	double most = 1;
	double bytes;
	double packets;
	char t[24];

	for (unsigned i = 0; i < d->graph.n; i++) {
		rate(d, i, s->rest_from, s->end, &bytes, &packets);
		most = fmax(most, bytes);
	}
	fprintf(f, "<section><h2>Nodes</h2><p>%s a node sent on all its links, whole Ethernet frames, counted by a program on "
		   "every link end%s. At rest: between all pairs reachable and the first fault. Memory and processor time of "
		   "the daemon at the end.</p><div class=\"wide\"><table><tr><th class=\"n\">node</th><th>address</th><th class=\"n\">links</th>"
		   "<th class=\"n\">at rest</th><th class=\"n\">whole run</th><th class=\"n\">messages</th><th>bytes a second, whole run</th>"
		   "<th class=\"n\">memory</th><th class=\"n\">processor</th></tr>\n",
		d->daemon->metered ? "Control traffic" : "All traffic",
		d->daemon->metered ? "; probes (ICMPv6 echo, also in GRE) are not in it" : "; probes are in it");
	for (unsigned i = 0; i < d->graph.n; i++) {
		char addr[INET6_ADDRSTRLEN] = "";
		double rest;
		double x;

		if (lab_node(d->lab, i)->has_addr)
			inet_ntop(AF_INET6, &lab_node(d->lab, i)->addr, addr, sizeof(addr));
		rate(d, i, s->rest_from, s->rest_to, &rest, &x);
		rate(d, i, s->rest_from, s->end, &bytes, &packets);
		fprintf(f, "<tr><td class=\"n\">%u</td><td><code>%s</code></td><td class=\"n\">%u</td><td class=\"n\">%s/s</td>", i,
			addr, graph_degree(&d->graph, i), text_bytes(rest, t));
		fprintf(f, "<td class=\"n\">%s/s</td><td class=\"n\">%.1f/s</td>", text_bytes(bytes, t), packets);
		fprintf(f, "<td><span class=\"bar\" style=\"width:%.0fpx\"></span></td>", fmax(2, 150 * bytes / most));
		fprintf(f, "<td class=\"n\">%s</td><td class=\"n\">%.2f s</td></tr>\n",
			d->rss[i] ? text_bytes((double)d->rss[i], t) : "–", (double)d->cpu[i] / 1e6);
	}
	fprintf(f, "</table></div></section>\n");
}

/* Value of the first line of `file` that begins with `key`, after the colon. */
static void proc_line(const char *file, const char *key, char *out, size_t n)
{
	FILE *f = fopen(file, "re");
	char line[512];

	snprintf(out, n, "unknown");
	while (f && fgets(line, sizeof(line), f)) {
		const char *colon = strchr(line, ':');

		if (strncmp(line, key, strlen(key)) != 0 || !colon)
			continue;
		line[strcspn(line, "\n")] = 0;
		snprintf(out, n, "%s", colon + 1 + strspn(colon + 1, " \t"));
		break;
	}
	if (f)
		fclose(f);
}

static void pair(FILE *f, const char *name, const char *value)
{
	fprintf(f, "<dt>%s</dt><dd>", name);
	esc(f, value);
	fprintf(f, "</dd>\n");
}

static void write_run(FILE *f, struct demo *d)
{
	struct prober_state st;
	struct utsname u;
	char a[256];
	char b[128];
	char t[24];
	char t2[24];

	prober_state(d->prober, &st);
	fprintf(f, "<section><h2>This run</h2><dl>\n");
	pair(f, "Topology", d->graph.name);
	snprintf(a, sizeof(a), "%s (%s)", d->daemon->title, d->version);
	pair(f, "Daemon", a);
	snprintf(a, sizeof(a), "%u faults, seed %llu; bounds: start %s, carrier loss 2 s, silent loss and nodes 5 s", d->opt.faults,
		 (unsigned long long)d->opt.seed, text_time(d->opt.start_bound, t));
	pair(f, "Schedule", a);
	snprintf(a, sizeof(a), "%llu echo requests sent, %llu answered; %u pairs every 10 ms", (unsigned long long)st.sent,
		 (unsigned long long)st.received, st.fast);
	if (st.slow_every)
		snprintf(b, sizeof(b), ", the others every %s", text_time(st.slow_every, t));
	else
		snprintf(b, sizeof(b), ", all pairs");
	strncat(a, b, sizeof(a) - strlen(a) - 1);
	pair(f, "Probes", a);
	snprintf(a, sizeof(a), "late by at most %s, %llu ticks left out, %s of processor time", text_time(st.worst_late, t),
		 (unsigned long long)st.skipped, text_time(st.cpu, t2));
	pair(f, "Prober", a);
	snprintf(a, sizeof(a), "%u namespaces and %u links in %s", d->graph.n, d->graph.m, text_time(d->built, t));
	pair(f, "Laboratory", a);
	uname(&u);
	proc_line("/proc/cpuinfo", "model name", b, sizeof(b));
	snprintf(a, sizeof(a), "%ld x %s, Linux %s", sysconf(_SC_NPROCESSORS_ONLN), b, u.release);
	pair(f, "Machine", a);
	proc_line("/proc/meminfo", "MemTotal", b, sizeof(b));
	pair(f, "Memory", b);
	pair(f, "Dépanneur", DEP_VERSION);
	fprintf(f, "</dl></section>\n");
}

static void write_head(FILE *f, const struct demo *d)
{
	time_t now = time(NULL);
	struct tm tm;
	char when[64];

	gmtime_r(&now, &tm);
	strftime(when, sizeof(when), "%Y-%m-%d %H:%M UTC", &tm);
	fprintf(f, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
		   "<title>Dépanneur: ");
	esc(f, d->graph.name);
	fprintf(f, "</title><style>\n%s</style></head><body><main>\n<header><h1>A network of %u nodes, and what faults did to it</h1>"
		   "<span class=\"verdict%s\">%s</span><span class=\"sub\">",
		style, d->graph.n, d->failed ? " bad" : "", d->failed ? "failed" : "passed");
	esc(f, d->graph.name);
	fprintf(f, ", ");
	esc(f, d->daemon->title);
	fprintf(f, ", %s</span></header>\n", when);
}

int report_write(struct demo *d, const char *path, struct err *err)
{
	struct spans s = spans_of(d);
	FILE *f = fopen(path, "we");

	if (!f)
		return err_set(err, -errno, "cannot write the report %s: %s", path, strerror(errno));
	write_head(f, d);
	write_tiles(f, d, &s);
	fprintf(f, "<section><h2>Reachability over time</h2><p>Share of the pairs that the graph connects whose probe was answered, worst of each moment. "
		   "Bands: faults, from damage to repair.</p>\n");
	chart_time(f, d, s.end);
	fprintf(f, "</section>\n<div class=\"two\"><section><h2>Topology</h2><p>What the faults hit bears their number.</p>\n");
	chart_topology(f, d);
	fprintf(f, "</section><section><h2>Outages</h2><p>Share of the pairs cut off that were back after so long.</p>\n");
	chart_outages(f, d);
	fprintf(f, "</section></div>\n");
	write_faults(f, d);
	write_nodes(f, d, &s);
	write_run(f, d);
	fprintf(f, "</main></body></html>\n");
	if (ferror(f) | fclose(f))
		return err_set(err, -EIO, "cannot write the report %s", path);
	return 0;
}
