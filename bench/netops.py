#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Room netops measured, one JSON line a case: edit and commit of one leaf with more and more entries present (O(diff)),
the same beside yuma123's netconfd, what the disk's own fsync takes, when a confirmed commit returns, how soon a link
event reaches subscribers, what the process holds. --quick: less of each."""
import datetime
import json
import os
import re
import select
import socket
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("DEP_BUILD", "build/release")
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "test"))
from netops import Node, interface, ip, own_namespace, static_route, veth_to_peer, wait_for  # noqa: E402
import mcp as mcp_client  # noqa: E402

QUICK = "--quick" in sys.argv
WHERE = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "build"))  # a disk, not memory
own_namespace()
veth_to_peer()


def say(**line):
    print(json.dumps({"bench": "netops", **line}), flush=True)


def quantile(values, q):
    return sorted(values)[min(len(values) - 1, int(len(values) * q))]


def fdatasync_time(directory, n=100):
    """Seconds (median) to make 4 KiB at the end of a file durable."""
    times = []
    with tempfile.TemporaryFile(dir=directory) as f:
        for _ in range(n):
            os.write(f.fileno(), b"x" * 4096)
            begun = time.perf_counter()
            os.fdatasync(f.fileno())
            times.append(time.perf_counter() - begun)
    return quantile(times, 0.5)


class Line:
    """tools/call over a kept connection with as little of the client in the measure as the peer's pipe has."""

    def __init__(self, path):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.connect(path)
        self.id = 0

    def call(self, tool, arguments, params=()):
        self.id += 1
        body = json.dumps({"jsonrpc": "2.0", "id": self.id, "method": "tools/call", "params": {
            "name": tool, "arguments": arguments, "_meta": {
                "io.modelcontextprotocol/protocolVersion": mcp_client.VERSION,
                "io.modelcontextprotocol/clientCapabilities": {}}}}).encode()
        extra = "".join(f"Mcp-Param-{k}: {v}\r\n" for k, v in params)
        self.s.sendall((f"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                        f"Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: {mcp_client.VERSION}\r\n"
                        f"Mcp-Method: tools/call\r\nMcp-Name: {tool}\r\n{extra}Content-Length: {len(body)}\r\n\r\n").encode() + body)
        got = b""
        while b"\r\n\r\n" not in got:
            got += self.s.recv(65536)
        head, _, rest = got.partition(b"\r\n\r\n")
        length = int(re.search(rb"(?i)content-length: *(\d+)", head).group(1))
        while len(rest) < length:
            rest += self.s.recv(65536)
        if b" 200 " not in head or b'"isError":true' in rest:
            raise RuntimeError((head + rest).decode())


def one_leaf(c, n):
    times = []
    line = Line(c.node)
    mirrored = c.mirrored["network.yang.edit"]
    for i in range(n):
        begun = time.perf_counter()
        line.call("network.yang.edit", {"target": "candidate", "candidate": "leaf", "edit": [
            {"operation": "merge", "path": "ietf-interfaces:interfaces/interface=v0/description", "value": f"d{i}"}]},
            [(h, {"target": "candidate", "candidate": "leaf"}[a]) for a, h in mirrored.items()])
        line.call("network.commit", {"candidate": "leaf"})
        times.append(time.perf_counter() - begun)
    return quantile(times, 0.5), quantile(times, 0.99)


def add_routes(c, first, last):
    for at in range(first, last, 1000):
        routes = [{"destination-prefix": f"10.{64 + i // 65536}.{i // 256 % 256}.{i % 256}/32",
                   "next-hop": {"next-hop-address": "10.9.0.2"}} for i in range(at, min(at + 1000, last))]
        op, path, value = static_route("203.0.113.0/24", "10.9.0.2")
        value["ietf-routing:routing"]["control-plane-protocols"]["control-plane-protocol"][0]["static-routes"][
            "ietf-ipv4-unicast-routing:ipv4"]["route"] = routes
        c.edit((op, path, value), candidate="bulk")
    begun = time.perf_counter()
    c.commit(candidate="bulk")
    return time.perf_counter() - begun


