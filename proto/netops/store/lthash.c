/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/store/lthash.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

/* One thread uses these, and making them anew would cost more than the work. They live as long as
 * the program. */
static EVP_MD_CTX *md;
static EVP_CIPHER_CTX *cipher;
static EVP_MD *sha256;
static EVP_CIPHER *chacha20;

static int ready(void)
{
	if (!md)
		md = EVP_MD_CTX_new();
	if (!cipher)
		cipher = EVP_CIPHER_CTX_new();
	if (!sha256)
		sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (!chacha20)
		chacha20 = EVP_CIPHER_fetch(NULL, "ChaCha20", NULL);
	return md && cipher && sha256 && chacha20 ? 0 : -ENOMEM;
}

static int digest(const char *const *parts, size_t n, unsigned char out[32])
{
	uint64_t len;
	size_t i;

	if (!EVP_DigestInit_ex2(md, sha256, NULL))
		return -EIO;
	for (i = 0; i < n; i++) {
		len = parts[i] ? strlen(parts[i]) : UINT64_MAX;
		EVP_DigestUpdate(md, &len, sizeof(len));
		if (parts[i])
			EVP_DigestUpdate(md, parts[i], (size_t)len);
	}
	return EVP_DigestFinal_ex(md, out, NULL) ? 0 : -EIO;
}

static int expand(const char *const *parts, size_t n, uint16_t out[1024])
{
	static const unsigned char zero[sizeof(struct lthash)];
	static const unsigned char iv[16];
	unsigned char key[32];
	int len;
	int rc = ready();

	if (rc == 0)
		rc = digest(parts, n, key);
	if (rc)
		return rc;
	if (!EVP_EncryptInit_ex2(cipher, chacha20, key, iv, NULL) ||
	    !EVP_EncryptUpdate(cipher, (unsigned char *)out, &len, zero, sizeof(zero)))
		return -EIO;
	return 0;
}

int lthash_add(struct lthash *h, const char *const *parts, size_t n)
{
	uint16_t v[1024];
	int rc = expand(parts, n, v);
	size_t i;

	for (i = 0; i < 1024 && rc == 0; i++)
		h->at[i] = (uint16_t)(h->at[i] + v[i]);
	return rc;
}

int lthash_del(struct lthash *h, const char *const *parts, size_t n)
{
	uint16_t v[1024];
	int rc = expand(parts, n, v);
	size_t i;

	for (i = 0; i < 1024 && rc == 0; i++)
		h->at[i] = (uint16_t)(h->at[i] - v[i]);
	return rc;
}

int lthash_text(const struct lthash *h, char out[72])
{
	unsigned char sum[32];
	size_t i;
	int rc = ready();

	if (rc)
		return rc;
	if (!EVP_DigestInit_ex2(md, sha256, NULL) || !EVP_DigestUpdate(md, h->at, sizeof(h->at)) ||
	    !EVP_DigestFinal_ex(md, sum, NULL))
		return -EIO;
	memcpy(out, "sha256:", 8);
	for (i = 0; i < sizeof(sum); i++)
		snprintf(out + 7 + 2 * i, 3, "%02x", sum[i]);
	return 0;
}
