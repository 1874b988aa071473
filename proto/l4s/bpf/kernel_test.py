# SPDX-License-Identifier: BSD-2-Clause
"""The controls in the kernel, on the wire between two namespaces: what is negotiated, which codepoint each packet has,
that each mark is counted once, what answers it, and what is left after the holder was killed."""
import json
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kernel_lab import (A4, B4, HOLD, WIRE, Hold, Program, Tap, available, client, ended, have, isolate,  # noqa: E402
                        namespaces, run, server, shape, suffix, sysctl, tcx, transfer, wait_for)

isolate()
tap = Tap()
tail = suffix()
namespaces()
shape()
hold = Hold(tail, "mark", "va@/run/netns/a")
wire = Program(WIRE, "vb", netns="b")
back = Program(WIRE, "va", netns="a")


def timed(f, *args):
    """Prints what each part takes."""
    begin = time.monotonic()
    f(*args)
    print(f"# {f.__name__}: {time.monotonic() - begin:.1f} s", flush=True)


def only(counts, codepoint, retransmitted=0):
    """Classic ECN sends retransmissions as Not-ECT (RFC 3168 §6.1.5); with AccECN Linux makes them ECT, too."""
    others = sum(counts) - counts[codepoint]
    return counts[codepoint] > 0 and (others == 0 or others == counts[0] <= retransmitted)


