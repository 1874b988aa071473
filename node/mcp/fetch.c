/* SPDX-License-Identifier: BSD-2-Clause */
#include "node/mcp/fetch.h"

#include <curl/curl.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CONNECT_MS 10000L
#define WHOLE_MS 30000L

static bool url_part(const char *url, CURLUPart what, char *to, size_t size)
{
	CURLU *u = curl_url();
	char *part = NULL;
	bool ok = u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
		  curl_url_get(u, what, &part, 0) == CURLUE_OK && strlen(part) < size;

	if (ok)
		memcpy(to, part, strlen(part) + 1);
	curl_free(part);
	curl_url_cleanup(u);
	return ok;
}

bool url_is_loopback(const char *url)
{
	char host[256];

	return url_part(url, CURLUPART_HOST, host, sizeof(host)) &&
	       (strcasecmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 ||
		strcmp(host, "[::1]") == 0) &&
	       strspn(host, "0123456789.") == (strncmp(host, "127.", 4) == 0 ? strlen(host) : 0);
}

bool url_is_safe(const char *url)
{
	char scheme[16];

	if (!url_part(url, CURLUPART_SCHEME, scheme, sizeof(scheme)))
		return false;
	return strcasecmp(scheme, "https") == 0 ||
	       (strcasecmp(scheme, "http") == 0 && url_is_loopback(url));
}

static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
	struct fetched *f = ctx;
	char *more;

	if (f->n + n > FETCH_MAX)
		return CURL_WRITEFUNC_ERROR;
	more = realloc(f->body, f->n + n + 1);
	if (!more)
		return CURL_WRITEFUNC_ERROR;
	f->body = more;
	memcpy(f->body + f->n, p, n);
	f->n += n;
	f->body[f->n] = '\0';
	return n;
}

static void field(const char *line, size_t n, const char *name, char *to, size_t size)
{
	size_t at = strlen(name);

	if (n <= at || strncasecmp(line, name, at) != 0)
		return;
	while (at < n && (line[at] == ' ' || line[at] == '\t'))
		at++;
	while (n > at && (unsigned char)line[n - 1] <= ' ')
		n--;
	if (n - at >= size)
		return;
	memcpy(to, line + at, n - at);
	to[n - at] = '\0';
}

static size_t on_header(char *p, size_t size, size_t n, void *ctx)
{
	struct fetched *f = ctx;

	field(p, n, "Location:", f->location, sizeof(f->location));
	return n;
}

static struct curl_slist *fields(const struct fetch *f)
{
	struct curl_slist *l = curl_slist_append(NULL, "Accept: application/json");
	const char *const *h;

	if (f->json)
		l = curl_slist_append(l, "Content-Type: application/json");
	for (h = f->header; h && *h; h++)
		l = curl_slist_append(l, *h);
	return l;
}

int fetch(const struct fetch *f, struct fetched *out, struct err *err)
{
	struct curl_slist *list;
	CURL *c;
	CURLcode rc;
	long status = 0;

	*out = (struct fetched){0};
	if (!url_is_safe(f->url)) {
		err_set(err, -EINVAL, "not an https URL");
		err_where(err, "%s", f->url);
		err_mend(err, "http is for this machine alone");
		return -EINVAL;
	}
	c = curl_easy_init();
	list = fields(f);
	if (!c || !list)
		return err_set(err, -ENOMEM, "no memory for a request");
	curl_easy_setopt(c, CURLOPT_URL, f->url);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, list);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, WHOLE_MS);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, out);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, out);
	if (url_is_loopback(f->url))
		curl_easy_setopt(c, CURLOPT_PROXY, "");
	if (f->ca_file)
		curl_easy_setopt(c, CURLOPT_CAINFO, f->ca_file);
	if (f->form || f->json)
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, f->form ? f->form : f->json);
	rc = curl_easy_perform(c);
	curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	out->status = (int)status;
	curl_slist_free_all(list);
	curl_easy_cleanup(c);
	if (rc == CURLE_OK)
		return 0;
	fetched_free(out);
	err_set(err, -EIO, "cannot be asked: %s", curl_easy_strerror(rc));
	err_where(err, "%s", f->url);
	return -EIO;
}

void fetched_free(struct fetched *f)
{
	if (f->body)
		OPENSSL_cleanse(f->body, f->n);
	free(f->body);
	*f = (struct fetched){0};
}
