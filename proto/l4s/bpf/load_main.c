/* SPDX-License-Identifier: BSD-2-Clause */
/* dep-l4s-load: traffic for measurements. */
#include "proto/l4s/bpf/load.h"

#include "proto/l4s/ecn.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

#define SPECS_MAX 64

struct options {
	struct load_common c;
	struct load_spec spec[SPECS_MAX];
	unsigned n_spec;
	struct load_udp udp;
	const char *host;
	const char *netns;
	char cc[LOAD_CC];
	uint32_t flows;
	uint16_t port;
};

static void usage(FILE *to)
{
	fputs("dep-l4s-load: traffic of known congestion controls and ECN codepoints\n"
	      "\n"
	      "  dep-l4s-load server   [--listen ADDR] [--cc NAME] [--flows N]\n"
	      "  dep-l4s-load client   --to ADDR [--flow WORDS]... [--sample MS]\n"
	      "  dep-l4s-load udp      --to ADDR --rate RATE [--size BYTES] [--ecn CLASS]\n"
	      "  dep-l4s-load receive  [--listen ADDR]\n"
	      "\n"
	      "  --listen ADDR      an address of this machine (all)\n"
	      "  --to ADDR          IPv4 or IPv6 address of the other end\n"
	      "  --cc NAME          congestion control of the listener, set before listen()\n"
	      "  --flows N          end when so many flows have ended\n"
	      "  --flow WORDS       cc=NAME,count=N,start=S,seconds=S,bytes=N; may be repeated. "
	      "By\n"
	      "                     default one flow with the system's control that sends for\n"
	      "                     --seconds less one. cc is set before connect()\n"
	      "  --sample MS        a time series of each flow\n"
	      "  --rate RATE        bit/s: 10M\n"
	      "  --size BYTES       of a datagram's payload (1200)\n"
	      "  --ecn CLASS        not-ect (default), ect0, ect1 or ce\n"
	      "  --port N           5201\n"
	      "  --seconds S        end after so long at the latest (60)\n"
	      "  --netns NAME       in this network namespace\n"
	      "  --version, --help\n"
	      "\n"
	      "Prints one JSON object. Ends with 0, 1 where something failed, 2 for wrong use.\n",
	      to);
}

static int parse_ecn(const char *text, uint8_t *out, struct err *err)
{
	static const char *const name[] = ECN_NAMES;
	uint8_t i;

	for (i = 0; i < 4; i++)
		if (!strcmp(text, name[i])) {
			*out = i;
			return 0;
		}
	return err_set(err, -EINVAL, "%s is no ECN codepoint: not-ect, ect0, ect1 or ce", text);
}

static int parse_range(const char *text, uint64_t low, uint64_t high, uint64_t *out,
		       struct err *err)
{
	int rc = load_number(text, out, err);

	if (rc == 0 && (*out < low || *out > high))
		rc = err_set(err, -ERANGE, "%s is not in %llu to %llu", text,
			     (unsigned long long)low, (unsigned long long)high);
	return rc;
}

static int add_spec(struct options *o, const char *text, struct err *err)
{
	struct load_spec *s;

	if (o->n_spec == SPECS_MAX)
		return err_set(err, -E2BIG, "at most %d --flow", SPECS_MAX);
	s = &o->spec[o->n_spec++];
	*s = (struct load_spec){.count = 1};
	return load_spec_parse(text, s, err);
}

static int option(struct options *o, int c, const char *arg, struct err *err)
{
	uint64_t v = 0;
	int rc = 0;

	switch (c) {
	case 'a':
		o->host = arg;
		break;
	case 'n':
		o->netns = arg;
		break;
	case 'c':
		if (strlen(arg) >= LOAD_CC)
			return err_set(err, -EINVAL, "%s: at most 15 characters", arg);
		memcpy(o->cc, arg, strlen(arg) + 1);
		break;
	case 'f':
		return add_spec(o, arg, err);
	case 'e':
		return parse_ecn(arg, &o->udp.ecn, err);
	case 'p':
		rc = parse_range(arg, 1, 65535, &v, err);
		o->port = (uint16_t)v;
		break;
	case 't':
		rc = parse_range(arg, 1, LOAD_SECONDS_MAX, &v, err);
		o->c.ms = (uint32_t)v * 1000;
		break;
	case 'm':
		rc = parse_range(arg, 1, 60000, &v, err);
		o->c.sample_ms = (uint32_t)v;
		break;
	case 'N':
		rc = parse_range(arg, 1, LOAD_FLOWS_MAX, &v, err);
		o->flows = (uint32_t)v;
		break;
	case 'r':
		rc = parse_range(arg, 1000, 100000000000, &o->udp.rate, err);
		break;
	case 's':
		rc = parse_range(arg, 8, 9000, &v, err);
		o->udp.size = (uint32_t)v;
		break;
	default:
		return -EINVAL;
	}
	return rc;
}

