#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The policy of a node, at dispatch: approval by elicitation in both forms, the level, rates, blast radius, protected
targets, rules, the way to the client; and that no other way (rollback, startup, prepare) leads around it. TAP."""
import http.client
import json
import os
import ssl
import time

from netops import Client, Node, Tap, interface, ip, ip_json, own_namespace, run, static_route, veth_to_peer, wait_for
from netops_users import ALL, Users, code, fails, nacm, report, rule

tap = Tap()
own_namespace()
veth_to_peer()
ip("link", "set", "v0", "up")
for name in ("a0", "b0", "c0"):
    ip("link", "add", name, "type", "veth", "peer", "name", name + "p")
node = Node()
root = node.start()
users = Users(node, {"ann": ALL, "bob": "network:read network:edit network:commit network:rollback network:audit"})
root.edit(users.config(), nacm({"all": ["ann", "bob"]}, [("all", ["all"], [rule("all")])]), interface("v0", "10.9.0.1"),
          interface("a0", description="one"))
root.commit()
V0 = "ietf-interfaces:interfaces/interface=v0"


def policy(value, drop=()):
    for path in drop:
        code(root.edit, ("delete", "depanneur-netops:netops/policy/" + path), candidate="policy")
    root.edit(("merge", "/", {"depanneur-netops:netops": {"policy": value}}), candidate="policy")
    root.commit(candidate="policy")


def alias(name="a0"):
    return ip_json("link", "show", name)[0].get("ifalias")


def denied(f, *args, tag=None, **kw):
    e = fails(f, *args, **kw)
    good = e is not None and e.code == -32088 and (tag is None or (e.data.get("tag") or e.error.get("tag")) == tag)
    if not good:
        print("#", e)
    return good


def audit(n=1):
    return [json.loads(x) for x in root.read(f"network:///audit/last{n}").strip().split("\n")]


# ---- approval ----
policy({"approval": [{"name": "four-eyes", "path": "/ietf-interfaces:interfaces", "message": "Look twice."}]})
asked = []


def agree(answer):
    def f(key, request):
        asked.append(request)
        return answer() if callable(answer) else answer
    return f


YES = {"action": "accept", "content": {"approve": True}}
ann = users.client("ann", answer=agree(YES))
ann.edit(interface("a0", description="by ann"))
tap.check(denied(ann.commit, tag="approval-required") and not asked and alias() == "one",
          "who asked may not approve: nobody is asked, nothing is done")
policy({"approval": [{"name": "four-eyes", "approver-may-be-requester": True}]})
tap.check(denied(users.client("ann").commit, tag="approval-required"), "a client that cannot ask is refused")
r = ann.commit()
tap.check(r["state"] in ("applied", "confirmed") and alias() == "by ann" and len(asked) == 1 and
          asked[0]["method"] == "elicitation/create" and "Look twice." in asked[0]["params"]["message"] and
          asked[0]["params"]["requestedSchema"]["required"] == ["approve"], "MRTR: approved, and done")
a = [x for x in audit(5) if x["tool"] == "network.commit" and x["outcome"] == "ok"][-1]
tap.check(a["approval"]["required"] is True and a["approval"]["status"] == "approved" and a["approval"]["approver"] == "ann" and
          "ts" in a["approval"], f"the audit has the approver: {a['approval']}")
for answer, what in (({"action": "accept", "content": {"approve": False}}, "no"), ({"action": "decline"}, "declined"),
                     ({"action": "cancel"}, "cancelled"), ({"action": "accept", "content": {}}, "nothing said")):
    c = users.client("ann", answer=agree(answer))
    c.edit(interface("a0", description="never"))
    tap.check(denied(c.commit) and alias() == "by ann", f"MRTR: {what}: refused, nothing is done")
    c.tool("network.discard", candidate="test")


def change_meanwhile():
    if len(asked) == 1:
        users.client("ann").edit(interface("a0", description="smuggled"))
    return YES


asked.clear()
c = users.client("ann", answer=agree(change_meanwhile))
c.edit(interface("a0", description="shown"))
r = c.commit()
tap.check(len(asked) == 2 and alias() == "smuggled", "what changed between question and answer is asked again")


def raw(c, params):
    return c.request("tools/call", params)


def accept(r):
    return {"inputResponses": {k: YES for k in r["inputRequests"]}, "requestState": r["requestState"]}


c = users.client("ann", answer=agree(YES))
c.edit(interface("a0", description="replayed"))
args = {"name": "network.commit", "arguments": {"candidate": "test"}}
r = raw(c, args)
state = accept(r)
bob = users.client("bob", answer=agree(YES))
bob.edit(interface("a0", description="by bob"))
tap.check(code(raw, bob, {**args, **state}) == -32602 and alias() == "smuggled", "another's answer approves nothing")
tap.check(code(raw, c, {"name": "network.commit", "arguments": {"candidate": "test", "comment": "x"}, **state}) == -32602,
          "nor does one to other arguments")
flipped = state["requestState"][:-2] + ("AA" if state["requestState"][-2:] != "AA" else "BB")
tap.check(code(raw, c, {**args, **state, "requestState": flipped}) == -32602, "nor one with a changed state")
tap.check(not raw(c, {**args, **state}).get("isError") and alias() == "replayed", "the right one does")
c.edit(interface("a0", description="once more"))
e = fails(raw, c, {**args, **state})
tap.check(alias() == "replayed", f"but not twice {e and e.code}")
c.tool("network.discard", candidate="test")

# Legacy: the server asks on the response's stream, the answer is a POST of its own.
class Legacy:
    def __init__(self, user, answers):
        self.c = users.client(user)
        self.answers = answers
        self.asked = []
        r, m = self.c.post({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
            "protocolVersion": "2025-11-25", "capabilities": {"elicitation": {"form": {}}}, "clientInfo": {"name": "t", "version": "1"}}}, {})
        self.head = {"MCP-Session-Id": r.getheader("MCP-Session-Id"), "MCP-Protocol-Version": "2025-11-25"}
        self.c.post({"jsonrpc": "2.0", "method": "notifications/initialized"}, self.head)

    def tool(self, name, **arguments):
        h = http.client.HTTPConnection(*self.c.node, timeout=20)
        body = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": name, "arguments": arguments}}
        h.request("POST", "/mcp", json.dumps(body), {"Content-Type": "application/json", "Accept": "application/json, text/event-stream",
                                                    "Authorization": f"Bearer {self.c.token}", **self.head})
        r = h.getresponse()
        if not r.getheader("Content-Type", "").startswith("text/event-stream"):
            return json.loads(r.read())
        while True:
            line = r.readline().decode()
            if not line:
                return None
            if not line.startswith("data:") or not line[5:].strip():
                continue
            m = json.loads(line[5:])
            if m.get("method") == "elicitation/create":
                self.asked.append(m)
                self.c.post({"jsonrpc": "2.0", "id": m["id"], "result": self.answers}, self.head)
            elif m.get("id") == 7:
                return m


L = Legacy("ann", YES)
L.tool("network.yang.edit", target="candidate", edit=[{"path": "ietf-interfaces:interfaces/interface=a0/description", "value": "legacy"}])
m = L.tool("network.commit")
tap.check(len(L.asked) == 1 and "error" not in m and not m["result"].get("isError") and alias() == "legacy", "elicitation: approved, and done")
L = Legacy("ann", {"action": "decline"})
L.tool("network.yang.edit", target="candidate", edit=[{"path": "ietf-interfaces:interfaces/interface=a0/description", "value": "no"}])
m = L.tool("network.commit")
tap.check(len(L.asked) == 1 and m["error"]["code"] == -32088 and alias() == "legacy", "elicitation: declined is -32088, nothing is done")

# A rollback is a commit, too.
tap.check(denied(users.client("ann").tool, "network.rollback", steps=1, tag="approval-required") and alias() == "legacy",
          "a rollback needs the approval as well")
asked.clear()
users.client("ann", answer=agree(YES)).tool("network.rollback", steps=1)
tap.check(len(asked) == 1 and alias() == "replayed", "and takes place with it")
tap.check(denied(users.client("ann").commit, phase="prepare") is False, "nothing staged needs no approval")
policy({}, drop=["approval=four-eyes"])

# ---- limits of a commit ----
ann = users.client("ann")
policy({"blast-radius": {"max-interfaces": 1, "max-routes": 2}, "protected": {"interface": ["b0"], "prefix": ["192.0.2.0/24"],
        "path": ["/ietf-system:system/contact"]}})
ann.edit(interface("a0", description="x"), interface("c0", description="x"))
tap.check(denied(ann.commit) and denied(ann.commit, phase="prepare") and denied(ann.commit, dryRun=True), "two interfaces are one too many")
ann.tool("network.discard", candidate="test")
ann.edit(*[static_route(f"203.0.113.{16 * i}/28", "10.9.0.2") for i in range(3)])
tap.check(denied(ann.commit), "three routes are one too many")
ann.tool("network.discard", candidate="test")
for what, edit in (("a protected interface", interface("b0", description="x")), ("a protected prefix", static_route("192.0.2.128/25", "10.9.0.2")),
                   ("an address in it", interface("a0", "192.0.2.9")), ("a protected path", ("merge", "/", {"ietf-system:system": {"contact": "x"}}))):
    ann.edit(edit)
    tap.check(denied(ann.commit) and denied(ann.commit, confirmed=30), f"{what} is not changed")
    ann.tool("network.discard", candidate="test")
root.edit(interface("b0", description="by root"))
root.commit()
tap.check(alias("b0") == "by root" and denied(ann.tool, "network.rollback", steps=1) and alias("b0") == "by root",
          "the recovery session may, and nobody rolls that back")
running = json.loads(root.tool("network.file.pull", filename="running-config", format="json")["content"])
running["ietf-interfaces:interfaces"]["interface"] = [i for i in running["ietf-interfaces:interfaces"]["interface"] if i["name"] != "b0"]
tap.check(denied(ann.tool, "network.file.push", filename="startup-config", format="json", content=json.dumps(running)),
          "nor takes it out of the startup configuration")
policy({}, drop=["blast-radius", "protected"])
policy({"rule": [{"name": "hands-off", "path": "/ietf-interfaces:interfaces/interface[name='c0']", "action": "block"},
                 {"name": "no-push", "user": ["ann"], "tool": "network.file.*", "action": "block"}]})
ann.edit(interface("c0", description="x"))
tap.check(denied(ann.commit), "a rule with a path blocks the commit")
ann.tool("network.discard", candidate="test")
tap.check(denied(ann.tool, "network.file.pull") and code(users.client("bob").tool, "network.file.pull") is None,
          "a rule for a user blocks his tool, and not another's")
policy({}, drop=["rule=hands-off", "rule=no-push"])

# ---- rates ----
policy({"rate-limit": [{"name": "slow", "user": ["ann"], "tool": "network.history", "rate": 60, "burst": 3}]})
got = [fails(ann.tool, "network.history") for _ in range(6)]
late = [e for e in got if e]
tap.check(len(late) in (2, 3) and all(e.code == -32088 and e.data.get("retryAfterMs", 0) > 0 for e in late),
          f"a bucket of 3 lets 3 through: {len(late)} refused")
time.sleep(1.1)
tap.check(code(ann.tool, "network.history") is None and code(users.client("bob").tool, "network.history") is None,
          "tokens come back, and are another's own")
policy({}, drop=["rate-limit=slow"])

# ---- the level ----
bob = users.client("bob")
names = [t["name"] for t in ann.tools()]
tap.check("rpc.depanneur-netops.set-level" in names and "rpc.depanneur-netops.set-level" not in [t["name"] for t in bob.tools()],
          "set-level is there, for who may administer")
LEVEL = "rpc.depanneur-netops.set-level"


def reads(c):
    return code(c.read, "network:///interfaces") is None


def all_reads_off(c):
    uris = ["network:///interfaces", "network:///transaction", "network:///yang/library", "network:///audit/last1", "network:///file/running-config",
            "network:///data/running/ietf-interfaces:interfaces", "network:///yang/schema/ietf-interfaces:interfaces", "network:///log/syslog/last1",
            "network:///yang/tree/ietf-interfaces", "network:///yang/module/ietf-interfaces", "network:///file/sys/crashinfo"]
    left = [u for u in uris if code(c.read, u) is None]
    for t, a in (("network.history", {}), ("network.audit.verify", {}), ("network.diff", {}), ("network.yang.get", {"path": "/"}), ("network.discard", {}),
                 ("network.cli.exec", {"cmd": "show interfaces"}), ("network.cli.exec", {"cmd": "show history"}), ("network.file.pull", {}),
                 ("rpc.depanneur-sys.log", {"count": 1})):
        if code(c.tool, t, **a) is None:
            left.append(t)
    p = {"ref": {"type": "ref/resource", "uri": "network:///interface/{name}"}, "argument": {"name": "name", "value": ""}}
    if code(c.call, "completion/complete", p) is None and c.call("completion/complete", p)["completion"]["values"]:
        left.append("completion")
    return left


def writes_left(c):
    left = [t for t, a in (("network.yang.edit", {"target": "candidate", "edit": [{"path": "ietf-interfaces:interfaces/interface=a0/description", "value": "q"}]}),
                           ("network.commit", {}), ("network.rollback", {"steps": 1}), ("network.discard", {}),
                           ("network.cli.configure", {"commands": ["set ietf-interfaces:interfaces/interface=a0/description q"]}),
                           ("network.file.push", {"filename": "startup-config", "format": "json", "content": "{}"}),
                           ("network.file.push", {"filename": "candidate-config", "format": "json", "content": "{}"}))
            if not denied(c.tool, t, **a)]
    return left


for how in ("rpc", "configuration"):
    def set_level(level):
        if how == "rpc":
            return ann.tool(LEVEL, level=level, reason="test")["level"]
        policy({"level": level})
        return level
    before = alias()
    tap.check(set_level("read-only") == "read-only" and writes_left(ann) == [] and reads(ann) and
              code(ann.read, "network:///log/syslog/last1") is None and alias() == before, f"read-only by {how}: nothing is changed, all is read")
    tap.check(root.tool("network.history")["commits"] != [] and code(root.edit, interface("a0", description=before)) is None,
              "the recovery session goes on")
    root.tool("network.discard", candidate="test")
    set_level("off")
    left = all_reads_off(ann)
    tap.check(left == [] and writes_left(ann) == [], f"off by {how}: nothing at all {left}")
    tap.check(set_level("full") == "full" and reads(ann), "and back")
a = [x for x in audit(60) if x.get("tool") == LEVEL]
tap.check(len(a) == 3 and all(x["args"].get("reason") == "test" and x["principal"]["sub"] == "ann" for x in a), "the switch is in the audit")
tap.check(code(bob.tool, LEVEL, level="off") is not None and reads(ann), "who is no administrator does not switch")
ann.tool(LEVEL, level="read-only")
policy({"level": "full"})
tap.check(denied(ann.commit) , "set-level holds against a configured level that holds less back")
ann.tool(LEVEL, level="full")
policy({"level": "off"})
tap.check(ann.tool(LEVEL, level="full")["level"] == "off" and all_reads_off(ann) == [], "and the configured one against set-level")
policy({"level": "full"})
ann.edit(interface("a0", description="on trial"))
r = ann.commit(confirmed=1)
ann.tool(LEVEL, level="read-only")
wait_for("roll back", lambda: alias() != "on trial", 4)
tap.check(True, "what waits for its confirmation is rolled back at its time at level read-only, too")
ann.tool(LEVEL, level="full")
state = json.loads(root.read("network:///data/operational/depanneur-netops:netops/state"))
tap.check(state["depanneur-netops:state"]["level"] == "full" and state["depanneur-netops:state"]["denied-tools"] > 0 and
          state["depanneur-netops:state"]["rate-limited"] == len(late), f"netops/state counts {state}")

# ---- the way to the client ----
run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=node",
    "-addext", "subjectAltName=IP:10.9.0.1", "-keyout", f"{node.dir}/key.pem", "-out", f"{node.dir}/cert.pem")
root.edit(("merge", "/", {"depanneur-netops:netops": {"server": {
    "listen": [{"name": "far", "address": "10.9.0.1", "port": 8443, "tls": True}], "allowed-host": ["10.9.0.1"],
    "tls": {"certificate-file": f"{node.dir}/cert.pem", "key-file": f"{node.dir}/key.pem"}}}}))
root.commit()
HERE = os.open("/proc/thread-self/ns/net", os.O_RDONLY)


class FarConnection(http.client.HTTPSConnection):
    """From the other end of v0."""

    def connect(self):
        with open("/run/netns/peer") as there:
            os.setns(there.fileno(), os.CLONE_NEWNET)
        try:
            super().connect()
        finally:
            os.setns(HERE, os.CLONE_NEWNET)


class Far(Client):
    def connect(self):
        return FarConnection("10.9.0.1", 8443, timeout=20, context=ssl.create_default_context(cafile=f"{node.dir}/cert.pem"))


far = Far(None, token=users.token["ann"])
tap.check("v0" in far.read("network:///interfaces"), "a client at the other end of v0, by TLS and token")
for what, edit in (("its address", ("delete", V0 + "/ietf-ip:ipv4/address=10.9.0.1")), ("its interface", ("merge", V0 + "/enabled", False)),
                   ("a route to it", static_route("10.9.0.2/32", "10.9.0.99"))):
    far.edit(edit)
    tap.check(denied(far.commit), f"{what} is not changed for good by a client that comes over it")
    p = fails(far.commit, phase="prepare")
    tap.check(p is not None, "nor prepared for that")
    far.tool("network.discard", candidate="test")
far.edit(interface("a0", description="from afar"))
tap.check(far.commit()["warnings"] == [] and alias() == "from afar", "what is not on its way is")
far.edit(interface("v0", description="mine"))
p = far.commit(phase="prepare", confirmed=2)
tap.check("management-path" in p["warnings"], "the answer warns")
r = far.tool("network.commit", phase="commit", token=p["token"])
tap.check(r["state"] == "pending-confirm", "what was prepared as a confirmed commit is one, also where commit leaves that away")
tap.check(far.confirm(r["token"])["state"] == "confirmed" and alias("v0") == "mine", "and is confirmed")
ann.edit(interface("v0", description="by loopback"))
tap.check(ann.commit()["state"] in ("applied", "confirmed"), "who does not come over it may")
report(node, tap)
node.close()
tap.end()
