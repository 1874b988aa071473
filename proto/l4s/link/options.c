/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/l4s/link/options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char options_help[] =
	"dep-l4s-link: a real bottleneck between two namespaces, or in front of an interface\n"
	"\n"
	"  dep-l4s-link --rate RATE --delay TIME --a END --b END [OPTION...]\n"
	"  dep-l4s-link --rate RATE --uplink INTERFACE [OPTION...]\n"
	"\n"
	"  --a, --b NETNS:NAME[,ADDRESS/BITS...]  the two ends: interfaces to make, with "
	"addresses\n"
	"  --uplink INTERFACE      shape what leaves by it\n"
	"  --rate RATE             from a to b, such as 100M\n"
	"  --delay TIME            one way, in each direction, such as 10ms\n"
	"  --jitter TIME           more delay, drawn from 0 to TIME; order is kept\n"
	"  --loss SHARE            random loss after the queue, such as 0.1%\n"
	"  --overhead BYTES        a packet beyond IP (14)\n"
	"  --aqm 'KIND WORDS...'   queue manager from a to b (dualpi2); words as of tc(8)\n"
	"  --back-rate RATE, --back-delay TIME, --back-aqm 'KIND WORDS...'\n"
	"                          the way back (default: the same delay, any rate)\n"
	"  --mtu BYTES             of the interfaces (1500)\n"
	"  --gso                   take large packets, for high rates; each is cut for the queue\n"
	"  --gso-max-segs N        segments of the largest packet a sender may give\n"
	"  --busy                  spin before deadlines: exact, costs a processor\n"
	"  --realtime              run with a real-time priority\n"
	"  --time TIME             end after that (default: at a signal)\n"
	"  --warmup TIME           leave the first part out of the figures\n"
	"  --late-limit TIME       p99 of lateness beyond which a run is bad (150us)\n"
	"  --seed N                of the queue's random numbers (1)\n"
	"  --pcapng FILE           what left the queue, with marks and drops as comments\n"
	"  --json, --quiet         report as JSON; no live counters\n"
	"  --seccomp on|log|off    --version, --help\n"
	"\n"
	"Ends with 0, or 4 where the run was bad: late, or packets were lost outside the queue.\n";

enum {
	OPT_A = 'a',
	OPT_B,
	OPT_UPLINK,
	OPT_RATE,
	OPT_DELAY,
	OPT_JITTER,
	OPT_LOSS,
	OPT_OVERHEAD,
	OPT_AQM,
	OPT_BACK_RATE,
	OPT_BACK_DELAY,
	OPT_BACK_AQM,
	OPT_MTU,
	OPT_GSO,
	OPT_GSO_MAX_SEGS,
	OPT_BUSY,
	OPT_REALTIME,
	OPT_TIME,
	OPT_WARMUP,
	OPT_LATE_LIMIT,
	OPT_SEED,
	OPT_PCAPNG,
	OPT_JSON,
	OPT_QUIET,
	OPT_SECCOMP,
	OPT_VERSION,
	OPT_HELP,
};