static int misused(const char *what, const char *why, struct err *err)
{
	err_set(err, -EINVAL, "%s %s", what, why);
	err_mend(err, "dep-l4s-load --help lists all options");
	return -EINVAL;
}

static int options(struct options *o, int argc, char **argv, struct err *err)
{
	static const struct option known[] = {{"listen", required_argument, NULL, 'a'},
					      {"to", required_argument, NULL, 'a'},
					      {"port", required_argument, NULL, 'p'},
					      {"seconds", required_argument, NULL, 't'},
					      {"netns", required_argument, NULL, 'n'},
					      {"cc", required_argument, NULL, 'c'},
					      {"flows", required_argument, NULL, 'N'},
					      {"flow", required_argument, NULL, 'f'},
					      {"sample", required_argument, NULL, 'm'},
					      {"rate", required_argument, NULL, 'r'},
					      {"size", required_argument, NULL, 's'},
					      {"ecn", required_argument, NULL, 'e'},
					      {0}};
	int at = 0;
	int rc = 0;
	int c;

	opterr = 0;
	while (rc == 0 && (c = getopt_long(argc, argv, ":", known, &at)) != -1) {
		if (c == ':')
			return misused(argv[optind - 1], "takes a value", err);
		if (c == '?')
			return misused(argv[optind - 1], "is no option", err);
		rc = option(o, c, optarg, err);
		if (rc)
			err_where(err, "--%s", known[at].name);
	}
	if (rc == 0 && optind < argc)
		rc = misused(argv[optind], "is not understood", err);
	return rc;
}

static int client(struct options *o, struct err *err)
{
	unsigned i;

	if (!o->n_spec)
		o->spec[o->n_spec++] = (struct load_spec){.count = 1};
	for (i = 0; i < o->n_spec; i++)
		if (!o->spec[i].ms)
			o->spec[i].ms = o->c.ms > 1000 ? o->c.ms - 1000 : o->c.ms / 2;
	return load_client(&o->c, o->spec, o->n_spec, err);
}

/* What is missing for what is to be done. */
static int check(const struct options *o, const char *what, struct err *err)
{
	bool listens = !strcmp(what, "server") || !strcmp(what, "receive");

	if (!listens && strcmp(what, "client") != 0 && strcmp(what, "udp") != 0)
		return misused(what, "is nothing to do: server, client, udp or receive", err);
	if (!listens && !o->host)
		return misused(what, "needs --to ADDR", err);
	if (!strcmp(what, "udp") && !o->udp.rate)
		return misused(what, "needs --rate, as --rate 10M", err);
	return 0;
}

static int go(struct options *o, const char *what, struct err *err)
{
	int rc;

	rc = load_address(o->host ? o->host : "::", o->port, &o->c, err);
	if (rc == 0 && o->netns)
		rc = load_netns(o->netns, err);
	if (rc)
		return rc;
	if (!strcmp(what, "server"))
		return load_server(&o->c, o->cc, o->flows, err);
	if (!strcmp(what, "client"))
		return client(o, err);
	if (!strcmp(what, "udp"))
		return load_udp_send(&o->c, &o->udp, err);
	return load_udp_receive(&o->c, err);
}

int main(int argc, char **argv)
{
	struct options o = {.port = 5201,
			    .flows = LOAD_FLOWS_MAX,
			    .c.ms = 60000,
			    .udp = {.size = 1200, .ecn = ECN_NOT_ECT}};
	struct err err = {0};
	bool used;
	int rc;

	if (argc < 2 || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		usage(argc < 2 ? stderr : stdout);
		return argc < 2 ? 2 : 0;
	}
	if (!strcmp(argv[1], "--version")) {
		printf("dep-l4s-load %s\n", DEP_VERSION);
		return 0;
	}
	rc = options(&o, argc - 1, argv + 1, &err);
	if (rc == 0)
		rc = check(&o, argv[1], &err);
	used = rc == 0;
	if (rc == 0)
		rc = go(&o, argv[1], &err);
	if (rc == 0)
		rc = err_flush(stdout, "standard output", &err);
	if (rc == 0)
		return 0;
	err_print(&err, "dep-l4s-load", stderr);
	return used ? 1 : 2;
}
