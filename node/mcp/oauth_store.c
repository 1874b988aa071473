/* SPDX-License-Identifier: BSD-2-Clause */
/* The file with credentials and tokens. Written beside and renamed, mode 0600 from the start. */
#include "node/mcp/oauth_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_STORE (1u << 20)

static int cannot(struct err *err, const char *what, const char *path)
{
	int e = errno ? errno : EIO;

	err_set(err, -e, "cannot %s: %s", what, strerror(e));
	err_where(err, "%s", path);
	return -e;
}

static char *read_store(int fd, size_t *n)
{
	char *text = calloc(1, MAX_STORE);
	ssize_t got;

	*n = 0;
	while (text && *n < MAX_STORE && (got = read(fd, text + *n, MAX_STORE - *n)) > 0)
		*n += (size_t)got;
	return text;
}

int oauth_load(struct oauth *o, struct err *err)
{
	const char *path = o->p.store;
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	struct stat st;
	yyjson_doc *doc;
	char *text;
	size_t n;

	if (path && fd < 0 && errno != ENOENT)
		return cannot(err, "read", path);
	if (fd < 0) {
		o->kept = yyjson_mut_doc_new(NULL);
		yyjson_mut_doc_set_root(o->kept, yyjson_mut_obj(o->kept));
		return 0;
	}
	if (fstat(fd, &st) == 0 && (st.st_mode & 077) != 0) {
		close(fd);
		err_set(err, -EPERM, "others may read these credentials");
		err_where(err, "%s", path);
		err_mend(err, "chmod 600 it; who may have read it? if in doubt, delete it and log "
			      "in again");
		return -EPERM;
	}
	text = read_store(fd, &n);
	close(fd);
	doc = text ? json_parse(text, n, MAX_STORE, path, err) : NULL;
	if (text)
		OPENSSL_cleanse(text, n);
	free(text);
	if (!doc)
		return -EINVAL;
	o->kept = yyjson_doc_mut_copy(doc, NULL);
	yyjson_doc_free(doc);
	return o->kept ? 0 : err_set(err, -ENOMEM, "no memory for credentials");
}

static int make_dir(const char *path)
{
	char dir[1024];
	char *slash;

	if (strlen(path) >= sizeof(dir))
		return -ENAMETOOLONG;
	memcpy(dir, path, strlen(path) + 1);
	for (slash = strchr(dir + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(dir, 0700) != 0 && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return 0;
}

static int put(int fd, const char *text, size_t n)
{
	ssize_t done;

	while (n > 0) {
		done = write(fd, text, n);
		if (done < 0 && errno != EINTR)
			return -errno;
		if (done > 0) {
			text += done;
			n -= (size_t)done;
		}
	}
	return fsync(fd) == 0 ? 0 : -errno;
}

int oauth_save(const struct oauth *o, struct err *err)
{
	const char *path = o->p.store;
	char beside[1100];
	size_t n = 0;
	char *text;
	int fd;
	int rc;

	if (!path)
		return 0;
	if (make_dir(path) != 0)
		return cannot(err, "make the directory of", path);
	snprintf(beside, sizeof(beside), "%s.%ld", path, (long)getpid());
	text = yyjson_mut_write(o->kept, YYJSON_WRITE_PRETTY, &n);
	fd = text ? open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600) : -1;
	rc = fd >= 0 ? put(fd, text, n) : -1;
	if (fd >= 0)
		close(fd);
	if (text)
		OPENSSL_cleanse(text, n);
	free(text);
	if (rc == 0 && rename(beside, path) == 0)
		return 0;
	rc = cannot(err, "write", path);
	unlink(beside);
	return rc;
}

yyjson_mut_val *oauth_kept(struct oauth *o, const char *kind, const char *key, bool make)
{
	yyjson_mut_val *root = yyjson_mut_doc_get_root(o->kept);
	yyjson_mut_val *all = yyjson_mut_obj_get(root, kind);
	yyjson_mut_val *one = yyjson_mut_obj_get(all, key);

	if (one || !make)
		return one;
	if (!all)
		all = yyjson_mut_obj_add_obj(o->kept, root, kind);
	one = yyjson_mut_obj(o->kept);
	yyjson_mut_obj_add(all, yyjson_mut_strcpy(o->kept, key), one);
	return one;
}

void oauth_drop(struct oauth *o, const char *kind, const char *key)
{
	yyjson_mut_obj_remove_key(yyjson_mut_obj_get(yyjson_mut_doc_get_root(o->kept), kind), key);
}

const char *oauth_text(yyjson_mut_val *obj, const char *key)
{
	return yyjson_mut_get_str(yyjson_mut_obj_get(obj, key));
}

void oauth_set(struct oauth *o, yyjson_mut_val *obj, const char *key, const char *value)
{
	yyjson_mut_obj_remove_key(obj, key);
	if (value)
		yyjson_mut_obj_add_val(o->kept, obj, key, yyjson_mut_strcpy(o->kept, value));
}
