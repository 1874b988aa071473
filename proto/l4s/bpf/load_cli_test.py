#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""TAP: dep-l4s-load as a program over loopback, and what it says of wrong use.

    load_cli_test.py PROGRAM"""
import json
import os
import subprocess
import sys

LOAD = os.path.abspath(sys.argv[1])
n = 0
failed = False


def check(good, what, why=""):
    global n, failed
    n += 1
    failed = failed or not good
    print(f"{'ok' if good else 'not ok'} {n} - {what}")
    if not good:
        print("#", str(why).replace("\n", "\n# "), flush=True)


def load(*args):
    return subprocess.run([LOAD, *args], capture_output=True, text=True, timeout=30, check=False)


def start(*args):
    p = subprocess.Popen([LOAD, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    p.stderr.readline()
    return p


def usage():
    for args, words in (
            (["--frob"], ["--frob", "server, client, udp or receive"]), (["client"], ["--to"]), (["client", "--frob"], ["--frob"]),
            (["client", "--to"], ["--to takes a value"]), (["udp", "--to", "127.0.0.1"], ["--rate 10M"]),
            (["server", "--port", "0"], ["--port", "1 to 65535"]), (["server", "--cc", "averyverylongname"], ["--cc", "15"]),
            (["client", "--to", "127.0.0.1", "--flow", "rate=3"], ["--flow", "cc, count"]),
            (["udp", "--to", "127.0.0.1", "--rate", "1M", "--ecn", "ect3"], ["--ecn", "ect0"])):
        r = load(*args)
        check(r.returncode == 2 and all(w in r.stderr for w in words) and r.stderr.count("\n") == 1,
              f"wrong use: {' '.join(args)}", r.stderr)
    check(load("--help").returncode == 0 and load("--version").stdout.startswith("dep-l4s-load "), "--help, --version")


def failures():
    r = load("client", "--to", "127.0.0.1", "--port", "5971", "--seconds", "2")
    check(r.returncode == 1 and "dep-l4s-load server" in r.stderr and json.loads(r.stdout)["flows"][0]["error"],
          "nobody listens: said with the mend", r.stderr)
    r = load("server", "--cc", "nonesuch", "--port", "5972", "--seconds", "1")
    check(r.returncode == 1 and "nonesuch" in r.stderr and "dep l4s load" in r.stderr, "a control that is not there", r.stderr)
    r = load("server", "--netns", "nowhere", "--seconds", "1")
    check(r.returncode == 1 and "ip netns add nowhere" in r.stderr, "a namespace that is not there", r.stderr)


def traffic():
    server = start("server", "--port", "5973", "--flows", "3", "--seconds", "10")
    r = load("client", "--to", "127.0.0.1", "--port", "5973", "--seconds", "5", "--flow", "cc=reno,count=2,bytes=1M",
             "--flow", "cc=cubic,bytes=500k")
    there = json.loads(server.communicate(timeout=20)[0])["flows"]
    here = json.loads(r.stdout)["flows"]
    check(r.returncode == 0 and sorted(f["cc"] for f in here) == ["cubic", "reno", "reno"], "flows of two controls", r.stderr)
    check(sorted(f["bytes"] for f in there) == [500000, 1000000, 1000000], "every byte arrives", there)
    receiver = start("receive", "--listen", "127.0.0.1", "--port", "5974", "--seconds", "3")
    sent = json.loads(load("udp", "--to", "127.0.0.1", "--port", "5974", "--rate", "1M", "--size", "1000", "--ecn", "ect1",
                           "--seconds", "1").stdout)
    got = json.loads(receiver.communicate(timeout=20)[0])
    check(sent["sent"] > 100 and got["ect1"] == sent["sent"] and not got["ect0"], "datagrams in the class asked for", (sent, got))


usage()
failures()
traffic()
print(f"1..{n}")
sys.exit(failed)
