/* SPDX-License-Identifier: BSD-2-Clause */
/* The report: one HTML file that needs nothing else. Every sentence with a number is computed from
 * the runs. */
#include "proto/l4s/study/report.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const report_cc[REPORT_CCS] = {CUBIC_70, CUBIC_85, CUBIC_ADAPTIVE};
const char *const report_cc_name[REPORT_CCS] = {"without ABE (0.70)", "ABE 0.85", "adaptive ABE"};

static const char style[] =
	":root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--ink:#15181d;--soft:#5b6472;"
	"--line:#e3e6eb;--grid:#e6e9ee;--good:#157f4a;--bad:#c2261f;--hi:#e8871e;--lo:#3d8fd6;"
	"--k0:#8a5a00;--k1:#1f6fc4;--k2:#a0379a}\n"
	"@media(prefers-color-scheme:dark){:root{--bg:#101216;--card:#181b21;--ink:#eceef2;"
	"--soft:#9aa3b2;--line:#2a2f38;--grid:#2a2f38;--good:#43b97c;--bad:#ef6a61;--hi:#c06a10;"
	"--lo:#2f78b8;--k0:#dba23a;--k1:#62a5f2;--k2:#d889d3}}\n"
	"*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--ink);"
	"font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica "
	"Neue',Arial,sans-serif}\n"
	"main{max-width:1160px;margin:0 auto;padding:28px 20px 60px}h1{font-size:25px;margin:0 0 "
	"6px;"
	"letter-spacing:-.01em}h2{font-size:18px;margin:0 0 4px}h3{font-size:15px;margin:14px 0 "
	"4px}"
	"p{margin:0 0 10px;max-width:92ch}.soft,figcaption{color:var(--soft)}"
	".answer{font-size:18px;line-height:1.45;margin:0 0 16px}\n"
	".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(200px,1fr));gap:12px;"
	"margin-bottom:16px}.tile,section{background:var(--card);border:1px solid var(--line);"
	"border-radius:10px}.tile{padding:12px 16px}.tile b{display:block;font-size:23px;"
	"font-weight:640;letter-spacing:-.02em;line-height:1.3}.tile span{color:var(--soft);"
	"font-size:13px}\n"
	"section{padding:18px 20px;margin-bottom:16px}.row{display:grid;"
	"grid-template-columns:repeat(auto-fit,minmax(310px,1fr));gap:14px 20px;align-items:start}"
	"figure{margin:6px 0 0}svg{display:block;width:100%;height:auto;"
	"font:11px system-ui,sans-serif}\n"
	".tick{fill:var(--soft)}.mid{text-anchor:middle}.end{text-anchor:end}.cap{fill:var(--ink);"
	"font-size:12.5px;font-weight:600}.num{fill:var(--ink);font-size:14px;font-weight:620}"
	".sub{fill:var(--ink);font-size:10px;opacity:.82}.hi{fill:var(--hi)}.lo{fill:var(--lo)}\n"
	".grid{stroke:var(--grid)}.one{stroke:var(--soft)}.fair{fill:var(--good);opacity:.10}"
	".k0{--c:var(--k0)}.k1{--c:var(--k1)}.k2{--c:var(--k2)}.curve{fill:none;stroke:var(--c);"
	"stroke-width:2;stroke-linejoin:round}.theory{fill:none;stroke:var(--c);stroke-width:1.3;"
	"stroke-dasharray:4 4;opacity:.8}.bar{stroke:var(--c);stroke-width:2}.dot{fill:var(--c)}\n"
	".key{display:flex;flex-wrap:wrap;gap:4px 18px;font-size:13px;margin:2px 0 6px}"
	".key i{display:inline-block;width:16px;height:3px;border-radius:2px;background:var(--c);"
	"vertical-align:middle;margin-right:6px}.key i.sq{height:12px;width:12px}\n"
	".wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:13.5px;"
	"font-variant-numeric:tabular-nums}th{text-align:left;color:var(--soft);font-weight:550;"
	"border-bottom:1px solid var(--line);padding:5px 12px 5px 0;vertical-align:bottom}"
	"td:nth-child(3){white-space:nowrap}.verdicts "
	"td{white-space:normal!important}summary{cursor:pointer}"
	"td{border-bottom:1px solid var(--grid);padding:5px 12px 5px 0;vertical-align:top}"
	"tr:last-child td{border-bottom:0}td.n,th.n{text-align:right}"
	".pass{color:var(--good);font-weight:640}.fail{color:var(--bad);font-weight:640}"
	"code{font:12.5px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}"
	"footer{color:var(--soft);font-size:13px}li{max-width:92ch}ul{margin:4px 0 8px;"
	"padding-left:20px}a{color:var(--k1)}\n"
	"@media print{section{break-inside:avoid}}\n";

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