static const struct option longs[] = {
	{"a", required_argument, NULL, OPT_A},
	{"b", required_argument, NULL, OPT_B},
	{"uplink", required_argument, NULL, OPT_UPLINK},
	{"rate", required_argument, NULL, OPT_RATE},
	{"delay", required_argument, NULL, OPT_DELAY},
	{"jitter", required_argument, NULL, OPT_JITTER},
	{"loss", required_argument, NULL, OPT_LOSS},
	{"overhead", required_argument, NULL, OPT_OVERHEAD},
	{"aqm", required_argument, NULL, OPT_AQM},
	{"back-rate", required_argument, NULL, OPT_BACK_RATE},
	{"back-delay", required_argument, NULL, OPT_BACK_DELAY},
	{"back-aqm", required_argument, NULL, OPT_BACK_AQM},
	{"mtu", required_argument, NULL, OPT_MTU},
	{"gso", no_argument, NULL, OPT_GSO},
	{"gso-max-segs", required_argument, NULL, OPT_GSO_MAX_SEGS},
	{"busy", no_argument, NULL, OPT_BUSY},
	{"realtime", no_argument, NULL, OPT_REALTIME},
	{"time", required_argument, NULL, OPT_TIME},
	{"warmup", required_argument, NULL, OPT_WARMUP},
	{"late-limit", required_argument, NULL, OPT_LATE_LIMIT},
	{"seed", required_argument, NULL, OPT_SEED},
	{"pcapng", required_argument, NULL, OPT_PCAPNG},
	{"json", no_argument, NULL, OPT_JSON},
	{"quiet", no_argument, NULL, OPT_QUIET},
	{"seccomp", required_argument, NULL, OPT_SECCOMP},
	{"version", no_argument, NULL, OPT_VERSION},
	{"help", no_argument, NULL, OPT_HELP},
	{NULL, 0, NULL, 0},
};

/* What an option takes, for who gave something else. */
static const char *form_of(int c)
{
	switch (c) {
	case OPT_A:
	case OPT_B:
		return "NETNS:NAME,ADDRESS/BITS, as left:l0,10.9.0.1/24; a name has at most 15 "
		       "characters";
	case OPT_UPLINK:
		return "the name of an interface, at most 15 characters";
	case OPT_RATE:
	case OPT_BACK_RATE:
		return "bits per second: 100M, 2.5G, 800k";
	case OPT_DELAY:
	case OPT_BACK_DELAY:
	case OPT_JITTER:
	case OPT_TIME:
	case OPT_WARMUP:
	case OPT_LATE_LIMIT:
		return "a time with its unit: 250us, 10ms, 5s";
	case OPT_LOSS:
		return "a share: 0.1% or 0.001";
	case OPT_OVERHEAD:
		return "0 to 1000 bytes";
	case OPT_MTU:
		return "576 to 65535 bytes";
	case OPT_GSO_MAX_SEGS:
		return "1 to 255 segments";
	case OPT_SECCOMP:
		return "on, log or off";
	default:
		return "dep-l4s-link --help lists all options";
	}
}

/* What can only be read when all options are known. */
struct late {
	const char *aqm;
	const char *back_aqm;
	bool back_delay;
};

static int wrong(struct err *err, const char *before, const char *what, const char *after)
{
	err_set(err, -EINVAL, "%s%s%s", before, what, after);
	err_mend(err, "dep-l4s-link --help lists all options");
	return -EINVAL;
}

/* ---- values ---- */

struct unit {
	const char *name;
	double factor;
};

/* A number and one of the units, in the unit's factor; up to most. */
static int number(const char *text, const struct unit *units, double most, double *out)
{
	char *end;
	double v;

	/* strtod reads hexadecimal numbers, too. */
	if (*text < '0' || *text > '9' || strpbrk(text, "xX"))
		return -EINVAL;
	v = strtod(text, &end);
	for (; units->name; units++) {
		if (strcasecmp(end, units->name) != 0)
			continue;
		v = v * units->factor;
		if (!isfinite(v) || v > most)
			return -EINVAL;
		*out = v;
		return 0;
	}
	return -EINVAL;
}

int options_rate(const char *text, uint64_t *out)
{
	static const struct unit units[] = {
		{"", 1},       {"bit", 1}, {"k", 1e3},	  {"kbit", 1e3}, {"m", 1e6},
		{"mbit", 1e6}, {"g", 1e9}, {"gbit", 1e9}, {NULL, 0},
	};
	double v;

	if (number(text, units, 1e12, &v) < 0)
		return -EINVAL;
	*out = (uint64_t)llround(v);
	return 0;
}

int options_time(const char *text, uint64_t *out)
{
	static const struct unit units[] = {
		{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"min", 60e9}, {NULL, 0},
	};
	double v;

	if (strcmp(text, "0") == 0) {
		*out = 0;
		return 0;
	}
	if (number(text, units, 1e15, &v) < 0)
		return -EINVAL;
	*out = (uint64_t)llround(v);
	return 0;
}

