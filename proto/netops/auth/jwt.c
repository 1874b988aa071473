/* SPDX-License-Identifier: BSD-2-Clause */
/* What an access token says (RFC 7519, RFC 9068 §2.2), once its signature is right. */
#include "proto/netops/auth/auth_priv.h"

#include <errno.h>

/* NumericDate: seconds, perhaps with a fraction. */
static bool date(yyjson_val *v, int64_t *to)
{
	double d;

	if (!yyjson_is_num(v))
		return false;
	d = yyjson_get_num(v);
	if (!(d >= 0 && d < 1e15))
		return false;
	*to = (int64_t)d;
	return true;
}

static int check_times(yyjson_val *c, int64_t now, struct err *err)
{
	yyjson_val *nbf = yyjson_obj_get(c, "nbf");
	yyjson_val *iat = yyjson_obj_get(c, "iat");
	int64_t t;

	if (!date(yyjson_obj_get(c, "exp"), &t))
		return err_set(err, -EACCES, "the token does not say when it expires");
	if (now >= t + AUTH_LEEWAY)
		return err_set(err, -EACCES, "the token has expired");
	if (nbf && (!date(nbf, &t) || now < t - AUTH_LEEWAY))
		return err_set(err, -EACCES, "the token is not valid yet");
	if (iat && (!date(iat, &t) || now < t - AUTH_LEEWAY))
		return err_set(err, -EACCES, "the token was issued in the future");
	return 0;
}

static bool for_us(yyjson_val *aud, const char *resource)
{
	yyjson_val *v;
	size_t max;
	size_t i;

	if (yyjson_is_str(aud))
		return yyjson_equals_str(aud, resource);
	yyjson_arr_foreach(aud, i, max, v) if (yyjson_equals_str(v, resource)) return true;
	return false;
}

static int fill(yyjson_val *c, const struct auth_rules *rules, struct principal *p, struct err *err)
{
	yyjson_val *client = yyjson_obj_get(c, "client_id");
	yyjson_val *scope = yyjson_obj_get(c, "scope");
	struct principal q = *p;

	client = client ? client : yyjson_obj_get(c, "azp");
	q.client[0] = '\0';
	if (!auth_copy_name(yyjson_obj_get(c, "sub"), q.user, sizeof(q.user)))
		return err_set(err, -EACCES, "the token's sub is no user's name");
	if (client && !auth_copy_name(client, q.client, sizeof(q.client)))
		return err_set(err, -EACCES, "the token's client_id is no name");
	if (!auth_copy_scopes(scope ? scope : yyjson_obj_get(c, "scp"), &q))
		return err_set(err, -EACCES, "the token's scope is not a list of names");
	if (!auth_copy_groups(
		    yyjson_obj_get(c, rules->groups_claim ? rules->groups_claim : "groups"), &q))
		return err_set(err, -EACCES, "the token's groups are not at most %d names",
			       PRINCIPAL_MAX_GROUPS);
	q.recovery = false;
	*p = q;
	return 0;
}

static int check_claims(yyjson_val *c, const struct auth_rules *rules, int64_t now,
			struct principal *p, struct err *err)
{
	int rc;

	if (!yyjson_is_obj(c) || !auth_json_unique(c))
		return err_set(err, -EINVAL,
			       "the token's payload is not an object with one value a name");
	if (!yyjson_equals_str(yyjson_obj_get(c, "iss"), rules->issuer))
		return err_set(err, -EACCES, "the token is of another issuer");
	if (!for_us(yyjson_obj_get(c, "aud"), rules->resource))
		return err_set(err, -EACCES, "the token is for another resource than %s",
			       rules->resource);
	rc = check_times(c, now, err);
	return rc == 0 ? fill(c, rules, p, err) : rc;
}

int auth_jwt_verify(const struct auth_keys *k, const struct auth_rules *rules, struct slice token,
		    int64_t now, struct principal *p, struct err *err)
{
	struct alloc a;
	struct buf payload;
	yyjson_doc *doc;
	int rc;

	alloc_init(&a, 0);
	buf_init(&payload, &a);
	rc = auth_jws_verify(k, token, &payload, err);
	if (rc == 0) {
		doc = json_parse((const char *)payload.p, payload.n, AUTH_TOKEN_BYTES, NULL, NULL);
		rc = doc ? check_claims(yyjson_doc_get_root(doc), rules, now, p, err)
			 : err_set(err, -EINVAL, "the token's payload is not JSON");
		yyjson_doc_free(doc);
	}
	buf_free(&payload);
	return rc;
}
