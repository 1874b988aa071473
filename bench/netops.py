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
import subprocess
import sys
import tempfile
import threading
import time

os.environ.setdefault("DEP_BUILD", "build/release")
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "test"))
from netops import Node, interface, ip, own_namespace, static_route, veth_to_peer, wait_for  # noqa: E402
import mcp as mcp_client  # noqa: E402

QUICK = "--quick" in sys.argv
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


def one_leaf(c, n):
    times = []
    for i in range(n):
        begun = time.perf_counter()
        c.edit(("merge", "ietf-interfaces:interfaces/interface=v0/description", f"d{i}"), candidate="leaf")
        c.commit(candidate="leaf")
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
    node = Node(options=["--no-fsync"])
    c = node.start()
    c.edit(interface("v0", "10.9.0.1"))
    c.commit()
    say(case="memory", what="dep-netops with room sys, little configured", rss_kib=rss(node.process["netops"].pid), limit_kib=10240)
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
        node = Node(options=[] if fsync else ["--no-fsync"])
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
    node = Node()
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
    node = Node()
    c = node.start()
    subscribers = 10 if QUICK else 100
    seen = []
    lock = threading.Lock()
    ready = threading.Semaphore(0)

    def listen(i):
        s = mcp_client.Client(c.node)
        s.connection = s.connect()
        meta = {mcp_client.META + "protocolVersion": mcp_client.VERSION, mcp_client.META + "clientCapabilities": {}}
        body = {"jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen", "params": {
            "notifications": {"resourceSubscriptions": ["network:///interfaces"]}, "_meta": meta}}
        s.connection.request("POST", "/mcp", json.dumps(body), {
            "Content-Type": "application/json", "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": mcp_client.VERSION, "Mcp-Method": "subscriptions/listen"})
        response = s.connection.getresponse()
        try:
            for line in response:
                now = time.perf_counter()
                if b"acknowledged" in line:
                    ready.release()
                elif b"resources/updated" in line:
                    with lock:
                        seen.append((i, now))
        except OSError:
            pass

    threads = [threading.Thread(target=listen, args=(i,), daemon=True) for i in range(subscribers)]
    for t in threads:
        t.start()
    for _ in threads:
        if not ready.acquire(timeout=20):
            raise TimeoutError("subscription")
    latency = []
    lost = 0
    rounds = 20 if QUICK else 200
    sock = subprocess.Popen(["ip", "-batch", "-"], stdin=-1, text=True)
    for n in range(rounds):
        with lock:
            seen.clear()
        sent = time.perf_counter()
        sock.stdin.write(f"link set v0 {'up' if n % 2 else 'down'}\n")
        sock.stdin.flush()
        end = time.monotonic() + 2
        while time.monotonic() < end:
            with lock:
                if len({i for i, _ in seen}) == subscribers:
                    break
            time.sleep(0.001)
        with lock:
            first = {}
            for i, at in seen:
                first.setdefault(i, at)
        lost += subscribers - len(first)
        latency += [at - sent for at in first.values()]
        time.sleep(0.03)
    sock.stdin.close()
    sock.wait(5)
    say(case="link event to update", subscribers=subscribers, rounds=rounds, lost=lost,
        p50_ms=round(quantile(latency, 0.5) * 1e3, 2), p99_ms=round(quantile(latency, 0.99) * 1e3, 2), goal="p99 <= 5 ms",
        note="includes ip(8) and the Python subscribers, which share the machine")
    node.close()


for case in (growth, beside_netconfd, returns, events):
    case()
