/* SPDX-License-Identifier: BSD-2-Clause */
/* Where credentials are kept, and where the browser comes back to. The flow itself is before the
 * conformance suite. */
#include "node/mcp/oauth_priv.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define URL "https://node.example/mcp"

static char dir[] = "/tmp/oauth_test.XXXXXX";
static char store[64];

static void test_store(void **state)
{
	struct oauth_params p = {.client_name = "t", .store = store};
	struct err err = {0};
	struct oauth *o = oauth_new(&p, &err);
	struct stat st;

	assert_non_null(o);
	assert_null(oauth_token(o, URL));
	oauth_set(o, oauth_kept(o, "tokens", URL, true), "access_token", "secret");
	assert_int_equal(oauth_save(o, &err), 0);
	oauth_free(o);
	assert_int_equal(stat(store, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);

	/* A token is for its resource alone. */
	o = oauth_new(&p, &err);
	assert_non_null(o);
	assert_string_equal(oauth_token(o, URL), "secret");
	assert_null(oauth_token(o, "https://other.example/mcp"));
	assert_null(oauth_token(o, "https://node.example/"));
	assert_int_equal(oauth_forget(o, URL, &err), 0);
	oauth_free(o);
	o = oauth_new(&p, &err);
	assert_null(oauth_token(o, URL));
	oauth_free(o);
}

static void test_store_that_others_read(void **state)
{
	struct oauth_params p = {.client_name = "t", .store = store};
	struct err err = {0};

	assert_int_equal(chmod(store, 0644), 0);
	assert_null(oauth_new(&p, &err));
	assert_int_equal(err.code, -EPERM);
	assert_int_equal(chmod(store, 0600), 0);
	assert_int_equal(truncate(store, 3), 0);
	assert_null(oauth_new(&p, &err));
	assert_int_equal(err.code, -EINVAL);
}

static void visit(const struct oauth_listener *l, const char *request)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	unsigned port = (unsigned)strtoul(l->uri + strlen("http://127.0.0.1:"), NULL, 10);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char answer[512];

	a.sin_port = htons((uint16_t)port);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0 ||
	    write(fd, request, strlen(request)) < 0)
		_exit(1);
	while (read(fd, answer, sizeof(answer)) > 0)
		;
	close(fd);
}

static void test_listener(void **state)
{
	struct oauth_listener l;
	struct err err = {0};
	char got[256];
	pid_t child;
	int status;

	assert_int_equal(oauth_listen(&l, &err), 0);
	child = fork();
	if (child == 0) {
		/* A browser asks for other things, too, and others knock. */
		visit(&l, "GET /favicon.ico HTTP/1.1\r\n\r\n");
		visit(&l, "POST /callback?code=x HTTP/1.1\r\n\r\n");
		visit(&l, "nonsense\r\n\r\n");
		visit(&l, "GET /callback?code=a%20b&state=s HTTP/1.1\r\nHost: x\r\n\r\n");
		_exit(0);
	}
	assert_int_equal(oauth_wait(&l, 20, got, sizeof(got), &err), 0);
	assert_int_equal(strncmp(got, l.uri, strlen(l.uri)), 0);
	assert_string_equal(got + strlen(l.uri), "?code=a%20b&state=s");
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(oauth_wait(&l, 0, got, sizeof(got), &err), -ETIMEDOUT);
	oauth_unlisten(&l);
}

static int cleanup(void **state)
{
	unlink(store);
	*strrchr(store, '/') = '\0';
	rmdir(store);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_store),
		cmocka_unit_test(test_store_that_others_read),
		cmocka_unit_test(test_listener),
	};

	if (!mkdtemp(dir))
		return 1;
	snprintf(store, sizeof(store), "%s/sub/credentials.json", dir);
	alarm(60);
	return cmocka_run_group_tests(tests, NULL, cleanup);
}
