#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""TAP: the command dep-l4s-sim: reports, grids over worker processes, captures as tshark reads them, refusals.
  command_test.py DEP-L4S-SIM"""
import csv
import io
import json
import os
import subprocess
import sys
import tempfile
import time

SIM = sys.argv[1]
count = 0
failed = False


def ok(good, what, note=""):
    global count, failed
    count += 1
    failed = failed or not good
    print(f"{'ok' if good else 'not ok'} {count} - {what}")
    if not good and note:
        print("\n".join("# " + line for line in str(note).splitlines()[:40]))
    sys.stdout.flush()


def sim(*args, code=0, stdin=None):
    p = subprocess.run([SIM, *args], capture_output=True, text=True, input=stdin, timeout=120)
    if p.returncode != code:
        print(f"# {args}: status {p.returncode}: {p.stderr}")
    return p.stdout if code == 0 else (p.returncode, p.stderr)


BOTH = ["--flow", "cubic abe 0.85", "--flow", "2xprague@10ms", "--rate", "50M", "--time", "10s"]


def reports():
    text = sim(*BOTH)
    ok("ratio prague / cubic abe 0.85:" in text and "p99.9" in text and "packets/s" in text, "a table for a person", text)
    one = sim(*BOTH, "--json")
    doc = json.loads(one)
    ok(len(doc["flows"]) == 3 and doc["ratio"]["of"] == "prague" and doc["ratio"]["to"] == "cubic abe 0.85"
       and 0.3 < doc["ratio"]["value"] < 3, "one JSON document, with both groups of the ratio named", one[:500])
    ok(one == sim(*BOTH, "--json"), "the same bytes again")
    ok(one != sim(*BOTH, "--json", "--seed", "2"), "other bytes with another seed")
    queue = doc["links"][0]["queues"]
    ok(all(sum(n for _, n in q["delay"]["buckets"]) == q["delay"]["n"] == q["forwarded"] for q in queue)
       and [q["queue"] for q in queue] == ["C", "L"], "histograms hold each packet")
    rows = list(csv.DictReader(io.StringIO(sim(*BOTH, "--csv", "-"))))
    ok(len(rows) == 3 and [int(r["bytes"]) for r in rows] == [f["bytes"] for f in doc["flows"]], "CSV: a row a flow")


def series(tmp):
    path = os.path.join(tmp, "samples.csv")
    sim(*BOTH, "--samples", path, "--sample", "10ms", "--warmup", "0")
    rows = list(csv.DictReader(open(path)))
    doc = json.loads(sim(*BOTH, "--json", "--warmup", "0"))
    total = sum(int(r["bytes1"]) for r in rows)
    sim(*BOTH, "--samples", path, "--sample", "10ms")
    ok([r["bytes1"] for r in csv.DictReader(open(path))] == [r["bytes1"] for r in rows], "the end of the warm-up does not show in them")
    ok(len(rows) == 1000 and 0 <= doc["flows"][0]["bytes"] - total < 200000 and int(rows[-1]["cwnd2"]) > 2,
       "samples: a row each 10 ms, whose bytes add up")


def seeds():
    args = [*BOTH, "--seeds", "6", "--json"]
    one = sim(*args, "--jobs", "1")
    ok(one == sim(*args, "--jobs", "3"), "seeds: the same bytes over one worker and over three")
    fig = json.loads(one)["figures"]
    ok(len(fig["ratio"]["values"]) == 6 and fig["ratio"]["from"] < fig["ratio"]["mean"] < fig["ratio"]["to"],
       "a mean with its interval")
    alone = json.loads(sim(*BOTH, "--seed", "3", "--json"))["ratio"]["value"]
    ok(fig["ratio"]["values"][2] == alone, "a run among many is the run alone")
    rows = list(csv.DictReader(io.StringIO(sim("--flow", "cubic", "--flow", "prague", "--time", "3s", "--seeds", "2",
        "--vary", "rate=20M,40M", "--vary", "cc1=cubic,cubic abe 0.85,reno", "--csv", "-"))))
    ok([(r["rate"], r["cc1"]) for r in rows] ==
       [(a, b) for a in ("20M", "40M") for b in ("cubic", "cubic abe 0.85", "reno")]
       and all(float(r["ratio_lo"]) <= float(r["ratio"]) <= float(r["ratio_hi"]) for r in rows)
       and float(rows[0]["rate1_bps"]) < 20e6 < float(rows[3]["rate1_bps"]) + float(rows[3]["rate2_bps"]),
       "a grid: a row a cell", rows)
    rows = list(csv.DictReader(io.StringIO(sim("--flow", "cubic", "--time", "2s", "--vary", "aqm=fifo,dualpi2"))))
    ok(len(rows) == 2 and rows[0]["link1_l_p99_ms"] == "" and rows[1]["link1_l_mean_ms"] != "" and
       rows[0]["ratio"] == "", "what a cell does not have is an empty field")


def tshark(path, *args):
    return subprocess.run(["tshark", "-r", path, *args], capture_output=True, text=True, timeout=120).stdout


def capture(tmp):
    path = os.path.join(tmp, "a.pcapng")
    sim(*BOTH, "--udp", "cbr 1M", "--pcapng", path, "--time", "3s", "--warmup", "0")
    doc = json.loads(sim(*BOTH, "--udp", "cbr 1M", "--json", "--time", "3s", "--warmup", "0"))
    out = tshark(path, "-T", "fields", "-e", "ip.dsfield.ecn", "-e", "frame.comment", "-e", "tcp.srcport", "-e", "udp.srcport",
                 "-e", "tcp.len", "-e", "frame.len", "-e", "tcp.flags.ae", "-o", "tcp.check_checksum:TRUE")
    rows = [line.split("\t") for line in out.splitlines()]
    data = [r for r in rows if r[2] and r[2] != "443"]
    acks = [r for r in rows if r[2] == "443"]
    marked = [r for r in data if "marked" in r[1]]
    ok(len(data) > 5000 and len(acks) > 2000 and any(r[3] for r in rows), "tshark reads data, ACKs and UDP", rows[:5])
    ok(len(marked) == sum(q["marked"] for q in doc["links"][0]["queues"]) > 0
       and all(r[0] == "3" for r in marked) and "sojourn" in marked[0][1],
       "each mark of the queue is a packet with CE and a comment that says why")
    ok({r[0] for r in data} == {"1", "2", "3"} and {r[0] for r in acks} <= {"0", "1", "2"}, "ECN codepoints")
    bad = tshark(path, "-Y", "_ws.malformed or ip.checksum.status == 0 or _ws.expert.severity == error",
                 "-o", "ip.check_checksum:TRUE")
    ok(bad == "", "no packet is malformed", bad)
    lost = tshark(path, "-Y", "tcp.analysis.lost_segment or tcp.analysis.ack_lost_segment")
    ok(len(lost.splitlines()) < len(data) // 100, "sequence numbers are those of a stream", lost)
    opt = tshark(path, "-Y", "tcp.option_kind == 172", "-T", "fields", "-e", "tcp.options")
    ok(len(opt.splitlines()) > 10, "AccECN options (172) are there")
    ace = {r[6] for r in acks}
    ok({"True", "False"} <= ace, "AE is set in some ACKs and not in others", ace)


def refusals():
    for args, words in [
        (["--flow", "cubik"], ["--flow 'cubik'"]),
        (["--rate", "fast", "--flow", "cubic"], ["--rate", "'fast'", "2.5G"]),
        (["--aqm", "dualpi3", "--flow", "cubic"], ["dualpi3"]),
        (["--vary", "speed=1", "--flow", "cubic"], ["speed", "rate, aqm"]),
        (["--vary", "rate", "--flow", "cubic"], ["--vary", "NAME=VALUE"]),
        (["--vary", "rate=1M", "--json", "--flow", "cubic"], ["--json", "--csv"]),
        (["--seeds", "3", "--pcapng", "/dev/null", "--flow", "cubic"], ["one run"]),
        (["--seeds", "0", "--flow", "cubic"], ["--seeds"]),
        (["--flows", "cubic"], ["--flows", "--help"]),
        (["--flow"], ["--flow takes a value"]),
        (["--flow", "cubic form bsd"], ["bsd", "rfc, linux"]),
        (["--flow", "cubic", "--udp", "cbr"], ["--udp", "rate"]),
        ([], ["nothing sends", "--flow cubic"]),
        (["/nonexistent.json"], ["/nonexistent.json", "read"]),
        (["--csv", "/nonexistent/x", "--flow", "cubic", "--time", "1s"], ["/nonexistent/x", "written"]),
        (["--warmup", "2s", "--time", "1s", "--flow", "cubic"], ["warm-up"]),
    ]:
        code, err = sim(*args, code=2)
        ok(code == 2 and all(w in err for w in words) and err.count("\n") == 1, "refused: " + " ".join(args), err)
    code, err = sim("-", code=2, stdin='{"links": [{"rate": "1M", "quality": 3}]}')
    ok(code == 2 and "links[0]" in err and "'quality'" in err and "overhead" in err, "a member that there is not", err)
    out = sim("-", "--rate", "20M", "--time", "2s", "--json",
              stdin='{"links": [{"rate": "10M", "aqm": "pie"}], "flows": [{"cc": "cubic", "rtt": "30ms"}]}')
    doc = json.loads(out)
    ok(doc["links"][0]["rate"] == 20000000 and doc["links"][0]["aqm"] == "pie" and doc["groups"][0]["rtt"] == 30000000,
       "options change what a scenario says")
    for args in (["--time", "1s"], ["--time", "1s", "--json"], ["--time", "1s", "--csv", "-"], ["--time", "1s", "--seeds", "2"]):
        with open("/dev/full", "w") as full:
            p = subprocess.run([SIM, "--flow", "cubic", *args], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
        ok(p.returncode == 2 and "not written" in p.stderr, "a full disk is an error: " + " ".join(args), p.stderr)
    code, err = sim("-", code=2, stdin='{"links": [{}], "\\u001b[2J\\u009b": 1}')
    ok(code == 2 and "'?[2J??'" in err, "no control character of a file reaches the terminal", err)
    ok("Usage: dep-l4s-sim" in sim("--help") and sim("--version").startswith("dep-l4s-sim "), "--help, --version")


def extremes():
    """Loads whose packets are further apart than their periods; queues of hours."""
    text = {"time": "20s", "warmup": "0", "links": [{"rate": "10M", "aqm": "fifo"}], "flows": [{"cc": "cubic"}],
            "loads": [{"kind": "on-off", "rate": "1M", "packet": 9000, "on": "1ms", "off": "1ms"}]}
    doc = json.loads(sim("-", "--json", stdin=json.dumps(text)))
    ok(200 < doc["loads"][0]["sent"] < 3000 and doc["flows"][0]["bytes"] * 8 > 0.6 * 20 * 10e6, "periods shorter than the time between packets",
       str(doc["loads"]))
    text = {"time": "90000s", "links": [{"rate": "1k", "aqm": "fifo"}], "flows": [{"cc": cc} for cc in ("cubic", "prague", "reno")]}
    p = subprocess.run([SIM, "-", "--json"], input=json.dumps(text), capture_output=True, text=True, timeout=120)
    ok(p.returncode == 0 and not p.stderr and json.loads(p.stdout)["flows"][0]["bytes"] > 0, "a round trip of hours", p.stderr)


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        return [int(c) for c in f.read().split()]


def killed():
    p = subprocess.Popen([SIM, *BOTH[:-2], "--time", "10000s", "--seeds", "4", "--jobs", "2"], stdout=subprocess.DEVNULL)
    end = time.monotonic() + 20
    while len(workers := children(p.pid)) < 2 and time.monotonic() < end:
        time.sleep(0.02)
    p.kill()
    p.wait()
    while any(os.path.exists(f"/proc/{w}") and "Z" not in open(f"/proc/{w}/stat").read().rsplit(")", 1)[1].split()[0]
              for w in workers) and time.monotonic() < end:
        time.sleep(0.02)
    ok(len(workers) == 2 and time.monotonic() < end, "kill -9 ends the worker processes, too")


with tempfile.TemporaryDirectory() as tmp:
    reports()
    extremes()
    killed()
    series(tmp)
    seeds()
    capture(tmp)
    refusals()
print(f"1..{count}")
sys.exit(failed)
