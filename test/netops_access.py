#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Access control on every path: what a user may not read reaches him by no tool, resource, template, completion, schema,
difference, history, audit record, error text or prompt; what he may not write he writes by no way. TAP."""
import json

from netops import Node, Tap, interface, ip, ip_json, own_namespace, veth_to_peer
from netops_users import ALL, Users, code, fails, nacm, report, rule

tap = Tap()
own_namespace()
veth_to_peer()
for name in ("hush0", "open0"):
    ip("link", "add", name, "type", "veth", "peer", "name", "x" + name[:1])
node = Node()
root = node.start()
users = Users(node, {"ann": ALL, "eve": ALL, "sam": ALL})
SECRET = "zebra-crossing"
HUSH = "/if:interfaces/if:interface[if:name='hush0']"
NS = "/ietf-interfaces:interfaces/interface[name='hush0']"
root.edit(users.config(),
          nacm({"all": ["ann"], "few": ["eve"], "blind": ["sam"]},
               [("ann", ["all"], [rule("all")]),
                ("eve", ["few"], [rule("no-system", "/ietf-system:system", action="deny"),
                                  rule("no-hush", "/ietf-interfaces:interfaces/interface[name='hush0']", action="deny"),
                                  rule("no-server", "/depanneur-netops:netops", action="deny"),
                                  rule("no-nacm", "/ietf-netconf-acm:nacm", action="deny"),
                                  rule("all")]),
                ("sam", ["blind"], [rule("reads", access="read exec")])]))
root.commit()
root.edit(interface("hush0", "192.0.2.77", description=SECRET), interface("open0", "192.0.2.10", prefix=28, description="for all"),
          ("merge", "/", {"ietf-system:system": {"contact": "quagga-keeper", "location": "room 9"}}))
root.commit(comment="first")
root.edit(interface("hush0", "192.0.2.77", description="okapi-" + SECRET))
root.commit(comment="second")
ann, eve, sam = (users.client(u) for u in ("ann", "eve", "sam"))
HIDDEN = (SECRET, "hush0", "192.0.2.77", "quagga-keeper", "room 9")


def head():
    return root.tool("network.history")["commits"][0]["commitId"]


def leaks(what):
    text = what if isinstance(what, str) else json.dumps(what)
    return [h for h in HIDDEN if h in text]


def both(name, f, seen=True):
    """f(client): what ann gets has the hidden, what eve gets has not."""
    try:
        a = f(ann)
    except Exception as e:  # noqa: BLE001
        a = str(e)
    try:
        e = f(eve)
    except Exception as x:  # noqa: BLE001
        e = str(x)
    bad = leaks(e)
    good = not bad and (not seen or leaks(a))
    if not good:
        print(f"# ann: {str(a)[:300]}\n# eve: {bad} {str(e)[:600]}")
    tap.check(good, name)


for ds in ("running", "operational", "startup", "candidate"):
    if ds != "startup":
        both(f"network.yang.get of {ds}", lambda c: {k: v for k, v in c.tool("network.yang.get", path="/", datastore=ds).items()
                                                     if k != "ietf-routing:routing"})
    both(f"data/{ds} of interfaces", lambda c: c.read(f"network:///data/{ds}/ietf-interfaces:interfaces"))
for path in ("ietf-interfaces:interfaces/interface=hush0", "ietf-interfaces:interfaces/interface=hush0/description"):
    e = fails(eve.tool, "network.yang.get", path=path, datastore="running")
    gone = fails(eve.tool, "network.yang.get", path=path.replace("hush0", "none0"), datastore="running")
    tap.check(e is not None and gone is not None and (e.code, e.error["message"].replace("hush0", "none0")) ==
              (gone.code, gone.error["message"]), f"{path}: hidden and absent are told the same")
    e = fails(eve.read, f"network:///data/running/{path}")
    tap.check(e and e.code == -32602, f"data/running/{path} is no resource")
e = fails(eve.read, "network:///interface/hush0")
tap.check(e and e.code == -32602 and "open0" in eve.read("network:///interface/open0"), "interface/{name}: only what may be read")
both("network:///interfaces", lambda c: c.read("network:///interfaces"))
for name in ("running", "startup", "candidate"):
    both(f"file/{name}-config", lambda c: c.read(f"network:///file/{name}-config"))
    for fmt in ("text", "json", "xml"):
        both(f"network.file.pull {name} {fmt}", lambda c: c.tool("network.file.pull", filename=f"{name}-config", format=fmt))
for cmd in ("show configuration", "show configuration startup", "show interfaces", "show diff c-000002", "show history"):
    both(f"network.cli.exec {cmd}", lambda c: c.tool("network.cli.exec", cmd=cmd), seen=cmd != "show history")


def complete(c, ref, name, value, **context):
    params = {"ref": ref, "argument": {"name": name, "value": value}}
    if context:
        params["context"] = {"arguments": context}
    return c.call("completion/complete", params)["completion"]


DATA = {"type": "ref/resource", "uri": "network:///data/{datastore}/{+path}"}
for ds in ("running", "operational", "candidate", "startup"):
    both(f"completion of keys, {ds}", lambda c: complete(c, DATA, "path", "ietf-interfaces:interfaces/interface=", datastore=ds))
both("completion of interfaces", lambda c: complete(c, {"type": "ref/resource", "uri": "network:///interface/{name}"}, "name", ""))
both("completion of a prompt's source", lambda c: complete(c, {"type": "ref/prompt", "name": "network.troubleshoot.ping-fail"}, "src", ""))
a, e = ([complete(c, DATA, "path", t, datastore="running")["values"] for t in ("ietf-sys", "ietf-system:system/")] for c in (ann, eve))
tap.check("ietf-system:system" in a[0] and a[1] and "ietf-system:system" not in e[0] and not e[1],
          f"completion of names hides what may not be read {e}")
SCHEMA = {"type": "ref/resource", "uri": "network:///yang/schema/{+path}{?state}"}
tap.check("ietf-system:system" not in complete(eve, SCHEMA, "path", "ietf-sys")["values"], "so does that of schemas")

for uri in ("network:///yang/schema/ietf-system:system", "network:///yang/schema/ietf-system:system/contact",
            "network:///yang/schema/depanneur-netops:netops/server"):
    tap.check(code(ann.read, uri) is None and code(eve.read, uri) == -32602, f"{uri}: no schema of what may not be read")
both_schema = [c.read("network:///yang/schema/ietf-system") if code(c.read, "network:///yang/schema/ietf-system") is None else ""
               for c in (ann, eve)]
tap.check("contact" in both_schema[0] and "contact" not in both_schema[1], "nor in that of its module")
tree = [c.read("network:///yang/tree/ietf-system") if code(c.read, "network:///yang/tree/ietf-system") is None else ""
        for c in (ann, eve)]
tap.check("contact" in tree[0] and "contact" not in tree[1], "nor in its tree")

for commit in ("c-000002", "c-000003"):
    both(f"network.diff of {commit}", lambda c: c.tool("network.diff", commitId=commit))
both("network.history", lambda c: c.tool("network.history"), seen=False)
both("the audit log", lambda c: c.read("network:///audit/last100"))

# Tools made of YANG.
root.edit(("merge", "/", {"depanneur-netops:netops": {"expose": ["/ietf-system:system", "/ietf-interfaces:interfaces/interface"]}}), candidate="expose")
root.commit(candidate="expose")
tools = [{t["name"] for t in c.tools() if t["name"].startswith("yang.")} for c in (ann, eve)]
SYSTEM, INTERFACE = "yang.ietf-system.system.edit", "yang.ietf-interfaces.interfaces.interface.edit"
tap.check(tools[0] == {SYSTEM, INTERFACE} and tools[1] == {INTERFACE}, f"an exposed tool is listed for who may read its data {tools}")
e = fails(eve.request, "tools/call", {"name": SYSTEM, "arguments": {"value": {"contact": "x"}}})
tap.check(e is not None and not leaks(str(e)), f"and another does not call it {e and e.code}")
e = fails(eve.tool, INTERFACE, key="hush0", value={"name": "hush0", "description": "x"})
tap.check(e and e.code == -32083, f"nor writes by it what he may not {e and e.code}")
tap.check(eve.tool(INTERFACE, key="open0", value={"name": "open0", "description": "by tool"})["applied"] == 1, "what he may he does")
eve.tool("network.discard")
root.edit(("delete", "depanneur-netops:netops/expose"), candidate="expose")
root.commit(candidate="expose")
tap.check(not [t for t in eve.tools() if t["name"].startswith("yang.")], "what is exposed no more is no tool any more")

# What was, and is no more.
root.edit(("delete", "ietf-interfaces:interfaces/interface=hush0"), ("delete", "ietf-system:system/contact"))
root.commit(comment="gone")
both("network.diff of what was deleted", lambda c: c.tool("network.diff", commitId=head()))
both("the audit record of what was deleted", lambda c: c.read("network:///audit/last3"))
root.tool("network.rollback", steps=1)
both("network.diff of the rollback", lambda c: c.tool("network.diff", commitId=head()))

# Errors.
eve.edit(("merge", "ietf-interfaces:interfaces/interface=open0", {"ietf-interfaces:interface": [
    {"name": "open0", "ietf-ip:ipv4": {"mtu": 1400}}]}), candidate="mine")
tap.check(eve.commit(candidate="mine")["state"] in ("applied", "confirmed"), "eve commits what she may")
for path in ("ietf-interfaces:interfaces/interface=hush0/description", "ietf-system:system/contact",
             "ietf-netconf-acm:nacm/enable-nacm"):
    tap.check(code(eve.edit, ("merge", path, "x" if "nacm" not in path else False), candidate="w") == -32083,
              f"{path} is not written by eve")
e = fails(eve.tool, "network.yang.edit", target="candidate", edit=[{"path": "ietf-interfaces:interfaces/interface=hush0",
                                                                    "operation": "create", "value": {"name": "hush0"}}])
tap.check(e and e.code == -32083, f"create of what is there but hidden is denied, not 'exists': {e and e.code}")

# Writing by other ways.
running = json.loads(root.tool("network.file.pull", filename="running-config", format="json")["content"])
mine = json.loads(json.dumps(running))
mine["ietf-netconf-acm:nacm"]["groups"]["group"][0]["user-name"].append("sam")
for who, client in (("eve", eve), ("sam", sam)):
    e = fails(client.tool, "network.file.push", filename="startup-config", format="json", content=json.dumps(mine))
    tap.check(e and e.code == -32083, f"{who} gives nobody rights by startup-config: {e and e.code}")
e = fails(eve.tool, "network.file.push", filename="candidate-config", format="json", content="{}")
tap.check(e is None or e.code == -32083, "a pushed candidate is judged, too")
if e is None:
    d = eve.tool("network.diff")["diff"]
    tap.check(not any("hush0" in x["path"] or "nacm" in x["path"] for x in d), "an empty one deletes nothing that is hidden")
    eve.tool("network.discard")
tap.check(code(sam.edit, interface("open0", description="by sam")) == -32083, "who may only read edits nothing")
tap.check(code(sam.tool, "network.rollback", steps=1) == -32083, "nor rolls it back")
root.edit(interface("hush0", description="again"))
root.commit()
e = fails(eve.tool, "network.rollback", steps=1)
tap.check(e and e.code == -32083 and not leaks(str(e)), f"a rollback of what may not be written is denied: {e and e.code}")
tap.check(root.tool("network.history")["commits"][0]["kind"] == "commit" and
          ip_json("link", "show", "hush0")[0].get("ifalias") == "again", "and nothing happened")

# Rules that come between edit and commit.
ann.edit(interface("open0", description="late"), candidate="late")
root.edit(nacm({}, [("ann", ["all"], [])]), ("delete", "ietf-netconf-acm:nacm/rule-list=ann/rule=all"),
          ("merge", "ietf-netconf-acm:nacm/rule-list=ann", {"ietf-netconf-acm:rule-list": [
              {"name": "ann", "rule": [rule("exec-read", access="read exec")]}]}))
root.commit()
e = fails(ann.commit, candidate="late")
tap.check(e and e.code == -32083, f"a commit is judged by the rules of its time: {e and e.code}")

# Operations.
root.edit(nacm({}, [("eve2", ["few"], [])]), ("delete", "ietf-netconf-acm:nacm/rule-list=eve"),
          nacm({}, [("eve3", ["few"], [rule("no-log", module="depanneur-sys", rpc="log", access="exec", action="deny"),
                                       rule("no-hist", module="depanneur-netops", rpc="network.history", access="exec", action="deny"),
                                       rule("no-verify", module="depanneur-netops", rpc="network.audit.verify", access="exec",
                                            action="deny"), rule("all")])]))
root.commit()
names = [t["name"] for t in eve.tools()]
tap.check("rpc.depanneur-sys.log" not in names and "network.history" not in names and "network.yang.get" in names,
          "tools/list without what may not be called")
for name in ("network.history", "network.audit.verify", "rpc.depanneur-sys.log"):
    e = fails(eve.call, "tools/call", {"name": name, "arguments": {}})
    r = None if e else eve.call("tools/call", {"name": name, "arguments": {}})
    tap.check(e is not None or r.get("isError"), f"{name} is refused at dispatch")
tap.check(code(eve.read, "network:///log/syslog/last5") == -32602, "the log is hidden with its operation")
report(node, tap)
node.close()
tap.end()
