#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""dep-l4s and dep l4s in a namespace of their own: settings, links, controls, state, metrics, the live view, and what a
crash leaves. TAP.   l4s_room.py CHECK-STATE"""
import json
import os
import re
import signal
import subprocess
import sys

from dep_shell import Terminal, shell_completes
from l4s import CUBIC, DEP, PRAGUE, PROGRAM, Room, Traffic, addresses, link
from netops import Tap, ip, ip_json, own_namespace, run, wait_for

CHECK = sys.argv[1]
tap = Tap()
own_namespace()
ip("netns", "add", "peer")
room = Room()


def says(p, *wanted, code=0):
    good = p.returncode == code and all(w in p.stdout + p.stderr for w in wanted)
    if not good:
        print(f"# status {p.returncode}\n# " + (p.stdout + p.stderr).replace("\n", "\n# "))
    return good


def fits(lines):
    """What the room said is what its module says."""
    p = subprocess.run([CHECK], input="\n".join(lines) + "\n", capture_output=True, text=True, timeout=30, env=room.env)
    if p.returncode:
        print("# " + p.stderr)
    return p.returncode == 0


def controls():
    with open("/proc/sys/net/ipv4/tcp_available_congestion_control") as f:
        return f.read().split()


def devices():
    return {d["ifname"] for d in ip_json("link", "show")}


def apply(config, **more):
    c = room.counter()
    r = c.ask("config.apply", config={"l4s:l4s": config}, **more)
    c.close()
    return r


def program():
    p = run(PROGRAM, "--help", check=False)
    tap.check(says(p, "--control-suffix", "--check"), "--help")
    tap.check(says(run(PROGRAM, "--control-suffix", "long", check=False), "at most 2", "--help", code=2), "a suffix that is too long: 2")
    tap.check(says(run(PROGRAM, "--bogus", check=False), "--bogus", code=2), "a wrong option: 2")
    bad = f"{room.dir}/bad.json"
    for text, words in (
            ({"link": [{"name": "w", "interface-a": "a"}]}, ("link[name='w']", "needs another end")),
            ({"link": [link(aqm=1)]}, ("aqm",)),
            ({"link": [{**link(), "forward": {"rate": "1000000", "aqm": {"kind": "codel", "interval": "0"}}}]},
             ("/l4s:l4s/link[name='wan']/forward/aqm", "(")),
            ({"controls": {"cubic": {"abe": {"beta-ecn": "1.5"}}}}, ("beta-ecn", "1.5"))):
        with open(bad, "w") as f:
            json.dump({"l4s:l4s": text}, f)
        p = run(PROGRAM, "--config", bad, "--check", check=False, env=room.env)
        tap.check(says(p, *words, code=3), f"a configuration that is not valid: 3, with path and mend: {words[0]}")


def begin():
    room.start({"link": [link()]})
    tap.check(devices() >= {"la", "lb"}, "the link's interfaces are there")
    addresses("peer")
    out = wait_for("a ping", lambda: run("ping", "-nqc3", "-i0.2", "10.1.0.2", check=False).stdout)
    rtt = float(re.search(r"= ([\d.]+)/", out).group(1))
    tap.check(10.0 <= rtt, f"the round trip is that of the link ({rtt} ms)")
    tap.check(says(room.dep("show"), "not loaded, by configuration", "la - lb", "20.0 Mb/s"), "dep l4s show")
    tap.check(says(room.dep("links", "nothing"), "there is no link", code=1), "a link that is not there")
    tap.check(fits([json.dumps({"l4s:l4s": room.state()})]), "the state is that of the module")


def change():
    r = apply({"link": [link(rate=50_000_000)]}, dry_run=True)
    tap.check(r["result"]["applied"] is False and room.link("wan")["direction"][0]["rate"] == "20000000", "a dry run changes nothing")
    before = room.link("wan")["direction"][0]["received"]
    apply({"link": [link(rate=50_000_000)]})
    got = room.link("wan")["direction"][0]
    tap.check(got["rate"] == "50000000" and int(got["received"]) >= int(before) > 0, "a rate is changed in place; counters go on")
    r = apply({"link": [link(rate=30_000_000), link("other", "la", "x1")]})
    tap.check("error" in r and "interface-a" in r["error"]["data"]["where"] and r["error"]["data"]["mend"],
              "two links with an interface of the same name: refused, with path and mend")
    tap.check(room.link("wan")["direction"][0]["rate"] == "50000000" and len(room.state("link-state")["link"]) == 1,
              "and nothing of it was done")
    r = apply({"link": [link(rate=30_000_000), link("other", "lo", "x1")]})
    tap.check("error" in r and room.link("wan")["direction"][0]["rate"] == "50000000", "nor with that of another's interface")
    apply({"link": [link(rate=50_000_000), link("two", "t0", "t1", mode="tun-gso")]})
    tap.check(devices() >= {"t0", "t1"}, "a second link")
    apply({"link": [link(rate=50_000_000)]})
    tap.check(not devices() & {"t0", "t1"}, "and it is gone again")
    apply({"link": [link(rate=20_000_000)]})


def kernel():
    """sch_dualpi2 may be there or not: auto takes what there is, kernel is refused with the reason where there is none."""
    ip("link", "add", "u0", "type", "veth", "peer", "name", "u1")
    ip("link", "set", "u0", "up")
    up = {"name": "up", "uplink": "u0", "forward": {"rate": "10000000"}}
    r = apply({"link": [link(), {**up, "backend": "kernel"}]})
    qdiscs = run("tc", "qdisc", "show", "dev", "u0").stdout
    if "error" in r:
        d = r["error"]["data"]
        tap.check("sch_dualpi2" in d["what"] and d["where"] == "/l4s:l4s/link[name='up']/backend" and "user" in d["mend"],
                  "back end kernel is refused: " + d["what"])
        tap.check("4c34" not in qdiscs, "and nothing of it stays")
    else:
        tap.check(room.link("up")["backend"] == "kernel", "back end kernel works")
        tap.check("4c34" in qdiscs and "dualpi2" in qdiscs, "the queue manager stands on the interface")
    r = apply({"link": [link(), {**up, "forward": {"rate": "10000000", "aqm": {"profile": "rfc"}}}]})
    if "error" in r:
        tap.check(False, "auto falls back to user space: " + r["error"]["data"]["what"])
    else:
        got = room.link("up")
        tap.check(got["backend"] == "user" and got["status"] == "up", "auto takes user space where the kernel cannot")
        tap.check("profile" in got["backend-reason"], "and says why: " + got["backend-reason"])
    apply({"link": [link()]})
    tap.check("4c34" not in run("tc", "qdisc", "show", "dev", "u0").stdout, "nothing stays on the interface")
    uplink()
    # What a crash of the kernel's back end would leave.
    run("tc", "qdisc", "add", "dev", "u0", "root", "handle", "4c34:", "tbf", "rate", "10mbit", "burst", "5kb", "limit", "100kb")
    ip("link", "set", "u1", "up")
    run("tc", "qdisc", "add", "dev", "u1", "root", "handle", "77:", "tbf", "rate", "10mbit", "burst", "5kb", "limit", "100kb")


def uplink():
    ip("link", "add", "p0", "type", "veth", "peer", "name", "p1", "netns", "peer")
    for netns, name, address in ((), "p0", "10.2.0.1/24"), (("-n", "peer"), "p1", "10.2.0.2/24"):
        ip(*netns, "addr", "add", address, "dev", name)
        ip(*netns, "link", "set", name, "up")

    def rtt():
        out = wait_for("a ping", lambda: run("ping", "-nqc3", "-i0.2", "10.2.0.2", check=False).stdout)
        found = re.search(r"= ([\d.]+)/", out)
        return float(found.group(1)) if found else None

    bare = rtt()
    r = apply({"link": [link(), {"name": "up", "uplink": "p0", "backend": "user", "forward": {"rate": "10000000", "delay": "20000"}}]})
    shaped = rtt()
    d = room.link("up")["direction"][0] if "error" not in r else {}
    tap.check(bare < 20 <= shaped and int(d.get("sent", 0)) >= 3, f"an uplink in user space: {bare} ms without, {shaped} ms with it")
    apply({"link": [link()]})
    tap.check(rtt() < 20, "and its way is the old one when it is gone")


def crash():
    before = controls()
    p = room.dep("load", "--cubic", "abe 0.8", "la")
    loaded = p.returncode == 0
    tap.check(says(p, CUBIC.decode(), PRAGUE.decode()), "dep l4s load")
    tap.check({CUBIC.decode(), PRAGUE.decode()} <= set(controls()), "the kernel has both controls")
    tap.check(says(room.dep("show"), "in the kernel, by action", "abe 0.8", "ECT(1) on la"), "show says so, and with what")
    tap.check(says(room.dep("load", "--cubic", "abe 7"), code=1), "parameters that cannot be are refused")
    tap.check(says(room.dep("load", "nope0"), "there is no interface nope0", code=1), "an interface that is not there is refused")
    c = room.counter()
    c.ask("subscribe")
    room.stop(signal.SIGKILL)
    c.close()
    tap.check(wait_for("links to go", lambda: "la" not in devices()), "after kill -9 the interfaces are gone")
    tap.check(wait_for("the controls to go", lambda: controls() == before), "the controls too")
    room.start({"link": [link()]})
    tap.check("4c34" not in run("tc", "qdisc", "show", "dev", "u0").stdout, "the next start removes queues that were left")
    tap.check("77:" in run("tc", "qdisc", "show", "dev", "u1").stdout, "and none of others")
    tap.check(run("tc", "filter", "show", "dev", "u0", "egress").stdout == "", "no program stays at a hook")
    ip("link", "del", "u0")
    addresses("peer")
    return loaded


def measure():
    apply({"controls": {"load": True, "mark-interface": ["la", "later0"]}, "link": [link()]})
    state = room.state("control-state")
    marks = {m["name"]: m for m in state["mark-interface"]}
    tap.check(state["loaded"] and state["by"] == "configuration" and marks["la"]["active"], "controls by the configuration")
    tap.check(not marks["later0"]["active"] and "waited for" in marks["later0"]["reason"], "an interface that is not there is waited for")
    ip("link", "add", "later0", "type", "veth", "peer", "name", "later1")
    tap.check(wait_for("its program", lambda: {m["name"]: m["active"] for m in room.state("control-state")["mark-interface"]}["later0"], 10),
              "and taken when it comes")
    ip("link", "del", "later0")
    t = Traffic("peer", [PRAGUE, CUBIC], 60)
    flows = wait_for("two flows with a rate", lambda: [f for f in room.state("flows").get("flow", []) if int(f.get("rate", 0)) > 100_000]
                     if len(room.state("flows").get("flow", [])) >= 2 else None, 20)
    flows = {f["control"]: f for f in room.state("flows")["flow"]}
    tap.check(set(flows) == {"prague", "cubic"}, "dep-l4s sees both flows")
    wait_for("marks in both queues", lambda: all(int(room.link("wan")["direction"][0][q]["marked"]) > 20 for q in ("l4s", "classic")), 30)
    d = room.link("wan")["direction"][0]
    tap.check(int(d["l4s"]["dropped"]) == 0 and int(d["l4s"]["forwarded"]) > 1000, "Prague goes through the L4S queue without a drop")
    tap.check(float(d["probability-classic"]) <= float(d["probability-l4s"]) <= 1, "probabilities are coupled")
    s = {c["algorithm"]: c for c in room.state("control-state")["control"]}
    tap.check(int(s["prague"]["accecn"]) >= 1 and int(s["cubic"]["accecn"]) + int(s["cubic"]["classic-ecn"]) >= 1, "ECN was negotiated")
    tap.check(int(s["prague"]["rewritten"]) > 1000, "packets of Prague were made ECT(1)")
    tap.check(fits([json.dumps({"l4s:l4s": room.state()})]), "the state with flows is that of the module")
    tap.check(says(room.dep("flows"), "prague", "cubic", "10.1.0.2:5001", "Mb/s"), "dep l4s flows")
    tap.check(len(json.loads(room.dep("flows", "--json").stdout)) >= 2, "dep l4s flows --json")
    tap.check(says(room.dep("links", "wan"), "by the queue manager", "by a full buffer", "p_CL", "late by"), "dep l4s links wan")
    tap.check(says(room.dep("links"), "C P50", "la - lb"), "dep l4s links")
    metrics()
    watch()
    tap.check(says(room.dep("reset", "wan")) and int(room.link("wan")["direction"][0]["classic"]["forwarded"]) < int(d["classic"]["forwarded"]),
              "dep l4s reset")
    t.end()
    tap.check(says(room.dep("unload")) and PRAGUE.decode() not in controls(), "dep l4s unload")
    apply({"link": [link()]})


def metrics():
    text = room.dep("metrics").stdout
    names = set(re.findall(r"^# TYPE (\S+)", text, re.M))
    tap.check({"dep_l4s_queue_delay_seconds", "dep_l4s_probability", "dep_l4s_marked_packets_total", "dep_l4s_lateness_seconds",
               "dep_l4s_reductions_total", "dep_l4s_connections"} <= names, "metrics: the families are there")
    buckets = [(float(le), int(n)) for le, n in re.findall(
        r'queue_delay_seconds_bucket\{link="wan",direction="forward",queue="l4s",le="([^"]+)"\} (\d+)', text)]
    count = int(re.search(r'queue_delay_seconds_count\{link="wan",direction="forward",queue="l4s"\} (\d+)', text).group(1))
    tap.check(len(buckets) > 20 and buckets == sorted(buckets) and buckets[-1] == (float("inf"), count) and count > 1000,
              "the histogram of delay is cumulative and whole")
    bad = [line for line in text.splitlines() if not re.match(r'(# (HELP|TYPE) \S+ |\S+(\{[^}]*\})? [-+.\dinfNa e]+$)', line)]
    tap.check(not bad, f"each line is one of Prometheus {bad[:2]}")
    seen = set()
    last = None
    for name in re.findall(r"^(?!#)([a-z0-9_]+?)(?:_bucket|_sum|_count)?\{", text, re.M):
        if name != last and name in seen:
            tap.check(False, f"samples of {name} are together")
            break
        seen.add(name)
        last = name


def watch():
    p = subprocess.run(["timeout", "3.5", DEP, "l4s", "watch", "--json"], capture_output=True, text=True, timeout=20, env=room.env)
    lines = [json.loads(line) for line in p.stdout.splitlines()]
    tap.check(len(lines) >= 2 and all("time" in x and x["l4s:l4s"]["link-state"]["link"][0]["name"] == "wan" for x in lines),
              "watch --json into a pipe: a line of JSON a second")
    p = subprocess.run(["timeout", "3.5", DEP, "l4s", "watch"], capture_output=True, text=True, timeout=20, env=room.env)
    tap.check("\033" not in p.stdout and re.search(r"wan forward p'=0\.\d+ .*L: .*Mb/s p50<=", p.stdout), "watch into a pipe: text, no escape codes")
    t = Terminal([DEP, "l4s", "watch"], room.env)
    good = t.until("p_CL 0[.]") and t.until("connections: \\d+, by rate") and t.until("[▁▂▃▄▅▆▇█]")
    tap.check(good, "watch on a terminal: probabilities, bars, connections")
    t.type("s")
    tap.check(t.until("by marks", 5), "s sorts by another column")
    t.type("p")
    tap.check(t.until("HELD", 5), "p holds the view")
    t.type("q")
    tap.check(t.until("\033\\[\\?1049l", 5) and t.end() == 0, "q gives the terminal back and ends with 0")


def trouble():
    c = room.counter()
    c.ask("subscribe")
    # Somebody else's hand: the device of the link goes.
    ip("link", "del", "la")
    e = c.event("link-failed")
    tap.check(e and e["data"]["l4s:link-failed"]["link"] == "wan", "a link whose interface is deleted: link-failed")
    tap.check(e and fits(["event " + json.dumps(e["data"])]), "the event is that of the module")
    s = room.link("wan")
    tap.check(s["status"] == "failed" and s["reason"], f"the state says why: {s.get('reason')}")
    tap.check(says(room.dep("show"), "failed"), "so does dep l4s show")
    e = c.event("link-up", 20)
    tap.check(e and room.link("wan")["status"] == "up" and "la" in devices(), "it is made again")
    c.close()


def completion():
    for shell in ("bash", "zsh"):
        for line, seen in shell_completes(shell, {**room.env, "HOME": room.dir, "PATH": os.path.dirname(DEP) + ":" + os.environ["PATH"]}, (
                ("dep l4s rese", "dep l4s reset "), ("dep l4s links wa", "dep l4s links wan "), ("dep l4s load l", "dep l4s load l"),
                ("dep l4s config se", "dep l4s config set "))):
            tap.check(seen is True, f"{shell} completes {line}" + ("" if seen is True else f", not {seen!r}"))


def study():
    p = subprocess.run([DEP, "l4s", "study", "--help"], capture_output=True, text=True, timeout=20,
                       env={**room.env, "PATH": f"{os.environ.get('DEP_BUILD', 'build/release')}/proto/l4s/study:" + os.environ["PATH"]})
    tap.check(says(p, "study"), "dep l4s study starts the study program")


def end():
    tap.check(room.stop() == 0, "SIGTERM ends it with 0")
    tap.check(not devices() & {"la", "lb"} and not any(c.endswith("_t") for c in controls()), "and nothing of it stays")


try:
    program()
    begin()
    change()
    kernel()
    crash()
    measure()
    trouble()
    completion()
    study()
    end()
except Exception as e:
    tap.check(False, f"{type(e).__name__}: {e}")
    print("# " + room.log()[-3000:].replace("\n", "\n# "))
    raise
finally:
    if room.process:
        room.stop(signal.SIGKILL)
tap.end()
