/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/kira/node/identity.h"
#include "proto/kira/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[64];
static char file[96];

static int setup(void **state)
{
	strcpy(dir, "/tmp/dep-identity-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(file, sizeof(file), "%s/%s", dir, IDENTITY_FILE);
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static int teardown(void **state)
{
	return nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static struct identity *must_open(void)
{
	struct err err = {0};
	struct identity *id = identity_open(dir, &err);

	if (!id)
		err_print(&err, "identity_open", stderr);
	assert_non_null(id);
	return id;
}

static struct identity_record read_file(void)
{
	struct identity_record r;
	struct err err = {0};
	char text[IDENTITY_TEXT + 1];
	ssize_t n;
	int fd = open(file, O_RDONLY);

	assert_true(fd >= 0);
	n = read(fd, text, sizeof(text));
	close(fd);
	assert_true(n > 0);
	assert_int_equal(identity_parse(slice_of(text, (size_t)n), &r, &err), 0);
	return r;
}

static void write_file(const void *p, size_t n)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, p, n), n);
	close(fd);
}

static void makes_and_keeps_a_node_id(void **state)
{
	struct identity *id = must_open();
	struct kira_id first = *identity_id(id);
	struct stat st;

	assert_true(kira_id_valid(&first));
	assert_int_equal(identity_ssn(id), 0);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(identity_use(id, 1, NULL), 0);
	identity_close(id);

	id = must_open();
	assert_true(kira_id_eq(identity_id(id), &first));
	assert_int_equal(identity_ssn(id), 1);
	identity_close(id);
}

static void makes_missing_directories(void **state)
{
	struct identity *id;
	char deep[128];
	struct stat st;

	snprintf(deep, sizeof(deep), "%s/a/b", dir);
	id = identity_open(deep, NULL);
	assert_non_null(id);
	assert_int_equal(stat(deep, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	identity_close(id);
}

/* Whatever was used before a crash, the next start begins above it. */
static void a_crash_never_reuses_numbers(void **state)
{
	uint32_t used = 0;
	int crash;

	for (crash = 0; crash < 5; crash++) {
		struct identity *id = must_open();
		uint32_t i;

		assert_true(identity_ssn(id) >= used);
		used = identity_ssn(id);
		for (i = 0; i < 700u * (uint32_t)crash; i++) {
			assert_int_equal(identity_use(id, ++used, NULL), 0);
			assert_true(read_file().ssn >= used);
		}
		identity_drop(id);
	}
}

static void numbers_wrap_through_reset(void **state)
{
	struct identity_record r = {.id = {{1}}, .ssn = KIRA_SSN_RESET - 3};
	struct identity *id;
	char text[IDENTITY_TEXT];
	uint32_t i;

	write_file(text, identity_format(&r, text));
	id = must_open();
	assert_int_equal(identity_ssn(id), KIRA_SSN_RESET - 3);
	assert_int_equal(identity_use(id, KIRA_SSN_RESET - 2, NULL), 0);
	assert_int_equal(identity_use(id, KIRA_SSN_RESET - 1, NULL), 0);
	assert_int_equal(identity_use(id, KIRA_SSN_RESET, NULL), 0);
	assert_int_equal(read_file().ssn, KIRA_SSN_RESET - 1);
	for (i = 1; i < 3000; i++) {
		assert_int_equal(identity_use(id, i, NULL), 0);
		assert_in_range(read_file().ssn, i, i + IDENTITY_STRIDE);
	}
	identity_close(id);
	assert_int_equal(read_file().ssn, 2999);
}

static void one_daemon_a_directory(void **state)
{
	struct identity *id = must_open();
	struct err err = {0};

	assert_null(identity_open(dir, &err));
	assert_int_equal(err.code, -EBUSY);
	assert_non_null(strstr(err.mend, "--state-dir"));
	identity_close(id);
	identity_close(must_open());
}

/* Every byte of the file that carries meaning is covered: a change of any is an error or changes
 * nothing, and never gives another identity. The file is left as it was. */
static void damage_is_never_a_new_identity(void **state)
{
	struct identity_record good = {.id = {{0xab, 1, 2, 3}}, .ssn = 41};
	struct identity_record r;
	char text[IDENTITY_TEXT];
	size_t n = identity_format(&good, text);
	size_t i;
	int bit;

	for (i = 0; i < n; i++) {
		for (bit = 0; bit < 8; bit++) {
			struct err err = {0};

			text[i] ^= (char)(1 << bit);
			if (identity_parse(slice_of(text, n), &r, &err) == 0) {
				assert_true(kira_id_eq(&r.id, &good.id));
				assert_int_equal(r.ssn, good.ssn);
			} else {
				assert_int_equal(err.code, -EINVAL);
				assert_non_null(strstr(err.mend, "copy"));
			}
			text[i] ^= (char)(1 << bit);
		}
	}
	for (i = 0; i + 1 < n; i++)
		assert_int_equal(identity_parse(slice_of(text, i), &r, NULL), -EINVAL);
}

static void says_where_the_damage_is(void **state)
{
	static const char *const bad[] = {
		"",
		"garbage\n",
		"kira-identity 1\nnode-id 00\n",
		"kira-identity 1\nnode-id 0000000000000000000000000000\nssn 1\nsum 0\n",
		"kira-identity 1\nnode-id 0a00000000000000000000000001\nssn 4294967295\n",
		"kira-identity 1\nnode-id 0a00000000000000000000000001\nssn -1\n",
		"kira-identity 1\nssn 1\n",
	};
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err err = {0};
		char after[IDENTITY_TEXT];
		int fd;

		write_file(bad[i], strlen(bad[i]));
		assert_null(identity_open(dir, &err));
		assert_int_equal(err.code, -EINVAL);
		assert_non_null(strstr(err.where, file));
		assert_non_null(strstr(err.where, "line "));
		fd = open(file, O_RDONLY);
		assert_int_equal(read(fd, after, sizeof(after)), strlen(bad[i]));
		close(fd);
	}
}

static void unreadable_is_an_error(void **state)
{
	struct err err = {0};

	assert_int_equal(mkdir(file, 0700), 0);
	assert_null(identity_open(dir, &err));
	assert_int_not_equal(err.code, 0);
	assert_non_null(strstr(err.where, file));
	rmdir(file);
	/* A symbolic link is not followed: the directory is ours, what it points to is not. */
	assert_int_equal(symlink("/etc/passwd", file), 0);
	assert_null(identity_open(dir, &err));
	assert_int_equal(err.code, -ELOOP);
}

/* As another user, so that permissions count for root too. */
static void a_directory_of_someone_else(void **state)
{
	int status;
	pid_t pid;

	if (getuid() != 0)
		skip();
	identity_close(must_open());
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct err err = {0};

		if (setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0)
			_exit(2);
		_exit(!identity_open(dir, &err) && err.code == -EACCES && err.mend[0] ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(makes_and_keeps_a_node_id, setup, teardown),
		cmocka_unit_test_setup_teardown(makes_missing_directories, setup, teardown),
		cmocka_unit_test_setup_teardown(a_crash_never_reuses_numbers, setup, teardown),
		cmocka_unit_test_setup_teardown(numbers_wrap_through_reset, setup, teardown),
		cmocka_unit_test_setup_teardown(one_daemon_a_directory, setup, teardown),
		cmocka_unit_test(damage_is_never_a_new_identity),
		cmocka_unit_test_setup_teardown(says_where_the_damage_is, setup, teardown),
		cmocka_unit_test_setup_teardown(unreadable_is_an_error, setup, teardown),
		cmocka_unit_test_setup_teardown(a_directory_of_someone_else, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
