/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a token for a resource is to be had: the resource's metadata, then the authorization
 * server's (spec §2.7). */
#include "node/mcp/oauth_priv.h"

#include <curl/curl.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

yyjson_doc *oauth_json(const struct fetched *f, const char *url, struct err *err)
{
	yyjson_doc *doc = json_parse(f->body ? f->body : "", f->n, FETCH_MAX, url, err);

	if (doc && !yyjson_is_obj(yyjson_doc_get_root(doc))) {
		yyjson_doc_free(doc);
		doc = NULL;
		err_set(err, -EPROTO, "not a JSON object");
		err_where(err, "%s", url);
	}
	return doc;
}

/* A document, or NULL with err; one that is not there is -ENOENT. */
static yyjson_doc *get(const struct oauth *o, const char *url, struct err *err)
{
	struct fetch f = {.url = url, .ca_file = o->p.ca_file};
	struct fetched got;
	yyjson_doc *doc = NULL;

	if (fetch(&f, &got, err) != 0)
		return NULL;
	if (got.status == 200)
		doc = oauth_json(&got, url, err);
	else
		err_set(err, -ENOENT, "HTTP status %d", got.status);
	if (!doc)
		err_where(err, "%s", url);
	fetched_free(&got);
	return doc;
}

/* url's scheme://host[:port] and path (without a slash at its end). */
static bool split(const char *url, char *origin, size_t n, char *path, size_t path_n)
{
	const char *host = strstr(url, "://");
	const char *slash = host ? strpbrk(host + 3, "/?#") : NULL;
	size_t o_n;
	size_t p_n;

	if (!host)
		return false;
	if (!slash)
		slash = url + strlen(url);
	o_n = (size_t)(slash - url);
	p_n = strcspn(slash, "?#");
	while (p_n > 0 && slash[p_n - 1] == '/')
		p_n--;
	if (o_n >= n || p_n >= path_n)
		return false;
	memcpy(origin, url, o_n);
	origin[o_n] = '\0';
	memcpy(path, slash, p_n);
	path[p_n] = '\0';
	return true;
}

/* Whether a token for resource may be used at url: the same origin, and a path that is it or above
 * it. */
static bool covers(const char *resource, const char *url)
{
	char ro[1024], rp[1024], uo[1024], up[1024];
	size_t n;

	if (strchr(resource, '#') || !split(resource, ro, sizeof(ro), rp, sizeof(rp)) ||
	    !split(url, uo, sizeof(uo), up, sizeof(up)) || strcasecmp(ro, uo) != 0)
		return false;
	n = strlen(rp);
	return strncmp(rp, up, n) == 0 && (up[n] == '\0' || up[n] == '/');
}

static bool copy(yyjson_val *v, char *to, size_t size)
{
	size_t n = yyjson_get_len(v);

	if (!yyjson_is_str(v) || n >= size || strlen(yyjson_get_str(v)) != n)
		return false;
	memcpy(to, yyjson_get_str(v), n + 1);
	return true;
}

static void join(yyjson_val *list, char *to, size_t size)
{
	yyjson_val *v;
	size_t at = 0;
	size_t i;
	size_t n;

	to[0] = '\0';
	yyjson_arr_foreach(list, i, n, v)
	{
		size_t len = yyjson_get_len(v);

		if (!yyjson_is_str(v) || at + len + 2 > size)
			continue;
		if (at > 0)
			to[at++] = ' ';
		memcpy(to + at, yyjson_get_str(v), len);
		at += len;
		to[at] = '\0';
	}
}

static bool has(yyjson_val *list, const char *what)
{
	yyjson_val *v;
	size_t i;
	size_t n;

	yyjson_arr_foreach(list, i, n, v)
	{
		if (yyjson_equals_str(v, what))
			return true;
	}
	return false;
}

/* The resource's metadata: where the challenge says, else at the well-known places for the path,
 * then for the root. */
static yyjson_doc *resource_metadata(const struct oauth *o, const char *url,
				     const struct challenge *c, struct err *err)
{
	char origin[1024];
	char path[1024];
	char at[2200];
	yyjson_doc *doc;

	if (c->resource_metadata[0])
		return get(o, c->resource_metadata, err);
	if (!split(url, origin, sizeof(origin), path, sizeof(path))) {
		err_set(err, -EINVAL, "not a URL");
		return NULL;
	}
	snprintf(at, sizeof(at), "%s/.well-known/oauth-protected-resource%s", origin, path);
	doc = get(o, at, err);
	if (doc || !path[0])
		return doc;
	snprintf(at, sizeof(at), "%s/.well-known/oauth-protected-resource", origin);
	return get(o, at, err);
}