bool report_find_any(const struct study *s, double mbit, double rtt, const char *aqm,
		     const char *cubic, const char *prague, struct mix mix, struct summary *m)
{
	for (size_t i = 0; i < study_plans; i++) {
		struct grid_cell c =
			study_cell(s, &study_plan[i], mbit, rtt, aqm, cubic, prague, mix);

		if (study_summary(s, &c, m))
			return true;
	}
	return false;
}

bool report_find(const struct study *s, double mbit, double rtt, const char *cubic, struct mix mix,
		 struct summary *m)
{
	return report_find_any(s, mbit, rtt, STUDY_AQM, cubic, PRAGUE, mix, m);
}

static bool found(const struct study *s, double mbit, double rtt, const char *cubic, struct mix mix)
{
	struct summary m;

	if (cubic)
		return report_find(s, mbit, rtt, cubic, mix, &m);
	for (unsigned k = 0; k < REPORT_CCS; k++)
		if (report_find(s, mbit, rtt, report_cc[k], mix, &m))
			return true;
	return false;
}

void report_axes(const struct study *s, const char *cubic, struct mix mix, struct axes *a)
{
	*a = (struct axes){0};
	for (const double *r = wide_rate; *r > 0; r++) {
		bool any = false;

		for (const double *t = wide_rtt; *t > 0 && !any; t++)
			any = found(s, *r, *t, cubic, mix);
		if (any)
			a->rate[a->rates++] = *r;
	}
	for (const double *t = wide_rtt; *t > 0; t++) {
		bool any = false;

		for (const double *r = wide_rate; *r > 0 && !any; r++)
			any = found(s, *r, *t, cubic, mix);
		if (any)
			a->rtt[a->rtts++] = *t;
	}
}

/* ---- heat maps */

static void maps(FILE *f, const struct study *s)
{
	fprintf(f, "<section><h2>Rate of a Prague flow over that of a CUBIC flow</h2>\n<div "
		   "class=\"key\"><span><i class=\"sq\" style=\"background:var(--hi)\"></i>Prague "
		   "sends more</span><span><i class=\"sq\" "
		   "style=\"background:var(--lo)\"></i>CUBIC sends more</span><span "
		   "class=\"soft\">strongest from 3:1 on; below the ratio half its 95 %% "
		   "interval</span></div>\n");
	for (unsigned k = 0; k < MIXES; k++) {
		fprintf(f, "<div class=\"row\">");
		for (unsigned c = 0; c < REPORT_CCS; c++) {
			char title[96];

			snprintf(title, sizeof(title), "%s, %u CUBIC + %u Prague",
				 report_cc_name[c], study_mix[k].c, study_mix[k].p);
			heat_ratio(f, s, title, report_cc[c], study_mix[k]);
		}
		fprintf(f, "</div>\n");
	}
	fprintf(f, "</section>\n");
}

static bool other_betas(const struct study *s)
{
	struct axes a;

	report_axes(s, beta_cc[2], study_mix[0], &a);
	return a.rates > 0;
}

static void betas(FILE *f, const struct study *s)
{
	if (!other_betas(s))
		return;
	fprintf(f, "<section><h2>Other multipliers</h2><p class=\"soft\">1 CUBIC + 1 Prague; 0.70 "
		   "and 0.85 are above.</p><div class=\"row\">\n");
	for (unsigned i = 0; beta_cc[i]; i++) {
		char title[64];

		if (i == 0 || i == 3)
			continue;
		snprintf(title, sizeof(title), "β %.2f", beta_value[i]);
		heat_ratio(f, s, title, beta_cc[i], study_mix[0]);
	}
	fprintf(f, "</div></section>\n");
}

/* ---- lines */

static void key(FILE *f, const struct study *s, const char *more)
{
	struct axes a;

	fprintf(f, "<div class=\"key\">");
	for (unsigned k = 0; k < REPORT_CCS; k++) {
		report_axes(s, report_cc[k], study_mix[0], &a);
		if (!a.rates)
			continue;
		fprintf(f, "<span class=\"k%u\"><i></i>%s</span>", k, report_cc_name[k]);
	}
	fprintf(f, "<span class=\"soft\">%s</span></div>\n", more);
}

