# SPDX-License-Identifier: BSD-2-Clause
"""What end-to-end tests of room netops share: TAP, a network namespace of their own, a node (dep-sys, dep-netops) in it,
and the configurations they use. Everything is ended by pid and every wait is bounded."""
import atexit
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from mcp import Client, NetworkError  # noqa: F401

BUILD = os.environ.get("DEP_BUILD", "build/release")
SANITIZED = "asan" in BUILD


class Tap:
    def __init__(self):
        self.n = 0
        self.failed = 0

    def check(self, ok, what):
        self.n += 1
        self.failed += not ok
        print(f"{'ok' if ok else 'not ok'} {self.n} - {what}", flush=True)
        return ok

    def end(self):
        print(f"1..{self.n}", flush=True)
        sys.exit(1 if self.failed else 0)


def run(*args, check=True, timeout=20, **kw):
    return subprocess.run(args, check=check, capture_output=True, text=True, timeout=timeout, **kw)


def ip(*args, **kw):
    return run("ip", *args, **kw).stdout


def ip_json(*args):
    return json.loads(run("ip", "-j", *args).stdout or "[]")


def nft_json(*args):
    r = run("nft", "-j", *args, check=False)
    return json.loads(r.stdout)["nftables"] if r.returncode == 0 else None


def pings(address, netns=None, count=1):
    enter = ["ip", "netns", "exec", netns] if netns else []
    return subprocess.run(enter + ["ping", "-n", "-q", "-c", str(count), "-W", "1", address],
                          capture_output=True, timeout=10 + count).returncode == 0


def wait_for(what, f, seconds=10.0):
    end = time.monotonic() + seconds
    while True:
        got = f()
        if got:
            return got
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(0.02)


def own_namespace():
    """From here on this process and what it starts are in a new network namespace."""
    os.unshare(os.CLONE_NEWNET | os.CLONE_NEWNS)
    run("mount", "--make-rprivate", "/")
    run("mount", "-t", "sysfs", "sys", "/sys", check=False)
    os.makedirs("/run/netns", exist_ok=True)
    run("mount", "-t", "tmpfs", "netns", "/run/netns")
    ip("link", "set", "lo", "up")


