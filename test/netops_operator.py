#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""An operator changes addresses, routes and filters of a node over MCP; ip, nft and ping say what the kernel has, before
and after commit, timeout, confirm and rollback. What others put into the kernel survives."""
import json
import threading
import time

from netops import (Client, NetworkError, Node, Tap, drop_icmp, interface, ip, ip_json, nft_json, own_namespace, pings, run,
                    static_route, veth_to_peer, wait_for)

tap = Tap()
own_namespace()
veth_to_peer()
node = Node()


def addresses(dev="v0"):
    return [f"{a['local']}/{a['prefixlen']}" for link in ip_json("addr", "show", "dev", dev)
            for a in link["addr_info"] if a["family"] == "inet"]


def routes():
    return {r["dst"]: r for r in ip_json("route", "show")}


def guarded():
    rules = nft_json("list", "table", "inet", "depanneur")
    return bool(rules) and any("rule" in r and any("drop" in e for e in r["rule"]["expr"]) for r in rules)


# What is not ours.
ip("link", "add", "foreign0", "type", "veth", "peer", "name", "foreign1")
ip("addr", "add", "192.0.2.1/24", "dev", "foreign0")
ip("link", "set", "foreign0", "up")
ip("link", "set", "foreign1", "up")
ip("route", "add", "198.51.100.0/24", "via", "192.0.2.7", "proto", "static")
run("nft", "add table inet foreign; add chain inet foreign c { type filter hook input priority 5; }; "
           "add rule inet foreign c counter accept")


def foreign_is_there():
    return (routes().get("198.51.100.0/24", {}).get("gateway") == "192.0.2.7" and
            nft_json("list", "table", "inet", "foreign") is not None and addresses("foreign0") == ["192.0.2.1/24"])


c = node.start()
tap.check(any(t["name"] == "network.commit" for t in c.tools()), "tools/list has network.commit")

# ---- commit ----
c.edit(interface("v0", "10.9.0.1", description="to the peer"))
tap.check(addresses() == [] and not pings("10.9.0.2"), "an edit of a candidate leaves the kernel as it is")
diff = c.tool("network.diff", candidate="test")["diff"]
tap.check(any(d["path"].endswith("/description") and d["new"] == "to the peer" for d in diff), "network.diff names what is staged")
r = c.commit(comment="address of v0")
tap.check(r["state"] in ("applied", "confirmed") and r["commitId"].startswith("c-"), f"commit answers {r['state']} {r['commitId']}")
tap.check(addresses() == ["10.9.0.1/24"], "ip shows the address after the commit")
tap.check(wait_for("ping", lambda: pings("10.9.0.2")), "the peer answers")
tap.check(ip_json("link", "show", "dev", "v0")[0].get("ifalias") == "to the peer", "the description is the link's alias")

c.edit(static_route("203.0.113.0/24", "10.9.0.2"))
tap.check("203.0.113.0/24" not in routes(), "a staged route is not in the kernel")
c.commit()
tap.check(routes()["203.0.113.0/24"]["gateway"] == "10.9.0.2", "ip route shows the static route after the commit")

# ---- dry run ----
c.edit(interface("v0", description="not yet"), candidate="dry")
r = c.commit(candidate="dry", dryRun=True)
tap.check(len(r["diff"]) == 1 and r["state"] == "no-change" and
          ip_json("link", "show", "dev", "v0")[0].get("ifalias") == "to the peer", "a dry run has the differences, and changes nothing")
c.tool("network.discard", candidate="dry")

# ---- confirmed commit, timeout ----
c.edit(drop_icmp("v0"))
r = c.commit(confirmed=2)
tap.check(r["state"] == "pending-confirm" and len(r["token"]) == 22, "a confirmed commit is pending and has a token")
tap.check(guarded() and not pings("10.9.0.2"), "nft has the filter and ping is dropped while it is pending")
try:
    other = Client(c.node)
    other.edit(interface("v0", description="mine"), candidate="other")
    other.tool("network.commit", candidate="other")
    tap.check(False, "another commit is refused while one is pending")
except NetworkError as e:
    tap.check(e.code == -32087, f"another commit is refused while one is pending: {e.code}")
wait_for("roll back", lambda: not guarded(), 5)
tap.check(pings("10.9.0.2"), "after the timeout the filter is gone and the peer answers")
try:
    c.confirm(r["token"])
    tap.check(False, "a late confirm is -32086")
except NetworkError as e:
    tap.check(e.code == -32086 and e.data.get("name", e.error.get("name")) == "Network.ConfirmedCommitTimeout" and
              e.data.get("commitId") == r["commitId"] and e.data.get("rollback") == "complete" and
              e.data.get("retryable") is True, f"a late confirm is -32086 with its data: {json.dumps(e.data)}")
legacy = Client(c.node)
answer = legacy.legacy("tools/call", {"name": "network.commit", "arguments": {"phase": "confirm", "token": r["token"]}})
tap.check(answer.get("error", {}).get("code") == -32086 and answer["error"]["message"] ==
          "Confirmed commit timed out; configuration rolled back" and
          set(answer["error"]["data"]) >= {"name", "commitId", "confirmToken", "expiredAt", "rolledBackTo", "rollback", "retryable"},
          "the same in a session of 2025-11-25 is a JSON-RPC error -32086")
tap.check(foreign_is_there(), "foreign routes, tables and addresses are still there")

# ---- confirm ----
c.edit(drop_icmp("v0"), candidate="again")
r = c.commit(candidate="again", confirmed=2)
done = c.confirm(r["token"])
tap.check(done["state"] == "confirmed", "confirm answers confirmed")
time.sleep(2.5)
tap.check(guarded(), "a confirmed commit stays after its time")

# ---- rollback ----
c.tool("network.rollback", steps=1)
tap.check(not guarded() and pings("10.9.0.2"), "rollback by one step takes the filter away")
c.tool("network.rollback", steps=3)
tap.check("203.0.113.0/24" not in routes() and addresses() == ["10.9.0.1/24"],
          "rollback by three more steps undoes the rollback, the filter and the route, and leaves the address")
tap.check(foreign_is_there(), "foreign routes, tables and addresses survived")

# ---- two phases, follow-up, abort ----
c.edit(interface("v0", description="prepared"))
p = c.commit(phase="prepare")
tap.check(p["state"] == "prepared" and ip_json("link", "show", "dev", "v0")[0].get("ifalias") == "to the peer",
          "prepare votes and changes nothing")
a = c.tool("network.commit", phase="commit", token=p["token"], confirmed=2)
tap.check(ip_json("link", "show", "dev", "v0")[0].get("ifalias") == "prepared", "commit with the token applies it")
time.sleep(1)
c.edit(static_route("203.0.113.0/24", "10.9.0.2"), candidate="follow")
b = c.tool("network.commit", phase="commit", token=a["token"], candidate="follow", confirmed=2)
time.sleep(1.3)
tap.check("203.0.113.0/24" in routes(), "a follow-up commit extends the time")
wait_for("roll back", lambda: "203.0.113.0/24" not in routes(), 3)
tap.check(wait_for("alias", lambda: ip_json("link", "show", "dev", "v0")[0].get("ifalias") == "to the peer", 2),
          "the timeout takes back both, to the original backup")
c.edit(interface("v0", description="never"), candidate="ab")
p = c.commit(candidate="ab", phase="prepare")
r = c.tool("network.commit", phase="abort", token=p["token"])
tap.check(r["state"] == "aborted", "abort answers aborted")

# ---- the way to the client is cut on purpose ----
links = {"down": None, "up": None}


def watch():
    with __import__("subprocess").Popen(["ip", "-ts", "monitor", "link", "dev", "v0"], stdout=-1, text=True) as m:
        links["monitor"] = m
        for line in m.stdout:
            now = time.time()
            if "v0" in line:
                up = "UP" in line.split("<", 1)[-1].split(">", 1)[0].split(",")
                links["up" if up else "down"] = links["up" if up else "down"] or now
                if up and links["down"]:
                    return


t = threading.Thread(target=watch, daemon=True)
t.start()
wait_for("ip monitor", lambda: links.get("monitor"))
time.sleep(0.2)
c.edit(interface("v0", enabled=False), candidate="cut")
r = c.commit(candidate="cut", confirmed=2)
tap.check(not pings("10.9.0.1", "peer"), "the link is down and the peer cannot reach the node")
t.join(5)
links["monitor"].kill()
import datetime  # noqa: E402
deadline = datetime.datetime.fromisoformat(r["confirmBy"].replace("Z", "+00:00")).timestamp()
late = (links["up"] or 1e12) - deadline
tap.check(late >= 0, f"the link does not return early ({late * 1000:.2f} ms after the deadline)")
tap.check(late <= (0.25 if __import__("netops").SANITIZED else 0.05), "and without delay (bench/netops measures how much)")
tap.check(wait_for("ping", lambda: pings("10.9.0.1", "peer"), 5), "the peer reaches the node again")

# ---- restart ----
c.edit(interface("v0", description="kept"), candidate="k")
r = c.commit(candidate="k", confirmed=20)
node.kill("netops")
tap.check(ip_json("link", "show", "dev", "v0")[0].get("ifalias") == "kept", "a crash of dep-netops leaves the pending commit")
node.start_netops()
c = node.client()
done = c.confirm(r["token"])
tap.check(done["state"] == "confirmed", "which can be confirmed after the restart")
node.kill("sys")
c.edit(interface("v0", description="nobody there"), candidate="away")
try:
    c.commit(candidate="away", dryRun=True)
    tap.check(False, "a dry run asks the rooms, too")
except NetworkError as e:
    tap.check(e.code == -32082, f"a dry run asks the rooms, too: {e.code}")
r = c.tool("network.audit.verify")
tap.check(r.get("ok") is True and r["records"] > 5, f"the audit of {r.get('records')} records verifies")
tap.check(not any(m.get("error", {}).get("code", 0) in range(-32099, -32019) for m in c.traffic + other.traffic),
          "no reserved code in a modern JSON-RPC error")
node.close()
tap.end()
