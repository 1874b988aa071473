#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""dep-netops is killed at every named point of a transaction, with a real kernel behind room sys. After the restart, and
before the first byte is served, the kernel has all of the change or nothing of it: all where the client was told so (and
the time to confirm has not run out), nothing where the transaction had not been applied. DEP_CRASH_RUNS: runs a point
(default 1; the acceptance is 25)."""
import os
import signal
import subprocess
import time

from netops import (NetworkError, Node, Tap, drop_icmp, interface, ip_json, nft_json, own_namespace, static_route,
                    veth_to_peer)

RUNS = int(os.environ.get("DEP_CRASH_RUNS", "1"))
tap = Tap()
own_namespace()
veth_to_peer()
node = Node()
node.start_room("sys")
points = subprocess.run([node.path("netops")], env={**os.environ, "DEP_FAILPOINT": "list"}, capture_output=True,
                        text=True, timeout=10).stdout.split()
points = os.environ.get("DEP_CRASH_POINTS", "").split() or points
print(f"# {len(points)} points, {RUNS} runs each")
tap.check(len(points) >= 40, f"there are at least 40 points ({len(points)})")


def kernel():
    """Which parts of the change the kernel has."""
    address = any(a["local"] == "10.9.0.1" for link in ip_json("addr", "show", "dev", "v0") for a in link["addr_info"])
    route = any(r["dst"] == "203.0.113.0/24" for r in ip_json("route", "show"))
    rules = nft_json("list", "table", "inet", "depanneur") or []
    guard = any("rule" in r and any("drop" in e for e in r["rule"]["expr"]) for r in rules)
    return {"address": address, "route": route, "filter": guard}


def stage(c):
    c.edit(interface("v0", "10.9.0.1"), static_route("203.0.113.0/24", "10.9.0.2"), drop_icmp("v0"))


def end(c, path, token, told):
    if path == "confirm":
        c.confirm(token)
        told["answer"] = "all"
    elif path == "abort":
        c.tool("network.commit", phase="abort", token=token)
        told["answer"] = "nothing"
    elif path == "timeout":
        told["answer"] = "either"
        time.sleep(1.6)
        c.tool("network.history")
        told["answer"] = "nothing"
    elif path == "rollback":
        c.confirm(token)
        told["answer"] = "either"
        c.tool("network.rollback", steps=1)
        told["answer"] = "nothing"


def scenario(c, path, told):
    """Every step that can end at the point. told["answer"] is what must hold if the process dies now."""
    told["answer"] = "nothing"
    stage(c)
    if path == "prepare":
        r = c.commit(phase="prepare")
        told["answer"] = "either"
        r = c.tool("network.commit", phase="commit", token=r["token"], confirmed=60)
    else:
        told["answer"] = "either"
        r = c.commit(confirmed=1 if path == "timeout" else 60)
    told["answer"] = "all"
    if path in ("confirm", "abort", "timeout", "rollback"):
        told["answer"] = "either"
        end(c, path, r["token"], told)


hit = {}
mixed = []
wrong = []
died_later = []
restarts = []
for point in points:
    for n in range(RUNS):
        for path in ("confirm", "abort", "prepare", "rollback", "timeout"):
            if hit.get(point, path) != path:
                continue
            subprocess.run(["rm", "-rf", f"{node.state_dir}/netops"], check=True)
            node.start_netops(env={"DEP_FAILPOINT": f"{point}:{n % 3 + 1}"}, wait=False)
            told = {"answer": "nothing"}
            try:
                end_wait = time.monotonic() + 10
                while not node.listens("netops.sock") and node.process["netops"].poll() is None:
                    if time.monotonic() > end_wait:
                        raise TimeoutError("netops.sock")
                    time.sleep(0.005)
                if node.process["netops"].poll() is None:
                    scenario(node.client(), path, told)
            except (OSError, NetworkError):
                pass
            time.sleep(0.05)
            died = node.process["netops"].poll() in (-signal.SIGKILL, -signal.SIGSYS)  # kill(2) is not among its calls
            node.kill("netops")
            begun = time.monotonic()
            node.start_netops()
            restarts.append(time.monotonic() - begun)
            now = set(kernel().values())
            if len(now) > 1:
                mixed.append(f"{point}:{path}: {kernel()}")
            elif told["answer"] != "either" and now != {told["answer"] == "all"} and died:
                wrong.append(f"{point}:{path}: told {told['answer']}, kernel {kernel()}")
            # Back to nothing for the next run.
            c = node.client()
            try:
                for _ in range(3):
                    c.tool("network.rollback", steps=1)
            except NetworkError:
                pass  # nothing (more) to undo
            except OSError as e:
                died_later.append(f"{point}:{path}: {e} {node.process['netops'].poll()}")
            node.kill("netops")
            if any(kernel().values()):
                wrong.append(f"{point}:{path}: rolled back, kernel {kernel()}")
            if died:
                hit[point] = path
                break
missed = [p for p in points if p not in hit]
print(f"# died at {len(hit)} of {len(points)} points; not passed: {' '.join(missed)}")
tap.check(len(hit) >= 40, f"the process died at {len(hit)} different points")
tap.check(not mixed, f"the kernel never has a part of the change {mixed[:3]}")
tap.check(not died_later, f"and it lives on {died_later[:3]}")
tap.check(not wrong, f"and it has what the client was told {wrong[:3]}")
restarts.sort()
print(f"# from start to serving: median {restarts[len(restarts) // 2] * 1000:.0f} ms, most {restarts[-1] * 1000:.0f} ms")
node.close()
tap.end()
