/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/store/xpath_scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct {
	const char *expr;
	int climbs;
	int predicate_climbs;
	bool context_free;
	bool sideways;
} table[] = {
	{"../a = 'x'", 1, 0, false, false},
	{"../../a or ../b", 2, 0, false, false},
	{"../a/../../b", 3, 0, false, false}, /* two would do; never too few */
	{"../ .. / c", 2, 0, false, false},
	{"a and b", 0, 0, false, false},
	{". < 5", 0, 0, false, false},
	{"'../../x' = a", 0, 0, false, false},
	{"/m:top/m:a = 1", -1, 0, true, false},
	{"not(/m:top/m:a)", -1, 0, true, false},
	{"count(/m:top/m:l) > 3 and /m:x", -1, 0, true, false},
	{"derived-from-or-self(/acls/acl/type, 'acl:ipv4-acl-type')", -1, 0, true, false},
	{"/m:top/m:a = ../b", -1, 0, false, false},
	{"/m:l[m:k = current()/../b]/m:v", -1, 1, false, false},
	{"/m:l[m:k = 'x']/m:v", -1, 0, true, false},
	{"../l[k = current()/../../b]/v", 3, 2, false, false},
	{"../l[../x = 1]", 2, 1, false, false},
	{"current()/../a", 1, 0, false, false},
	{"following-sibling::step", -1, 0, false, true},
	{"ancestor::x/y", -1, 0, false, true},
	{"child::a", 0, 0, false, false},
	{"deref(.)/../a", -1, 0, false, true},
	{"//a", -1, 0, true, false},
	{".//a", 0, 0, false, false},
	{"2 * a", 0, 0, false, false},
	{"../a * ../../b", 2, 0, false, false},
	{"true()", 0, 0, true, false},
	{"string() = 'x'", 0, 0, false, false},
	{"position() = 1", 0, 0, false, false},
	{"../and and ../or", 1, 0, false, false},
	{"/m:a div /m:b", -1, 0, true, false},
};

static void test_table(void **state)
{
	struct xpath_scan s;
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(*table); i++) {
		xpath_scan(table[i].expr, &s);
		if (s.climbs != table[i].climbs ||
		    s.predicate_climbs != table[i].predicate_climbs ||
		    s.context_free != table[i].context_free || s.sideways != table[i].sideways) {
			print_error("%s: %d %d %d %d\n", table[i].expr, s.climbs,
				    s.predicate_climbs, s.context_free, s.sideways);
			fail();
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_table)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
