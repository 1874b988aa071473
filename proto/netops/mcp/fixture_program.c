/* SPDX-License-Identifier: BSD-2-Clause */
/* dep-mcp-fixture: the fixture without a node around it, for tests of clients and benches; not installed. */
#include "proto/netops/mcp/fixture.h"

int main(int argc, char **argv)
{
	return mcp_fixture_main(argc, argv);
}
