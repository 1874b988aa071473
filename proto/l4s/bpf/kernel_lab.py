# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of the kernel's controls share: TAP, two namespaces joined by a veth, and the programs beside them
(l4s-cc-hold holds the controls, l4s-cc-wire watches and marks, dep-l4s-load makes traffic). Every wait is bounded; what
was started is ended by its pid."""
import atexit
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time

BUILD = os.environ.get("DEP_BUILD", "build/release")
BIN = os.path.join(BUILD, "proto/l4s/bpf")
HOLD, WIRE, LOAD = (os.path.join(BIN, n) for n in ("l4s-cc-hold", "l4s-cc-wire", "dep-l4s-load"))
AVAILABLE = "/proc/sys/net/ipv4/tcp_available_congestion_control"
A4, B4, A6, B6 = "10.77.0.1", "10.77.0.2", "fd77::1", "fd77::2"


class Tap:
    def __init__(self):
        self.n = 0
        self.failed = 0

    def check(self, ok, what, *more):
        self.n += 1
        self.failed += not ok
        print(f"{'ok' if ok else 'not ok'} {self.n} - {what}", flush=True)
        if not ok and more:
            print("#", *more, flush=True)
        return ok

    def skip(self, what, why):
        self.n += 1
        print(f"ok {self.n} - {what} # SKIP {why}", flush=True)

    def end(self):
        print(f"1..{self.n}", flush=True)
        sys.exit(1 if self.failed else 0)


def skip_all(why):
    print(f"1..0 # SKIP {why}", flush=True)
    sys.exit(0)


def run(*args, check=True, timeout=20):
    return subprocess.run(args, check=check, capture_output=True, text=True, timeout=timeout)


def isolate():
    """Into namespaces of its own; the laboratory goes with them. Skips where that, or the controls, cannot be."""
    if os.geteuid() != 0:
        skip_all("needs root")
    if os.environ.get("L4S_ISOLATED") != "1":
        os.environ["L4S_ISOLATED"] = "1"
        os.execvp("unshare", ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
                              sys.executable, *sys.argv])
    run("mount", "-t", "tmpfs", "run", "/run")
    run("ip", "link", "set", "lo", "up")
    r = run(HOLD, "--probe", check=False, timeout=60)
    if r.returncode:
        skip_all(r.stderr.strip())


def suffix():
    """Two characters: controls are global to the machine, and so are their names."""
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    n = int.from_bytes(os.urandom(2), "big")
    return letters[n % 36] + letters[n // 36 % 36]


def namespaces():
    for name in ("a", "b"):
        run("ip", "netns", "add", name)
        run("ip", "-n", name, "link", "set", "lo", "up")
    run("ip", "link", "add", "va", "netns", "a", "type", "veth", "peer", "name", "vb", "netns", "b")
    for name, v4, v6 in (("a", A4, A6), ("b", B4, B6)):
        run("ip", "-n", name, "addr", "add", v4 + "/24", "dev", "v" + name)
        run("ip", "-n", name, "addr", "add", v6 + "/64", "dev", "v" + name, "nodad")
        run("ip", "-n", name, "link", "set", "v" + name, "up")


def shape(rate="200mbit", limit="120k", mtu_packets=True):
    """The kernel's token bucket at a's interface. One MTU a packet, as on a real link, so that a mark is one packet."""
    segs = "1" if mtu_packets else "40"
    run("ip", "-n", "a", "link", "set", "va", "gso_max_segs", segs)
    run("tc", "-n", "a", "qdisc", "replace", "dev", "va", "root", "tbf", "rate", rate, "burst", "16k", "limit", limit)


def sysctl(netns, key, value):
    run("ip", "netns", "exec", netns, "sysctl", "-qw", f"{key}={value}")


class Program:
    """A program that answers lines with lines."""

    def __init__(self, *args, netns=None):
        enter = ["ip", "netns", "exec", netns] if netns else []
        self.p = subprocess.Popen(enter + list(args), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True)
        atexit.register(self.kill)
        self.first = self.line(30)

    def line(self, seconds=10):
        ready, _, _ = select.select([self.p.stdout], [], [], seconds)
        text = self.p.stdout.readline() if ready else ""
        if not text:
            self.kill()
            raise RuntimeError(f"no answer from {self.p.args[-1]}: {self.p.stderr.read()}")
        return text.strip()

    def ask(self, what):
        self.p.stdin.write(what + "\n")
        self.p.stdin.flush()
        text = self.line()
        return json.loads(text) if text[0] in "{[" else text

    def end(self):
        self.p.stdin.close()
        code = self.p.wait(20)
        return code, self.p.stderr.read()

    def kill(self):
        if self.p.poll() is None:
            self.p.send_signal(signal.SIGKILL)
            self.p.wait(10)


class Hold(Program):
    names = set()  # of all that were ever loaded

    def __init__(self, tail, *words, netns=None):
        super().__init__(HOLD, tail, *words, netns=netns)
        _, self.cubic, self.prague, self.how = self.first.split()
        Hold.names |= {self.cubic, self.prague}

    def stats(self):
        return self.ask("stats")


def ended(p, seconds):
    out, err = p.communicate(timeout=seconds)
    return json.loads(out) if out.strip() else {"flows": [], "error": err}


def server(port, cc="", flows=1, v6=False, netns="b", seconds=30):
    args = ["ip", "netns", "exec", netns, LOAD, "server", "--listen", B6 if v6 else B4, "--port", str(port), "--flows",
            str(flows), "--seconds", str(seconds)] + (["--cc", cc] if cc else [])
    p = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    atexit.register(lambda: p.poll() is None and p.kill())
    ready, _, _ = select.select([p.stderr], [], [], 10)
    text = p.stderr.readline() if ready else ""
    if "listening" not in text:
        raise RuntimeError("server: " + text)
    return p


def client(port, *flows, v6=False, netns="a", seconds=20, sample=0):
    args = ["ip", "netns", "exec", netns, LOAD, "client", "--to", B6 if v6 else B4, "--port", str(port), "--seconds",
            str(seconds)]
    for f in flows:
        args += ["--flow", f]
    if sample:
        args += ["--sample", str(sample)]
    return subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def transfer(port, cc, listener_cc, v6=False, what="bytes=3M,seconds=10"):
    """One flow. Returns what the sender and the receiver say of it."""
    s = server(port, listener_cc, v6=v6)
    c = ended(client(port, f"cc={cc},{what}" if cc else what, v6=v6), 30)
    return c["flows"][0], ended(s, 30)["flows"][0]


def available():
    with open(AVAILABLE) as f:
        return f.read().split()


def tcx(netns, dev):
    r = run("ip", "netns", "exec", netns, "bpftool", "-j", "net", "show", "dev", dev, check=False)
    return json.loads(r.stdout)[0]["tc"] if r.returncode == 0 else None


def wait_for(f, seconds=5):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if f():
            return True
        time.sleep(0.05)
    return False


def have(program):
    return shutil.which(program) is not None
