#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""network.commit to the letter: the rules of combination without any effect, idempotency keys, the exact JSON of a late
confirm in each revision and after a restart, and that tokens are told to nobody and written nowhere. TAP."""
import json
import os
import re
import time

from netops import Client, NetworkError, Node, Tap, interface, ip_json, own_namespace, veth_to_peer, wait_for
from netops_users import ALL, Users, code, fails, nacm, report, rule

tap = Tap()
own_namespace()
veth_to_peer()
node = Node()
root = node.start(options=("--log", "debug"))
users = Users(node, {"ann": ALL, "bob": ALL})
root.edit(users.config(), nacm({"all": ["ann", "bob"]}, [("all", ["all"], [rule("all")])]), interface("v0", description="zero"))
root.commit()
ann, bob = users.client("ann"), users.client("bob")
SECRETS = list(users.token.values())


def alias():
    return ip_json("link", "show", "v0")[0].get("ifalias")


def situation():
    h = root.tool("network.history")
    return json.dumps([h["commits"], h.get("pending", {}).get("state"), h["runningHash"], alias()])


def stage(c, text, candidate="test"):
    c.edit(interface("v0", description=text), candidate=candidate)


def expire(c, text="late", **kw):
    """A confirmed commit that nobody confirms: its answer."""
    stage(c, text)
    r = c.commit(confirmed=1, **kw)
    SECRETS.append(r["token"])
    wait_for("roll back", lambda: alias() != text, 4)
    time.sleep(0.05)
    return r


# ---- rules of combination ----
stage(ann, "prepared")
p = ann.commit(phase="prepare")
SECRETS.append(p["token"])
T = p["token"]
before = situation()
for args in ({"confirm": True, "confirmed": 5}, {"confirm": True, "confirmed": 5, "token": T}, {"phase": "confirm"}, {"phase": "abort"}, {"phase": "commit"},
             {"phase": "confirm", "token": T, "confirmed": 5, "confirm": True}, {"phase": "commit", "token": T, "dryRun": True},
             {"phase": "confirm", "token": T, "dryRun": True}, {"phase": "abort", "token": T, "dryRun": True},
             {"phase": "prepare", "token": T}, {"phase": "prepare", "confirm": True}, {"phase": "abort", "token": T, "confirm": True},
             {"confirm": True, "token": T, "dryRun": True}, {"confirm": True}, {"confirmed": 3601}, {"confirmed": -1}, {"confirmed": 1.5},
             {"phase": "undo"}, {"token": "short"}, {"token": "A" * 23}, {"token": "!" * 22}, {"comment": "x" * 1025}, {"idempotencyKey": ""},
             {"idempotencyKey": "x" * 65}, {"dryRun": "yes"}, {"unknown": 1}, {"candidate": "x" * 65}, {"phase": "confirm", "token": T},
             {"confirm": True, "token": T}, {"phase": "confirm", "token": "A" * 22}, {"phase": "commit", "token": "A" * 22}):
    e = fails(ann.tool, "network.commit", **args)
    tap.check(e is not None and situation() == before, f"{json.dumps(args)[:80]}: an error {e and e.code}, and nothing changed")
for c, args, what in ((bob, {"phase": "commit", "token": T}, "commit"), (bob, {"phase": "abort", "token": T}, "abort"),
                      (bob, {"phase": "confirm", "token": T}, "confirm")):
    mine = fails(c.tool, "network.commit", **args)
    none = fails(c.tool, "network.commit", **{**args, "token": "B" * 22})
    tap.check(mine and none and (mine.code, mine.error, situation()) == (-32089, none.error, before),
              f"{what} with another's token is told as one that never was")
ann.tool("network.commit", phase="commit", token=T)
tap.check(alias() == "prepared" and code(ann.tool, "network.commit", phase="commit", token=T) == -32089 and
          code(ann.tool, "network.commit", phase="abort", token=T) == -32089, "a token serves once")
stage(ann, "dry")
h = situation()
r = ann.commit(dryRun=True)
tap.check(situation() == h and any(d.get("new") == "dry" for d in r["diff"]) and "token" not in r, "dryRun tells the difference and changes nothing")
tap.check(ann.commit(phase="prepare", dryRun=True)["diff"] == r["diff"] and situation() == h, "so with prepare, without a lock")

# ---- idempotency keys ----
r1 = ann.commit(idempotencyKey="k1", comment="once")
h = situation()
r2 = ann.commit(idempotencyKey="k1", comment="once")
tap.check((r1["commitId"], r1["state"], r1["diff"], r1["runningHash"]) == (r2["commitId"], r2["state"], r2["diff"], r2["runningHash"]) and situation() == h,
          "the same request by the same key gets the same answer, and nothing is done again")
e = fails(ann.commit, idempotencyKey="k1", comment="twice")
tap.check(e is not None and situation() == h, f"other arguments by that key are an error {e and e.code}")
stage(bob, "by bob")
tap.check(bob.commit(idempotencyKey="k1", comment="once")["commitId"] != r1["commitId"] and alias() == "by bob", "another's key is another's")
stage(ann, "pending")
r1 = ann.commit(idempotencyKey="k2", confirmed=30)
SECRETS.append(r1["token"])
r2 = ann.commit(idempotencyKey="k2", confirmed=30)
tap.check(r1["token"] == r2["token"] and r1["commitId"] == r2["commitId"] and r1["confirmBy"] == r2["confirmBy"], "a lost answer can be had again, token and all")
tap.check(code(bob.commit, idempotencyKey="k2", confirmed=30) in (-32087, -32089), "not by another")
ann.confirm(r1["token"])
node.kill("netops")
node.start_netops(options=("--log", "debug"))
ann, bob, root = users.client("ann"), users.client("bob"), node.client()
h = situation()
tap.check(ann.commit(idempotencyKey="k1", comment="once")["state"] in ("applied", "confirmed") and situation() == h, "keys are remembered over a crash")

# ---- late confirms, to the letter ----
TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"
KEYS = ["name", "commitId", "confirmToken", "expiredAt", "rolledBackTo", "rollback", "retryable"]


def exact(data, r, base):
    fixed = {"name": "Network.ConfirmedCommitTimeout", "commitId": r["commitId"], "confirmToken": r["token"], "rolledBackTo": base,
             "rollback": "complete", "retryable": True}
    good = (list(data) == KEYS and all(data[k] == v for k, v in fixed.items()) and re.match(TIME, data["expiredAt"]) and
            0 <= parse(data["expiredAt"]) - parse(r["confirmBy"]) < 1)
    if not good:
        print("#", json.dumps(data))
    return bool(good)


def parse(t):
    return time.mktime(time.strptime(t[:19], "%Y-%m-%dT%H:%M:%S")) + float(t[19:-1])


def late(c, r, base, what):
    for version in ("2025-06-18", "2025-11-25"):
        for args in ({"phase": "confirm", "token": r["token"]}, {"confirm": True, "token": r["token"]}):
            old = Client(c.node, token=c.token)
            m = old.legacy("tools/call", {"name": "network.commit", "arguments": args}, version=version)
            error = m.get("error", {})
            tap.check(set(m) == {"jsonrpc", "id", "error"} and list(error) == ["code", "message", "data"] and error["code"] == -32086 and
                      error["message"] == "Confirmed commit timed out; configuration rolled back" and exact(error["data"], r, base),
                      f"{what}, {version}, {list(args)[0]}: a JSON-RPC error, to the letter")
    m = c.request("tools/call", {"name": "network.commit", "arguments": {"phase": "confirm", "token": r["token"]}})
    s = m.get("structuredContent", {})
    good = (m.get("resultType") == "complete" and m.get("isError") is True and list(s) == ["error"] and s["error"]["code"] == -32086 and
            s["error"]["name"] == "Network.ConfirmedCommitTimeout" and exact(s["error"]["data"], r, base) and
            m["content"][0]["type"] == "text" and r["commitId"] in m["content"][0]["text"] and base in m["content"][0]["text"])
    if not good:
        print("#", json.dumps(m))
    tap.check(good, f"{what}, 2026-07-28: a result with isError, to the letter")


base = root.tool("network.history")["commits"][0]["commitId"]
r = expire(ann)
late(ann, r, base, "late")
tap.check(code(bob.confirm, r["token"]) == -32089, "another's late confirm is told nothing")
node.kill("netops")
node.start_netops(options=("--log", "debug"))
ann, bob, root = users.client("ann"), users.client("bob"), node.client()
late(ann, r, base, "after a crash")
tap.check(code(bob.confirm, r["token"]) == -32089, "nor after it")
node.kill("netops", 15)
node.start_netops(options=("--log", "debug"))
ann, bob, root = users.client("ann"), users.client("bob"), node.client()
late(ann, r, base, "after an end in order")
stage(ann, "down over it")
r = ann.commit(confirmed=1)
SECRETS.append(r["token"])
node.kill("netops")
time.sleep(1.3)
tap.check(alias() == "down over it", "nobody takes it back while the daemon is down")
node.start_netops(options=("--log", "debug"))
ann, bob, root = users.client("ann"), users.client("bob"), node.client()
tap.check(alias() != "down over it", "it is taken back before the first byte is served")
root.edit(("merge", "/", {"depanneur-netops:netops": {"server": {"network-errors": "result"}}}))
root.commit()
m = ann.legacy("tools/call", {"name": "network.commit", "arguments": {"phase": "confirm", "token": r["token"]}})
tap.check(m.get("result", {}).get("isError") is True and m["result"]["structuredContent"]["error"]["code"] == -32086,
          "network-errors result: also sessions of 2025-11-25 get a result")

# ---- secrets are written nowhere ----
with open(f"/proc/{node.process['netops'].pid}/coredump_filter") as f:
    print("# coredump_filter", f.read().strip())
dumpable = os.stat(f"/proc/{node.process['netops'].pid}/mem").st_uid
with open(f"/proc/{node.process['netops'].pid}/limits") as f:
    limits = f.read()
core = re.search(r"Max core file size\s+(\d+|unlimited)", limits).group(1)
tap.check(core == "0", f"dep-netops leaves no core: limit {core}")
audit = root.read("network:///audit/last10000")
tap.check(audit.count("network.commit") > 20 and not any(s in audit for s in SECRETS), "no token in the audit log")
node.kill("netops", 15)
found = []
for where, _, files in os.walk(node.dir):
    for name in files:
        if name == "tokens.json" or not os.path.isfile(os.path.join(where, name)):
            continue
        with open(os.path.join(where, name), "rb") as f:
            data = f.read()
        found += [f"{name}: {i}" for i, s in enumerate(SECRETS) if s.encode() in data]
tap.check(not found, f"{len(SECRETS)} tokens are in no file: journal, audit, log {found}")
report(node, tap)
node.close()
tap.end()
