/* SPDX-License-Identifier: BSD-2-Clause */
/* Who this client is to an authorization server: registered beforehand, by the URL of its metadata,
 * kept from an earlier registration, or registered now (RFC 7591). */
#include "node/mcp/oauth_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void set(char *to, size_t size, const char *v)
{
	size_t n = v ? strlen(v) : 0;

	if (n >= size)
		n = 0;
	memcpy(to, v ? v : "", n);
	to[n] = '\0';
}

/* How to authenticate at the token endpoint, where registration did not say. */
static void choose_method(const struct oauth_server *s, struct oauth_client *c)
{
	const char *m = "none";

	if (c->method[0])
		return;
	if (c->secret[0])
		m = s->basic  ? "client_secret_basic"
		    : s->post ? "client_secret_post"
		    : s->none ? "none"
			      : "client_secret_basic";
	set(c->method, sizeof(c->method), m);
}

static char *registration(const struct oauth *o, const struct oauth_server *s)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc);
	yyjson_mut_val *a;
	char *text;

	yyjson_mut_doc_set_root(doc, root);
	yyjson_mut_obj_add_str(doc, root, "client_name", o->p.client_name);
	yyjson_mut_obj_add_str(doc, root, "application_type", "native");
	a = yyjson_mut_obj_add_arr(doc, root, "redirect_uris");
	yyjson_mut_arr_add_str(doc, a,
			       o->p.redirect_uri ? o->p.redirect_uri : "http://127.0.0.1/callback");
	a = yyjson_mut_obj_add_arr(doc, root, "grant_types");
	yyjson_mut_arr_add_str(doc, a, "authorization_code");
	if (o->p.refresh)
		yyjson_mut_arr_add_str(doc, a, "refresh_token");
	a = yyjson_mut_obj_add_arr(doc, root, "response_types");
	yyjson_mut_arr_add_str(doc, a, "code");
	/* A public client where that is allowed: a program on a user's machine keeps no secret. */
	yyjson_mut_obj_add_str(doc, root, "token_endpoint_auth_method",
			       s->none	  ? "none"
			       : s->basic ? "client_secret_basic"
					  : "client_secret_post");
	text = yyjson_mut_write(doc, YYJSON_WRITE_NOFLAG, NULL);
	yyjson_mut_doc_free(doc);
	return text;
}

static int registered(struct oauth *o, const struct oauth_server *s, const struct fetched *got,
		      struct oauth_client *c, struct err *err)
{
	yyjson_doc *doc = oauth_json(got, s->registration_endpoint, err);
	yyjson_val *root = yyjson_doc_get_root(doc);
	yyjson_mut_val *kept;

	if (!doc)
		return -EPROTO;
	set(c->id, sizeof(c->id), yyjson_get_str(yyjson_obj_get(root, "client_id")));
	set(c->secret, sizeof(c->secret), yyjson_get_str(yyjson_obj_get(root, "client_secret")));
	set(c->method, sizeof(c->method),
	    yyjson_get_str(yyjson_obj_get(root, "token_endpoint_auth_method")));
	yyjson_doc_free(doc);
	if (!c->id[0])
		return err_set(err, -EPROTO, "the registration's answer has no client_id");
	choose_method(s, c);
	kept = oauth_kept(o, "clients", s->issuer, true);
	oauth_set(o, kept, "client_id", c->id);
	oauth_set(o, kept, "client_secret", c->secret[0] ? c->secret : NULL);
	oauth_set(o, kept, "method", c->method);
	oauth_set(o, kept, "redirect_uri", o->p.redirect_uri);
	return 0;
}

static int enroll(struct oauth *o, const struct oauth_server *s, struct oauth_client *c,
		  struct err *err)
{
	char *body = registration(o, s);
	struct fetch f = {.url = s->registration_endpoint, .json = body, .ca_file = o->p.ca_file};
	struct fetched got;
	int rc;

	rc = body ? fetch(&f, &got, err) : err_set(err, -ENOMEM, "no memory for a registration");
	free(body);
	if (rc != 0)
		return rc;
	if (got.status == 200 || got.status == 201) {
		rc = registered(o, s, &got, c, err);
	} else {
		rc = err_set(
			err, -EACCES,
			"the authorization server does not register this program (HTTP status %d)",
			got.status);
		err_where(err, "%s", s->registration_endpoint);
		err_mend(err, "register it there by hand and use --client-id");
	}
	fetched_free(&got);
	return rc;
}

int oauth_identify(struct oauth *o, const struct oauth_server *s, struct oauth_client *c,
		   struct err *err)
{
	yyjson_mut_val *kept = oauth_kept(o, "clients", s->issuer, false);

	*c = (struct oauth_client){0};
	if (o->p.client_id && (!o->p.issuer || strcmp(o->p.issuer, s->issuer) == 0)) {
		set(c->id, sizeof(c->id), o->p.client_id);
		set(c->secret, sizeof(c->secret), o->p.client_secret);
	} else if (o->p.metadata_url && s->metadata_ids) {
		set(c->id, sizeof(c->id), o->p.metadata_url);
		set(c->method, sizeof(c->method), "none");
	} else if (kept) {
		set(c->id, sizeof(c->id), oauth_text(kept, "client_id"));
		set(c->secret, sizeof(c->secret), oauth_text(kept, "client_secret"));
		set(c->method, sizeof(c->method), oauth_text(kept, "method"));
	} else if (s->registration_endpoint[0]) {
		return enroll(o, s, c, err);
	} else {
		err_set(err, -EACCES, "the authorization server takes only programs that it knows");
		err_where(err, "%s", s->issuer);
		err_mend(err, "register this one there and use --client-id");
		return -EACCES;
	}
	choose_method(s, c);
	return 0;
}