int options_share(const char *text, uint32_t *out)
{
	static const struct unit units[] = {{"", 1}, {"%", 0.01}, {NULL, 0}};
	double v;

	if (number(text, units, 1, &v) < 0)
		return -EINVAL;
	*out = (uint32_t)llround(v * (double)UINT32_MAX);
	return 0;
}

static int count(const char *text, uint64_t most, uint64_t *out)
{
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	*out = strtoull(text, &end, 10);
	return errno == 0 && *end == '\0' && *out <= most ? 0 : -EINVAL;
}

/* ---- ends ---- */

static int read_addr(struct netlink_addr *a, const char *text, size_t n)
{
	char buf[64];
	char *slash;
	uint64_t bits;

	if (n >= sizeof(buf))
		return -EINVAL;
	memcpy(buf, text, n);
	buf[n] = '\0';
	slash = strchr(buf, '/');
	if (!slash)
		return -EINVAL;
	*slash = '\0';
	*a = (struct netlink_addr){.family = strchr(buf, ':') ? AF_INET6 : AF_INET};
	if (inet_pton(a->family, buf, a->addr) != 1 ||
	    count(slash + 1, a->family == AF_INET ? 32 : 128, &bits) < 0)
		return -EINVAL;
	a->prefix = (uint8_t)bits;
	a->flags = a->family == AF_INET6 ? IFA_F_NODAD : 0;
	return 0;
}

/* NETNS:NAME[,ADDRESS/BITS...] */
static int read_end(struct options *o, unsigned i, const char *text)
{
	struct options_end *end = &o->end[i];
	size_t head = strcspn(text, ",");
	const char *colon = memrchr(text, ':', head);
	const char *name = colon ? colon + 1 : text;
	size_t n = (size_t)(text + head - name);

	if (n == 0 || n >= sizeof(o->link.name[i]))
		return -EINVAL;
	memcpy(o->link.name[i], name, n);
	o->link.name[i][n] = '\0';
	n = colon ? (size_t)(colon - text) : 0;
	if (n >= sizeof(end->netns))
		return -EINVAL;
	memcpy(end->netns, text, n);
	end->netns[n] = '\0';
	end->addrs = 0;
	for (text += head; *text == ','; text += n) {
		n = strcspn(++text, ",");
		if (end->addrs == OPTIONS_ADDRS || read_addr(&end->addr[end->addrs++], text, n) < 0)
			return -EINVAL;
	}
	return 0;
}

/* ---- options ---- */

static int read_link(struct options *o, int c, const char *v)
{
	struct link_cfg *l = &o->link;
	uint64_t n = 0;
	int rc;

	switch (c) {
	case OPT_RATE:
		return options_rate(v, &l->dir[0].rate);
	case OPT_BACK_RATE:
		return options_rate(v, &l->dir[1].rate);
	case OPT_DELAY:
		return options_time(v, &l->dir[0].delay);
	case OPT_BACK_DELAY:
		return options_time(v, &l->dir[1].delay);
	case OPT_JITTER:
		return options_time(v, &l->dir[0].jitter);
	case OPT_LOSS:
		return options_share(v, &l->dir[0].loss);
	case OPT_OVERHEAD:
		rc = count(v, 1000, &n);
		l->dir[0].overhead = l->dir[1].overhead = (uint32_t)n;
		return rc;
	case OPT_MTU:
		rc = count(v, 65535, &n);
		l->mtu = (uint32_t)n;
		return n < 576 ? -EINVAL : rc;
	case OPT_GSO_MAX_SEGS:
		rc = count(v, 255, &n);
		l->gso_max_segs = (uint8_t)n;
		return n == 0 ? -EINVAL : rc;
	case OPT_SEED:
		return count(v, UINT64_MAX, &l->seed);
	default:
		return options_time(v, &l->late_limit);
	}
}

