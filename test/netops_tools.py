#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Walks all tools, resources, templates and prompts of a real node over MCP: every result validates against its own
outputSchema by python3-jsonschema, has its text mirror, and says what the kernel says. Needs root; makes its own
network namespace."""
import json
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import netops  # noqa: E402
from jsonschema import Draft202012Validator  # noqa: E402
from mcp import NetworkError  # noqa: E402

tap = netops.Tap()


def error_code(f):
    try:
        f()
    except NetworkError as e:
        return getattr(e, "code", None) or (e.args[0] or {}).get("code")
    return None


class Walk:
    def __init__(self, client):
        self.c = client
        self.tools = {t["name"]: t for t in client.tools()}
        self.called = set()
        self.bad = []

    def tool(self, name, fails=False, **arguments):
        """The raw result, after it was validated."""
        r = self.c.call("tools/call", {"name": name, "arguments": arguments})
        tool = self.tools[name]
        self.called.add(name)
        data = r.get("structuredContent")
        problems = [e.message for e in Draft202012Validator(tool["outputSchema"]).iter_errors(data)]
        texts = [c["text"] for c in r["content"] if c["type"] == "text"]
        if data is None or problems:
            self.bad.append(f"{name}: {problems or 'no structuredContent'}")
        if not r.get("isError") and (not texts or json.loads(texts[0]) != data):
            self.bad.append(f"{name}: the text is no mirror of the data")
        if bool(r.get("isError")) != fails:
            self.bad.append(f"{name} {arguments}: {'no error' if fails else json.dumps(data)[:300]}")
        return data


def lists(w):
    names = list(w.tools)
    tap.check(names == sorted(names), "tools/list is sorted by name")
    eight = {"network.cli.exec", "network.cli.configure", "network.yang.get", "network.yang.edit", "network.commit",
             "network.rollback", "network.file.pull", "network.file.push"}
    tap.check(eight <= set(names), "the 8 tools of MCP-NET are there")
    for t in w.tools.values():
        Draft202012Validator.check_schema(t["inputSchema"])
        Draft202012Validator.check_schema(t["outputSchema"])
    tap.check(all(set(t["annotations"]) >= {"readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"}
                  for t in w.tools.values()), "all schemas are JSON Schema 2020-12, all tools have the four hints")
    uris = {r["uri"] for r in w.c.call("resources/list", {})["resources"]}
    tap.check(uris >= {"network:///interfaces", "network:///routing/ipv4/route-table", "network:///routing/ipv6/route-table",
                       "network:///system/cpu-utilization", "network:///system/memory-summary",
                       "network:///file/running-config", "network:///file/startup-config",
                       "network:///file/candidate-config"}, "the 8 resources of MCP-NET are there")
    templates = {r["uriTemplate"] for r in w.c.call("resources/templates/list", {})["resourceTemplates"]}
    tap.check(templates >= {"network:///interface/{name}", "network:///log/syslog/last{count}",
                            "network:///file/{slot}/crashinfo"}, "the 3 templates of MCP-NET are there")
    prompts = {p["name"] for p in w.c.call("prompts/list", {})["prompts"]}
    tap.check(prompts == {"network.troubleshoot.ping-fail", "network.config.add-vlan", "network.security.audit"},
              "the 3 prompts are there")


def read(w, uri):
    return w.c.call("resources/read", {"uri": uri})["contents"][0]


def editing(w):
    path = "ietf-interfaces:interfaces/interface=v0"
    value = {"name": "v0", "type": "iana-if-type:ethernetCsmacd", "enabled": True, "description": "up\u202elink",
             "ietf-ip:ipv4": {"address": [{"ip": "10.9.0.1", "prefix-length": 24}]}}
    w.tool("network.yang.edit", edit=[{"path": path, "value": {"ietf-interfaces:interface": [value]}}])
    d = w.tool("network.diff")
    tap.check(any("10.9.0.1" in c["path"] for c in d["diff"]), "network.diff shows what is staged")
    got = w.tool("network.yang.get", path=path, datastore="candidate")
    tap.check("10.9.0.1" in json.dumps(got), "the candidate is read by its owner without a handle")
    r = w.tool("network.commit", comment="address")
    tap.check(r["state"] in ("applied", "confirmed") and "10.9.0.1" in netops.ip("-4", "addr", "show", "v0"),
              "network.commit puts the address into the kernel")
    got = w.tool("network.yang.get", path=path, datastore="running")
    tap.check(got["ietf-interfaces:interface"][0]["description"] == value["description"], "strings are the same after decoding")
    raw = read(w, "network:///file/running-config")["text"]
    tap.check("\u202e" not in raw and "\u001b" not in raw, "what steers is escaped in plain text")
    r = w.tool("network.commit")
    tap.check(r["state"] == "no-change", "a commit without edits changes nothing")
    w.tool("network.cli.configure", commands=["set ietf-interfaces:interfaces/interface=v0/description lab port",
                                              "set ietf-interfaces:interfaces/interface=v0/ietf-ip:ipv4/mtu 1400"])
    shown = w.tool("network.cli.exec", cmd="show diff")["output"]
    tap.check("lab port" in shown and "1400" in shown, "network.cli.configure stages what set says")
    w.tool("network.discard")
    tap.check(w.tool("network.diff")["diff"] == [], "network.discard empties the candidate")
    w.tool("network.cli.configure", commands=["set ietf-interfaces:interfaces/interface=v0/description now"], target="running")
    tap.check("now" in netops.ip("link", "show", "v0"), "target running is committed at once")
    h = w.tool("network.history")
    tap.check(len(h["commits"]) >= 2, "network.history has the commits")
    w.tool("network.diff", commitId=h["commits"][0]["commitId"])
    w.tool("network.rollback", steps=1)
    tap.check("now" not in netops.ip("link", "show", "v0"), "network.rollback takes it back")
    pulled = w.tool("network.file.pull", format="json")
    w.tool("network.file.push", filename="candidate-config", content=pulled["content"], format="json")
    tap.check(w.tool("network.diff")["diff"] == [], "what was pulled and pushed differs in nothing")
    for fmt in ("text", "xml"):
        w.tool("network.file.pull", filename="startup-config", format=fmt)
    tap.check(w.tool("network.audit.verify")["ok"], "the audit log is as it was written")


def failures(w):
    tap.check(w.tool("network.yang.get", fails=True, path="no-such:thing")["error"]["code"] != 0, "an unknown path fails")
    w.tool("network.commit", fails=True, confirm=True, confirmed=5)
    w.tool("network.commit", fails=True, phase="confirm")
    w.tool("network.commit", fails=True, phase="prepare", dryRun=True, confirm=True)
    w.tool("network.commit", fails=True, token="A" * 22, confirm=True)
    w.tool("network.rollback", fails=True, commitId="c-999999")
    w.tool("network.yang.edit", fails=True, edit=[{"path": "ietf-interfaces:interfaces/interface=q/enabled", "value": "maybe"}])
    for cmd in ("set a b", "reboot", "show log; ls", "ping 1.1.1.1 | cat", "nonsense", "show interfaces $(id)", "show log 0"):
        w.tool("network.cli.exec", fails=True, cmd=cmd)
    tap.check(not w.bad, "failures have the form that outputSchema allows")


def shows(w):
    out = {c: w.tool("network.cli.exec", cmd=c)["output"] for c in
           ("show configuration", "show configuration candidate", "show interfaces", "show interfaces v0", "show route ipv4",
            "show route ipv4 10.9.0.2", "show arp", "show history", "show diff", "show system",
            "show configuration running ietf-interfaces:interfaces")}
    tap.check("v0" in out["show interfaces"] and "10.9.0.1/24" in out["show interfaces v0"], "show interfaces")
    tap.check("v0" in out["show route ipv4 10.9.0.2"], "show route ADDRESS asks the kernel")
    tap.check("10.9.0.0/24" in out["show route ipv4"], "show route has the table")


def resources(w):
    tap.check("v0" in read(w, "network:///interfaces")["text"], "network:///interfaces")
    tap.check(json.loads(read(w, "network:///interface/v0")["text"])["ietf-interfaces:interface"][0]["name"] == "v0",
              "network:///interface/{name}")
    tap.check("10.9.0.0/24" in read(w, "network:///routing/ipv4/route-table")["text"], "the IPv4 routing table")
    tap.check("10.9.0.0/24" not in read(w, "network:///routing/ipv6/route-table")["text"], "the IPv6 one is another")
    memory = json.loads(read(w, "network:///system/memory-summary")["text"])
    with open("/proc/meminfo") as f:
        total = int(re.search(r"MemTotal:\s+(\d+)", f.read()).group(1)) * 1024
    tap.check(memory["total"] == total, "memory in bytes")
    cpu = json.loads(read(w, "network:///system/cpu-utilization")["text"])
    tap.check(0 <= cpu["percent"] <= 100 and round(cpu["percent"], 1) == cpu["percent"], "CPU in percent")
    for name in ("startup", "candidate", "running"):
        read(w, f"network:///file/{name}-config")
    tap.check(json.loads(read(w, "network:///file/sys/crashinfo")["text"])["up"], "crashinfo of a room")
    lib = json.loads(read(w, "network:///yang/library")["text"])
    tap.check("ietf-interfaces" in json.dumps(lib), "YANG library")
    tap.check("module ietf-interfaces" in read(w, "network:///yang/module/ietf-interfaces")["text"], "YANG source")
    s = json.loads(read(w, "network:///yang/schema/ietf-interfaces:interfaces/interface")["text"])
    Draft202012Validator.check_schema(s)
    running = w.tool("network.yang.get", path="ietf-interfaces:interfaces/interface=v0", datastore="running")
    tap.check(Draft202012Validator(s).is_valid(running) and not Draft202012Validator(s).is_valid({"ietf-interfaces:interface": [{}]}),
              "the schema made of YANG takes what is there and refuses what is not")
    state = json.loads(read(w, "network:///yang/schema/ietf-interfaces:interfaces?state=1")["text"])
    oper = json.loads(read(w, "network:///data/operational/ietf-interfaces:interfaces")["text"])
    problems = [e.message for e in Draft202012Validator(state).iter_errors(oper)]
    tap.check(not problems, f"with ?state it takes operational data {problems[:2]}")
    tap.check("+--rw interfaces" in read(w, "network:///yang/tree/ietf-interfaces")["text"], "YANG tree")
    tap.check("10.9.0.1" in read(w, "network:///data/running/ietf-interfaces:interfaces/interface=v0")["text"], "data by path")
    audit = read(w, "network:///audit/last5")["text"].strip().split("\n")
    tap.check(len(audit) == 5 and all(json.loads(x)["seq"] for x in audit), "the last audit records")
    missing = ["network:///interface/none", "network:///data/running/ietf-interfaces:interfaces/interface=none",
               "network:///data/nowhere/x", "network:///file/none/crashinfo", "network:///yang/module/none",
               "network:///yang/schema/none", "network:///yang/tree/none"]
    missing += [f"network:///log/syslog/last{n}" for n in ("", "0", "01", "10001", "99999", "-1", "1x", "1.0", "%31%30001", "1000000")]
    codes = {u: error_code(lambda: read(w, u)) for u in missing}
    tap.check(set(codes.values()) == {-32602}, f"what is not there is no resource {[u for u, c in codes.items() if c != -32602]}")


def log(w):
    if "rpc.depanneur-sys.log" not in w.tools:  # an older room
        print("# room sys has no log yet")
        return
    text = read(w, "network:///log/syslog/last10")["text"]
    tap.check(text == "" or (text.endswith("\n") and len(text.strip().split("\n")) <= 10), "the last log lines")
    w.tool("network.cli.exec", cmd="show log 5")


def complete(w, ref, name, value, **context):
    params = {"ref": ref, "argument": {"name": name, "value": value}}
    if context:
        params["context"] = {"arguments": context}
    return w.c.call("completion/complete", params)["completion"]["values"]


def completion(w):
    data = {"type": "ref/resource", "uri": "network:///data/{datastore}/{+path}"}
    tap.check(complete(w, data, "datastore", "r") == ["running"], "completion of a datastore")
    tap.check("ietf-interfaces:interfaces" in complete(w, data, "path", "ietf-int", datastore="running"), "completion of names")
    tap.check(complete(w, data, "path", "ietf-interfaces:interfaces/interface=v", datastore="running") ==
              ["ietf-interfaces:interfaces/interface=v0"], "completion of live keys")
    tap.check(complete(w, {"type": "ref/resource", "uri": "network:///interface/{name}"}, "name", "v") == ["v0"],
              "completion of interfaces")
    tap.check("v0" in complete(w, {"type": "ref/prompt", "name": "network.troubleshoot.ping-fail"}, "src", ""),
              "completion of a prompt's argument")


def prompt(w, name, /, **arguments):
    return w.c.call("prompts/get", {"name": name, "arguments": arguments})


def findings(p):
    for m in p["messages"]:
        c = m["content"]
        if c["type"] == "resource" and c["resource"]["uri"] == "network:///findings":
            return {f["check"]: f for f in json.loads(c["resource"]["text"])["findings"]}
    return {}


def prompts(w):
    fine = prompt(w, "network.troubleshoot.ping-fail", src="10.9.0.1", dst="10.9.0.2")
    tap.check(all(findings(fine)[c]["ok"] for c in ("C01-source", "C02-admin-up", "C06-route")), "a healthy path has no bad finding")
    no_route = prompt(w, "network.troubleshoot.ping-fail", src="10.9.0.1", dst="192.0.2.1")
    tap.check(not findings(no_route)["C06-route"]["ok"], "a missing route is found")
    netops.ip("link", "set", "v0", "down")
    down = netops.wait_for("down", lambda: (lambda p: p if not findings(p)["C02-admin-up"]["ok"] else None)(
        prompt(w, "network.troubleshoot.ping-fail", src="v0", dst="10.9.0.2")), 5)
    netops.ip("link", "set", "v0", "up")
    tap.check(json.dumps(down) != json.dumps(no_route) and not findings(down)["C02-admin-up"]["ok"],
              "an interface that was set down behind our back is found, and is another text")
    bad = prompt(w, "network.troubleshoot.ping-fail", src="10.77.0.1", dst="10.9.0.2")
    tap.check(not findings(bad)["C01-source"]["ok"], "an address that is not ours is found")
    refused = [dict(src="v0", dst="10.9.0.2", vrf="red"), dict(src="v0", dst="nowhere"), dict(src="v0")]
    tap.check(all(error_code(lambda: prompt(w, "network.troubleshoot.ping-fail", **a)) == -32602 for a in refused),
              "an unknown vrf, no address, a missing argument are errors")
    vlan = prompt(w, "network.config.add-vlan", vlan_id="10", name="office", ports="v0,zz")
    tap.check("zz does not exist" in json.dumps(vlan), "add-vlan knows the ports")
    tap.check(all(error_code(lambda: prompt(w, "network.config.add-vlan", **a)) == -32602 for a in (
        dict(vlan_id="0", name="a"), dict(vlan_id="4095", name="a"), dict(vlan_id="1", name="a b"))), "add-vlan checks its arguments")
    basic, detailed = (prompt(w, "network.security.audit", profile=p) for p in ("basic", "detailed"))
    tap.check(len(json.dumps(detailed)) > len(json.dumps(basic)), "a detailed audit has more evidence")
    tap.check(error_code(lambda: prompt(w, "network.security.audit", profile="x")) == -32602, "profile is checked")


def exposed(w):
    rpcs = [n for n in w.tools if n.startswith("rpc.")]
    tap.check("rpc.depanneur-sys.probe" in rpcs and "rpc.depanneur-sys.apply" not in rpcs, "rpcs are tools, but for the plan's")
    d = w.tool("rpc.depanneur-sys.probe", route={"to": "10.9.0.2"})
    tap.check("v0" in json.dumps(d), "and do what they say")
    w.tool("rpc.depanneur-sys.features")
    if "expose" not in read(w, "network:///yang/tree/depanneur-netops")["text"]:
        print("# the configuration cannot expose anything yet")
        return
    path = "/ietf-interfaces:interfaces/interface"
    w.tool("network.yang.edit", edit=[{"path": "depanneur-netops:netops", "value": {"expose": [path]}}])
    w.tool("network.commit")
    w2 = Walk(w.c)
    name = "yang.ietf-interfaces.interfaces.interface.edit"
    tap.check(name in w2.tools, "what the configuration exposes is a tool")
    if name in w2.tools:
        Draft202012Validator.check_schema(w2.tools[name]["inputSchema"])
        w2.tool(name, key="v0", value={"name": "v0", "description": "exposed"})
        tap.check("exposed" in json.dumps(w2.tool("network.diff")), "and stages edits")
        w2.tool("network.discard")
    w.bad += w2.bad


def main():
    netops.own_namespace()
    netops.veth_to_peer()
    node = netops.Node(rooms=("sys",))
    w = Walk(node.start())
    for part in (lists, editing, shows, resources, completion, prompts, log, exposed, failures):
        try:
            part(w)
        except Exception as e:  # noqa: BLE001
            tap.check(False, f"{part.__name__}: {type(e).__name__}: {str(e)[:600]}")
    for b in w.bad:
        print("#", b[:500])
    tap.check(not w.bad, f"{len(w.called)} tools called, every result fits its outputSchema and has its mirror")
    if tap.failed:
        print("# dep-netops:", node.process["netops"].poll())
        with open(f"{node.dir}/netops.log") as f:
            said = f.read()
        at = max(said.find("==ERROR"), said.find("runtime error"), 0)
        print("\n".join("# " + x for x in said[at:].split("\n")[:25]))
    node.close()
    tap.end()


main()