def rss(pid):
    with open(f"/proc/{pid}/status") as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1))


def growth():
    node = Node(options=["--no-fsync"], where=WHERE)
    c = node.start()
    base = rss(node.process["netops"].pid)
    c.edit(interface("v0", "10.9.0.1"))
    c.commit()
    say(case="memory", what="dep-netops with room sys", rss_kib=base, rss_after_a_commit_kib=rss(node.process["netops"].pid),
        goal_kib=10240)
    base = None
    have = 0
    for entries in (1, 1000, 10000) if QUICK else (1, 1000, 10000, 100000):
        took = add_routes(c, have, entries)
        p50, p99 = one_leaf(c, 50 if QUICK else 200)
        base = base or p50
        say(case="one leaf, edit and commit", entries=entries, p50_ms=round(p50 * 1e3, 3), p99_ms=round(p99 * 1e3, 3),
            ratio_to_one_entry=round(p50 / base, 2), goal="<= 1.5", bulk_commit_ms=round(took * 1e3, 1),
            bulk_routes=entries - have, fsync=False)
        have = entries
    node.close()


class Netconf:
    """NETCONF 1.0 through yuma123's netconf-subsystem."""

    def __init__(self):
        env = dict(os.environ, SSH_CONNECTION="127.0.0.1 1234 127.0.0.1 830", USER="root", LOGNAME="root")
        self.p = subprocess.Popen(["/usr/sbin/netconf-subsystem"], stdin=-1, stdout=-1, stderr=subprocess.DEVNULL, env=env)
        self.buffer = b""
        self.id = 0
        self.send('<hello xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><capabilities><capability>'
                  'urn:ietf:params:netconf:base:1.0</capability></capabilities></hello>')
        self.receive()

    def send(self, text):
        self.p.stdin.write(b'<?xml version="1.0"?>' + text.encode() + b"]]>]]>")
        self.p.stdin.flush()

    def receive(self):
        while b"]]>]]>" not in self.buffer:
            if not select.select([self.p.stdout], [], [], 60)[0]:
                raise TimeoutError("netconfd")
            data = os.read(self.p.stdout.fileno(), 65536)
            if not data:
                raise EOFError("netconfd")
            self.buffer += data
        message, _, self.buffer = self.buffer.partition(b"]]>]]>")
        return message.decode()

    def rpc(self, body):
        self.id += 1
        self.send(f'<rpc xmlns="urn:ietf:params:xml:ns:netconf:base:1.0" message-id="{self.id}">{body}</rpc>')
        answer = self.receive()
        if "<ok/>" not in answer and "data" not in answer:
            raise RuntimeError(answer[-400:])
        return answer

    def edit(self, first, last, description):
        ns = "urn:ietf:params:xml:ns:yang:ietf-interfaces"
        one = "".join(f'<interface><name>b{i}</name><type xmlns:t="urn:ietf:params:xml:ns:yang:iana-if-type">t:bridge</type>'
                      f"<description>{description}</description></interface>" for i in range(first, last))
        return self.rpc(f'<edit-config><target><candidate/></target><config><interfaces xmlns="{ns}">{one}</interfaces>'
                        "</config></edit-config>")


