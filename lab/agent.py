#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Operates one node of a laboratory over MCP, as a program or an AI agent would: runs inside the node's namespace, starts
room sys and dep-netops beside its dep-kira, and uses nothing but the protocol. One line a step; exit status 0: every step
did what it should. agent.py BUILD RUN-DIR STATE-DIR OTHER-NODE-ADDRESS INTERFACE..."""
import atexit
import json
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "test"))
from mcp import Client, NetworkError  # noqa: E402

build, run_dir, state_dir, other, *links = sys.argv[1:]
processes = []


def say(text):
    print(text, flush=True)


def start(program, state, *options):
    os.makedirs(f"{state_dir}/{state}", exist_ok=True)
    p = subprocess.Popen([f"{build}/{program}", "--run-dir", run_dir, "--state-dir", f"{state_dir}/{state}", *options],
                         stdout=subprocess.DEVNULL, stderr=open(f"{state_dir}/{state}.log", "w"))
    processes.append(p)


def end():
    for p in reversed(processes):
        if p.poll() is None:
            p.send_signal(signal.SIGTERM)
    for p in reversed(processes):
        try:
            p.wait(5)
        except subprocess.TimeoutExpired:
            p.kill()


def reaches():
    return subprocess.run(["ping", "-6", "-n", "-q", "-c", "1", "-W", "1", other], capture_output=True).returncode == 0


def wait_for(what, f, seconds):
    until = time.monotonic() + seconds
    while not f():
        if time.monotonic() > until:
            sys.exit(f"{what}: not within {seconds} s")
        time.sleep(0.05)


atexit.register(end)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
start("proto/netops/sys/dep-sys", "sys")
wait_for("room sys", lambda: os.path.exists(f"{run_dir}/sys.sock"), 5)
start("proto/netops/daemon/dep-netops", "netops", "--room", "sys", "--room", "kira")
wait_for("dep-netops", lambda: os.path.exists(f"{run_dir}/netops.sock"), 10)
c = Client(f"{run_dir}/netops.sock")
names = [t["name"] for t in c.tools()]
say(f"connected over MCP {c.call('server/discover')['supportedVersions'][0]}: {len(names)} tools, "
    f"{len(c.call('resources/list')['resources'])} resources")
neighbours = json.loads(c.read("network:///data/operational/kira:kira/neighbours"))["kira:neighbours"]["neighbour"]
say(f"room kira reports {len(neighbours)} neighbours on {len(links)} links")
if not reaches():
    sys.exit("the other node does not answer before anything was changed")


def interfaces(**leaves):
    return [("merge", f"ietf-interfaces:interfaces/interface={name}", {"ietf-interfaces:interface": [
        {"name": name, "type": "iana-if-type:ethernetCsmacd", **leaves}]}) for name in links]


# A change that is good: staged, committed for 20 s, verified, confirmed.
c.edit(*interfaces(description="operated over MCP", enabled=True))
staged = c.tool("network.diff", candidate="test")["diff"]
r = c.commit(confirmed=20, comment="describe the links")
if not reaches():
    sys.exit("the other node does not answer after a description was changed")
c.confirm(r["token"])
say(f"{r['commitId']}: {len(staged)} changes staged, committed, verified by ping, confirmed")

# One that cuts the node off: nobody can confirm it, so it returns by itself.
c.edit(*interfaces(enabled=False))
r = c.commit(confirmed=4, comment="a mistake: every link down")
began = time.monotonic()
say(f"{r['commitId']}: took all {len(links)} links down, to be confirmed within 4 s")
if reaches():
    sys.exit("the node still reaches the other one with all links down")
say("the node is cut off; nobody can confirm")
wait_for("the roll back", lambda: "pending" not in json.loads(c.read("network:///transaction")), 10)
say(f"rolled back by itself {time.monotonic() - began:.1f} s after the commit")
try:
    c.confirm(r["token"])
    sys.exit("a confirm after the deadline was taken")
except NetworkError as e:
    if e.code != -32086:
        sys.exit(f"a late confirm answered {e}")
    say(f"a confirm that comes too late is told so: {e.code} Network.ConfirmedCommitTimeout")
wait_for("the other node's answer", reaches, 15)
say("the other node answers again")
r = c.tool("network.audit.verify")
if not r.get("ok"):
    sys.exit(f"the audit does not verify: {r}")
say(f"the audit log of {r['records']} records verifies")