static int take_resource(const struct oauth *o, const char *url, const char *preferred,
			 yyjson_val *root, struct oauth_server *s, struct err *err)
{
	yyjson_val *servers = yyjson_obj_get(root, "authorization_servers");
	yyjson_val *scopes = yyjson_obj_get(root, "scopes_supported");

	if (!copy(yyjson_obj_get(root, "resource"), s->resource, sizeof(s->resource)) ||
	    !covers(s->resource, url)) {
		err_set(err, -EPERM, "the server's metadata is for another resource: %.100s",
			s->resource[0] ? s->resource : "none");
		err_where(err, "%s", url);
		err_mend(err,
			 "nothing was sent; the server, or something between, is set up wrongly");
		return -EPERM;
	}
	if (preferred && has(servers, preferred))
		snprintf(s->issuer, sizeof(s->issuer), "%s", preferred);
	else if (!copy(yyjson_arr_get_first(servers), s->issuer, sizeof(s->issuer)))
		return err_set(err, -EPROTO, "the server names no authorization server");
	s->has_resource_scopes = yyjson_is_arr(scopes);
	join(scopes, s->resource_scopes, sizeof(s->resource_scopes));
	return 0;
}

/* RFC 8414 and OpenID Discovery, in the order of the MCP specification. */
static yyjson_doc *server_metadata(const struct oauth *o, const char *issuer, struct err *err)
{
	char origin[1024];
	char path[1024];
	char at[3][2200];
	unsigned n = 0;
	unsigned i;
	yyjson_doc *doc = NULL;

	if (!split(issuer, origin, sizeof(origin), path, sizeof(path))) {
		err_set(err, -EINVAL, "not a URL");
		err_where(err, "%s", issuer);
		return NULL;
	}
	snprintf(at[n++], sizeof(at[0]), "%s/.well-known/oauth-authorization-server%s", origin,
		 path);
	snprintf(at[n++], sizeof(at[0]), "%s/.well-known/openid-configuration%s", origin, path);
	if (path[0])
		snprintf(at[n++], sizeof(at[0]), "%s%s/.well-known/openid-configuration", origin,
			 path);
	for (i = 0; i < n && !doc; i++)
		doc = get(o, at[i], err);
	return doc;
}

static int take_server(yyjson_val *root, struct oauth_server *s, struct err *err)
{
	yyjson_val *methods = yyjson_obj_get(root, "token_endpoint_auth_methods_supported");
	yyjson_val *issuer = yyjson_obj_get(root, "issuer");

	if (!yyjson_equals_str(issuer, s->issuer)) {
		err_set(err, -EPERM, "its metadata are of another issuer: %.100s",
			yyjson_is_str(issuer) ? yyjson_get_str(issuer) : "none");
		err_where(err, "%s", s->issuer);
		err_mend(err, "nothing was sent; the authorization server is set up wrongly, or "
			      "not the one meant");
		return -EPERM;
	}
	copy(yyjson_obj_get(root, "authorization_endpoint"), s->authorization_endpoint,
	     sizeof(s->authorization_endpoint));
	copy(yyjson_obj_get(root, "registration_endpoint"), s->registration_endpoint,
	     sizeof(s->registration_endpoint));
	if (!copy(yyjson_obj_get(root, "token_endpoint"), s->token_endpoint,
		  sizeof(s->token_endpoint)))
		return err_set(err, -EPROTO, "the authorization server names no token endpoint");
	s->metadata_ids =
		yyjson_get_bool(yyjson_obj_get(root, "client_id_metadata_document_supported"));
	s->iss = yyjson_get_bool(
		yyjson_obj_get(root, "authorization_response_iss_parameter_supported"));
	s->s256 = has(yyjson_obj_get(root, "code_challenge_methods_supported"), "S256");
	s->offline = has(yyjson_obj_get(root, "scopes_supported"), "offline_access");
	s->basic = !methods || has(methods, "client_secret_basic");
	s->post = has(methods, "client_secret_post");
	s->none = has(methods, "none");
	return 0;
}

int oauth_discover(const struct oauth *o, const char *url, const struct challenge *c,
		   const char *preferred, struct oauth_server *s, struct err *err)
{
	yyjson_doc *doc;
	int rc;

	*s = (struct oauth_server){0};
	doc = resource_metadata(o, url, c, err);
	if (!doc) {
		err_mend(err, "the server refuses, and does not say where to get a token");
		return err && err->code ? err->code : -EPROTO;
	}
	rc = take_resource(o, url, preferred, yyjson_doc_get_root(doc), s, err);
	yyjson_doc_free(doc);
	if (rc != 0)
		return rc;
	doc = server_metadata(o, s->issuer, err);
	if (!doc)
		return err && err->code ? err->code : -EPROTO;
	rc = take_server(yyjson_doc_get_root(doc), s, err);
	yyjson_doc_free(doc);
	return rc;
}
