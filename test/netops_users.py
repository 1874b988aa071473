# SPDX-License-Identifier: BSD-2-Clause
"""Users of a node for tests: a tokens file, a listener on loopback, NACM groups and rules for them."""
import hashlib
import json
import os
import secrets

from netops import Client, NetworkError

ALL = "network:read network:diagnose network:edit network:commit network:rollback network:audit network:admin"


def rule(name, path=None, access="*", action="permit", module="*", rpc=None):
    r = {"name": name, "module-name": module, "access-operations": access, "action": action}
    if path:
        r["path"] = path
    if rpc:
        r["rpc-name"] = rpc
    return r


def nacm(groups, lists, **leafs):
    """groups: {name: [users]}; lists: [(name, [groups], [rules])], the first that matches counts."""
    return ("merge", "/", {"ietf-netconf-acm:nacm": {
        **leafs, "groups": {"group": [{"name": g, "user-name": u} for g, u in groups.items()]},
        "rule-list": [{"name": n, "group": g, "rule": r} for n, g, r in lists]}})


class Users:
    """users: {name: scopes}. Each gets a token; client(name) is a new client of that user over TCP."""

    def __init__(self, node, users, port=8480):
        self.node = node
        self.port = port
        self.token = {}
        listed = []
        for name, scopes in users.items():
            self.token[name] = secrets.token_urlsafe(24)
            listed.append({"sha256": hashlib.sha256(self.token[name].encode()).hexdigest(), "user": name, "scopes": scopes})
        self.file = f"{node.dir}/tokens.json"
        with open(self.file, "w") as f:
            json.dump({"tokens": listed}, f)
        os.chmod(self.file, 0o600)

    def config(self):
        return ("merge", "/", {"depanneur-netops:netops": {"server": {
            "listen": [{"name": "test", "address": "127.0.0.1", "port": self.port}],
            "authorization": {"tokens-file": self.file}}}})

    def client(self, name, **kw):
        return Client(("127.0.0.1", self.port), token=self.token[name], **kw)


def fails(f, *args, **kw):
    """What NetworkError the call ends with, or None."""
    try:
        f(*args, **kw)
    except NetworkError as e:
        return e
    return None


def code(f, *args, **kw):
    e = fails(f, *args, **kw)
    return e.code if e else None


def report(node, tap):
    """Ends the daemons, which must do so in order and, under sanitizers, without a finding."""
    for name in [n for n in ("netops", "sys") if n in node.process]:
        code_ = node.kill(name, 15)
        with open(f"{node.dir}/{name}.log") as f:
            log = f.read()
        bad = [x for x in ("AddressSanitizer", "LeakSanitizer: detected", "runtime error") if x in log]
        if not tap.check(code_ == 0 and not bad, f"dep-{name} ends in order"):
            at = min((log.find(x) for x in bad), default=max(len(log) - 3000, 0))
            print(f"# {code_}\n# " + log[at:at + 4000].replace("\n", "\n# "))
    if tap.failed:
        print("# " + node.log().replace("\n", "\n# ")[-3000:])
