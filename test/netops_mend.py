#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What goes on beside the straight way: the ends of trials that nobody ordered are in history and audit; failures in the form
that is configured; a scope that is missing is said. TAP."""
import json
import os
import signal
import subprocess
import time

from netops import BUILD, Client, Node, Tap, interface, ip, own_namespace, wait_for
from netops_users import ALL, Users, code, nacm, rule

tap = Tap()
own_namespace()
ip("link", "add", "v0", "type", "veth", "peer", "name", "v1")
node = Node()
c = node.start()
users = Users(node, {"ann": ALL, "reader": "network:read"})
c.edit(users.config(), nacm({"all": ["ann", "reader"]}, [("all", ["all"], [rule("all")])]), interface("v0", description="base"))
c.commit()


def audit(n=3):
    return [json.loads(x) for x in c.read(f"network:///audit/last{n}").strip().split("\n")]


def history(i=0):
    return c.tool("network.history")["commits"][i]


def told(commit, method):
    return [r for r in audit(8) if r.get("commitId") == commit and r["method"] == method and r["outcome"] == "rolled-back" and
            r["principal"]["sub"] == "node" and r["args"]["user"] == "root"]


def dep(*args, **kw):
    return subprocess.run([f"{BUILD}/node/dep", *args], capture_output=True, text=True, timeout=20, env=node.env, **kw)


# ---- trials that end ----
c.edit(interface("v0", description="trial"))
r = c.commit(confirmed=1, comment="try it")
wait_for("the end of the trial", lambda: history()["state"] == "rolled-back", 5)
h = history()
tap.check(h["commitId"] == r["commitId"] and h["reason"] == "timeout" and h["comment"] == "try it" and h["user"] == "root" and
          h["changes"] == 1, f"a trial that ran out is a line of history: {h}")
tap.check(history(1)["state"] == "confirmed", "beside those that stayed")
a = told(r["commitId"], "timeout")
tap.check(len(a) == 1 and a[0]["diff"][0]["old"] == "trial" and a[0]["diff"][0]["new"] == "base",
          f"and has one audit record, by node, of what was undone: {a}")
p = dep("history")
tap.check(any(r["commitId"] in x and "rolled-back" in x for x in p.stdout.split("\n")), "dep history shows it")
params = {"name": "network.commit", "arguments": {"phase": "confirm", "token": r["token"]}}
pairs = []


def keep(found):
    pairs.append([k for k, _ in found])
    return dict(found)


class Raw(Client):
    """Keeps the members of every object as they came."""
    def post(self, body, headers):
        load = json.loads
        json.loads = lambda t, **kw: load(t, object_pairs_hook=keep, **kw)
        try:
            return super().post(body, headers)
        finally:
            json.loads = load


pairs.clear()
Raw(c.node).legacy("tools/call", params)
data = [x for x in pairs if "confirmToken" in x]
tap.check(len(data) == 1 and data[0].count("name") == 1 and data[0][0] == "name" and len(set(data[0])) == len(data[0]),
          f"-32086: data has each member once, name first: {data}")
pairs.clear()
modern = Raw(c.node)
modern.tools()
code(modern.tool, "network.commit", phase="confirm", token=r["token"])
data = [x for x in pairs if "confirmToken" in x]
tap.check(data and data[0].count("name") == 1 and data[0][0] == "name", "in a result too")
c.edit(interface("v0", description="a second"))
p = c.tool("network.commit", candidate="test", confirmed=20)
node.kill("netops")
node.start_netops()
c = node.client()
done = c.confirm(p["token"])
tap.check(done["state"] == "confirmed" and history()["state"] == "confirmed" and history(1)["reason"] == "timeout",
          "after a crash history is as it was")

c.edit(interface("v0", description="a third"))
r3 = c.commit(confirmed=1)
node.kill("netops")
time.sleep(1.2)
node.start_netops()
c = node.client()
h = wait_for("the end", lambda: c.tool("network.history").get("pending") is None and history(), 5)
a = told(r3["commitId"], "timeout")
tap.check(h["commitId"] == r3["commitId"] and h["state"] == "rolled-back" and h["reason"] == "timeout" and len(a) == 1 and
          a[0]["diff"][0]["old"] == "a third", f"a trial whose time ran out while the node was down is told at its start: {h}")
tap.check(c.tool("network.audit.verify")["ok"] is True, "the audit verifies")

# ---- network-errors ----
t = {"name": "network.commit", "arguments": {"phase": "confirm", "token": r["token"]}}
tap.check(Client(c.node).legacy("tools/call", t).get("error", {}).get("code") == -32086, "a session gets a JSON-RPC error …")
LEAF = "depanneur-netops:netops/server/network-errors"
c.edit(("merge", "/", {"depanneur-netops:netops": {"server": {"network-errors": "result"}}}))
c.commit()
got = Client(c.node).legacy("tools/call", t)
tap.check("error" not in got and got["result"]["isError"] is True and
          got["result"]["structuredContent"]["error"]["code"] == -32086, "… and a result where network-errors says so, at once")
c.edit(("delete", LEAF))
c.commit()
tap.check(Client(c.node).legacy("tools/call", t).get("error", {}).get("code") == -32086, "and an error again without it")

# ---- scopes ----
reader = users.client("reader")
reader.mirrored = {"network.yang.edit": {}}
arguments = {"name": "network.yang.edit", "arguments": {"target": "candidate", "edit": []}}
response, message = reader.post({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {
    **arguments, "_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28",
                           "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "1"},
                           "io.modelcontextprotocol/clientCapabilities": {}}}},
    {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "network.yang.edit"})
tap.check(response.status == 403 and "insufficient_scope" in response.getheader("WWW-Authenticate", "") and
          "network:edit" in message["error"]["message"], f"a missing scope comes before Mcp-Param: {response.status} {message}")

# ---- messages ----
p2 = dep("show", "/ietf-access-control-list:acls", "--datastore", "running")
tap.check(p2.returncode == 1 and p2.stdout == "" and "/ietf-access-control-list:acls: nothing is configured here" in p2.stderr,
          f"dep show of what is not there says so: {p2.stderr.strip()}")
sock = f"{node.run_dir}/netops.sock"
os.chmod(node.dir, 0o755)
os.chmod(sock, 0o660)
p = dep("history", user=65534, group=65534, extra_groups=[])
tap.check(p.returncode == 3 and "group" in p.stderr and "root" in p.stderr, f"dep without the right to the socket: {p.stderr.strip()}")


# ---- dep mcp ----
class Bridge:
    """An agent that starts dep mcp: a message a line."""

    def __init__(self):
        self.p = subprocess.Popen([f"{BUILD}/node/dep", "mcp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                  stderr=subprocess.PIPE, env=node.env)

    def send(self, **message):
        self.p.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        self.p.stdin.flush()

    def ask(self, n, method, **params):
        self.send(id=n, method=method, params=params)
        while True:
            line = self.p.stdout.readline()
            if not line:
                raise RuntimeError(self.p.stderr.read())
            message = json.loads(line)
            if message.get("id") == n:
                return message["result"]


META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "agent", "version": "1"}}
b = Bridge()
got = b.ask(1, "tools/call", name="network.history", arguments={}, _meta=META)["structuredContent"]
tap.check(got["commits"] == c.tool("network.history")["commits"], "dep mcp is the running node's MCP, 2026-07-28")
got = b.ask(2, "initialize", protocolVersion="2025-11-25", capabilities={}, clientInfo={"name": "agent", "version": "1"})
b.send(method="notifications/initialized")
got = b.ask(3, "tools/call", name="network.yang.edit", arguments={"candidate": "b", "edit": [
    {"operation": "merge", "path": "ietf-interfaces:interfaces/interface=v0", "value": interface("v0", description="x" * 200)[2]}]})
tap.check(not got.get("isError"), "and in a session of 2025-11-25")
got = b.ask(4, "tools/call", name="network.commit", arguments={"candidate": "b"})
tap.check(not got.get("isError") and audit(1)[0]["principal"]["sub"] == "root", "as the user that started it")
many = 3000
for i in range(many):
    b.send(id=100 + i, method="ping")
seen = {json.loads(b.p.stdout.readline())["id"] for _ in range(many)}
tap.check(seen == set(range(100, 100 + many)), f"{many} messages come back, none is lost")
b.send(id=9, method="tools/list")
b.p.stdin.close()
rest = b.p.stdout.read()
tap.check(b.p.wait(5) == 0 and json.loads(rest.strip().split("\n")[-1])["id"] == 9, "it ends with its input, after the last answer")
b, idle = Bridge(), [Bridge() for _ in range(64)]
b.ask(1, "tools/call", name="network.history", arguments={}, _meta=META)
wait_for("a refusal", lambda: any(x.p.poll() is not None for x in idle), 5)
tap.check(sum(x.p.poll() is not None for x in idle) >= 1 and c.tool("network.history"), "connections are bounded")
for x in idle:
    x.p.stdin.close()
    x.p.wait(5)
tap.check(node.kill("netops", signal.SIGTERM) == 0, "the node ends while one is connected")
tap.check(b.p.wait(5) == 3 and "ended the connection" in b.p.stderr.read(), "which says so")
p = dep("mcp", stdin=subprocess.DEVNULL)
tap.check(p.returncode == 3 and "is dep-netops running?" in p.stderr, f"without a node: {p.stderr.strip()}")
node.close()
tap.end()
