#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Adds up the test reports of build directories and ends with the line 'N passed, N failed, N skipped'."""
import sys
import xml.etree.ElementTree as ET

passed = failed = skipped = 0
for build in sys.argv[1:]:
    try:
        root = ET.parse(f"{build}/meson-logs/testlog.junit.xml").getroot()
    except (OSError, ET.ParseError) as e:
        print(f"{build}: no test report: {e}")
        failed += 1
        continue
    for case in root.iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
            print(f"failed: {build}: {case.get('classname')}: {case.get('name')}")
        elif case.find("skipped") is not None:
            skipped += 1
            why = case.find("skipped").get("message") or ""
            print(f"skipped: {build}: {case.get('classname')}: {case.get('name')} {why}".rstrip())
        else:
            passed += 1
if passed + failed == 0:
    print("no test ran")
    failed += 1
print(f"{passed} passed, {failed} failed, {skipped} skipped")
sys.exit(1 if failed else 0)
