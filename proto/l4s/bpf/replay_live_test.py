# SPDX-License-Identifier: BSD-2-Clause
"""Every call of the controls in the kernel, recorded over live connections with marks and losses, gives the same bytes
in the core that the host's compiler built. 50,000 ACKs; L4S_REPLAY_ACKS in the environment sets another number (10^6)."""
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kernel_lab import Hold, Program, Tap, WIRE, client, ended, isolate, namespaces, run, server, shape, suffix  # noqa: E402

isolate()
tap = Tap()
want = int(os.environ.get("L4S_REPLAY_ACKS", "50000"))
namespaces()
path = "/run/calls"
hold = Hold(suffix(), "mark", "va@/run/netns/a", "record", str(2**31 - 1), *(["file", path] if want <= 100000 else []))
wire = Program(WIRE, "vb", netns="b")

# What the flows of one turn are, and what befalls them.
TURNS = [
    # cubic's parameters, prague's, rate, one of n marked, one of n lost, flows, seconds
    ("cubic abe 0.85", "prague", "1gbit", 1300, 0, 4, 2),
    ("cubic abe 0.85 form rfc", "prague form rfc", "1gbit", 900, 0, 2, 2),
    ("cubic abe 0.8 abe-alpha scale frlossreduce", "prague", "20mbit", 97, 701, 4, 1),
    ("cubic abe adaptive", "prague", "900mbit", 1500, 9000, 2, 2),
    ("cubic abe off start hystart++", "prague no-rtt-independence", "2gbit", 2500, 0, 3, 2),
]
port, turn = 6000, 0
end = time.monotonic() + max(120, want / 1000)
while hold.ask("replay")["acks"] < want and time.monotonic() < end:
    cubic, prague, rate, mark, drop, flows, seconds = TURNS[turn % len(TURNS)]
    turn += 1
    port += 2
    hold.ask(cubic), hold.ask(prague)
    shape(rate, limit="400k", mtu_packets=True)
    wire.ask(f"mark {mark}"), wire.ask(f"drop {drop}")
    seconds *= 1 if want <= 100000 else 4
    what = f"count={flows},seconds={seconds}"
    servers = [server(port, hold.cubic, flows), server(port + 1, hold.prague, flows)]
    clients = [client(port, f"cc={hold.cubic},{what}"), client(port + 1, f"cc={hold.prague},{what}")]
    for p in clients + servers:
        ended(p, 60)
r = hold.ask("replay")
init, ssthresh, state, ack, undo, restart = r["ops"]
print(f"# {r}", flush=True)
tap.check(r["acks"] >= want, f"{r['acks']} ACKs were recorded", r)
tap.check(r["different"] == 0, f"all {r['events']} calls give the same bytes in both", r["first"])
tap.check(r["lost"] == 0 and r["skipped"] == 0, "none was lost on the way", r)
tap.check(init == r["sockets"] and ssthresh > 50 and state > 50 and restart > 0, "every kind of call was among them", r)
code, err = hold.end()
tap.check(code == 0 and not err.strip(), "the holder ends cleanly", err)
tap.end()
