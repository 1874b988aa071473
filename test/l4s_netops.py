#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Room l4s under the node's management: its module over MCP, commits by dep that reach the link, come back when they are
rolled back or not confirmed, and find it again after a crash. TAP.   l4s_netops.py DEP"""
import json
import os
import subprocess
import sys

from mcp import NetworkError
from netops import Node, Tap, ip_json, own_namespace, wait_for

DEP = os.path.abspath(sys.argv[1])
tap = Tap()
own_namespace()
# libyang copies text without an end.
os.environ["ASAN_OPTIONS"] = "abort_on_error=1:detect_stack_use_after_return=1"
node = Node(rooms=("sys", "l4s"))
c = node.start()
ENV = {**node.env, "HOME": node.dir}
RATE = "/l4s:l4s/link=wan/forward/rate"


def dep(*args, stdin=""):
    return subprocess.run([DEP, *args], input=stdin, capture_output=True, text=True, timeout=30, env=ENV)


def says(p, *wanted, code=0):
    good = p.returncode == code and all(w in p.stdout + p.stderr for w in wanted)
    if not good:
        print(f"# status {p.returncode}\n# " + (p.stdout + p.stderr).replace("\n", "\n# "))
    return good


def rate():
    """Of the link itself, as the room has it."""
    p = dep("l4s", "links", "--json")
    links = json.loads(p.stdout) if p.returncode == 0 else None
    return links[0]["direction"][0]["rate"] if links else None


def devices():
    return {d["ifname"] for d in ip_json("link", "show")}


tap.check('"l4s"' in c.read("network:///yang/library"), "the module is among the node's")
schema = c.read("network:///yang/schema/l4s:l4s/link")
tap.check("dualpi2" in schema and "classic-protection" in schema, "its schema is told")
p = dep("edit", "--file", "-", stdin=json.dumps({"l4s:l4s": {"link": [{
    "name": "wan", "interface-a": "la", "interface-b": "lb", "forward": {"rate": "20000000"}}]}}))
tap.check(says(p, "rate = 20000000"), "dep edit stages a link")
tap.check(says(dep("commit", "--dry-run"), "valid") and "la" not in devices(), "a dry run makes nothing")
tap.check(says(dep("commit", "--comment", "a link"), "applied") and devices() >= {"la", "lb"} and rate() == "20000000",
          "dep commit makes it")
dep("edit", RATE + "=50000000")
tap.check(says(dep("commit"), "applied") and rate() == "50000000", "a commit sets its rate")
tap.check(says(dep("rollback", "1"), "") and rate() == "20000000", "a rollback sets it back")
dep("edit", RATE + "=7000000")
p = dep("commit", "--confirmed", "2", "--json")
tap.check(p.returncode == 0 and rate() == "7000000", "a commit on trial holds at once")
tap.check(wait_for("the end of the trial", lambda: rate() == "20000000", 15), "and is taken back as nobody confirms it")
p = dep("edit", RATE + "=3")
tap.check(says(p, "rate", code=1), "a rate that cannot be is refused")
dep("discard")
p = dep("edit", "/l4s:l4s/link=wan/interface-b=la")
p = dep("commit") if p.returncode == 0 else p
tap.check(says(p, "same name", code=1) and "lb" in devices(), "what does not go together is refused, and nothing is done")
dep("discard")
# What only the room can know: the interface of another.
c.edit(("merge", "/", {"l4s:l4s": {"link": [{"name": "two", "interface-a": "lo", "interface-b": "t1"}]}}))
try:
    c.commit()
    tap.check(False, "the room's refusal is the commit's")
except NetworkError as e:
    tap.check("there is an interface lo" in json.dumps(e.data or {}) + str(e), f"the room's refusal is the commit's: {e}")
c.tool("network.discard", candidate="test")
state = c.read("network:///data/operational/l4s:l4s")
tap.check('"link-state"' in state and '"dualpi2"' in state, "operational state over MCP")
node.kill("l4s")
tap.check(wait_for("links to go", lambda: "la" not in devices()), "after kill -9 the link is gone")
node.start_room("l4s")
tap.check(wait_for("the link", lambda: rate() == "20000000", 15), "a room that comes back gets its configuration again")
dep("edit", "--delete", "/l4s:l4s/link=wan")
tap.check(says(dep("commit"), "applied") and not devices() & {"la", "lb"}, "a link that is deleted is gone")
node.close()
tap.end()
