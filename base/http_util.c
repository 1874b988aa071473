/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/http_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>

static int hex(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static long unescape(const char *s, size_t n, char *to, size_t size, bool plus)
{
	size_t out = 0;
	size_t i;
	int c;

	for (i = 0; i < n; i++) {
		c = (unsigned char)s[i];
		if (c == '%') {
			if (n - i < 3 || hex(s[i + 1]) < 0 || hex(s[i + 2]) < 0)
				return -EINVAL;
			c = hex(s[i + 1]) << 4 | hex(s[i + 2]);
			i += 2;
		} else if (c == '+' && plus) {
			c = ' ';
		}
		if (c == 0)
			return -EINVAL;
		if (out + 1 >= size)
			return -ENAMETOOLONG;
		to[out++] = (char)c;
	}
	if (out >= size)
		return -ENAMETOOLONG;
	to[out] = '\0';
	return (long)out;
}

long http_unescape(const char *s, size_t n, char *to, size_t size)
{
	return unescape(s, n, to, size, false);
}

long http_query_get(const char *query, const char *name, char *to, size_t size)
{
	size_t name_n = strlen(name);
	const char *end;
	const char *eq;
	char key[128];
	long n;

	while (*query) {
		end = query + strcspn(query, "&");
		eq = memchr(query, '=', (size_t)(end - query));
		n = unescape(query, (size_t)((eq ? eq : end) - query), key, sizeof(key), true);
		if (n == (long)name_n && memcmp(key, name, name_n) == 0)
			return unescape(eq ? eq + 1 : end, eq ? (size_t)(end - eq - 1) : 0, to,
					size, true);
		query = *end ? end + 1 : end;
	}
	return -ENOENT;
}

/* Weight of a media range's parameters (RFC 9110 §12.4.2) in thousandths; 1000 where there is none.
 */
static int weight(const char *p, const char *end)
{
	int q = 0;
	int unit = 1000;

	for (; p < end; p++) {
		if (*p != ';')
			continue;
		p++;
		while (p < end && (*p == ' ' || *p == '\t'))
			p++;
		if (end - p < 3 || (*p | 32) != 'q' || p[1] != '=') {
			p--;
			continue;
		}
		for (p += 2; p < end && ((*p >= '0' && *p <= '9') || *p == '.'); p++) {
			if (*p == '.')
				continue;
			q += (*p - '0') * unit;
			unit /= 10;
		}
		return q;
	}
	return 1000;
}

bool http_accepts(const char *accept, const char *type)
{
	size_t major = strcspn(type, "/");
	size_t type_n = strlen(type);
	const char *end;
	size_t n;
	int best = 0;
	int rank;
	int q = 0;

	if (!accept)
		return true;
	for (; *accept; accept = *end ? end + 1 : end) {
		end = accept + strcspn(accept, ",");
		accept += strspn(accept, " \t");
		if (accept >= end)
			continue;
		n = strcspn(accept, "; \t,");
		rank = 0;
		if (n == 3 && memcmp(accept, "*/*", 3) == 0)
			rank = 1;
		else if (n == major + 2 && strncasecmp(accept, type, major + 1) == 0 &&
			 accept[major + 1] == '*')
			rank = 2;
		else if (n == type_n && strncasecmp(accept, type, n) == 0)
			rank = 3;
		/* The most specific range decides. */
		if (rank > best) {
			best = rank;
			q = weight(accept + n, end);
		}
	}
	return best > 0 && q > 0;
}

static void two(char *to, unsigned v)
{
	to[0] = (char)('0' + v / 10 % 10);
	to[1] = (char)('0' + v % 10);
}

void http_date(int64_t unix_time, char to[30])
{
	static const char days[] = "ThuFriSatSunMonTueWed";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int64_t day = unix_time / 86400 - (unix_time % 86400 < 0);
	unsigned sec = (unsigned)(unix_time - day * 86400);
	/* Days to civil: an era has 400 years, a year begins in March. */
	int64_t z = day + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	unsigned doe = (unsigned)(z - era * 146097);
	unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	unsigned mp = (5 * doy + 2) / 153;
	unsigned month = mp < 10 ? mp + 2 : mp - 10; /* 0: January */
	unsigned year = (unsigned)((int64_t)yoe + era * 400 + (month <= 1));

	memcpy(to, "Thu, 01 Jan 1970 00:00:00 GMT", 30);
	memcpy(to, days + 3 * (unsigned)((day % 7 + 7) % 7), 3);
	two(to + 5, doy - (153 * mp + 2) / 5 + 1);
	memcpy(to + 8, months + 3 * (size_t)month, 3);
	two(to + 12, year / 100);
	two(to + 14, year);
	two(to + 17, sec / 3600);
	two(to + 20, sec / 60 % 60);
	two(to + 23, sec % 60);
}

static const char *const reasons[600] = {
	[100] = "Continue",
	[101] = "Switching Protocols",
	[103] = "Early Hints",
	[200] = "OK",
	[201] = "Created",
	[202] = "Accepted",
	[204] = "No Content",
	[206] = "Partial Content",
	[301] = "Moved Permanently",
	[302] = "Found",
	[303] = "See Other",
	[304] = "Not Modified",
	[307] = "Temporary Redirect",
	[308] = "Permanent Redirect",
	[400] = "Bad Request",
	[401] = "Unauthorized",
	[403] = "Forbidden",
	[404] = "Not Found",
	[405] = "Method Not Allowed",
	[406] = "Not Acceptable",
	[408] = "Request Timeout",
	[409] = "Conflict",
	[410] = "Gone",
	[411] = "Length Required",
	[412] = "Precondition Failed",
	[413] = "Content Too Large",
	[414] = "URI Too Long",
	[415] = "Unsupported Media Type",
	[416] = "Range Not Satisfiable",
	[417] = "Expectation Failed",
	[421] = "Misdirected Request",
	[422] = "Unprocessable Content",
	[426] = "Upgrade Required",
	[428] = "Precondition Required",
	[429] = "Too Many Requests",
	[431] = "Request Header Fields Too Large",
	[500] = "Internal Server Error",
	[501] = "Not Implemented",
	[502] = "Bad Gateway",
	[503] = "Service Unavailable",
	[504] = "Gateway Timeout",
	[505] = "HTTP Version Not Supported",
	[507] = "Insufficient Storage",
};

/* Of RFC 9110 §15 and the registry; "" for others, as RFC 9112 §4 allows. */
const char *http_reason(unsigned status)
{
	return status < 600 && reasons[status] ? reasons[status] : "";
}

bool http_value_ok(const char *v)
{
	for (; *v; v++)
		if (*v == '\r' || *v == '\n')
			return false;
	return true;
}

bool http_field_ours(const char *name)
{
	switch (strlen(name)) {
	case 4:
		return strcasecmp(name, "date") == 0;
	case 6:
		return strcasecmp(name, "server") == 0;
	case 10:
		return strcasecmp(name, "connection") == 0 || strcasecmp(name, "keep-alive") == 0;
	case 14:
		return strcasecmp(name, "content-length") == 0;
	case 17:
		return strcasecmp(name, "transfer-encoding") == 0;
	default:
		return false;
	}
}

bool http_host_ok(const char *t)
{
	static const char extra[] = "-._~%!$&'()*+,;=:[]";

	for (; *t; t++)
		if (!((*t >= '0' && *t <= '9') || ((*t | 32) >= 'a' && (*t | 32) <= 'z') ||
		      strchr(extra, *t)))
			return false;
	return true;
}
