#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""dep operates a node: dep-sys and dep-netops in a namespace of their own, the kernel as the judge. TAP.   dep_node.py DEP"""
import json
import os
import re
import subprocess
import sys
import time

import netops
from dep_shell import Terminal, shell_completes
from netops import Node, Tap, ip_json, own_namespace

DEP = os.path.abspath(sys.argv[1])
V0 = "/ietf-interfaces:interfaces/interface=v0"
tap = Tap()
own_namespace()
netops.ip("link", "add", "v0", "type", "veth", "peer", "name", "w0")
node = Node()
node.start()
ENV = {**node.env, "HOME": node.dir, "PATH": os.path.dirname(DEP) + ":" + os.environ["PATH"]}


def dep(*args, stdin=None):
    return subprocess.run([DEP, *args], input=stdin or "", capture_output=True, text=True, timeout=30, env=ENV)


def says(p, *wanted, code=0):
    good = p.returncode == code and all(w in p.stdout + p.stderr for w in wanted)
    if not good:
        print(f"# status {p.returncode}\n# " + (p.stdout + p.stderr).replace("\n", "\n# "))
    return good


def alias():
    return ip_json("link", "show", "v0")[0].get("ifalias")


def stage():
    p = dep("show", "--depth", "2")
    tap.check(says(p, "ietf-interfaces:interfaces", "interface v0"), "show")
    p = dep("show", V0, "--json")
    tap.check(p.returncode == 0 and "v0" in p.stdout and json.loads(p.stdout), "show --json is JSON")
    # 42 looks like a number, and the leaf wants text.
    p = dep("edit", V0 + "/type=iana-if-type:ethernetCsmacd", "/ietf-interfaces:interfaces/interface[name='v0']/description=42",
            V0 + "/enabled=true")
    tap.check(says(p, "+ /ietf-interfaces:interfaces/interface[name='v0']/description = 42"), "edit shows what is staged")
    tap.check(says(dep("diff"), "+ ", "description = 42") and "\033" not in dep("diff").stdout, "diff, without colour into a pipe")
    tap.check(says(dep("discard"), "discarded") and says(dep("diff"), "nothing is staged"), "discard")
    p = dep("edit", V0 + "/nonsense=1")
    tap.check(says(p, "nonsense", code=1), "what the schema does not know is refused, with its path")
    p = dep("edit", "--file", "-", stdin=json.dumps({"ietf-interfaces:interfaces": {"interface": [
        {"name": "v0", "type": "iana-if-type:ethernetCsmacd", "description": "from a file"}]}}))
    tap.check(says(p, "description = from a file") and says(dep("diff", "--json"), '"op": "create"'), "edit --file")
    tap.check(says(dep("commit", "--dry-run"), "valid") and alias() is None, "commit --dry-run changes nothing")


def commit():
    tap.check(says(dep("commit", "--comment", "first"), "c-000001", "applied") and alias() == "from a file", "commit: the kernel has it")
    tap.check(says(dep("commit"), "nothing to commit"), "nothing more to commit")
    dep("edit", V0 + "/description=on trial")
    p = dep("commit", "--confirmed", "60", "--json")
    token = json.loads(p.stdout).get("token", "") if p.returncode == 0 else ""
    tap.check(len(token) == 22 and alias() == "on trial", "commit --confirmed gives a token")
    dep("edit", V0 + "/description=meanwhile")
    tap.check(says(dep("commit"), "-32087", code=1), "no other commit meanwhile, and why")
    dep("discard")
    tap.check(says(dep("confirm", token), "confirmed") and alias() == "on trial", "confirm")
    dep("edit", V0 + "/description=short")
    token = json.loads(dep("commit", "--confirmed", "1", "--json").stdout)["token"]
    time.sleep(1.3)
    tap.check(alias() == "on trial", "without it the node takes the commit back")
    p = dep("confirm", token)
    tap.check(says(p, "-32086", "Network.ConfirmedCommitTimeout", code=4), "a late confirm is status 4")
    p = dep("confirm", token, "--json")
    tap.check(p.returncode == 4 and json.loads(p.stdout)["error"]["code"] == -32086, "with --json its error is JSON")
    tap.check(says(dep("confirm", token, "--protocol", "2025-11-25"), "-32086", code=4), "the same in a session of 2025-11-25")
    dep("discard")
    dep("edit", V0 + "/description=two steps")
    token = json.loads(dep("commit", "--prepare", "--json").stdout)["token"]
    tap.check(alias() == "on trial", "commit --prepare changes nothing yet")
    tap.check(says(dep("commit", "--token", token), "applied") and alias() == "two steps", "commit --token does")
    dep("edit", V0 + "/description=aborted")
    token = json.loads(dep("commit", "--confirmed", "60", "--json").stdout)["token"]
    tap.check(alias() == "aborted" and says(dep("abort", token)) and alias() == "two steps", "abort")


