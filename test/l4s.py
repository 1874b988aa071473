# SPDX-License-Identifier: BSD-2-Clause
"""What tests of room l4s share: dep-l4s in the namespace of the test, its counter, dep, and traffic over one link."""
import json
import os
import select
import signal
import socket
import subprocess
import tempfile
import time

from netops import BUILD, SANITIZED, ip, wait_for  # noqa: F401

PROGRAM = f"{BUILD}/proto/l4s/node/dep-l4s"
DEP = f"{BUILD}/node/dep"
# Controls are one set a machine: others than those of a room that runs on it.
SUFFIX = "_t"
PRAGUE = b"dep_prague" + SUFFIX.encode()
CUBIC = b"dep_cubic_abe" + SUFFIX.encode()
# libyang copies text without an end.
ENV = {"ASAN_OPTIONS": "abort_on_error=1:detect_stack_use_after_return=1"}


class Counter:
    """A client of the management socket: one JSON-RPC message a line."""

    def __init__(self, path):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.settimeout(20)
        self.s.connect(path)
        self.f = self.s.makefile("rw")
        self.id = 0
        self.events = []

    def ask(self, method, **params):
        self.id += 1
        self.f.write(json.dumps({"jsonrpc": "2.0", "id": self.id, "method": method, "params": params}) + "\n")
        self.f.flush()
        while True:
            m = json.loads(self.f.readline())
            if m.get("id") == self.id:
                return m
            self.events.append(m["params"])

    def event(self, name, seconds=15):
        """The first event of that name, or None."""
        end = time.monotonic() + seconds
        while True:
            for e in self.events:
                if e["path"] == f"/l4s:{name}":
                    self.events.remove(e)
                    return e
            left = end - time.monotonic()
            if left <= 0:
                return None
            self.s.settimeout(left)
            try:
                self.events.append(json.loads(self.f.readline())["params"])
            except (TimeoutError, OSError):
                return None
            finally:
                self.s.settimeout(20)

    def close(self):
        self.f.close()
        self.s.close()


class Room:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="dep-test-")
        self.env = {**os.environ, **ENV, "DEP_RUN_DIR": self.dir}
        self.config = f"{self.dir}/l4s.json"
        self.process = None

    def start(self, config=None, *options, wait=True):
        with open(self.config, "w") as f:
            json.dump({"l4s:l4s": config or {}}, f)
        self.process = subprocess.Popen(
            [PROGRAM, "--config", self.config, "--run-dir", self.dir, "--control-suffix", SUFFIX, *options],
            stderr=open(f"{self.dir}/log", "a"), env=self.env)
        if wait:
            wait_for("l4s.sock", lambda: self.answers() or self.process.poll() is not None, 20)
        return self.process

    def answers(self):
        try:
            c = Counter(f"{self.dir}/l4s.sock")
        except OSError:
            return False
        good = "result" in c.ask("hello")
        c.close()
        return good and "room started" in self.log()

    def counter(self):
        return Counter(f"{self.dir}/l4s.sock")

    def stop(self, sig=signal.SIGTERM):
        if not self.process:
            return None
        self.process.send_signal(sig)
        code = self.process.wait(20)
        self.process = None
        return code

    def log(self):
        with open(f"{self.dir}/log") as f:
            return f.read()

    def dep(self, *args, stdin=None, timeout=30):
        return subprocess.run([DEP, "l4s", *args], input=stdin or "", capture_output=True, text=True, timeout=timeout,
                              env=self.env)

    def state(self, part=None):
        c = self.counter()
        got = c.ask("state.get", **({"path": f"/l4s:l4s/{part}"} if part else {}))["result"]["l4s:l4s"]
        c.close()
        return got.get(part, {}) if part else got

    def link(self, name):
        return next(link for link in self.state("link-state")["link"] if link["name"] == name)


def link(name="wan", a="la", b="lb", rate=20_000_000, delay=5000, back=None, **more):
    return {"name": name, "interface-a": a, "interface-b": b, "forward": {"rate": str(rate), "delay": str(delay)},
            "backward": back or {"delay": str(delay)}, **more}


def addresses(peer, a="la", b="lb", net="10.1.0"):
    """Gives both ends of a link addresses, b in a namespace that is there."""
    ip("link", "set", b, "netns", peer)
    ip("addr", "add", f"{net}.1/24", "dev", a)
    ip("link", "set", a, "up")
    ip("-n", peer, "addr", "add", f"{net}.2/24", "dev", b)
    ip("-n", peer, "link", "set", b, "up")


def controlled(control):
    s = socket.socket()
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, control)
    return s


class Traffic:
    """A sender here and a receiver in a namespace, for each of the controls; ends after some seconds at the latest."""

    def __init__(self, peer, controls, seconds, address="10.1.0.2"):
        self.receiver = os.fork()
        if self.receiver == 0:
            try:
                self._receive(peer, controls, seconds + 5, address)
            finally:
                os._exit(1)
        time.sleep(0.5)
        self.sender = os.fork()
        if self.sender == 0:
            try:
                self._send(controls, seconds, address)
            finally:
                os._exit(1)

    @staticmethod
    def _receive(peer, controls, seconds, address):
        os.setns(os.open(f"/run/netns/{peer}", os.O_RDONLY), os.CLONE_NEWNET)
        listening = []
        for i, control in enumerate(controls):
            s = controlled(control)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind((address, 5001 + i))
            s.listen()
            listening.append(s)
        there = []
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for s in select.select(listening + there, [], [], 0.5)[0]:
                if s in listening:
                    there.append(s.accept()[0])
                elif not s.recv(1 << 20):
                    there.remove(s)
        os._exit(0)

    @staticmethod
    def _send(controls, seconds, address):
        sockets = []
        for i, control in enumerate(controls):
            s = controlled(control)
            s.connect((address, 5001 + i))
            s.setblocking(False)
            sockets.append(s)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for s in select.select([], sockets, [], 0.5)[1]:
                try:
                    s.send(b"x" * 65536)
                except BlockingIOError:
                    pass
        os._exit(0)

    def end(self):
        for pid in (self.sender, self.receiver):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            os.waitpid(pid, 0)
