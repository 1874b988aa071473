#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The MCP client library that dep stands on, before the conformance suite. TAP, one point a scenario that is required.

  mcp_client_conformance.py DRIVER REVISION COUNT     COUNT: so many scenarios the suite requires of this revision
"""
import os
import re
import subprocess
import sys
import tempfile

from mcp_fixture import NPM, Tap, node

DRIVER, REVISION, COUNT = sys.argv[1], sys.argv[2], int(sys.argv[3])
# Extensions that are not required, but done here.
DONE = {"json-schema-2020-12-preservation", "auth/client-credentials-basic"}


def results(text):
    """{scenario: (passed, failed)}, and those that are not scored."""
    head, _, rest = text.partition("Not scored for")
    scenarios = {m[1]: (int(m[2]), int(m[3])) for m in re.finditer(r"^[✓✗] (\S+): (\d+) passed, (\d+) failed", head, re.M)}
    return scenarios, set(re.findall(r"^\s+[✓✗] (\S+) \(", rest, re.M))


def main():
    tap = Tap()
    if not NPM:
        tap.missing(f"client conformance {REVISION}", "no npm packages (DEP_NPM)")
        tap.end()
    with tempfile.TemporaryDirectory() as out:
        try:
            run = subprocess.run([node(), os.path.join(NPM, "node_modules/@modelcontextprotocol/conformance/dist/index.js"), "client",
                                  "--command", os.path.abspath(DRIVER), "--requirements", REVISION, "-o", out],
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=200)
            text = run.stdout
        except subprocess.TimeoutExpired as e:
            text = (e.stdout or b"").decode()
    scenarios, unscored = results(text)
    for name, (passed, failed) in scenarios.items():
        if name in unscored and name not in DONE:
            print(f"# not required: {name}: {passed} passed, {failed} failed")
        else:
            tap.ok(failed == 0 and passed > 0, f"{REVISION} {name}", f"{passed} passed, {failed} failed")
    required = sum(1 for name in scenarios if name not in unscored)
    tap.ok(required == COUNT, f"{COUNT} scenarios of {REVISION} were run", f"{required} were:\n{text[-3000:]}")
    warnings = re.search(r"^Total: .* (\d+) warnings", text, re.M)
    tap.ok(bool(warnings) and warnings[1] == "0", f"{REVISION}: no warnings", warnings and warnings[0])
    reports = re.findall(r"^.*(?:AddressSanitizer|LeakSanitizer|runtime error).*$", text, re.M)
    tap.ok(not reports, f"{REVISION}: the sanitizers saw nothing", "\n".join(reports))
    tap.end()


main()
