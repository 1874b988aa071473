/* SPDX-License-Identifier: BSD-2-Clause */
/* Defaults of the queue managers, and what values go together. */
#include "proto/l4s/aqm/aqm_priv.h"

#include <errno.h>
#include <string.h>

#define MS 1000000u
#define US 1000u

const char *aqm_kind_name(enum aqm_kind kind)
{
	static const char *const name[] = {
		[AQM_FIFO] = "fifo", [AQM_CODEL] = "codel", [AQM_FQ_CODEL] = "fq_codel",
		[AQM_PIE] = "pie",   [AQM_PI2] = "pi2",	    [AQM_DUALPI2] = "dualpi2",
	};

	return kind <= AQM_DUALPI2 ? name[kind] : "?";
}

static void codel_defaults(struct aqm_cfg *cfg)
{
	cfg->ecn = cfg->kind == AQM_FQ_CODEL;
	cfg->limit_packets = cfg->kind == AQM_FQ_CODEL ? 10240 : 1000;
	cfg->target = 5 * MS;
	cfg->interval = 100 * MS;
	cfg->flows = 1024;
	cfg->quantum = cfg->mtu;
}

static void pie_defaults(struct aqm_cfg *cfg)
{
	cfg->limit_packets = 1000;
	cfg->target = 15 * MS;
	cfg->tupdate = 15 * MS;
	cfg->alpha_uhz = 125000;
	cfg->beta_uhz = 1250000;
	cfg->max_burst = 150 * MS;
	cfg->mark_ecnth = 429496730; /* 0.1 */
	cfg->pie_derandomise = cfg->profile == AQM_PROFILE_LINUX;
	cfg->pie_cap = cfg->profile == AQM_PROFILE_LINUX;
}

static void pi2_defaults(struct aqm_cfg *cfg)
{
	cfg->ecn = true;
	cfg->target = 15 * MS;
	cfg->tupdate = 16 * MS;
	cfg->alpha = 41;
	cfg->beta = 819;
	cfg->alpha_uhz = 160000;
	cfg->beta_uhz = 3200000;
	cfg->coupling = 2;
	cfg->step = 1 * MS;
	cfg->ramp_min = 800 * US;
	cfg->ramp_range = 400 * US;
	cfg->th_len = 1;
	cfg->classic_protection = 10;
	cfg->tshift = 50 * MS;
	if (cfg->profile == AQM_PROFILE_RFC && cfg->rate) {
		cfg->limit_time = 250 * MS;
		return;
	}
	cfg->limit_packets = 10000;
	cfg->limit_bytes = 2 * (uint64_t)cfg->mtu * cfg->limit_packets;
}

void aqm_cfg_defaults(struct aqm_cfg *cfg, enum aqm_kind kind, enum aqm_profile profile,
		      uint64_t rate)
{
	memset(cfg, 0, sizeof(*cfg)); /* padding too: configurations are compared as bytes */
	cfg->kind = (uint8_t)kind;
	cfg->profile = (uint8_t)profile;
	cfg->mtu = 1514;
	cfg->rate = rate;
	switch (kind) {
	case AQM_FIFO:
		cfg->limit_packets = 1000;
		break;
	case AQM_CODEL:
	case AQM_FQ_CODEL:
		codel_defaults(cfg);
		break;
	case AQM_PIE:
		pie_defaults(cfg);
		break;
	case AQM_PI2:
	case AQM_DUALPI2:
		pi2_defaults(cfg);
		break;
	}
}

static int bad(struct err *err, const char *name, const char *mend)
{
	err_set(err, -ERANGE, "%s is out of range", name);
	err_mend(err, "%s", mend);
	return -ERANGE;
}

static bool within(uint64_t v, uint64_t lo, uint64_t hi)
{
	return v >= lo && v <= hi;
}

static int check_times(const struct aqm_cfg *cfg, struct err *err)
{
	const uint64_t longest = 4000000000u;

	if (cfg->kind != AQM_FIFO && !within(cfg->target, 1, longest))
		return bad(err, "target", "more than 0, up to 4 s");
	if (cfg->kind >= AQM_PIE && !within(cfg->tupdate, 10 * US, longest))
		return bad(err, "tupdate", "10 us to 4 s");
	if ((cfg->kind == AQM_CODEL || cfg->kind == AQM_FQ_CODEL) &&
	    !within(cfg->interval, 1, longest))
		return bad(err, "interval", "more than 0, up to 4 s");
	if (cfg->step > longest || cfg->ramp_min > longest || cfg->ramp_range > longest)
		return bad(err, "a threshold of the L queue", "up to 4 s");
	if (cfg->tshift > longest || cfg->max_burst > longest || cfg->ce_threshold > longest)
		return bad(err, "tshift, max_burst or ce_threshold", "up to 4 s");
	if (cfg->limit_time > 100 * (uint64_t)1000000000)
		return bad(err, "the limit in time", "up to 100 s");
	return 0;
}

static int check_gains(const struct aqm_cfg *cfg, struct err *err)
{
	if (cfg->alpha > 2048 || cfg->beta > 2048 || cfg->alpha_uhz > 8000000 ||
	    cfg->beta_uhz > 8000000)
		return bad(err, "alpha or beta", "up to 8 Hz");
	return 0;
}

static int check_dual(const struct aqm_cfg *cfg, struct err *err)
{
	if (!within(cfg->coupling, 1, 255))
		return bad(err, "coupling_factor", "1 to 255; RFC 9332 has 2");
	if (cfg->kind == AQM_PI2)
		return 0;
	if (!cfg->ecn) {
		err_set(err, -EINVAL, "dualpi2 without ECN");
		err_mend(err, "leave out noecn: the L queue works by marks");
		return -EINVAL;
	}
	if (cfg->classic_protection > 100)
		return bad(err, "classic_protection", "0 to 100 percent; 10 is usual");
	if (cfg->scheduler > AQM_TS_FIFO || cfg->overload > AQM_OVERFLOW)
		return bad(err, "scheduler or overload", "one of the names");
	return 0;
}

int aqm_cfg_check(const struct aqm_cfg *cfg, struct err *err)
{
	int rc;

	if (cfg->kind > AQM_DUALPI2 || cfg->profile > AQM_PROFILE_LINUX)
		return bad(err, "the kind or the profile", "one of the names");
	if (!within(cfg->mtu, 68, 65550))
		return bad(err, "mtu", "68 to 65550 bytes");
	if (cfg->rate > (uint64_t)1000000000000)
		return bad(err, "rate", "up to 1 Tb/s");
	rc = check_times(cfg, err);
	if (rc == 0)
		rc = check_gains(cfg, err);
	if (rc == 0 && cfg->kind >= AQM_PI2)
		rc = check_dual(cfg, err);
	if (rc < 0)
		return rc;
	if (cfg->kind == AQM_FQ_CODEL && !within(cfg->flows, 1, 65536))
		return bad(err, "flows", "1 to 65536");
	if (cfg->kind == AQM_FQ_CODEL && !within(cfg->quantum, 256, 1 << 20))
		return bad(err, "quantum", "256 bytes to 1 MiB");
	return 0;
}
