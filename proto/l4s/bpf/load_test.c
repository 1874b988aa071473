/* SPDX-License-Identifier: BSD-2-Clause */
/* Words of dep-l4s-load's command line. */
#include "proto/l4s/bpf/load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void number(const char *text, int rc, uint64_t want)
{
	struct err err = {0};
	uint64_t v = 0;

	assert_int_equal(load_number(text, &v, &err), rc);
	if (rc == 0)
		assert_int_equal(v, want);
	else
		assert_true(err.what[0] != '\0');
}

static void test_numbers(void **state)
{
	number("10", 0, 10);
	number("1.5M", 0, 1500000);
	number("0.001k", 0, 1);
	number("100G", 0, 100000000000);
	number("4000000G", 0, 4000000000000000);
	number("", -EINVAL, 0);
	number(".", -EINVAL, 0);
	number("-1", -EINVAL, 0);
	number("1x", -EINVAL, 0);
	number("9999999999999", -EINVAL, 0);
	number("999999999999G", -EINVAL, 0);
	number("999999999G", -EINVAL, 0);
	number("1.2345", -EINVAL, 0);
}

static void test_specs(void **state)
{
	struct load_spec s = {.count = 1};
	struct err err = {0};

	assert_int_equal(
		load_spec_parse("cc=dep_prague,count=3,start=0.5,seconds=10,bytes=2M", &s, &err),
		0);
	assert_string_equal(s.cc, "dep_prague");
	assert_int_equal(s.count, 3);
	assert_int_equal(s.start_ms, 500);
	assert_int_equal(s.ms, 10000);
	assert_int_equal(s.bytes, 2000000);
	assert_int_equal(load_spec_parse("cc=sixteencharacter", &s, &err), -EINVAL);
	assert_int_equal(load_spec_parse("count=0", &s, &err), -EINVAL);
	assert_int_equal(load_spec_parse("count=1025", &s, &err), -EINVAL);
	assert_int_equal(load_spec_parse("seconds=3601", &s, &err), -EINVAL);
	assert_int_equal(load_spec_parse("colour=1", &s, &err), -EINVAL);
	assert_int_equal(load_spec_parse("count", &s, &err), -EINVAL);
}

static void test_addresses(void **state)
{
	struct load_common c = {0};
	struct err err = {0};

	assert_int_equal(load_address("192.0.2.1", 80, &c, &err), 0);
	assert_int_equal(c.addr.ss_family, AF_INET);
	assert_int_equal(((struct sockaddr_in *)&c.addr)->sin_port, htons(80));
	assert_int_equal(load_address("2001:db8::1", 80, &c, &err), 0);
	assert_int_equal(c.addr.ss_family, AF_INET6);
	assert_int_equal(load_address("localhost", 80, &c, &err), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_specs),
		cmocka_unit_test(test_addresses),
	};

	return cmocka_run_group_tests_name("l4s load", tests, NULL, NULL);
}