static void lines(FILE *f, const struct study *s)
{
	struct axes a;

	report_axes(s, NULL, study_mix[0], &a);
	if (!a.rates)
		return;
	fprintf(f, "<section><h2>Over the RTT, with theory</h2>\n");
	key(f, s,
	    "bars: 95 % intervals; dashed: the steady-state theory of RFC 9332 appendix C with "
	    "that multiplier, which knows no oscillation; green: 0.8 to 1.25");
	fprintf(f, "<div class=\"row\">\n");
	for (size_t i = 0; i < a.rates; i++)
		line_ratio(f, s, a.rate[i], study_mix[0]);
	report_axes(s, NULL, study_mix[2], &a);
	for (size_t i = 0; i < a.rates; i++)
		line_ratio(f, s, a.rate[i], study_mix[2]);
	fprintf(f, "</div></section>\n");
}

static void delays(FILE *f, const struct study *s)
{
	static const double rtt[] = {10, 20, 60};
	static const double rate[] = {40, 100};
	struct summary m;

	fprintf(f, "<section><h2>Queue delay</h2>\n");
	key(f, s, "1 CUBIC + 1 Prague; mean over seeds of each quantile, both axes logarithmic");
	fprintf(f, "<div class=\"row\">\n");
	for (unsigned i = 0; i < 2; i++)
		for (unsigned k = 0; k < 3; k++)
			for (unsigned q = 0; q < 2; q++)
				if (report_find(s, rate[i], rtt[k], CUBIC_70, study_mix[0], &m))
					line_delay(f, s, rate[i], rtt[k], study_mix[0], q);
	fprintf(f, "</div></section>\n");
}

/* ---- utilisation */

static void use_row(FILE *f, double mbit, double rtt, const char *flows, const struct summary *m)
{
	fprintf(f, "<tr><td class=\"n\">%g</td><td class=\"n\">%g</td><td>%s</td>", mbit, rtt,
		flows);
	for (unsigned k = 0; k < REPORT_CCS; k++) {
		if (!m[k].n)
			fprintf(f, "<td></td><td></td><td></td><td></td>");
		else
			fprintf(f,
				"<td class=\"n\">%.1f</td><td class=\"n\">%.1f</td><td "
				"class=\"n\">%.1f</td><td class=\"n\">%.2f</td>",
				100 * m[k].util.value, m[k].p50[0].value, m[k].p99[0].value,
				m[k].p99[1].value);
	}
	fprintf(f, "</tr>\n");
}

static void use_rows(FILE *f, const struct study *s, const char *prague, const double *rate,
		     const double *rtt)
{
	for (const double *r = rate; *r > 0; r++) {
		for (const double *t = rtt; *t > 0; t++) {
			struct summary m[REPORT_CCS] = {0};
			bool any = false;

			for (unsigned k = 0; k < REPORT_CCS; k++)
				any |= report_find_any(s, *r, *t, STUDY_AQM, report_cc[k], prague,
						       study_mix[0], &m[k]);
			if (any)
				use_row(f, *r, *t, prague ? "1 CUBIC + 1 Prague" : "1 CUBIC", m);
		}
	}
}

static void use(FILE *f, const struct study *s)
{
	fprintf(f, "<section><h2>Utilisation and delay</h2><div class=\"wide\"><table>\n<tr><th "
		   "class=\"n\">Mb/s</th><th class=\"n\">ms</th><th>flows</th>");
	for (unsigned k = 0; k < REPORT_CCS; k++)
		fprintf(f,
			"<th class=\"n\">%s: link used, %%</th><th class=\"n\">C p50, ms</th><th "
			"class=\"n\">C p99</th><th class=\"n\">L p99</th>",
			report_cc_name[k]);
	fprintf(f, "</tr>\n");
	use_rows(f, s, NULL, benefit_rate, benefit_rtt);
	use_rows(f, s, PRAGUE, wide_rate, wide_rtt);
	fprintf(f, "</table></div></section>\n");
}

/* ---- verdicts and method */

static void verdicts(FILE *f, const struct study *s)
{
	fprintf(f, "<section><h2>Verdicts</h2><div class=\"wide verdicts\"><table>\n");
	for (size_t i = 0; i < s->n_verdicts; i++) {
		const struct verdict *v = &s->verdict[i];

		fprintf(f, "<tr><td class=\"%s\">%s</td><td>%s</td><td>",
			v->note	  ? "soft"
			: v->pass ? "pass"
				  : "fail",
			v->note	  ? ""
			: v->pass ? "pass"
				  : "fail",
			v->plan);
		esc(f, v->text);
		fprintf(f, "</td></tr>\n");
	}
	fprintf(f, "</table></div></section>\n");
}

