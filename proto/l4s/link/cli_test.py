#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""dep-l4s-link as a program: its report, its verdict, its end, what a kill leaves (nothing), its capture, the uplink,
and its FIFO beside the kernel's token bucket. Prints TAP. Needs root."""
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

LINK = sys.argv[1]
WORK = tempfile.mkdtemp()
FRAME_BITS = 1514 * 8
done = 0
failed = 0


def check(ok, what, why=""):
    global done, failed
    done += 1
    failed += not ok
    print(f"{'ok' if ok else 'not ok'} {done} - {what}" + (f"\n# {why}" if why and not ok else ""), flush=True)
    return ok


def skip(what, why):
    global done
    done += 1
    print(f"ok {done} - {what} # SKIP {why}", flush=True)


def run(*args, **kw):
    return subprocess.run(args, capture_output=True, text=True, timeout=30, **kw)


def inside(ns, *args, **kw):
    return run("ip", "netns", "exec", ns, *args, **kw)


def isolate():
    os.unshare(os.CLONE_NEWNET | os.CLONE_NEWNS)
    run("mount", "--make-rprivate", "/", check=True)
    run("mount", "-t", "tmpfs", "run", "/run", check=True)
    for ns in ("left", "right"):
        run("ip", "netns", "add", ns, check=True)
        run("ip", "-n", ns, "link", "set", "lo", "up", check=True)


