/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/l4s/sim/units.h"

#include <string.h>

struct unit {
	const char *name;
	uint64_t factor;
};

/* Digits, a point, digits: mantissa and the digits after the point; *end: what follows. */
static bool decimal(const char *p, uint64_t *mantissa, unsigned *places, const char **end)
{
	unsigned digits = 0;
	bool point = false;

	*mantissa = 0;
	*places = 0;
	for (;; p++) {
		if (*p == '.' && !point && digits) {
			point = true;
			continue;
		}
		if (*p < '0' || *p > '9')
			break;
		if (++digits > 18)
			return false;
		*mantissa = *mantissa * 10 + (uint64_t)(*p - '0');
		*places += point;
	}
	*end = p;
	return digits && !(point && !*places);
}

static bool scaled(const char *text, const struct unit *u, uint64_t *out)
{
	unsigned __int128 v;
	uint64_t mantissa;
	unsigned places;
	const char *end;

	if (!decimal(text, &mantissa, &places, &end))
		return false;
	if (!mantissa && !*end) {
		*out = 0;
		return true;
	}
	for (; u->name; u++)
		if (!strcmp(u->name, end))
			break;
	if (!u->name)
		return false;
	v = (unsigned __int128)mantissa * u->factor;
	while (places--)
		v /= 10;
	if (v >> 63)
		return false;
	*out = (uint64_t)v;
	return true;
}

bool units_time(const char *text, uint64_t *ns)
{
	static const struct unit u[] = {
		{"ns", 1},	   {"us", 1000},	 {"ms", 1000000},
		{"s", 1000000000}, {"min", 60000000000}, {"h", 3600000000000},
		{NULL, 0}};

	return scaled(text, u, ns);
}

bool units_rate(const char *text, uint64_t *bps)
{
	static const struct unit u[] = {{"", 1},
					{"bit", 1},
					{"k", 1000},
					{"kbit", 1000},
					{"M", 1000000},
					{"Mbit", 1000000},
					{"G", 1000000000},
					{"Gbit", 1000000000},
					{"T", 1000000000000},
					{"Tbit", 1000000000000},
					{NULL, 0}};

	return scaled(text, u, bps);
}

bool units_size(const char *text, uint64_t *size)
{
	static const struct unit u[] = {{"", 1},	{"B", 1},	   {"k", 1000},
					{"M", 1000000}, {"G", 1000000000}, {NULL, 0}};

	return scaled(text, u, size);
}

bool units_share(const char *text, uint32_t *q32)
{
	static const struct unit u[] = {{"", 1ull << 32}, {"%", (1ull << 32) / 100}, {NULL, 0}};
	uint64_t v;

	if (!scaled(text, u, &v) || v > 1ull << 32)
		return false;
	*q32 = v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
	return true;
}

bool units_count(const char *text, uint64_t *n)
{
	static const struct unit u[] = {{"", 1}, {NULL, 0}};

	return !strchr(text, '.') && scaled(text, u, n);
}