def netconfd_one_leaf(interfaces):
    d = subprocess.Popen(["/usr/sbin/netconfd", "--no-startup", "--target=candidate", "--module=ietf-interfaces",
                          "--module=iana-if-type", "--superuser=root", "--log-level=error"],
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for("netconfd", lambda: os.path.exists("/tmp/ncxserver.sock"), 20)
        time.sleep(0.5)
        n = Netconf()
        n.edit(0, interfaces, "x")
        n.rpc("<commit/>")
        times = []
        for i in range(10 if QUICK else 30):
            begun = time.perf_counter()
            n.edit(1, 2, f"d{i}")
            n.rpc("<commit/>")
            times.append(time.perf_counter() - begun)
        n.p.stdin.close()
        n.p.kill()
        n.p.wait()
        return quantile(times, 0.5)
    finally:
        d.terminate()
        d.wait(10)


def bridges(c, interfaces):
    for at in range(0, interfaces, 250):
        c.edit(*[("merge", f"ietf-interfaces:interfaces/interface=b{i}", {"ietf-interfaces:interface": [
            {"name": f"b{i}", "type": "iana-if-type:bridge", "enabled": False, "description": "x"}]})
            for i in range(at, min(at + 250, interfaces))], candidate="bridges")
    c.commit(candidate="bridges")


def beside_netconfd():
    interfaces = 100 if QUICK else 1000
    version = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", "netconfd"], capture_output=True, text=True).stdout
    for fsync in (False, True):
        node = Node(options=[] if fsync else ["--no-fsync"], where=WHERE)
        c = node.start()
        c.edit(interface("v0", "10.9.0.1"))
        c.commit()
        bridges(c, interfaces)
        p50, p99 = one_leaf(c, 50 if QUICK else 200)
        disk = fdatasync_time(node.dir)
        line = dict(case="one leaf beside netconfd", interfaces=interfaces, ours_ms=round(p50 * 1e3, 3),
                    ours_p99_ms=round(p99 * 1e3, 3), fsync=fsync, disk_fsync_ms=round(disk * 1e3, 3))
        if not fsync:
            peer = netconfd_one_leaf(interfaces)
            line.update(peer=f"netconfd {version}", peer_ms=round(peer * 1e3, 2), ratio=round(peer / p50, 1), goal=">= 100",
                        note="ours applies the leaf to the kernel, the peer to nothing")
        say(**line)
        node.close()
        for link in json.loads(ip("-j", "link", "show", "type", "bridge") or "[]"):
            ip("link", "del", link["ifname"])


def returns():
    """When a link that a confirmed commit took down is up again, after the deadline."""
    node = Node(where=WHERE)
    c = node.start()
    c.edit(interface("v0", "10.9.0.1"))
    c.commit()
    late = []
    with subprocess.Popen(["ip", "-ts", "monitor", "link", "dev", "v0"], stdout=-1, text=True) as monitor:
        time.sleep(0.2)
        for _ in range(5 if QUICK else 30):
            c.edit(("merge", "ietf-interfaces:interfaces/interface=v0/enabled", False), candidate="cut")
            r = c.commit(candidate="cut", confirmed=1)
            deadline = datetime.datetime.fromisoformat(r["confirmBy"].replace("Z", "+00:00")).timestamp()
            down = False
            for line in monitor.stdout:
                m = re.match(r"\[([0-9T:.-]+)\]", line)
                if m:
                    at = datetime.datetime.fromisoformat(m.group(1)).timestamp()
                flags = line.split("<", 1)[-1].split(">", 1)[0].split(",")
                if "v0" in line and "UP" not in flags:
                    down = True
                if "v0" in line and "UP" in flags and down:
                    late.append(at - deadline)
                    break
            time.sleep(0.1)
        monitor.kill()
    say(case="confirmed commit returns", n=len(late), earliest_ms=round(min(late) * 1e3, 2),
        p50_ms=round(quantile(late, 0.5) * 1e3, 2), latest_ms=round(max(late) * 1e3, 2), goal="within [0, 10] ms",
        note="confirmBy is printed to a millisecond, rounded down")
    node.close()


def events():
    """From `ip link set` to resources/updated at subscribers."""
    node = Node(where=WHERE)
    c = node.start()
    for subscribers in (1, 100):
        r = subprocess.run([os.path.join(os.environ["DEP_BUILD"], "bench/netops_listen"), c.node, "v0", str(subscribers),
                            "50" if QUICK else "500"], capture_output=True, text=True, timeout=120, check=True)
        say(case="link event to update", **json.loads(r.stdout), goal="p99 <= 5 ms")
    node.close()


cases = {"growth": growth, "netconfd": beside_netconfd, "returns": returns, "events": events}
for name in [a for a in sys.argv[1:] if not a.startswith("-")] or cases:
    cases[name]()
