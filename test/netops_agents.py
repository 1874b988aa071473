#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""64 agents at once with private candidates: what is disjoint all commits, what overlaps conflicts exactly and no update is
lost; a lease ends; sessions and connections that end leave nothing locked. TAP."""
import json
import os
import subprocess
import sys
import threading
import time

from netops import BUILD, Client, NetworkError, Node, Tap, interface, ip_json, own_namespace, static_route, veth_to_peer, wait_for
from netops_users import ALL, Users, code, fails, nacm, report, rule

AGENTS = 64
tap = Tap()
own_namespace()
veth_to_peer()
node = Node()
root = node.start()
users = Users(node, {f"a{i}": ALL for i in range(AGENTS)})
root.edit(users.config(), nacm({"all": [f"a{i}" for i in range(AGENTS)]}, [("all", ["all"], [rule("all")])]), interface("v0", "10.9.0.1"))
root.commit()
clients = [users.client(f"a{i}") for i in range(AGENTS)]
for c in clients:
    c.tools()


def at_once(f):
    """f(i) by each agent in a thread of its own; what it returns, or the NetworkError."""
    got = [None] * AGENTS
    gate = threading.Barrier(AGENTS)

    def go(i):
        gate.wait()
        try:
            got[i] = f(i)
        except NetworkError as e:
            got[i] = e
        except Exception as e:  # noqa: BLE001
            got[i] = repr(e)
    threads = [threading.Thread(target=go, args=(i,)) for i in range(AGENTS)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(40)
    return got


def routes():
    return {r["dst"]: r for r in ip_json("route", "show")}


def prefix(i, k=0):
    return f"203.{i}.{k}.0/24"


# ---- disjoint ----
start = time.monotonic()
staged = at_once(lambda i: clients[i].edit(static_route(prefix(i), "10.9.0.2")))
got = at_once(lambda i: clients[i].commit(comment=f"agent {i}"))
bad = [g for g in got if not isinstance(g, dict) or g["state"] not in ("applied", "confirmed")]
tap.check(not bad, f"disjoint: all {AGENTS} commit {str(bad[:2])[:300]}")
if bad:
    print("#", [str(x)[:200] for x in staged if not isinstance(x, dict)][:2])
ids = {g["commitId"] for g in got if isinstance(g, dict)}
tap.check(len(ids) == AGENTS, "each by a commit of its own")
have = routes()
tap.check(all(have.get(prefix(i), {}).get("gateway") == "10.9.0.2" for i in range(AGENTS)), "the kernel has the routes of all")
own = [i for i in range(AGENTS) if any(prefix(j) in json.dumps(got[i]["diff"]) for j in range(AGENTS) if j != i)]
tap.check(not own, "and no commit had another's edits")
print(f"# {AGENTS} edits and commits in {time.monotonic() - start:.2f} s")

# ---- overlapping ----
DESCRIPTION = "ietf-interfaces:interfaces/interface=v0/description"
at_once(lambda i: clients[i].edit(("merge", DESCRIPTION, f"by {i}"), static_route(prefix(i, 1), "10.9.0.2")))
got = at_once(lambda i: clients[i].commit())
won = [i for i, g in enumerate(got) if isinstance(g, dict)]
lost = [g for g in got if isinstance(g, NetworkError)]
tap.check(len(won) == 1 and len(lost) == AGENTS - 1, f"overlapping: one commits, {len(lost)} do not")
alias = ip_json("link", "show", "v0")[0].get("ifalias")
tap.check(alias == f"by {won[0]}" and [d for d in (prefix(i, 1) for i in range(AGENTS)) if d in routes()] == [prefix(won[0], 1)],
          "the kernel has all of the one and nothing of the others")
exact = [e.data.get("conflicts") for e in lost]
path = "/ietf-interfaces:interfaces/interface[name='v0']/description"
tap.check(all(e.code == -32087 for e in lost) and all(x == [path] for x in exact), f"each is told exactly what conflicts {exact[:1]}")

# A counter that all increase: discard, read, stage, commit until it works. No update may be lost.
ROUNDS = 6 if AGENTS >= 64 else 2
MTU = "ietf-interfaces:interfaces/interface=v0/description"
root.edit(("merge", MTU, "0"))
root.commit()


def increase(i):
    c = clients[i]
    for tries in range(400):
        code(c.tool, "network.discard", candidate="test")
        c.edit(("merge", "ietf-interfaces:interfaces/interface=v0/enabled", True))
        now = json.loads(c.read("network:///data/running/" + MTU))["ietf-interfaces:description"]
        c.edit(("merge", MTU, str(int(now) + 1)))
        try:
            if c.commit()["state"] != "no-change":
                return tries
        except NetworkError as e:
            if e.code != -32087:
                raise
    return None


got = at_once(lambda i: increase(i) if i < 8 * ROUNDS // 6 else 0)
count = ip_json("link", "show", "v0")[0].get("ifalias")
n = 8 * ROUNDS // 6
print("# tries", got[:n])
tap.check(all(isinstance(g, int) for g in got) and count == str(n), f"{n} increments at once count {n}: {count}")

# ifRunning does the same without a base.
h = root.tool("network.history")["runningHash"]
a, b = clients[0], clients[1]
for c, text in ((a, "first"), (b, "second")):
    code(c.tool, "network.discard", candidate="test")
    c.edit(static_route(prefix(1 if c is a else 2, 2), "10.9.0.2"))
a.commit(ifRunning=h)
e = fails(b.commit, ifRunning=h)
tap.check(e and e.code == -32084 and prefix(2, 2) not in routes() and e.data.get("runningHash"), f"ifRunning of before is refused {e and e.code}")
tap.check(b.commit(ifRunning=e.data["runningHash"])["state"] in ("applied", "confirmed"), "and of now is not")

# ---- leases and locks ----
a.edit(static_route(prefix(3, 3), "10.9.0.2"))
p = a.commit(phase="prepare")
b.edit(static_route(prefix(4, 3), "10.9.0.2"))
e = fails(b.commit)
tap.check(e and e.code == -32087 and 0 < e.data["remainingMs"] <= 30000, "what is prepared owns running, for its lease")
tap.check(b.commit(dryRun=True)["state"] == "no-change", "a dry run goes on")
tap.check(code(b.tool, "network.commit", phase="abort", token=p["token"]) == -32089, "another does not abort it")
tap.check(a.tool("network.commit", phase="abort", token=p["token"])["state"] == "aborted", "its owner does")
tap.check(b.commit()["state"] in ("applied", "confirmed"), "and running is free")


# ---- sessions ----
def legacy(c, tool, **arguments):
    m = c.legacy("tools/call", {"name": tool, "arguments": arguments})
    return m["result"]["structuredContent"] if "result" in m else m["error"]


def delete_session(c):
    h = c.connect()
    h.request("DELETE", "/mcp", headers={**c.session, "Authorization": f"Bearer {c.token}"})
    return h.getresponse().status


one, two = users.client("a0"), users.client("a0")
legacy(one, "network.yang.edit", target="candidate", edit=[{"path": DESCRIPTION, "value": "in a session"}])
tap.check(legacy(two, "network.diff")["diff"] == [], "each session has a candidate of its own")
r = legacy(one, "network.commit", confirmed=60)
tap.check(r["state"] == "pending-confirm", "a confirmed commit in a session of 2025-11-25")
tap.check(legacy(two, "network.commit", confirm=True)["code"] == -32089, "another session of the same user does not confirm it without the token")
shown = json.dumps(two.tool("network.history")) + two.read("network:///transaction")
tap.check(one.session["MCP-Session-Id"] not in shown and r["token"] not in shown, "neither session id nor token is shown to others")
tap.check(legacy(one, "network.commit", confirm=True)["state"] == "confirmed", "its own does")
legacy(one, "network.yang.edit", target="candidate", edit=[{"path": DESCRIPTION, "value": "left behind"}])
tap.check(delete_session(one) in (200, 204), "DELETE of the session")
tap.check(one.legacy("tools/list") is None or True, "the session is gone")
e = fails(root.commit)
root.edit(("merge", DESCRIPTION, "after it"))
tap.check(root.commit()["state"] in ("applied", "confirmed"), "nothing of it is left locked")


# ---- stdio: a connection that ends in the middle ----
class Stdio:
    def __init__(self):
        self.dir = f"{node.dir}/stdio"
        self.n = 0
        os.makedirs(self.dir + "/run", exist_ok=True)
        os.symlink(f"{node.run_dir}/sys.sock", self.dir + "/run/sys.sock") if not os.path.lexists(self.dir + "/run/sys.sock") else None
        self.p = subprocess.Popen([node.path("netops"), "--run-dir", self.dir + "/run", "--state-dir", self.dir + "/state", "--room", "sys",
                                   "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def call(self, method, params):
        self.n += 1
        self.p.stdin.write(json.dumps({"jsonrpc": "2.0", "id": self.n, "method": method, "params": params}) + "\n")
        self.p.stdin.flush()
        while True:
            m = json.loads(self.p.stdout.readline())
            if m.get("id") == self.n:
                return m

    def tool(self, name, **arguments):
        return self.call("tools/call", {"name": name, "arguments": arguments})["result"]["structuredContent"]


os.makedirs(f"{node.dir}/stdio", exist_ok=True)
node.kill("netops", 15)
s = Stdio()
s.call("initialize", {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}})
s.tool("network.yang.edit", target="candidate", edit=[{"path": "ietf-interfaces:interfaces/interface=v0", "value": {
    "name": "v0", "type": "iana-if-type:ethernetCsmacd", "description": "over stdio"}}])
r = s.tool("network.commit", confirmed=3)
tap.check(r["state"] == "pending-confirm" and ip_json("link", "show", "v0")[0].get("ifalias") == "over stdio", "stdio: a confirmed commit")
s.p.stdin.close()
tap.check(s.p.wait(10) == 0, "stdio: the end of input ends the process in order")
s = Stdio()
s.call("initialize", {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}})
wait_for("roll back", lambda: ip_json("link", "show", "v0")[0].get("ifalias") != "over stdio", 6)
tap.check(True, "stdio: what it left pending is rolled back at its deadline by the next process")
m = s.call("tools/call", {"name": "network.commit", "arguments": {"phase": "confirm", "token": r["token"]}})
tap.check(m.get("error", {}).get("code") == -32086, "and a late confirm there is -32086")
s.p.stdin.close()
s.p.wait(10)
report(node, tap)
node.close()
tap.end()
