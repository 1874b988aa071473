#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Changes reach their subscribers: of the kernel, of configuration, of transactions, of the log; in subscriptions/listen
(2026-07-28) and resources/subscribe (2025-11-25); each stream only what it asked for; coalesced, and nothing lost over 1,000
flaps. TAP."""
import http.client
import json
import socket
import subprocess
import threading
import time

from netops import Node, Tap, interface, ip, ip_json, own_namespace, static_route, veth_to_peer, wait_for
from mcp import META, VERSION, UnixConnection
from netops_users import ALL, Users, nacm, report, rule

tap = Tap()
own_namespace()
veth_to_peer()
for name in ("f0", "g0"):
    ip("link", "add", name, "type", "veth", "peer", "name", "p" + name)
    ip("link", "set", "p" + name, "up")
node = Node()
root = node.start()
users = Users(node, {"eve": ALL})
root.edit(users.config(), interface("v0", "10.9.0.1"), nacm({"few": ["eve"]}, [("few", ["few"], [
    rule("no-g0", "/ietf-interfaces:interfaces/interface[name='g0']", action="deny"), rule("all")])]))
root.commit()
INTERFACES, F0, G0 = "network:///interfaces", "network:///interface/f0", "network:///interface/g0"
ROUTES, ROUTES6 = "network:///routing/ipv4/route-table", "network:///routing/ipv6/route-table"
RUNNING, TRANSACTION, LOG = "network:///file/running-config", "network:///transaction", "network:///log/syslog/last5"


class Stream:
    """A server-sent event stream in a thread; what came is in .got with the time."""

    reader = None  # a client that reads F0 at each update
    view = None

    def read(self):
        data = []
        try:
            while True:
                line = self.response.readline()
                if not line:
                    break
                line = line.decode().rstrip("\r\n")
                if line.startswith("data:"):
                    data.append(line[5:].lstrip())
                elif not line and data:
                    if any(data):
                        self.got.append((time.monotonic(), json.loads("\n".join(data))))
                        if self.reader and self.got[-1][1].get("params", {}).get("uri") == F0:
                            self.view = json.loads(self.reader.read(F0))["ietf-interfaces:interface"][0]
                    data = []
        except (OSError, ValueError, http.client.HTTPException, AttributeError):
            pass
        self.ended = True

    def begin(self, method, body, headers, token=None, node_=None):
        self.got = []
        self.ended = False
        self.c = UnixConnection(node_ or f"{node.run_dir}/netops.sock", timeout=60) if not token else http.client.HTTPConnection("127.0.0.1", users.port, timeout=60)
        if token:
            headers["Authorization"] = f"Bearer {token}"
        self.c.request(method, "/mcp", body, headers)
        self.response = self.c.getresponse()
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def close(self):
        try:
            self.response.fp.raw._sock.shutdown(socket.SHUT_RDWR)
        except (OSError, AttributeError):
            pass

    def updates(self, uri=None, after=0):
        return [m["params"]["uri"] for t, m in list(self.got) if m.get("method") == "notifications/resources/updated" and t >= after and
                (uri is None or m["params"]["uri"] == uri)]

    def wait(self, uri, after, seconds=5):
        wait_for(uri, lambda: self.updates(uri, after), seconds)


class Listen(Stream):
    number = 100

    def __init__(self, uris, lists=False, token=None):
        Listen.number += 1
        self.id = f"l{Listen.number}" if Listen.number % 2 else Listen.number
        want = {"resourceSubscriptions": uris, **({"toolsListChanged": True} if lists else {})}
        body = {"jsonrpc": "2.0", "id": self.id, "method": "subscriptions/listen", "params": {"notifications": want, "_meta": {
            META + "protocolVersion": VERSION, META + "clientInfo": {"name": "t", "version": "1"}, META + "clientCapabilities": {}}}}
        self.begin("POST", json.dumps(body), {"Content-Type": "application/json", "Accept": "application/json, text/event-stream",
                                              "MCP-Protocol-Version": VERSION, "Mcp-Method": "subscriptions/listen"}, token)
        wait_for("acknowledged", lambda: self.got, 5)


class Subscribe(Stream):
    def __init__(self, uris):
        self.client = node.client()
        for uri in uris:
            m = self.client.legacy("resources/subscribe", {"uri": uri})
            assert "result" in m, m
        self.begin("GET", None, {"Accept": "text/event-stream", **self.client.session})


def quiet(seconds=0.4):
    time.sleep(seconds)
    return time.monotonic()


ip("link", "set", "v0", "up")
both = Listen([INTERFACES, F0, ROUTES]), Subscribe([INTERFACES, F0, ROUTES])
tap.check(both[0].got[0][1]["method"] == "notifications/subscriptions/acknowledged" and
          sorted(both[0].got[0][1]["params"]["notifications"]["resourceSubscriptions"]) == sorted([INTERFACES, F0, ROUTES]), "acknowledged")
others = Listen([G0]), Subscribe([G0]), Listen([ROUTES6]), Listen([RUNNING, TRANSACTION]), Listen([LOG])

for what, do, uris in (("a link goes up", lambda: ip("link", "set", "f0", "up"), (INTERFACES, F0)),
                       ("an alias changes", lambda: ip("link", "set", "f0", "alias", "x"), (INTERFACES, F0)),
                       ("an address comes", lambda: ip("addr", "add", "192.0.2.1/24", "dev", "f0"), (INTERFACES, F0, ROUTES)),
                       ("a route comes", lambda: ip("route", "add", "198.51.100.0/24", "via", "192.0.2.9"), (ROUTES,)),
                       ("a route goes", lambda: ip("route", "del", "198.51.100.0/24"), (ROUTES,)),
                       ("a link goes down", lambda: ip("link", "set", "f0", "down"), (INTERFACES, F0, ROUTES))):
    t = quiet()
    do()
    for s, era in zip(both, ("listen", "subscribe")):
        try:
            for uri in uris:
                s.wait(uri, t)
            good = True
        except TimeoutError:
            good = False
        tap.check(good, f"{what}: {era} is told of {len(uris)} resources")
tap.check(not others[0].updates() and not others[1].updates(), "what is about another interface is told to nobody else")
t = quiet()
ip("route", "add", "198.51.100.0/24", "via", "10.9.0.2")
both[0].wait(ROUTES, t)
quiet(0.2)
tap.check(not others[2].updates(after=t), "nor what is about another family")
ip("route", "del", "198.51.100.0/24")
ids = {m["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"] for _, m in both[0].got}
tap.check(ids == {both[0].id}, "each message of a listen stream has its subscriptionId, of the same type")
tap.check(not any("_meta" in m.get("params", {}) and META + "subscriptionId" in m["params"]["_meta"] for _, m in both[1].got), "none of a session has one")

# ---- configuration and transactions ----
t = quiet()
root.edit(static_route("203.0.113.0/24", "10.9.0.2"))
quiet(0.2)
tap.check(not others[3].updates(after=t), "an edit of a candidate is no change of running")
r = root.commit(confirmed=1)
others[3].wait(RUNNING, t)
others[3].wait(TRANSACTION, t)
both[0].wait(ROUTES, t)
tap.check(True, "a confirmed commit is told to running-config, transaction and the routes")
t = quiet(0.3)
others[3].wait(RUNNING, t)
others[3].wait(TRANSACTION, t)
both[0].wait(ROUTES, t)
tap.check("203.0.113.0/24" not in root.read(ROUTES) and '"idle"' in root.read(TRANSACTION), "so is its timeout")
t = quiet()
root.edit(("merge", "/", {"ietf-system:system": {"contact": "who"}}), candidate="sys")
root.commit(candidate="sys")
others[3].wait(RUNNING, t)
quiet(0.2)
tap.check(not both[0].updates(after=t) and not both[1].updates(after=t), "a change elsewhere is not told to interfaces and routes")

# ---- the log ----
t = quiet(1.2)
root.edit(interface("v0", description="for the log"), candidate="log")
root.commit(candidate="log")
try:
    others[4].wait(LOG, t, 3)
except TimeoutError:
    pass
tap.check(root.read(LOG).strip() and others[4].updates(LOG, t), "new lines are told to who listens to the log")

# ---- many flaps ----
for s in both:
    s.got.clear()
    s.reader = node.client()
t = quiet()
N = 1000
batch = "".join(f"link set f0 {'up' if i % 2 else 'down'}\n" for i in range(N)) + "link set f0 alias last\nlink set f0 up\n"
subprocess.run(["ip", "-batch", "-"], input=batch, text=True, check=True, timeout=60)
end = time.monotonic()


def settled(s):
    return s.updates(F0, end) or s.updates(F0, t)


for s, era in zip(both, ("listen", "subscribe")):
    wait_for("updates", lambda: settled(s), 5)
    time.sleep(0.5)
    told = s.updates(F0, t)
    last = max(x for x, m in list(s.got) if m.get("params", {}).get("uri") == F0)
    view = s.view
    kernel = ip_json("link", "show", "f0")[0]
    gaps = [b - a for a, b in zip(*(lambda x: (x, x[1:]))([x for x, m in list(s.got) if m.get("params", {}).get("uri") == F0]))]
    print(f"# {era}: {N} flaps in {end - t:.2f} s, {len(told)} updates, the last {last - end:+.3f} s after the last flap")
    tap.check(view["description"] == "last" and view["admin-status"] == "up" and "UP" in kernel["flags"], f"{era}: what was read at the last update is the final state")
    tap.check(len(told) <= (end - t) / 0.010 + 5, f"{era}: not more often than each 10 ms: {len(told)} in {end - t:.2f} s")
    s.reader = None

# Readers that read at each update end with the truth: 20 bursts.
wrong = 0
for i in range(20):
    t = time.monotonic()
    for k in range(10):
        ip("link", "set", "f0", "down" if (i + k) % 2 else "up")
    ip("link", "set", "f0", "alias", f"burst {i}")
    both[0].wait(F0, t)
    time.sleep(0.05)
    seen = json.loads(root.read(F0))["ietf-interfaces:interface"][0]
    wrong += seen.get("description") != f"burst {i}"
tap.check(wrong == 0, "a reader after each burst sees its end: no stale answer is kept")
tap.check(not others[0].updates() and not others[1].updates(), "and who listens to another interface heard nothing of it all")

# ---- access, ends ----
DATA_F0, DATA_G0 = (f"network:///data/operational/ietf-interfaces:interfaces/interface={n}/oper-status" for n in ("f0", "g0"))
hidden = Listen([G0, F0, DATA_F0, DATA_G0], token=users.token["eve"])
tap.check(sorted(hidden.got[0][1]["params"]["notifications"]["resourceSubscriptions"]) == sorted([F0, DATA_F0]), "what may not be read is not acknowledged")
t = quiet()
ip("link", "set", "g0", "up")
ip("link", "set", "f0", "alias", "z")
hidden.wait(F0, t)
quiet(0.2)
tap.check(not hidden.updates(G0) and not hidden.updates(DATA_G0), "who may not read an interface is not told of its changes")
tap.check(others[0].updates(G0, t) and others[1].updates(G0, t), "who may is")
both[0].close()
m = both[1].client.legacy("resources/unsubscribe", {"uri": F0})
t = quiet()
ip("link", "set", "f0", "alias", "after")
both[1].wait(INTERFACES, t)
tap.check("result" in m and not both[1].updates(F0, t), "after unsubscribe it is told no more")
node.kill("netops", 15)
wait_for("ends", lambda: others[0].ended and hidden.ended, 5)
final = hidden.got[-1][1]
tap.check(final.get("result", {}).get("resultType") == "complete" and final.get("id") == hidden.id, f"the end of the node ends the streams with a result: {json.dumps(final)[:120]}")
report(node, tap)
node.close()
tap.end()