def look_back():
    p = dep("history")
    tap.check(says(p, "COMMIT", "c-000001", "first"), "history")
    tap.check(says(dep("diff", "--commit", "c-000001"), "+ ", "from a file"), "diff of a commit")
    tap.check(says(dep("rollback")) and alias() == "on trial", "rollback: one step")
    tap.check(says(dep("rollback", "c-000001")) and alias() == "from a file", "rollback to a commit")
    tap.check(says(dep("rollback", "c-999999"), code=1), "rollback to a commit that is not there")
    tap.check(says(dep("rollback", "0"), code=2), "rollback of nothing is misuse")
    tap.check(says(dep("audit", "50"), "network.commit", "ok") and says(dep("audit", "--verify"), "ok true"), "audit, and its proof")
    p = dep("audit", "2", "--json")
    tap.check(p.returncode == 0 and all(json.loads(line)["seq"] for line in p.stdout.splitlines()), "audit --json: a record a line")


def at_a_terminal():
    dep("edit", V0 + "/description=waiting")
    t = Terminal([DEP, "commit", "--confirmed", "30", "--wait"], ENV)
    counting = t.until(r"taken back in 2\d s")
    on_trial = alias() == "waiting"
    t.type("confirm\n")
    code = t.end()
    if code != 0:
        print(f"# {counting} {on_trial} {code} {t.seen!r}")
    tap.check(counting and on_trial and code == 0 and "confirmed" in t.seen and alias() == "waiting", "commit --wait counts down, and is told")
    dep("edit", V0 + "/description=gone")
    t = Terminal([DEP, "commit", "--confirmed", "1", "--wait"], ENV)
    tap.check(t.end() == 4 and alias() == "waiting", "--wait, until time is up: status 4")
    dep("edit", V0 + "/description=coloured")
    t = Terminal([DEP, "diff"], ENV)
    t.end()
    tap.check("\033[32m+ " in t.seen and "\033[31m- " in t.seen, "diff is coloured at a terminal")
    dep("discard")


def completion():
    cases = (("dep show /ietf-interf", "dep show /ietf-interfaces:interfaces"),
             ("dep show /ietf-interfaces:interfaces/interface=v", "/ietf-interfaces:interfaces/interface=v0"),
             ("dep edit " + V0 + "/descr", V0 + "/description"), ("dep rollback c-00000", "dep rollback c-00000"),
             ("dep diff --commit c-000001", "c-000001"), ("dep call network.roll", "dep call network.rollback"))
    for shell in ("bash", "zsh"):
        for line, result in shell_completes(shell, ENV, cases):
            if result is not True:
                print(f"# {result!r}")
            tap.check(result is True, f"{shell} completes {line}")


def watch():
    p = subprocess.Popen([DEP, "watch", "network:///interfaces", "--json"], stdout=subprocess.PIPE, text=True, env=ENV)
    first = p.stdout.readline()
    netops.ip("link", "set", "v0", "alias", "behind its back")
    seen = ""
    while "behind its back" not in seen:
        seen = p.stdout.readline()
        if not seen:
            break
    p.kill()
    p.wait()
    p.stdout.close()
    tap.check(first and "behind its back" in seen, "watch: what the kernel says reaches the terminal")


stage()
commit()
look_back()
at_a_terminal()
completion()
watch()
tap.check(node.kill("netops", 15) == 0, "dep-netops ends in order")
if tap.failed:
    print("# " + node.log().replace("\n", "\n# ")[-3000:])
tap.end()
