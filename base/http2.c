/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/http_priv.h"

bool http2_is_preface(const uint8_t *p, size_t n)
{
	return false;
}

bool http2_init(struct http_conn *c)
{
	http_conn_lose(c);
	return false;
}

void http2_free(struct http_conn *c)
{
}

void http2_input(struct http_conn *c, const uint8_t *p, size_t n)
{
}

void http2_output(struct http_conn *c)
{
}

void http2_advance(struct http_conn *c)
{
}

void http2_tell_drained(struct http_conn *c)
{
}

void http2_sweep(struct http_conn *c, uint64_t now)
{
}

void http2_drain(struct http_conn *c)
{
}
