#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""dep-sys as a process of its own: what its sockets permit, what it may do, how it ends; a flood of the kernel's events; an undo
where nothing more can be opened; messages of the kernel."""
import json
import os
import resource
import signal
import socket
import stat
import subprocess
import time

from netops import Node, Tap, ip, own_namespace, run, veth_to_peer, wait_for

FLOOD = 20000

tap = Tap()
own_namespace()
veth_to_peer()
ip("link", "set", "v0", "up")
ip("addr", "add", "10.9.0.1/24", "dev", "v0")
node = Node()


class Counter:
    """The room's own socket: one JSON-RPC message a line."""

    def __init__(self):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.settimeout(30)
        self.s.connect(f"{node.run_dir}/sys.sock")
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
            self.events.append(m)

    def apply(self, *steps, **more):
        return self.ask("call", rpc="apply", input={"step": list(steps), **more})

    def event(self):
        return self.events.pop(0) if self.events else json.loads(self.f.readline())


# ---- the process ----
node.start_room("sys")
pid = node.process["sys"].pid
mode = os.stat(f"{node.run_dir}/sys.sock").st_mode
tap.check(stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o660, f"sys.sock is for its user and group: {oct(mode)}")
tap.check(stat.S_IMODE(os.stat(f"{node.run_dir}/log.sock").st_mode) == 0o666, "log.sock is for all")
status = dict(line.split(":\t", 1) for line in open(f"/proc/{pid}/status").read().splitlines() if ":\t" in line)
tap.check(status["Seccomp"] == "2" and status["NoNewPrivs"] == "1", "seccomp and no_new_privs are on")
tap.check(int(status["CapEff"], 16) == 1 << 12 and int(status["CapBnd"], 16) in (0, 1 << 12),
          f"CAP_NET_ADMIN is all it can do: {status['CapEff']}")
c = Counter()
hello = c.ask("hello")["result"]
tap.check(hello["room"] == "sys" and hello["max_line"] == 16 << 20, "hello tells 16 MiB of a line")
names = [m["name"] for m in hello["modules"]]
tap.check({"ietf-syslog", "depanneur-hostname-deviations", "depanneur-resolver-deviations"} <= set(names),
          "without its switches hostname and resolver are not supported")
r = c.apply({"system": {"hostname": "other"}})
tap.check("error" in r and "--set-hostname" in json.dumps(r), "and a step that sets it is refused")
r = c.apply({"route": {"to": "10.0.0.0/8", "via": "10.9.0.2"}}, {"purge": {"part": "last"}})
tap.check("did not begin" in json.dumps(r.get("error", {})), "the end of a purge that did not begin is refused")
r = c.apply({"route": {"to": "10.0.0.0/8", "via": "not an address"}})
tap.check("error" in r and c.ask("hello")["result"]["room"] == "sys", "what is no step is refused, and it goes on")

# ---- a flood ----
c.ask("subscribe")
batch = "".join(f"route add 20.{i // 250}.{i % 250}.0/24 via 10.9.0.2 proto 99\n" for i in range(FLOOD))
os.kill(pid, signal.SIGSTOP)  # so that the kernel must drop events
try:
    subprocess.run(["ip", "-batch", "-"], input=batch, text=True, check=True, timeout=60)
finally:
    os.kill(pid, signal.SIGCONT)
seen = set()
end = time.monotonic() + 20
while time.monotonic() < end and not {"/ietf-routing:routing", "/ietf-interfaces:interfaces"} <= seen:
    seen.add(c.event()["params"]["path"])
tap.check({"/ietf-routing:routing", "/ietf-interfaces:interfaces"} <= seen,
          "where events were lost, everything is said to have changed")
ip("link", "set", "v0", "alias", "after the flood")
while time.monotonic() < end and "/ietf-interfaces:interfaces/interface[name='v0']" not in seen:
    seen.add(c.event()["params"]["path"])
tap.check("/ietf-interfaces:interfaces/interface[name='v0']" in seen, "and events come as before")
ribs = c.ask("state.get", path="/ietf-routing:routing/ribs")["result"]
main = [x for x in ribs["ietf-routing:routing"]["ribs"]["rib"] if x["name"] == "ipv4-main"][0]
tap.check(len(main["routes"]["route"]) >= FLOOD, f"the state has all {FLOOD} routes")
ip("route", "flush", "proto", "99")
c = Counter()

# ---- nothing more can be opened ----
before = ip("-o", "addr", "show", "dev", "v0") + ip("route")
free = os.listdir(f"/proc/{pid}/fd")
resource.prlimit(pid, resource.RLIMIT_NOFILE, (len(free), 4096))
r = c.apply({"address": {"link": "v0", "ip": "192.0.2.1/24"}}, {"route": {"to": "10.0.0.0/8", "via": "192.0.2.2"}},
            {"sysctl": {"link": "v0", "key": "ipv4-forwarding", "value": 1}},
            {"route": {"to": "10.1.0.0/16", "via": "203.0.113.77"}})
tap.check("error" in r, f"where nothing can be opened steps fail: {r.get('error', {}).get('message')}")
tap.check(ip("-o", "addr", "show", "dev", "v0") + ip("route") == before, "and everything is as before")
resource.prlimit(pid, resource.RLIMIT_NOFILE, (4096, 4096))
r = c.apply({"address": {"link": "v0", "ip": "192.0.2.1/24"}}, {"route": {"to": "10.0.0.0/8", "via": "192.0.2.2"}})
tap.check(r.get("result", {}).get("output", {}).get("changed") == 2, "afterwards they work")
back = r["result"]["output"]["inverse"]
tap.check(c.apply(*back)["result"]["output"]["changed"] == 2 and
          ip("-o", "addr", "show", "dev", "v0") + ip("route") == before, "and their inverse leads back")

# ---- its end ----
ip("route", "add", "10.7.0.0/16", "via", "10.9.0.2", "proto", "124")
tap.check(node.kill("sys", signal.SIGTERM) == 0, "SIGTERM ends it with 0")
tap.check(not os.path.exists(f"{node.run_dir}/sys.sock") and not os.path.exists(f"{node.run_dir}/log.sock"),
          "its sockets are gone")
tap.check("10.7.0.0/16" in ip("route"), "what it made stays")

# ---- the kernel's messages ----
path = node.path("sys")
process = subprocess.Popen([path, "--run-dir", node.run_dir, "--state-dir", f"{node.state_dir}/sys"],
                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
node.process["sys"] = process
wait_for("sys.sock", lambda: node.listens("sys.sock"))
try:
    with open("/dev/kmsg", "w") as f:
        f.write("<12>dep-test: hello from the kernel's log\n")
    c = Counter()
    lines = wait_for("line", lambda: [x for x in c.ask("call", rpc="log", input={"count": 50})["result"]["output"]["line"]
                                      if "hello from the kernel" in x], 5)
    tap.check(" kernel: dep-test: hello" in lines[-1], "the kernel's messages are in the log")
except OSError as e:
    tap.check(True, f"the kernel's messages are in the log # SKIP {e}")
tap.check(node.kill("sys", signal.SIGTERM) == 0, "SIGTERM ends it with 0")
r = run(path, "--resolv-conf", "relative", check=False)
tap.check(r.returncode == 2 and "root" in r.stderr, "a path that is not from the root is refused")
node.close()
tap.end()
