#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""TAP: the engine asks no kernel: what its objects call is their own, the store's and JSON's, memory, and a few pure
functions. (The cores of kira are held to less still: test/core_symbols.py.)  pure_test.py ARCHIVE"""
import re
import subprocess
import sys

PURE = re.compile(r"""(__)?(mem(cpy|move|set|cmp|chr)|str(len|cmp|ncmp|chr|str|dup|ndup)|snprintf|calloc|malloc|realloc|free
    |SHA256_(Init|Update|Final)|CRYPTO_memcmp|OPENSSL_cleanse|(unsafe_)?yyjson_\w+|json_\w+|changes_\w+|neterr_\w+|err_\w+
    |principal_same|__stack_chk_fail|_GLOBAL_OFFSET_TABLE_)(_chk)?|__(asan|ubsan|sanitizer|sancov)_\w+""", re.X)


def symbols(archive):
    out = subprocess.run(["nm", "--format=posix", archive], check=True, capture_output=True, text=True).stdout
    return [line.split()[:2] for line in out.splitlines() if len(line.split()) > 1 and not line.endswith(":")]


def foreign(found):
    own = {name for name, kind in found if kind not in "Uwv"}
    return sorted({name for name, kind in found if kind in "Uwv"} - own - {n for n, _ in found if PURE.fullmatch(n)})


found = symbols(sys.argv[1])
wrong = foreign(found)
print("1..2")
print(f"{'not ok' if wrong or len(found) < 50 else 'ok'} 1 - the engine is pure")
for name in wrong:
    print("#", name)
planted = foreign(found + [["clock_gettime", "U"], ["write", "U"], ["memcpy", "U"]])
ok = planted == sorted(wrong + ["clock_gettime", "write"])
print(f"{'ok' if ok else 'not ok'} 2 - calls put in on purpose are found")
sys.exit(bool(wrong) or not ok)
