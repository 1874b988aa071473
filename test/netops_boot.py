#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What comes after another boot, a journal cut short, and a full disk, with the real daemons: a pending commit is restored
before the first byte is served, startup is what comes, service goes on. Another boot is another boot_id (bind-mounted) and a
kernel that has forgotten everything. TAP."""
import json
import os
import uuid

from netops import Node, Tap, interface, ip, ip_json, nft_json, drop_icmp, own_namespace, run, static_route, veth_to_peer, wait_for
from netops_users import code, fails, report

tap = Tap()
own_namespace()
veth_to_peer()
node = Node()
BOOT = f"{node.dir}/boot_id"
booted = 0


def boot():
    """The kernel forgets all that netops put into it."""
    global booted
    with open(BOOT, "w") as f:
        f.write(str(uuid.uuid4()) + "\n")
    if booted:
        run("umount", "/proc/sys/kernel/random/boot_id")
    run("mount", "--bind", BOOT, "/proc/sys/kernel/random/boot_id")
    booted += 1
    ip("addr", "flush", "dev", "v0")
    ip("link", "set", "v0", "down")
    run("ip", "link", "set", "v0", "alias", "", check=False)
    run("nft", "delete", "table", "inet", "depanneur", check=False)


def alias():
    return ip_json("link", "show", "v0")[0].get("ifalias")


def addresses():
    return [f"{a['local']}/{a['prefixlen']}" for link in ip_json("addr", "show", "dev", "v0") for a in link["addr_info"] if a["family"] == "inet"]


def routes():
    return {r["dst"] for r in ip_json("route", "show")}


def guarded():
    rules = nft_json("list", "table", "inet", "depanneur")
    return bool(rules) and any("rule" in r and any("drop" in e for e in r["rule"]["expr"]) for r in rules)


def all_ends(sig=9):
    node.kill("netops", sig)
    node.kill("sys", sig)


def all_begins(wait=True):
    node.start_room("sys")
    node.start_netops(wait=wait)
    return node.client()


boot()
c = node.start()
c.edit(interface("v0", "10.9.0.1", description="good"), static_route("203.0.113.0/24", "10.9.0.2"))
c.commit()

# ---- a pending commit and another boot ----
good = c.tool("network.history")["runningHash"]
c.edit(interface("v0", "10.9.0.77", description="bad"), drop_icmp("v0"))
r = c.commit(confirmed=300)
tap.check(alias() == "bad" and guarded(), "a confirmed commit is pending")
all_ends()
boot()
tap.check(addresses() == [] and routes() == set(), "the kernel has forgotten")
node.start_room("sys")
node.start_netops(wait=False)
first = wait_for("the socket", lambda: node.listens("netops.sock") and (alias(), addresses(), guarded()), 15)
tap.check(first == ("good", ["10.9.0.1/24"], False), f"when the first connection is taken the device is as before that commit: {first}")
c = node.client()
tap.check(c.tool("network.history")["runningHash"] == good and "203.0.113.0/24" in routes(), "so is running, and the rest of it is in the kernel")
e = fails(c.confirm, r["token"])
tap.check(e and e.code == -32086 and e.data["rollback"] == "complete", "a confirm then is a late one")
c.edit(interface("v0", "10.9.0.1", description="same boot"))
r = c.commit(confirmed=300)
all_ends()
c = all_begins()
tap.check(alias() == "same boot", "a crash in the same boot leaves it pending")
tap.check(c.confirm(r["token"])["state"] == "confirmed", "to be confirmed")
c.edit(interface("v0", description="prepared"))
p = c.commit(phase="prepare")
all_ends()
c = all_begins()
tap.check(code(c.tool, "network.commit", phase="commit", token=p["token"]) == -32089 and alias() == "same boot", "what was only prepared is aborted")

# ---- startup ----
pulled = json.loads(c.tool("network.file.pull", filename="running-config", format="json")["content"])
startup = json.loads(json.dumps(pulled))
startup["ietf-interfaces:interfaces"]["interface"][0]["description"] = "from startup"
startup["ietf-interfaces:interfaces"]["interface"][0]["ietf-ip:ipv4"]["address"] = [{"ip": "10.9.0.50", "prefix-length": 24}]
c.tool("network.file.push", filename="startup-config", format="json", content=json.dumps(startup))
tap.check(alias() == "same boot" and "from startup" in c.read("network:///file/startup-config"), "startup is set, running stays")
e = fails(c.tool, "network.file.push", filename="startup-config", format="json", content='{"ietf-interfaces:interfaces":{"interface":[{"name":"q"}]}}')
tap.check(e is not None and "from startup" in c.read("network:///file/startup-config"), "an invalid one is refused, and the one before stays")
node.kill("netops")
node.start_netops()
c = node.client()
tap.check(alias() == "same boot" and "from startup" in c.read("network:///file/startup-config"), "a crash in the same boot changes neither")
all_ends()
boot()
c = all_begins()
tap.check(alias() == "from startup" and addresses() == ["10.9.0.50/24"], f"after a boot the device is as startup says {alias()} {addresses()}")
now = json.loads(c.tool("network.file.pull", filename="running-config", format="json")["content"])
tap.check(now == startup, "and so is running")
c.edit(interface("v0", description="later"))
c.commit()
h = c.tool("network.history")["runningHash"]
node.kill("netops")
node.start_netops()
c = node.client()
now = json.loads(c.tool("network.file.pull", filename="running-config", format="json")["content"])
startup["ietf-interfaces:interfaces"]["interface"][0]["description"] = "later"
tap.check(now == startup and c.tool("network.history")["runningHash"] == h, "a crash after that and a commit leads to what was running")
c.edit(interface("v0", description="again"))
tap.check(c.commit()["state"] in ("applied", "confirmed") and alias() == "again", "commits go on")
e = fails(c.tool, "network.rollback", steps=1)
tap.check(e is None and alias() == "later", f"a step back leads to what was before: {e}")
e = fails(c.tool, "network.rollback", steps=5)
now = json.loads(c.tool("network.file.pull", filename="running-config", format="json")["content"])
print("# over the boot:", str(e)[:200], alias(), addresses())
tap.check(e is not None or (alias() == now["ietf-interfaces:interfaces"]["interface"][0].get("description")),
          "a step over the boot is refused, or leads kernel and running to the same")
report(node, tap)

# ---- the end of the journal is lost ----
node2 = Node()
ip("addr", "flush", "dev", "v0")
c = node2.start()
c.edit(interface("v0", "10.9.0.1", description="one"))
c.commit()


def journal():
    d = f"{node2.state_dir}/netops/journal"
    return [os.path.join(d, n) for n in sorted(os.listdir(d))]


def used(path):
    with open(path, "rb") as f:
        return len(f.read().rstrip(b"\0"))


for cut in (1, 3, 17, 64, 300):  # of the audit record, which no sync waits for
    c.edit(interface("v0", description=f"cut {cut}"))
    c.commit()
    node2.kill("netops")
    path = journal()[-1]
    n = used(path)
    os.truncate(path, n - cut)
    r = None
    try:
        node2.start_netops()
    except RuntimeError as e:
        r = str(e)
    if r is None:
        c = node2.client()
        desc = json.loads(c.read("network:///data/running/ietf-interfaces:interfaces/interface=v0/description"))["ietf-interfaces:description"]
        tap.check(desc in (f"cut {cut}", "one") and alias() == desc, f"{cut} bytes cut off: it starts, running and kernel are {desc!r}")
        c.edit(interface("v0", description="one"))
        c.commit()
        tap.check(alias() == "one", "and commits")
    else:
        print("#", r[-300:])
        tap.check("journal" in r or "audit" in r, f"{cut} bytes cut off: it says so and does not start")
        break
report(node2, tap)
node2.close()

# ---- a full disk ----
node3 = Node()
os.makedirs(f"{node3.state_dir}/netops")
run("mount", "-t", "tmpfs", "-o", "size=24m,mode=700", "small", f"{node3.state_dir}/netops")
ip("addr", "flush", "dev", "v0")
c = node3.start()
c.edit(interface("v0", "10.9.0.1", description="room"))
c.commit()
FILL = f"{node3.state_dir}/netops/filler"


def fill():
    with open(FILL, "wb", buffering=0) as f:
        for size in (1 << 20, 4096, 512, 64, 1):
            try:
                while f.write(b"x" * size) == size:
                    pass
            except OSError:
                pass


fill()
n = 0
e = None
while e is None and n < 5000:  # what the journal has set aside is used up
    n += 1
    now = alias()
    c.edit(interface("v0", description=f"{n} " + "y" * 200))
    e = fails(c.commit)
tap.check(e is not None and e.code in (-32603, None) and alias() == now, f"on a full disk commit {n} fails, and the kernel is as before: {str(e)[:160]}")
h = c.tool("network.history")
tap.check(node3.process["netops"].poll() is None and h["commits"][0]["changes"] >= 1 and "v0" in c.read("network:///interfaces"), "service goes on: reading")
e = fails(c.commit)
tap.check(e is not None and alias() == now, "and refuses again")
os.unlink(FILL)
e = fails(c.commit)
tap.check(e is None and alias() == f"{n} " + "y" * 200, f"with room it commits: {str(e)[:200]}")
c.edit(interface("v0", description="trial"))
r = c.commit(confirmed=2)
fill()
wait_for("roll back", lambda: alias() != "trial", 6)
tap.check(True, "the timeout of a confirmed commit restores the kernel on a full disk, too")
os.unlink(FILL)
e = wait_for("idle", lambda: fails(c.confirm, r["token"]), 5)
wait_for("restored", lambda: fails(c.confirm, r["token"]).data.get("rollback") == "complete", 8)
tap.check(e.code == -32086, "and is told by -32086")
c.edit(interface("v0", description="after all"))
e = None
wait_for("commit", lambda: code(c.commit) is None, 10)
tap.check(alias() == "after all", "commits go on with room")
node3.kill("netops")
node3.start_netops()
c = node3.client()
tap.check("after all" in c.read("network:///file/running-config") and c.tool("network.audit.verify")["ok"], "a restart has it all, the audit verifies")
report(node3, tap)
node3.close()
run("umount", f"{node3.state_dir}/netops", check=False)
tap.end()