class Node:
    """A run directory, a state directory, and the daemons on them."""

    def __init__(self, rooms=("sys",), options=(), env=None, where=None):
        self.dir = tempfile.mkdtemp(prefix="dep-test-", dir=where)
        self.run_dir = f"{self.dir}/run"
        self.state_dir = f"{self.dir}/state"
        os.mkdir(self.run_dir)
        os.mkdir(self.state_dir)
        self.rooms = rooms
        self.options = list(options)
        self.env = {**os.environ, "DEP_RUN_DIR": self.run_dir, **(env or {})}
        self.process = {}
        atexit.register(self.close)

    def path(self, name):
        return {"sys": f"{BUILD}/proto/netops/sys/dep-sys", "kira": f"{BUILD}/proto/kira/node/dep-kira",
                "l4s": f"{BUILD}/proto/l4s/node/dep-l4s", "netops": f"{BUILD}/proto/netops/daemon/dep-netops"}[name]

    def start_room(self, name):
        state = f"{self.state_dir}/{name}"
        os.makedirs(state, exist_ok=True)
        self.process[name] = subprocess.Popen(
            # The kernel's messages are those of the whole machine.
            [self.path(name), "--run-dir", self.run_dir, "--state-dir", state,
             *(["--no-kernel-log"] if name == "sys" else []),
             # Controls are the machine's: others than those of a room that runs on it.
             *(["--control-suffix", "_t"] if name == "l4s" else [])], env=self.env,
            stdout=subprocess.DEVNULL, stderr=open(f"{self.dir}/{name}.log", "a"))
        wait_for(f"{name}.sock", lambda: self.listens(f"{name}.sock") or self.process[name].poll() is not None)
        if self.process[name].poll() is not None:
            raise RuntimeError(f"{name} ended: " + open(f"{self.dir}/{name}.log").read()[-2000:])

    def listens(self, name):
        s = socket.socket(socket.AF_UNIX)
        try:
            s.connect(f"{self.run_dir}/{name}")
            return True
        except OSError:
            return False
        finally:
            s.close()

    def start_netops(self, env=None, options=(), wait=True):
        args = [self.path("netops"), *os.environ.get("DEP_TEST_OPTIONS", "").split(), "--run-dir", self.run_dir, "--state-dir", f"{self.state_dir}/netops",
                *[x for room in self.rooms for x in ("--room", room)], *self.options, *options]
        self.process["netops"] = subprocess.Popen(args, env={**self.env, **(env or {})}, stdout=subprocess.DEVNULL,
                                                  stderr=open(f"{self.dir}/netops.log", "a"))
        if wait:
            wait_for("netops.sock",
                     lambda: self.listens("netops.sock") or self.process["netops"].poll() is not None, 20)
            if self.process["netops"].poll() is not None:
                raise RuntimeError("dep-netops ended: " + self.log())
        return self.process["netops"]

    def start(self, **kw):
        for room in self.rooms:
            self.start_room(room)
        self.start_netops(**kw)
        return self.client()

    def client(self, **kw):
        return Client(f"{self.run_dir}/netops.sock", **kw)

    def log(self, name="netops"):
        with open(f"{self.dir}/{name}.log") as f:
            return f.read()[-4000:]

    def kill(self, name, sig=signal.SIGKILL):
        p = self.process.pop(name, None)
        if p:
            if p.poll() is None:
                p.send_signal(sig)
            try:
                return p.wait(10)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
                raise
        return None

    def close(self):
        for name in ("netops", *self.rooms):
            try:
                self.kill(name, signal.SIGTERM)
            except subprocess.TimeoutExpired:
                print(f"# {name} did not end by itself")
        if os.environ.get("DEP_TEST_KEEP"):
            for name in ("netops", *self.rooms):
                if os.path.exists(f"{self.dir}/{name}.log"):
                    print(f"# -- {name}\n{self.log(name)}", file=sys.stderr)
        shutil.rmtree(self.dir, ignore_errors=True)


def veth_to_peer(name="v0", peer="peer"):
    """A veth whose other end is w0 in namespace `peer`, up, with 10.9.0.2/24 there and nothing here."""
    ip("netns", "add", peer)
    ip("link", "add", name, "type", "veth", "peer", "name", "w0", "netns", peer)
    ip("-n", peer, "link", "set", "lo", "up")
    ip("-n", peer, "link", "set", "w0", "up")
    ip("-n", peer, "addr", "add", "10.9.0.2/24", "dev", "w0")


def interface(name, address=None, prefix=24, enabled=True, description=None, **more):
    value = {"name": name, "type": "iana-if-type:ethernetCsmacd", "enabled": enabled, **more}
    if description is not None:
        value["description"] = description
    if address:
        value["ietf-ip:ipv4"] = {"address": [{"ip": address, "prefix-length": prefix}]}
    return ("merge", f"ietf-interfaces:interfaces/interface={name}", {"ietf-interfaces:interface": [value]})


STATIC = ("ietf-routing:routing/control-plane-protocols/control-plane-protocol=ietf-routing:static,main/"
          "static-routes/ietf-ipv4-unicast-routing:ipv4")


def static_route(prefix, via):
    return ("merge", "/", {"ietf-routing:routing": {"control-plane-protocols": {"control-plane-protocol": [{
        "type": "ietf-routing:static", "name": "main", "static-routes": {"ietf-ipv4-unicast-routing:ipv4": {
            "route": [{"destination-prefix": prefix, "next-hop": {"next-hop-address": via}}]}}}]}}})


def drop_icmp(interface_name):
    return ("merge", "/", {"ietf-access-control-list:acls": {
        "acl": [{"name": "guard", "type": "ietf-access-control-list:ipv4-acl-type", "aces": {"ace": [{
            "name": "no-ping", "matches": {"ipv4": {"protocol": 1}},
            "actions": {"forwarding": "ietf-access-control-list:drop"}}]}}],
        "attachment-points": {"interface": [{"interface-id": interface_name, "ingress": {"acl-sets": {
            "acl-set": [{"name": "guard"}]}}}]}}})