def negotiation(family, v6, port):
    """Both ends ours: AccECN, each data packet in its class."""
    for cc, want, codepoint in ((hold.prague, "ECT(1)", 1), (hold.cubic, "ECT(0)", 2)):
        port += 1
        sender, _ = transfer(port, cc, cc, v6=v6)
        there, here = wire.ask("show")[str(port)], back.ask("show")[str(port)]
        tap.check(there["syn-flags"] == 7, f"{family} {cc[:-2]}: SYN has AE, CWR, ECE", there)
        tap.check(only(there["syn"], 0), f"{family} {cc[:-2]}: SYN is Not-ECT", there)
        tap.check(here["syn-flags"] == 2, f"{family} {cc[:-2]}: SYN/ACK says AccECN, SYN was Not-ECT", here)
        tap.check(sender["ecn"] == "accecn" and sender["cc"] == cc, f"{family} {cc[:-2]}: AccECN negotiated", sender)
        tap.check(only(there["data"], codepoint), f"{family} {cc[:-2]}: all data packets are {want}", there)
        tap.check(there["data"][codepoint] >= 3000000 // 1448, f"{family} {cc[:-2]}: all of them were seen", there)
        tap.check(there["bad-checksum"] == 0, f"{family} {cc[:-2]}: header checksums are right", there)


def fallbacks(port):
    """Peers that know less."""
    for cc, becomes in ((hold.prague, hold.cubic), (hold.cubic, hold.cubic)):
        port += 1
        sender, _ = transfer(port, cc, "")
        seen = wire.ask("show")[str(port)]
        tap.check(sender["ecn"] == "classic" and sender["cc"] == becomes
                  and only(seen["data"], 2, sender["retransmitted"]),
                  f"{cc[:-2]} to a peer of RFC 3168: Classic ECN, {becomes[:-2]}, ECT(0)", sender, seen)
    sysctl("b", "net.ipv4.tcp_ecn", 0)
    for cc, becomes in ((hold.prague, "reno"), (hold.cubic, hold.cubic)):
        port += 1
        sender, _ = transfer(port, cc, "")
        seen = wire.ask("show")[str(port)]
        tap.check(sender["ecn"] == "none" and sender["cc"] == becomes and only(seen["data"], 0),
                  f"{cc[:-2]} to a peer without ECN: {becomes}, Not-ECT", sender, seen)
    sysctl("b", "net.ipv4.tcp_ecn", 2)
    wire.ask("mark 40")
    sender, _ = transfer(port + 1, hold.cubic, "", what="bytes=12M,seconds=10")
    seen = wire.ask("show")[str(port + 1)]
    back_seen = back.ask("show")[str(port + 1)]
    wire.ask("mark 0")
    tap.check(seen["marked"] > 20 and back_seen["ece"] > 0 and seen["cwr"] > 0,
              "Classic ECN: marks come back as ECE, answered with CWR", seen, back_seen)


def others(port):
    """Sockets that are not Prague's pass the program as they are."""
    sender, _ = transfer(port, "cubic", hold.prague)
    seen = wire.ask("show")[str(port)]
    tap.check(sender["cc"] == "cubic" and only(seen["data"], 0) and seen["syn-flags"] == 0,
              "the kernel's cubic beside it stays Not-ECT", sender, seen)
    sysctl("a", "net.ipv4.tcp_ecn", 1)
    sender, _ = transfer(port + 1, "cubic", hold.prague)
    seen = wire.ask("show")[str(port + 1)]
    sysctl("a", "net.ipv4.tcp_ecn", 2)
    tap.check(sender["ecn"] == "classic" and only(seen["data"], 2, sender["retransmitted"]), "the kernel's cubic with ECN stays ECT(0)", sender,
              seen)


def marks(port):
    """Marks of a program on the way are the sender's delivered_ce, in both controls, one packet or many at once."""
    for segments in (True, False):
        shape(mtu_packets=segments)
        for cc in (hold.prague, hold.cubic):
            port += 1
            wire.ask("mark 50")
            old = hold.stats()
            sender, receiver = transfer(port, cc, cc, what="bytes=30M,seconds=12")
            new = hold.stats()
            wire.ask("mark 0")
            seen = wire.ask("show")[str(port)]
            key = "dep_prague" if cc == hold.prague else "dep_cubic_abe"
            what = f"{cc[:-2]}, {'packets of an MTU' if segments else 'large packets'}"
            tap.check(seen["marked"] > 100, f"{what}: marked {seen['marked']}", seen)
            # Beside losses an ACK of a large packet may hide a wrap of ACE, and the kernel takes the safe guess (RFC 9768 section 3.2.2.5).
            more = sender["delivered-ce"] - seen["marked"]
            guessed = not segments and sender["retransmitted"] > 0 and more in (8, 16)
            tap.check((more == 0 or guessed) and seen["marked"] == receiver["received-ce"],
                      f"{what}: delivered_ce is the number of marks",
                      sender["delivered-ce"], seen["marked"], receiver["received-ce"], sender["retransmitted"])
            cuts = new[key]["ecn"] - old[key]["ecn"]
            tap.check(cuts > 0 and new[key]["unmarked"] == old[key]["unmarked"], f"{what}: marks were answered: {cuts}", old,
                      new)
    shape()


def causes(port):
    """A mark and a loss are told apart."""
    shape(limit="2m")  # room for all that is sent before the first mark: no loss but those that are asked for
    for knob, cause, other in (("mark", "ecn", "loss"), ("drop", "loss", "ecn")):
        port += 1
        wire.ask(f"{knob} 300")
        old = hold.stats()["dep_cubic_abe"]
        transfer(port, hold.cubic, hold.cubic, what="bytes=20M,seconds=12")
        new = hold.stats()["dep_cubic_abe"]
        wire.ask(f"{knob} 0")
        tap.check(new[cause] > old[cause] and new[other] == old[other], f"cuts after '{knob}' are {cause}'s alone", old, new)
    shape()
    wire.ask("mark 211")
    wire.ask("drop 601")
    old = hold.stats()["dep_prague"]
    sender, _ = transfer(port + 1, hold.prague, hold.prague, what="bytes=4M,seconds=4")
    new = hold.stats()["dep_prague"]
    wire.ask("mark 0")
    wire.ask("drop 0")
    tap.check(new["ecn"] > old["ecn"] and new["loss"] > old["loss"], "Prague: both in one connection", old, new)


def timeout(port):
    """Nothing comes through for a while: a timeout is told from a loss."""
    old = hold.stats()["dep_cubic_abe"]
    s = server(port, hold.cubic)
    c = client(port, f"cc={hold.cubic},seconds=2")
    time.sleep(0.5)
    wire.ask("drop 1")
    got = wait_for(lambda: hold.stats()["dep_cubic_abe"]["rto"] > old["rto"], 3)
    wire.ask("drop 0")
    flow = ended(c, 20)["flows"][0]
    ended(s, 20)
    tap.check(got and "error" not in flow, "a timeout is counted as one, and the flow goes on", flow)


def unmarked(port):
    """Where nothing is made ECT(1), Prague answers marks as losses."""
    other = suffix()
    lone = Hold(other)
    wire.ask("mark 100")
    sender, _ = transfer(port, lone.prague, lone.prague, what="bytes=3M,seconds=3")
    wire.ask("mark 0")
    seen, s = wire.ask("show")[str(port)], lone.stats()["dep_prague"]
    tap.check(seen["data"][1] == 0 and s["unmarked"] == s["ecn"] > 0,
              "Prague without the rewriting program answers marks as losses", seen, s)
    code, err = lone.end()
    tap.check(code == 0, "the holder ends by itself", err)
    tap.check(wait_for(lambda: lone.prague not in available()), "and its controls are gone")


def view(port):
    s = server(port, hold.prague)
    c = client(port, f"cc={hold.prague},seconds=2")
    found = []
    wait_for(lambda: found.extend(f for f in hold.ask("flows") if f["remote"] == B4 and f["bytes-acked"] > 0) or found, 3)
    tap.check(bool(found) and found[0]["control"] == "prague" and found[0]["srtt-us"] > 0, "an open flow is in the view",
              found)
    ended(c, 20), ended(s, 20)
    tap.check(wait_for(lambda: hold.stats()["dep_prague"]["open"] == 0), "a closed one is not", hold.stats())


def parameters(port):
    """New ones hold for connections to come."""
    wire.ask("mark 400")
    found = []
    for text, beta in (("cubic abe 0.9", 922), ("cubic abe 0.85", 870)):
        port += 1
        hold.ask(text)
        s = server(port, hold.cubic)
        c = client(port, f"cc={hold.cubic},seconds=2")
        wait_for(lambda: any(f["beta"] == beta for f in hold.ask("flows")), 3)
        found.append([f["beta"] for f in hold.ask("flows") if f["remote"] == B4])
        ended(c, 20), ended(s, 20)
        tap.check(beta in found[-1], f"'{text}': a mark is answered by {beta}/1024", found)
    wire.ask("mark 0")


def route(port):
    run("ip", "-n", "a", "route", "add", B4 + "/32", "dev", "va", "congctl", hold.prague)
    sender, _ = transfer(port, "", hold.prague)
    seen = wire.ask("show")[str(port)]
    run("ip", "-n", "a", "route", "del", B4 + "/32")
    tap.check(sender["cc"] == hold.prague and sender["ecn"] == "accecn" and only(seen["data"], 1),
              "a route gives the control (congctl)", sender, seen)


def by_sysctl(port):
    """Any program, here iperf3, by the namespace's default at both ends."""
    if not have("iperf3"):
        tap.skip("iperf3 by the namespace's default", "iperf3 is not installed")
        return
    for n in ("a", "b"):
        sysctl(n, "net.ipv4.tcp_congestion_control", hold.prague)
    s = subprocess.Popen(["ip", "netns", "exec", "b", "iperf3", "-s", "-1", "-p", str(port)], stdout=subprocess.DEVNULL)
    wait_for(lambda: run("ip", "netns", "exec", "b", "ss", "-Hltn", f"sport = :{port}").stdout.strip() != "")
    r = run("ip", "netns", "exec", "a", "iperf3", "-c", B4, "-p", str(port), "-n", "3M", "-J", check=False)
    s.wait(20)
    for n in ("a", "b"):
        sysctl(n, "net.ipv4.tcp_congestion_control", "reno")
    seen = wire.ask("show")[str(port)]
    tap.check(r.returncode == 0 and seen["syn-flags"] == 7 and only(seen["data"], 1),
              "iperf3 by the namespace's default: AccECN, ECT(1)", seen, r.stdout[-300:])


def cgroup_root():
    for line in open("/proc/self/mounts"):
        f = line.split()
        if f[2] == "cgroup2" and os.access(f[1], os.W_OK):
            return f[1]
    os.makedirs("/run/cgroup2", exist_ok=True)
    return "/run/cgroup2" if run("mount", "-t", "cgroup2", "none", "/run/cgroup2", check=False).returncode == 0 else None


def cgroup(port):
    root = cgroup_root()
    if not root:
        tap.skip("a cgroup gives the control", "no cgroup v2 here")
        return
    path = os.path.join(root, f"l4s-test-{tail}")
    os.mkdir(path)
    procs = os.path.join(path, "cgroup.procs")
    other = suffix()
    lone = Hold(other, "mark", "va@/run/netns/a", "cgroup", f"{path}=dep_prague")
    try:
        enter = ["sh", "-c", f"echo $$ > {procs} && exec \"$@\"", "sh"]
        load = os.path.join(os.path.dirname(HOLD), "dep-l4s-load")
        s = subprocess.Popen([*enter, "ip", "netns", "exec", "b", load, "server", "--listen", B4, "--port", str(port),
                              "--flows", "1", "--seconds", "20"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        s.stderr.readline()
        c = run(*enter, "ip", "netns", "exec", "a", load, "client", "--to", B4, "--port", str(port), "--flow", "bytes=3M",
                "--seconds", "10", check=False)
        sender, _ = json.loads(c.stdout)["flows"][0], ended(s, 25)
        seen = wire.ask("show")[str(port)]
        tap.check(sender["cc"] == lone.prague and sender["ecn"] == "accecn" and only(seen["data"], 1)
                  and seen["syn-flags"] == 7, "a cgroup gives the control, at connect and at listen", sender, seen)
    finally:
        lone.end()
        wait_for(lambda: not open(procs).read())
        os.rmdir(path)


def busy():
    r = run(HOLD, tail, check=False)
    tap.check(r.returncode == 1 and f"by process {hold.p.pid} " in r.stderr, "a name in use says who has it", r.stderr)
    r = run(HOLD, "_toolong", check=False)
    tap.check(r.returncode == 1 and "15 characters" in r.stderr, "a name too long is refused", r.stderr)
    r = run("setpriv", "--bounding-set", "-all", "--inh-caps", "-all", HOLD, suffix(), check=False)
    tap.check(r.returncode == 1 and "CAP_" in r.stderr, "without capabilities it says which", r.stderr)


def killed(how):
    """kill -9: no control, no program, no link."""
    words = ["mark", "va"] if how == "tcx" else ["clsact", "on", "mark", "va"]
    h = Hold(suffix(), *words, netns="a")
    tap.check(h.how == how and len(tcx("a", "va")) >= 1, f"{how}: the program is at the interface", tcx("a", "va"))
    port = 5900 + len(how)
    sender, _ = transfer(port, h.prague, h.prague)
    tap.check(only(wire.ask("show")[str(port)]["data"], 1), f"{how}: data packets are ECT(1)")
    s = server(port + 10, h.prague)
    c = client(port + 10, f"cc={h.prague},bytes=6M,seconds=6")
    wait_for(lambda: h.stats()["dep_prague"]["open"] > 0, 3)
    h.p.send_signal(signal.SIGKILL)
    h.p.wait(10)
    tap.check(wait_for(lambda: h.prague not in available() and h.cubic not in available()),
              f"{how}: after kill -9 the controls are gone, with a socket open", available())
    flow = ended(c, 20)["flows"][0]
    ended(s, 20)
    tap.check("error" not in flow and flow["bytes"] >= 6000000, f"{how}: the open flow ends well", flow)
    ours = [f for f in tcx("a", "va") if f["name"].startswith("l4s_mark")]
    if how == "tcx":
        # the first holder's stays
        tap.check(wait_for(lambda: len([f for f in tcx("a", "va") if f["name"] == "l4s_mark"]) == 1),
                  "tcx: and so is the program", ours)
    else:
        tap.check(any(f["name"].startswith("l4s_mark_tc") for f in ours), "clsact: the filter is left", ours)
        again = Hold(suffix(), "clsact", "on", netns="a")
        left = [f for f in tcx("a", "va") if f["name"].startswith("l4s_mark_tc")]
        tap.check(not left, "clsact: the next holder removes it", left)
        again.end()


timed(negotiation, "IPv4", False, 5200)
timed(negotiation, "IPv6", True, 5210)
timed(fallbacks, 5220)
timed(others, 5230)
timed(marks, 5240)
timed(causes, 5260)
timed(timeout, 5265)
timed(unmarked, 5270)
timed(view, 5280)
timed(parameters, 5290)
timed(route, 5300)
timed(by_sysctl, 5310)
timed(cgroup, 5320)
timed(busy)
timed(killed, "tcx")
timed(killed, "clsact")
code, err = hold.end()
tap.check(code == 0 and not err.strip(), "the holder ends cleanly", err)
tap.check(wait_for(lambda: not Hold.names & set(available())), "none of the controls is left", Hold.names, available())
tap.end()
