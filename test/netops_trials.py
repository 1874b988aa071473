#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What goes on beside the straight way: the ends of trials that nobody ordered are in history and audit; failures in the form
that is configured; a scope that is missing is said. TAP."""
import glob
import json
import os
import signal
import socket
import subprocess
import time

from netops import BUILD, Client, Node, Tap, interface, ip, ip_json, own_namespace, wait_for
from netops_users import ALL, Users, code, fails, nacm, rule

tap = Tap()
own_namespace()
ip("link", "add", "v0", "type", "veth", "peer", "name", "v1")
node = Node()
c = node.start()
users = Users(node, {"ann": ALL, "bob": ALL, "eve": ALL, "reader": "network:read"})
c.edit(users.config(), nacm({"all": ["ann", "bob", "reader"], "blind": ["eve"]}, [
    ("blind", ["blind"], [rule("no-names", path="/ietf-interfaces:interfaces/interface/description", access="read", action="deny")]),
    ("all", ["all", "blind"], [rule("all")])]), interface("v0", description="base"))
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

# ---- approval by another person ----
c.edit(("merge", "/", {"depanneur-netops:netops": {"policy": {"approval": [
    {"name": "four-eyes", "path": "/ietf-interfaces:interfaces", "message": "Two links are touched."}]}}}))
c.commit()
ann, bob, eve = (users.client(x) for x in ("ann", "bob", "eve"))


def alias():
    return ip_json("link", "show", "v0")[0].get("ifalias")


def held(client=ann, **kw):
    e = fails(client.commit, **kw)
    tag = e is not None and (e.data.get("tag") or e.error.get("tag"))
    return e.data if tag == "approval-required" else None


ann.edit(interface("v0", description="by ann"))
before = alias()
d = held(dryRun=True)
tap.check(d is not None and "approvalId" not in d, "a dry run is told of the approval and asks for none")
d = held()
ID = d["approvalId"]
tap.check(d["message"] == "Commit 1 change? Two links are touched." and ID in d["mend"] and alias() == before,
          f"a commit that is held up names an id: {d}")
tap.check(held()["approvalId"] == ID, "the same commit again has the same")
seen = bob.tool("network.approve")["approvals"]
tap.check(len(seen) == 1 and seen[0]["id"] == ID and seen[0]["requester"] == "ann" and seen[0]["rule"] == "four-eyes" and
          seen[0]["diff"][0]["new"] == "by ann", f"others see what is asked: {seen}")
tap.check(code(ann.tool, "network.approve", id=ID, approve=True) == -32088 and held() is not None, "who asked may not approve")
e = fails(eve.tool, "network.approve", id=ID, approve=True)
tap.check(e is not None and e.code == -32083 and eve.tool("network.approve", id=ID)["approvals"][0]["diff"] == [],
          f"nor who may not read all of it: {e}")
reader.mirrored = {"network.approve": {}}
tap.check(fails(reader.tool, "network.approve", id=ID, approve=True) is not None and held() is not None, "nor who lacks the scope")
bob.tool("network.approve", id=ID, approve=False, comment="not today")
tap.check(code(bob.tool, "network.approve", id=ID, approve=True) == -32089, "a refusal is final …")
a = [x for x in audit(6) if x.get("tool") == "network.approve" and x["approval"].get("status") == "refused"][-1]
tap.check(a["principal"]["sub"] == "bob" and a["args"]["requester"] == "ann" and a["args"]["comment"] == "not today", f"… and audited: {a['args']}")
ID2 = held()["approvalId"]
tap.check(ID2 != ID, "the next commit asks anew")
bob.tool("network.approve", id=ID2, approve=True, comment="fine")
tap.check(held(confirmed=60) is not None and alias() == before, "it holds for what was asked: not for a commit of another kind")
ann.edit(interface("v0", description="smuggled"))
tap.check(held()["approvalId"] != ID2 and alias() == before, "nor for other differences")
ann.edit(interface("v0", description="by ann"))
bob.edit(interface("v0", description="by ann"), candidate="bobs")
tap.check(held(bob, candidate="bobs") is not None, "nor for another user")
r = ann.commit()
tap.check(r["state"] == "applied" and alias() == "by ann", "then the requester's commit goes through")
records = audit(30)
a = [x for x in records if x.get("tool") == "network.commit" and x["outcome"] == "ok" and x["approval"].get("approver")][-1]
b = [x for x in records if x.get("tool") == "network.approve" and x["approval"].get("status") == "approved"][-1]
tap.check(a["principal"]["sub"] == "ann" and a["approval"]["approver"] == "bob" and b["principal"]["sub"] == "bob" and
          b["args"] == {"approve": True, "comment": "fine", "id": ID2, "requester": "ann"} and b["diff"][0]["new"] == "by ann",
          "the audit has both names, at the approval and at the commit")
ann.edit(interface("v0", description="else"))
held()
c.edit(interface("v0", description="else"))
c.commit()
c.edit(interface("v0", description=before))
c.commit()
ann.tool("network.discard", candidate="test")
ann.edit(interface("v0", description="by ann"))
tap.check(held() is not None and alias() == before, "once: the same again is asked anew")
ids = set()
for i in range(12):
    ann.edit(interface("v0", description=f"many {i}"))
    ids.add(held()["approvalId"])
mine = [x["id"] for x in bob.tool("network.approve")["approvals"] if x["requester"] == "ann"]
tap.check(len(ids) == 12 and len(mine) == 8 and mine[-1] in ids, "a user has eight questions open at most")
asked = []
sure = users.client("ann", answer=lambda key, request: asked.append(request) or {"action": "decline"})
c.edit(("merge", "/", {"depanneur-netops:netops": {"policy": {"approval": [
    {"name": "four-eyes", "approver-may-be-requester": True}]}}}))
c.commit()
code(sure.commit)
tap.check(asked and asked[0]["params"]["message"] == "Candidate test: Commit 1 change? Two links are touched.",
          f"the question is a sentence: {asked and asked[0]['params']['message']}")
c.edit(("delete", "depanneur-netops:netops/policy/approval=four-eyes"))
c.commit()

# ---- messages ----
p2 = dep("show", "/ietf-access-control-list:acls", "--datastore", "running")
tap.check(p2.returncode == 1 and p2.stdout == "" and "/ietf-access-control-list:acls: nothing is configured here" in p2.stderr,
          f"dep show of what is not there says so: {p2.stderr.strip()}")
sock = f"{node.run_dir}/netops.sock"
os.chmod(node.dir, 0o755)
os.chmod(sock, 0o660)
p = dep("history", user=65534, group=65534, extra_groups=[])
tap.check(p.returncode == 3 and "group" in p.stderr and "root" in p.stderr, f"dep without the right to the socket: {p.stderr.strip()}")


# ---- dep sys ----
p = dep("sys", "show")
tap.check(p.returncode == 0 and any(x.split()[:1] == ["v0"] and x.split()[2] == ip_json("link", "show", "v0")[0]["address"]
                                    for x in p.stdout.split("\n")), f"dep sys show has the kernel's interfaces: {p.stderr}")
p = dep("sys", "show", "--json")
tap.check({i["name"] for i in json.loads(p.stdout)["interfaces"]["interface"]} >= {"v0", "v1", "lo"}, "and as JSON")
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
    s.sendto(b"<13>a line for dep sys log", f"{node.run_dir}/log.sock")
tap.check(wait_for("the line", lambda: "a line for dep sys log" in dep("sys", "log", "5").stdout, 5), "dep sys log")
tap.check(dep("sys", "log", "x").returncode == 2, "dep sys log of no number is misuse")
p = dep("sys", "features")
tap.check(p.returncode == 0 and "nftables" in p.stdout, "dep sys features")

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

# ---- what does not mend itself ----
files = sorted(glob.glob(f"{node.state_dir}/netops/journal/journal-*"))
for name in files:
    with open(name, "r+b") as f:
        at = f.read().find(b'"network.commit"')
        if at > 0:
            f.seek(at + 3)
            f.write(b"X")
            break
process = node.start_netops(wait=False)
tap.check(at > 0 and process.wait(20) == 3, f"a damaged journal: status 3: {node.log().strip().splitlines()[-1]}")
rooms = f"{node.dir}/rooms"
os.mkdir(rooms)
with open(f"{rooms}/netops.json", "w") as f:
    json.dump({"name": "netops", "command": [os.path.abspath(node.path("netops")), "--run-dir", "{run}", "--state-dir", "{state}",
                                             "--room", "sys"]}, f)
depd = subprocess.Popen([f"{BUILD}/node/depd", "--run-dir", node.run_dir, "--state-dir", node.state_dir, "--rooms", rooms, "--room", "netops"],
                        stdout=subprocess.DEVNULL, stderr=open(f"{node.dir}/depd.log", "w"))


def status():
    p = dep("status", "--run-dir", node.run_dir)
    return next((x for x in p.stdout.split("\n") if x.startswith("netops ")), "")


wait_for("the end of the room", lambda: "status 3" in status(), 10)
time.sleep(0.5)
tap.check("failed" in status() and "status 3" in status() and " ".join(status().split()).endswith("0 ended with status 3"),
          f"depd gives it up at once: {' '.join(status().split())}")
depd.terminate()
depd.wait(10)
node.close()
tap.end()