static void method(FILE *f, const struct study *s, const char *version)
{
	uint64_t runs = 0;
	double packets = 0;
	double cpu = 0;

	for (size_t i = 0; i < s->grid.n; i++) {
		for (uint32_t k = 0; k < s->grid.entry[i].seeds; k++) {
			runs += s->grid.entry[i].run[k].done;
			packets += (double)s->grid.entry[i].run[k].packets;
			cpu += s->grid.entry[i].run[k].cpu;
		}
	}
	fprintf(f,
		"<section><h2>Method</h2><p>%zu cells, %llu runs, %.3g packets, %.0f s of "
		"processor time. Dépanneur %s, simulator code <code>%s</code>; seeds from %llu on, "
		"the same in each cell. One seed gives one result, byte for byte.</p><ul>\n",
		s->grid.n, (unsigned long long)runs, packets, cpu, DEP_VERSION, version,
		(unsigned long long)s->grid.first_seed);
	fprintf(f,
		"<li>A dumbbell: one link with DualPI2 in the form of Linux (target 15 ms, update "
		"16 ms, α 0.16, β 3.2, k 2, step 1 ms, drop-on-overload), 14 bytes of overhead a "
		"packet, all flows of a cell with the same base RTT. C flows are CUBIC as in Linux "
		"(HyStart, fast convergence, ECT(0), RFC 3168 feedback); P flows are Prague "
		"(ECT(1), Accurate ECN, virtual RTT 25 ms). ABE changes the multiplier on a mark "
		"alone: α of CUBIC is kept, a loss is answered with 0.7.</li>\n"
		"<li>Each flow starts within 0.2 s; figures count after a warm-up of 10 to 60 s "
		"that grows with the bandwidth-delay product.</li>\n"
		"<li>P/C is the ratio of the mean goodput of a Prague flow to that of a CUBIC "
		"flow. Over seeds it is averaged as a logarithm; its interval is Student's on the "
		"logarithm. The imbalance factor is exp of the mean over cells of |ln P/C|, with a "
		"bootstrap that resamples seeds within cells.</li>\n"
		"<li>Simplified: no cross traffic or loss beyond the queue, ACKs come back over a "
		"delay alone, receivers without limit, segments of equal size, sending programs "
		"that always have data, one bottleneck.</li></ul>\n"
		"<p>Data: <a href=\"cells.csv\">cells.csv</a>, <a href=\"runs.csv\">runs.csv</a>, "
		"<a href=\"delays.csv\">delays.csv</a>.</p></section>\n");
}

static void page(FILE *f, const struct study *s, const char *dir, const char *version)
{
	fprintf(f,
		"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/><meta "
		"name=\"viewport\" content=\"width=device-width,initial-scale=1\"/><title>ABE in "
		"an "
		"L4S queue</title><style>\n%s</style></head><body><main>\n<h1>Do CUBIC with ABE "
		"and "
		"Prague send at almost the same rate through a DualQ?</h1>\n",
		style);
	report_answer(f, s);
	maps(f, s);
	live_table(f, dir);
	report_where(f, s);
	lines(f, s);
	delays(f, s);
	betas(f, s);
	use(f, s);
	verdicts(f, s);
	method(f, s, version);
	fprintf(f, "<footer>dep l4s study</footer></main></body></html>\n");
}

int study_report(const struct study *s, const char *dir, const char *version, struct err *err)
{
	char path[4096];
	char part[4096 + 8];
	FILE *f;
	int rc;

	snprintf(path, sizeof(path), "%s/index.html", dir);
	snprintf(part, sizeof(part), "%s.part", path);
	f = fopen(part, "we");
	if (!f) {
		err_set(err, -errno, "cannot write the report: %s", strerror(errno));
		err_where(err, "%s", part);
		return err->code;
	}
	page(f, s, dir, version);
	rc = ferror(f) ? -EIO : 0;
	if (fclose(f) != 0)
		rc = -errno;
	if (rc == 0 && rename(part, path) < 0)
		rc = -errno;
	if (rc < 0) {
		err_set(err, rc, "cannot write the report: %s", strerror(-rc));
		err_where(err, "%s", path);
	}
	return rc;
}