static int read_run(struct options *o, int c, const char *v)
{
	switch (c) {
	case OPT_A:
		return read_end(o, 0, v);
	case OPT_B:
		return read_end(o, 1, v);
	case OPT_UPLINK:
		if (!*v || strlen(v) >= sizeof(o->link.uplink))
			return -EINVAL;
		snprintf(o->link.uplink, sizeof(o->link.uplink), "%s", v);
		return 0;
	case OPT_TIME:
		return options_time(v, &o->time);
	case OPT_WARMUP:
		return options_time(v, &o->warmup);
	default:
		return sandbox_seccomp_parse(v, &o->seccomp);
	}
}

static int read_one(struct options *o, struct late *late, int c)
{
	switch (c) {
	case OPT_AQM:
		late->aqm = optarg;
		return 0;
	case OPT_BACK_AQM:
		late->back_aqm = optarg;
		return 0;
	case OPT_BACK_DELAY:
		late->back_delay = true;
		return read_link(o, c, optarg);
	case OPT_GSO:
		o->link.mode = LINK_TUN_GSO;
		return 0;
	case OPT_BUSY:
		return (o->link.busy = true), 0;
	case OPT_REALTIME:
		return (o->realtime = true), 0;
	case OPT_JSON:
		return (o->json = true), 0;
	case OPT_QUIET:
		return (o->quiet = true), 0;
	case OPT_VERSION:
		return (o->version = true), 0;
	case OPT_HELP:
		return (o->help = true), 0;
	case OPT_PCAPNG:
		o->pcapng = optarg;
		return 0;
	case OPT_A:
	case OPT_B:
	case OPT_UPLINK:
	case OPT_TIME:
	case OPT_WARMUP:
	case OPT_SECCOMP:
		return read_run(o, c, optarg);
	default:
		return read_link(o, c, optarg);
	}
}

/* Queue managers, which need the rate, and what follows from what. */
static int finish(struct options *o, const struct late *late, struct err *err)
{
	struct link_dir_cfg *d = o->link.dir;
	int rc;

	if (o->help || o->version)
		return 0;
	if (o->link.uplink[0] ? o->link.name[0][0] || o->link.name[1][0]
			      : !o->link.name[0][0] || !o->link.name[1][0])
		return wrong(err, "give two ends, --a and --b, or --uplink", "", "");
	if (d[0].rate == 0)
		return wrong(err, "give the rate of the link: --rate 100M", "", "");
	if (o->time && o->warmup >= o->time)
		return wrong(err, "--warmup leaves nothing of --time", "", "");
	if (!late->back_delay)
		d[1].delay = d[0].delay;
	if (late->back_aqm && d[1].rate == 0)
		d[1].rate = d[0].rate;
	rc = aqm_cfg_parse(&d[0].aqm, late->aqm ? late->aqm : "dualpi2", d[0].rate, err);
	if (rc == 0 && d[1].rate)
		rc = aqm_cfg_parse(&d[1].aqm, late->back_aqm ? late->back_aqm : "fifo", d[1].rate,
				   err);
	return rc;
}

int options_read(struct options *o, int argc, char **argv, struct err *err)
{
	struct late late = {0};
	int c;

	*o = (struct options){.seccomp = SANDBOX_ON};
	o->link.netns[0] = o->link.netns[1] = -1;
	o->link.seed = 1;
	o->link.dir[0].overhead = o->link.dir[1].overhead = 14;
	optind = 0;
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
		if (c == ':')
			return wrong(err, "", argv[optind - 1], " takes a value");
		if (c == '?')
			return wrong(err, "there is no option ", argv[optind - 1], "");
		if (read_one(o, &late, c) < 0) {
			err_set(err, -EINVAL, "%s is no value for --%s", optarg,
				longs[c - OPT_A].name);
			err_mend(err, "%s", form_of(c));
			return -EINVAL;
		}
	}
	if (optind < argc)
		return wrong(err, "unexpected argument ", argv[optind], "");
	return finish(o, &late, err);
}
