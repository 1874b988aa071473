#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Room sys behind dep-netops, against the kernel of a namespace: what others change behind our back is seen, and applied
again where the policy says so; a configuration of many steps is reconciled; the log gives what was put into it."""
import json
import os
import socket
import time

from netops import (NetworkError, Node, Tap, drop_icmp, interface, ip, ip_json, nft_json, own_namespace, run, static_route,
                    veth_to_peer, wait_for)

ROUTES = 2000 if os.environ.get("DEP_TEST_SHORT") else 20000

tap = Tap()
own_namespace()
veth_to_peer()
ip("link", "set", "v0", "up")
ip("link", "add", "foreign0", "type", "veth", "peer", "name", "foreign1")
ip("link", "set", "foreign0", "up")
ip("route", "add", "198.51.100.0/24", "dev", "foreign0", "proto", "static")
run("nft", "add table inet foreign; add chain inet foreign c { type filter hook input priority 5; }")
os.unshare(0x04000000)  # CLONE_NEWUTS: the hostname is changed


class SysNode(Node):
    def path(self, name):
        path = super().path(name)
        if name != "sys":
            return path
        wrapper = f"{self.dir}/sys.sh"
        with open(wrapper, "w") as f:
            f.write(f"#!/bin/sh\nexec {os.path.abspath(path)} --resolv-conf {self.dir}/etc/resolv.conf --set-hostname \"$@\"\n")
        os.chmod(wrapper, 0o755)
        return wrapper


node = SysNode()
os.mkdir(f"{node.dir}/etc")
with open(f"{node.dir}/etc/resolv.conf", "w") as f:
    f.write("nameserver 192.0.2.53\n")
c = node.start()

# ---- the log ----
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
    s.connect(f"{node.run_dir}/log.sock")
    for i in range(3):
        s.send(b"<13>test[7]: line %d" % i)
    s.send(b"<13>test[7]: two\nlines")
wait_for("lines", lambda: "two" in c.read("network:///log/syslog/last1"))
lines = c.read("network:///log/syslog/last2").split("\n")
tap.check(len(lines) == 3 and lines[0].endswith("test[7]: line 2") and lines[1].endswith("test[7]: two\\x0alines"),
          "last2 gives the two newest lines, oldest first, whatever is in them")
tap.check(len(c.read("network:///log/syslog/last10000").splitlines()) >= 4, "last10000 gives all there are")
run("logger", "-u", f"{node.run_dir}/log.sock", "-t", "lo", "by logger", check=False)
tap.check(wait_for("logger", lambda: "lo: by logger" in c.read("network:///log/syslog/last1")), "logger's lines are there")
for wrong in ("last0", "last10001", "last02", "last", "last-1", "last1x"):
    try:
        c.read(f"network:///log/syslog/{wrong}")
        tap.check(False, f"{wrong} is refused")
    except NetworkError as e:
        tap.check(e.code == -32602, f"{wrong} is refused: {e.code}")
tap.check(len(c.tool("rpc.depanneur-sys.log", count=2)["line"]) == 2, "the rpc gives as many lines as asked for")

# ---- drift ----
c.edit(interface("v0", "10.9.0.1", description="ours"), static_route("203.0.113.0/24", "10.9.0.2"), drop_icmp("v0"))
c.commit()


def drift():
    return json.loads(c.read("network:///drift"))["difference"]


def has(path, differs="different"):
    return any(path in d["path"] and d["is"] == differs for d in drift())


tap.check(any(r["uri"] == "network:///drift" for r in c.call("resources/list")["resources"]), "network:///drift is listed")
tap.check(drift() == [], "nothing differs after a commit")
time.sleep(1)
tap.check("differences=" not in node.log(), "and our own commit is no suspicion that comes true")


def told():
    return node.log().count("is not as running says")


def behind(what, path, do, undo, differs="different"):
    before = told()
    do()
    tap.check(has(path, differs), f"{what} is in network:///drift")
    tap.check(wait_for("report", lambda: told() > before, 8), f"{what} is seen without asking")
    undo()
    tap.check(drift() == [], f"nothing differs when {what} is undone")
    time.sleep(1.2)


behind("ip route del", "/ietf-routing:routing", lambda: ip("route", "del", "203.0.113.0/24"),
       lambda: ip("route", "add", "203.0.113.0/24", "via", "10.9.0.2", "proto", "124"))
behind("ip route replace", "/ietf-routing:routing",
       lambda: ip("route", "replace", "203.0.113.0/24", "via", "10.9.0.3"),
       lambda: ip("route", "replace", "203.0.113.0/24", "via", "10.9.0.2", "proto", "124"), "blocked")
behind("ip link set", "interface[name='v0']", lambda: ip("link", "set", "v0", "mtu", "1400", "alias", "theirs"),
       lambda: ip("link", "set", "v0", "mtu", "1500", "alias", "ours"))
ip("route", "add", "198.18.0.0/15", "via", "10.9.0.2", "proto", "124")
tap.check(has("/ietf-routing:routing", "extra"), "a route under our protocol that running does not have is extra")
ip("route", "del", "198.18.0.0/15")

c.edit(("merge", "/", {"depanneur-netops:netops": {"drift": {"action": "reassert"}}}))
c.commit()
ip("addr", "del", "10.9.0.1/24", "dev", "v0")
tap.check(wait_for("address", lambda: "10.9.0.1" in ip("addr", "show", "dev", "v0"), 8), "ip addr del is taken back by reassert")
tap.check(wait_for("route", lambda: "203.0.113.0/24" in ip("route"), 8), "with the route that went with it")
time.sleep(1.2)
run("nft", "flush", "table", "inet", "depanneur")
tap.check(wait_for("filter", lambda: any("rule" in r for r in nft_json("list", "table", "inet", "depanneur") or []), 8),
          "nft flush table is taken back by reassert")
tap.check(wait_for("no drift", lambda: drift() == [], 8), "and nothing differs")
tap.check("198.51.100.0/24" in ip("route") and nft_json("list", "table", "inet", "foreign") is not None,
          "a foreign route and a foreign table are still there")

# ---- hostname, resolver ----
def resolver():
    with open(f"{node.dir}/etc/resolv.conf") as f:
        return f.read()


before = socket.gethostname()
c.edit(("merge", "/", {"ietf-system:system": {"hostname": "edge1.example", "contact": "noc", "dns-resolver": {
    "search": ["example.net", "example.org"], "server": [{"name": "a", "udp-and-tcp": {"address": "192.0.2.1"}},
                                                         {"name": "b", "udp-and-tcp": {"address": "2001:db8::1"}}],
    "options": {"timeout": 3}}}}), candidate="sys")
c.commit(candidate="sys", confirmed=1)
tap.check(socket.gethostname() == "edge1.example", "the hostname is set")
tap.check("search example.net example.org\nnameserver 192.0.2.1\nnameserver 2001:db8::1\noptions timeout:3 attempts:2\n"
          in resolver(), "the resolver's file is written")
tap.check(wait_for("rollback", lambda: socket.gethostname() == before, 5) and resolver() == "nameserver 192.0.2.53\n",
          "and both are as before after the timeout")
library = c.read("network:///yang/library")
tap.check("depanneur-system-deviations" in library and "depanneur-resolver-deviations" not in library and
          "ietf-syslog" in library, "the YANG library says what is supported")
for path, value in (("clock", {"timezone-utc-offset": 60}), ("ntp", {"enabled": True}), ("radius", {})):
    try:
        c.edit(("merge", "/", {"ietf-system:system": {path: value}}), candidate="none")
        tap.check(False, f"{path} is refused")
    except NetworkError as e:
        tap.check(e.code == -32084, f"{path} is refused, as it has no effect: {e.code}")

# ---- where lines go ----
collector = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
collector.bind(("127.0.0.1", 0))
collector.settimeout(5)
c.edit(("merge", "/", {"ietf-syslog:syslog": {"actions": {
    "file": {"log-file": [{"name": "file:auth", "filter": {"facility-list": [
        {"facility": "ietf-syslog:auth", "severity": "warning"}]}}]},
    "remote": {"destination": [{"name": "c", "udp": {"udp": [{"address": "127.0.0.1", "port": collector.getsockname()[1]}]},
                                "facility-override": "ietf-syslog:local3",
                                "filter": {"facility-list": [{"facility": "all", "severity": "error"}]}}]}}}}),
       candidate="log")
c.commit(candidate="log")
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
    s.connect(f"{node.run_dir}/log.sock")
    s.send(b"<38>sshd[7]: informational")
    s.send(b"<36>sshd[7]: a warning")
    s.send(b"<11>app[8]: an error")
got = collector.recv(2000).decode()
tap.check(got.startswith("<155>1 20") and got.endswith(f" {socket.gethostname()} app 8 - - an error"),
          f"the collector gets RFC 5424: {got}")
with open(f"{node.state_dir}/sys/files/auth/log.0") as f:
    text = f.read()
tap.check("a warning" in text and "informational" not in text and "an error" not in text, "the file has what it asks for")
c.edit(("delete", "ietf-syslog:syslog"), candidate="nolog")
c.commit(candidate="nolog")
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
    s.connect(f"{node.run_dir}/log.sock")
    s.send(b"<11>app[8]: another error")
collector.settimeout(0.5)
try:
    collector.recv(2000)
    tap.check(False, "a removed destination gets nothing")
except TimeoutError:
    tap.check(True, "a removed destination gets nothing")

# ---- queues ----
def queue():
    return json.loads(run("tc", "-j", "qdisc", "show", "dev", "v0").stdout)[0]


c.edit(("merge", "ietf-interfaces:interfaces/interface=v0", {"ietf-interfaces:interface": [{
    "name": "v0", "depanneur-interfaces:queue": {"tbf": {"rate": "8000000"}}}]}))
r = c.commit(confirmed=1)
tap.check(queue()["kind"] == "tbf" and queue()["options"]["rate"] == 1000000, "tc shows the queue that is committed")
tap.check(wait_for("rollback", lambda: queue()["kind"] != "tbf", 5), "and not after the timeout")
try:
    c.edit(("merge", "ietf-interfaces:interfaces/interface=v0", {"ietf-interfaces:interface": [{
        "name": "v0", "depanneur-interfaces:queue": {"tbf": {"rate": "8"}}}]}), candidate="bad")
    c.commit(candidate="bad")
    tap.check(False, "a rate of 8 bit/s is refused")
except NetworkError as e:
    tap.check(e.code == -32084, f"a rate of 8 bit/s is refused: {e.code}")
c.edit(("merge", "ietf-interfaces:interfaces/interface=v0", {"ietf-interfaces:interface": [{
    "name": "v0", "depanneur-interfaces:queue": {"htb": {"rate": "8000000", "ceil": "16000000"}}}]}), candidate="q")
c.commit(candidate="q")
tap.check(queue()["kind"] == "htb", "another one")
run("tc", "qdisc", "del", "dev", "v0", "root")
tap.check(wait_for("drift", lambda: any(d["step"].get("queue") for d in drift()), 3), "tc qdisc del is drift")
c.edit(("delete", "ietf-interfaces:interfaces/interface=v0/depanneur-interfaces:queue"), candidate="q2")
c.commit(candidate="q2")
tap.check(drift() == [], "and none when nothing is wanted any more")

# ---- many ----
c.edit(("merge", "/", {"depanneur-netops:netops": {"drift": {"action": "report"}}}))
c.commit()
routes = [{"destination-prefix": f"20.{i // 250}.{i % 250}.0/24", "next-hop": {"next-hop-address": "10.9.0.2"}}
          for i in range(ROUTES)]
for at in range(0, ROUTES, 5000):
    c.edit(("merge", "/", {"ietf-routing:routing": {"control-plane-protocols": {"control-plane-protocol": [{
        "type": "ietf-routing:static", "name": "main", "static-routes": {
            "ietf-ipv4-unicast-routing:ipv4": {"route": routes[at:at + 5000]}}}]}}}))
t = time.monotonic()
c.commit()
print(f"# {ROUTES} routes committed in {time.monotonic() - t:.2f} s")


def ours():
    return ip("route", "show", "proto", "124").count("via 10.9.0.2")


tap.check(ours() == ROUTES + 1, f"{ROUTES} routes are committed")
node.kill("sys")
ip("route", "flush", "proto", "124")
ip("route", "add", "198.18.0.0/15", "via", "10.9.0.2", "proto", "124")
t = time.monotonic()
node.start_room("sys")
tap.check(wait_for("reconciliation", lambda: ours() == ROUTES + 1 and "198.18.0.0/15" not in ip("route"), 60),
          "when room sys is back, the kernel is as running says")
print(f"# reconciled in {time.monotonic() - t:.2f} s")
tap.check(wait_for("no drift", lambda: drift() == [], 20), "and nothing differs")
tap.check("198.51.100.0/24" in ip("route") and nft_json("list", "table", "inet", "foreign") is not None,
          "a foreign route and a foreign table are still there")
node.close()
tap.end()