class Link:
    """One run of the program between left and right, or on an uplink."""

    ENDS = ("--a", "left:l0,10.9.0.1/24,fd09::1/64", "--b", "right:r0,10.9.0.2/24,fd09::2/64")

    def __init__(self, *args, ends=ENDS, ns=None):
        cmd = (["ip", "netns", "exec", ns] if ns else []) + [LINK, *ends, *args, "--quiet"]
        self.p = subprocess.Popen(cmd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def ready(self, ns="left", address="10.9.0.2"):
        for _ in range(100):
            if inside(ns, "ping", "-n", "-q", "-c", "1", "-W", "1", address).returncode == 0:
                return self
            if self.p.poll() is not None:
                raise RuntimeError(self.p.stderr.read())
            time.sleep(0.05)
        raise RuntimeError("the link does not carry packets")

    def end(self, sig=signal.SIGTERM):
        self.p.send_signal(sig)
        return self.wait()

    def wait(self):
        self.out, self.err = self.p.communicate(timeout=30)
        return self.p.returncode


def interfaces(ns):
    return {i["ifname"] for i in json.loads(run("ip", "-j", "-n", ns, "link").stdout)}


FLOOD = """
import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
gap, end, n, begin = 1514 * 8 / (float(sys.argv[2]) * 1e6), float(sys.argv[3]), 0, time.monotonic()
s.connect((sys.argv[1], 9))
while (t := time.monotonic() - begin) < end:
    while n * gap < t:
        try:
            s.send(b"x" * 1472)
        except (ConnectionRefusedError, OSError):
            pass
        n += 1
    time.sleep(0.001)
"""


def flood(mbits, seconds, address="10.9.0.2", ns="left"):
    return subprocess.Popen(["ip", "netns", "exec", ns, sys.executable, "-c", FLOOD, address, str(mbits), str(seconds)])


def counted(ns, name):
    stats = json.loads(run("ip", "-j", "-s", "-n", ns, "link", "show", name).stdout)[0]["stats64"]["rx"]
    return time.monotonic(), stats["packets"]


# ---- tests ----

def test_usage():
    for args, word in ((["--rate", "1x"], "--rate"), (["--rate", "0x10M"], "--rate"), ([], "--uplink"), (["--nonsense"], "--nonsense"),
                       (["--a", "left:l0", "--b", "right:r0"], "--rate"),
                       (["--a", "left:l0,10.9.0.1", "--b", "right:r0"], "10.9.0.1/24"),
                       (["--a", "l0", "--b", "r0", "--rate", "1M", "--delay", "10"], "10ms"),
                       (["--a", "l0", "--b", "r0", "--rate", "1M", "--time", "1s", "--warmup", "2s"], "--warmup"),
                       (["--a", "left:l0", "--b", "right:r0", "--rate", "1M", "--aqm", "cake"], "cake")):
        r = run(LINK, *args)
        check(r.returncode == 2 and word in r.stderr, f"wrong use is told: {' '.join(args)}", r.stderr)
    r = run(LINK, "--rate", "1M", "--a", "nowhere:l0", "--b", "right:r0")
    check(r.returncode == 1 and "ip netns add nowhere" in r.stderr, "a namespace that is not there is told", r.stderr)
    check(run(LINK, "--help").returncode == 0, "there is help")


def test_report():
    link = Link("--rate", "50M", "--delay", "2ms", "--aqm", "dualpi2", "--json").ready()
    inside("left", "ping", "-n", "-q", "-c", "20", "-i", "0.02", "10.9.0.2")
    inside("left", "ping", "-n", "-q", "-c", "20", "-i", "0.02", "-Q", "1", "fd09::2")
    status = link.end()
    report = json.loads(link.out)
    check((status, report["verdict"]) in ((0, "good"), (4, "bad")), "the status is the verdict", link.out)
    there, back = report["there"], report["back"]
    check(there["c"]["forwarded"] >= 20 and there["l"]["forwarded"] >= 20, "both queues count", link.out)
    check(there["sent-packets"] == there["read-packets"] == there["c"]["forwarded"] + there["l"]["forwarded"],
          "nothing is lost", link.out)
    check(back["sent-packets"] >= 40 and "c" not in back, "the way back is not shaped", link.out)
    check("l0" not in interfaces("left") and "r0" not in interfaces("right"), "the interfaces are gone")


def test_kill():
    for args in ((), ("--gso", "--busy")):
        link = Link("--rate", "50M", "--delay", "1ms", *args).ready()
        link.end(signal.SIGKILL)
        check("l0" not in interfaces("left") and "r0" not in interfaces("right"),
              f"a kill leaves no interface {' '.join(args)}")


def test_stopped():
    """A run that stood still is no good run."""
    link = Link("--rate", "20M", "--delay", "5ms", "--json", "--time", "3s").ready()
    load = flood(10, 2)
    time.sleep(0.5)
    link.p.send_signal(signal.SIGSTOP)
    time.sleep(0.3)
    link.p.send_signal(signal.SIGCONT)
    status = link.wait()
    load.wait(timeout=20)
    report = json.loads(link.out)
    check(status == 4 and report["verdict"] == "bad" and "stood still" in report["reason"],
          "a run that was stopped is bad", link.out)
    check(report["stall-max-ns"] > 250_000_000, "and says for how long", link.out)


def test_capture():
    path = WORK + "/capture.pcapng"
    link = Link("--rate", "5M", "--delay", "1ms", "--aqm", "codel ecn", "--pcapng", path).ready()
    for tos in ("0", "2"):
        load = subprocess.Popen(["ip", "netns", "exec", "left", "ping", "-n", "-q", "-f", "-s", "1400", "-c", "600",
                                 "-Q", tos, "-l", "80", "10.9.0.2"], stdout=subprocess.DEVNULL)
        load.wait(timeout=30)
    link.end()
    r = run("tshark", "-r", path, "-Y", "ip", "-T", "fields", "-e", "ip.dsfield.ecn", "-e", "frame.comment")
    rows = [line.split("\t") for line in r.stdout.splitlines()]
    marks = [row for row in rows if "ce from ect0" in row[1]]
    check(len(rows) >= 1200 and all("queue" in row[1] for row in rows), "a capture has every packet", r.stderr)
    check(len(marks) > 0 and all(row[0] == "3" for row in marks), "a marked packet is CE and says so",
          f"{len(rows)} rows, {len(marks)} marks")
    check(any("dropped not-ect" in row[1] for row in rows), "a dropped packet says so")


def make_veth():
    run("ip", "link", "add", "h0", "netns", "left", "type", "veth", "peer", "name", "f0", "netns", "right", check=True)
    for ns, dev, n in (("left", "h0", 1), ("right", "f0", 2)):
        run("ip", "-n", ns, "addr", "add", f"10.8.0.{n}/24", "dev", dev, check=True)
        run("ip", "-n", ns, "addr", "add", f"fd08::{n}/64", "dev", dev, "nodad", check=True)
        run("ip", "-n", ns, "link", "set", dev, "up", check=True)


def rtt(address, ns="left", count=15):
    r = inside(ns, "ping", "-n", "-c", str(count), "-i", "0.02", address)
    times = sorted(float(t) for t in re.findall(r"time=([\d.]+)", r.stdout))
    return times[len(times) // 2] if times else -1


def test_uplink():
    make_veth()
    before = interfaces("left")
    fast = rtt("10.8.0.2")
    link = Link("--rate", "50M", "--delay", "20ms", "--json", ends=("--uplink", "h0"), ns="left")
    link.ready(address="10.8.0.2")
    slow = [rtt("10.8.0.2"), rtt("fd08::2")]
    check(fast < 20 and all(t >= 20 for t in slow), "an uplink's packets pass the bottleneck, IPv4 and IPv6",
          f"{fast} {slow}")
    back = rtt("10.8.0.1", "right")
    check(back >= 20, "answers to others pass it, too", f"{back}")
    inside("left", "ip", "neigh", "flush", "all")
    check(rtt("10.8.0.2", count=3) > 0, "ARP passes untouched")
    link.end()
    report = json.loads(link.out)
    check("back" not in report and report["there"]["sent-packets"] >= 40, "the report is of one direction", link.out)
    check(rtt("10.8.0.2") < 20 and interfaces("left") == before, "at its end the uplink is as it was")
    for gso in ((), ("--gso",)):
        link = Link("--rate", "50M", "--delay", "20ms", *gso, ends=("--uplink", "h0"), ns="left")
        link.ready(address="10.8.0.2")
        link.p.send_signal(signal.SIGKILL)
        link.wait()
        time.sleep(0.1)
        check(rtt("10.8.0.2") < 20 and interfaces("left") == before, f"and after a kill {' '.join(gso)}")
    r = inside("left", LINK, "--rate", "1M", "--uplink", "nothing0")
    check(r.returncode == 1 and "nothing0" in r.stderr, "an uplink that is not there is told", r.stderr)


def carried(ns, dev, mbits, address, source="left"):
    """Packets a second that arrive of an overload, and the round trip meanwhile."""
    load = flood(mbits, 2.5, address, source)
    time.sleep(0.7)
    t0, n0 = counted(ns, dev)
    wait = rtt(address, source, 20)
    time.sleep(0.6)
    t1, n1 = counted(ns, dev)
    load.wait(timeout=20)
    return (n1 - n0) / (t1 - t0), wait


def test_fifo_beside_tbf():
    """Drop-tail of 60 packets at 20 Mb/s, offered 130 %: ours and the kernel's carry the same within 2 %, and let
    wait as long within 15 %."""
    limit = 60 * 1514
    tc = inside("left", "tc", "qdisc", "add", "dev", "h0", "root", "tbf", "rate", "20mbit", "burst", "3028", "limit",
                str(limit))
    if tc.returncode != 0:
        return skip("FIFO beside the kernel's token bucket", tc.stderr.strip())
    kernel, kernel_wait = carried("right", "f0", 26, "10.8.0.2")
    inside("left", "tc", "qdisc", "del", "dev", "h0", "root")
    for _ in range(4):
        link = Link("--rate", "20M", "--delay", "0", "--aqm", "fifo limit 60").ready()
        ours, ours_wait = carried("right", "r0", 26, "10.9.0.2")
        same = abs(ours / kernel - 1) < 0.02, abs(ours_wait / kernel_wait - 1) < 0.15
        good = link.end() == 0 and abs(kernel * FRAME_BITS / 20e6 - 1) < 0.02
        if all(same) or good:
            break
    if not all(same) and not good:
        return skip("FIFO beside the kernel's token bucket", "the machine is too busy for a good run")
    check(same[0], "a FIFO carries as much as the kernel's token bucket", f"{ours:.0f} and {kernel:.0f} packets/s")
    check(same[1], "and makes wait as long", f"{ours_wait} and {kernel_wait} ms")


def main():
    if os.geteuid() != 0 or not os.path.exists("/dev/net/tun"):
        print("1..0 # SKIP this needs root and /dev/net/tun")
        return 0
    isolate()
    for test in (test_usage, test_report, test_kill, test_stopped, test_capture, test_uplink, test_fifo_beside_tbf):
        test()
    print(f"1..{done}", flush=True)
    return 1 if failed else 0


sys.exit(main())
