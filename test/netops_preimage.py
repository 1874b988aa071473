#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""An interface that is in the kernel and not in running: whatever was tried on it, and however the trial ends, it is as it
was found. ip says so."""
import time

from netops import NetworkError, Node, Tap, interface, ip, ip_json, own_namespace, static_route, veth_to_peer, wait_for

tap = Tap()
own_namespace()
veth_to_peer()
node = Node()
IF = "ietf-interfaces:interfaces/interface=v0"


def found():
    """What others have made of v0."""
    ip("link", "set", "v0", "mtu", "1300", "alias", "of others", "up")
    ip("addr", "replace", "10.9.0.1/24", "dev", "v0")
    ip("-6", "addr", "replace", "2001:db8:9::1/64", "dev", "v0", "nodad")
    ip("route", "replace", "198.51.100.0/24", "via", "10.9.0.2", "proto", "static")
    ip("route", "replace", "198.51.101.0/24", "dev", "v0", "proto", "static")


def seen():
    link = ip_json("link", "show", "dev", "v0")[0]
    return {"up": "UP" in link["flags"], "mtu": link["mtu"], "alias": link.get("ifalias"),
            "mac": link["address"],
            "addresses": sorted(f"{a['local']}/{a['prefixlen']} {a.get('protocol')}" for e in ip_json("addr", "show", "dev", "v0")
                                for a in e["addr_info"] if a["scope"] == "global"),
            "routes": sorted(f"{r['dst']} {r.get('gateway')} {r.get('protocol')}" for r in ip_json("route", "show", "dev", "v0"))}


def tried(address=None, **more):
    """What the trial says of v0: off, another MTU and description, one more address."""
    kind, path, value = interface("v0", address, enabled=False, description="tried", **more)
    value["ietf-interfaces:interface"][0].setdefault("ietf-ip:ipv4", {})["mtu"] = 1400
    return kind, path, value


found()
c = node.start()
before = seen()
print(f"# {before}")
tap.check(before["up"] and before["mtu"] == 1300 and len(before["addresses"]) == 2 and len(before["routes"]) == 3,
          "v0 is up, with an MTU, an alias, addresses and routes of others")


def back(what, seconds=6.0):
    """As before, within seconds."""
    end = time.monotonic() + seconds
    while seen() != before and time.monotonic() < end:
        time.sleep(0.02)
    now = seen()
    tap.check(now == before, what)
    if now != before:
        print("#  ", {k: (before[k], now[k]) for k in before if before[k] != now[k]})
        ip("addr", "flush", "dev", "v0")
        found()


def changed(what="the trial changes it"):
    now = seen()
    tap.check(now["up"] != before["up"] and now["mtu"] == 1400 and now["alias"] == "tried" and
              any(a.startswith("10.9.1.1/24") for a in now["addresses"]), what)


# ---- (a) the time runs out ----
c.edit(tried("10.9.1.1"))
c.commit(confirmed=1)
changed()
back("after its deadline all is as it was found")
try:
    c.tool("network.yang.get", path=IF, datastore="running")
    tap.check(False, "and it is not in running")
except NetworkError as e:
    tap.check(e.code == -32002, "and it is not in running")
c.edit(interface("v0"))
c.commit(confirmed=1)
time.sleep(1.5)
back("a trial that says only what is so already takes nothing away", 0)
c.edit(interface("v0", "10.9.0.1"))
c.commit(confirmed=1)
time.sleep(1.5)
back("nor one with an address that was there", 0)

# ---- (b) abort ----
c.edit(tried("10.9.1.1"))
r = c.commit(confirmed=60)
changed()
c.tool("network.commit", phase="abort", token=r["token"])
back("after an abort", 1)

# ---- (c) dep-netops dies ----
c.edit(tried("10.9.1.1"))
c.commit(confirmed=1)
node.kill("netops")
time.sleep(1.2)
changed("while dep-netops is away the trial stays")
node.start_netops()
back("after a restart behind the deadline", 0)
c = node.client()

c.edit(tried("10.9.1.1"))
c.commit(confirmed=2)
node.kill("sys")
node.start_room("sys")
time.sleep(1)
changed("a restart of dep-sys leaves the trial")
back("and it ends all the same")

# ---- (d) … at points of the transaction ----
for point in ("txn.step.before", "txn.step.written", "txn.applied", "txn.applied.written", "txn.applied.durable", "txn.running",
              "txn.rollback.before", "txn.rollback.written", "txn.rollback.running", "txn.undone", "txn.restored.written"):
    node.kill("netops")
    node.start_netops(env={"DEP_FAILPOINT": f"{point}:1"})
    try:
        c = node.client()
        c.edit(tried("10.9.1.1"))
        c.commit(confirmed=1)
        time.sleep(1.5)
        c.tool("network.history")
    except (OSError, NetworkError):
        pass
    died = wait_for("its end", lambda: node.process["netops"].poll() is not None)
    node.kill("netops")
    time.sleep(1)
    node.start_netops()
    back(f"killed at {point}", 0)
    c = node.client()

# ---- (e) follow-up ----
c.edit(tried())
r = c.commit(confirmed=60)
c.edit(interface("v0", "10.9.1.1", enabled=False, description="more"), candidate="more")
c.tool("network.commit", phase="commit", token=r["token"], candidate="more", confirmed=1)
tap.check(seen()["alias"] == "more", "a follow-up commit changes more")
back("the timeout takes both back")

c.edit(tried())
r = c.commit(confirmed=60)
middle = seen()
c.edit(interface("v0", "10.9.1.1", enabled=False, description="more"), interface("none0"), candidate="bad")
try:
    c.tool("network.commit", phase="commit", token=r["token"], candidate="bad", confirmed=60)
    tap.check(False, "a follow-up commit of an interface that is not there fails")
except NetworkError as e:
    tap.check(True, f"a follow-up commit of an interface that is not there fails: {e.code}")
tap.check(seen() == middle, "it alone is taken back")
c.tool("network.commit", phase="abort", token=r["token"])
back("and by an abort the rest")

# ---- (f) rollback of what was confirmed ----
for steps in (1, 2, 3):
    c.edit(tried("10.9.1.1"))
    c.confirm(c.commit(confirmed=60)["token"])
    if steps > 1:
        c.edit(interface("v0", enabled=True, description="second"))
        if steps == 2:
            c.edit(static_route("203.0.113.0/24", "10.9.1.2"))
        c.commit()
    if steps > 2:
        c.edit(interface("v0", enabled=False))
        c.commit()
    if steps == 2:  # what a checkpoint and a restart keep
        node.kill("netops", 15)
        node.start_netops()
        c = node.client()
    c.tool("network.rollback", steps=steps)
    back(f"after the rollback of {steps}", 0)
c.tool("network.rollback", steps=1)
tap.check(seen()["alias"] == "second" and not seen()["up"], "the rollback of the rollback brings them again")
c.tool("network.rollback", steps=1)
back("and its rollback takes them back", 0)

# ---- (g) a step that fails ----
c.edit(tried("10.9.1.1"), interface("none0"))
try:
    c.commit()
    tap.check(False, "a commit fails of which one step fails")
except NetworkError as e:
    tap.check(True, f"a commit fails of which one step fails: {e.code}")
back("nothing of it stays", 0)
c.tool("network.discard")

# ---- (h) an interface of running ----
c.edit(interface("v0", "10.9.2.1", description="ours"), candidate="h")
c.commit(candidate="h")
ip("link", "set", "v0", "mtu", "1250")
ours = seen()
c.edit(tried("10.9.1.1"), candidate="h2")
c.commit(candidate="h2", confirmed=1)
wait_for("roll back", lambda: seen()["alias"] == "ours", 5)
wait_for("all", lambda: seen() == ours, 2) if seen() != ours else None
tap.check(seen() == ours, "an interface of running is as before, with the MTU that others gave it")
ip("link", "set", "v0", "alias", "drift")
c.edit(interface("v0", description="tried"), candidate="h3")
c.commit(candidate="h3", confirmed=1)
time.sleep(1.5)
tap.check(seen()["alias"] == "ours", "where running says it, running counts")
node.close()
tap.end()
