#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""dep as an MCP client: against dep-mcp-fixture (each revision, TLS and a token), the official TypeScript servers, on a
terminal, and its completion in real shells. TAP.   dep_mcp.py DEP FIXTURE"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

from dep_shell import Terminal, shell_completes
from mcp_fixture import DATA, NPM, Fixture, Tap, certificate, node

DEP, FIXTURE = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
REVISIONS = ("2025-06-18", "2025-11-25", "2026-07-28")
tap = Tap()


def dep(*args, env=None, timeout=30):
    e = {**os.environ, "HOME": HOME, **(env or {})}
    return subprocess.run([DEP, *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=e,
                          timeout=timeout)


def good(p, name, want=None):
    return tap.ok(p.returncode == 0 and (want is None or want in p.stdout), name, f"{p.returncode} {p.stdout} {p.stderr}")


def status(p, code, name, want=""):
    return tap.ok(p.returncode == code and want in p.stderr, name, f"{p.returncode} {p.stdout} {p.stderr}")


def each_revision(url):
    for revision in REVISIONS:
        at = ["--node", url, "--protocol", revision]
        p = dep("tools", "--json", *at)
        tools = [t["name"] for t in json.loads(p.stdout)] if p.returncode == 0 else []
        tap.ok(len(tools) > 20 and "test_simple_text" in tools and "echo" in tools, f"{revision}: tools, page by page", p.stderr)
        good(dep("call", "echo", '{"x": "déjà"}', *at), f"{revision}: call", "déjà")
        good(dep("read", "test://static-text", *at), f"{revision}: read", "static text resource")
        status(dep("read", "test://nothing", *at), 1, f"{revision}: a resource that is not there", "test://nothing")
        status(dep("call", "test_error_handling", *at), 1, f"{revision}: a tool that fails", "intentionally")
        status(dep("call", "nothing", *at), 1, f"{revision}: a tool that is not there", "-32602")
        watching = subprocess.Popen([DEP, "watch", "test://watched-resource", *at], stdout=subprocess.PIPE, text=True)
        first = watching.stdout.readline()
        time.sleep(0.5)
        dep("call", "test_trigger_resource_update", *at)
        again = watching.stdout.readline() + watching.stdout.readline()
        watching.kill()
        watching.wait()
        watching.stdout.close()
        tap.ok(first == "Watched\n" and again == "--\nWatched\n", f"{revision}: watch", repr(first + again))
        t = Terminal([DEP, "call", "test_elicitation", '{"message": "Who is it?"}', *at], {"HOME": HOME})
        asked = t.until(r"Who is it\?[\s\S]*\]: ")
        for answer in ("Ann", "a@example.org", "", "", ""):
            t.type(answer + "\n")
            if t.until(r"Send this\?", 1):
                break
        t.type("yes\n")
        told = t.until(r"accept")
        code = t.end()
        tap.ok(asked and told and code == 0, f"{revision}: asks at a terminal", f"{asked} {told} {code} {t.seen}")
    good(dep("call", "test_reconnection", "--node", url, "--protocol", "2025-11-25"), "2025-11-25: a stream that is cut is resumed",
         "another connection")
    good(dep("call", "test_header_tool", json.dumps({"region": "eu"}), "--node", url), "2026-07-28: header fields that a tool wants")


def failures(url):
    status(dep("show", "--node", "http://127.0.0.1:1/mcp"), 3, "a node that does not answer is status 3", "127.0.0.1:1")
    status(dep("show", "--socket", HOME + "/none.sock"), 3, "so is a socket that is not there", "none.sock")
    status(dep("show", "a", "b"), 2, "too many arguments are status 2")
    status(dep("call", "echo", "[]", "--node", url), 1, "arguments that are no object", "JSON object")
    status(dep("call", "echo", "{", "--node", url), 1, "arguments that are no JSON", "line 1")
    status(dep("commit", "--confirmed", "9999"), 2, "a time that is too long", "3600")
    status(dep("commit", "--wait", "--confirmed", "5"), 2, "--wait without a terminal", "terminal")
    status(dep("edit", "/a/b"), 2, "an edit without a value", "PATH=VALUE")
    status(dep("show", "--nonsense"), 2, "an option that is none", "--help")
    status(dep("tools", "--node", "http://example.org/mcp", env={"DEP_TOKEN": "x"}), 3, "no token over plain http", "https")


def with_tls():
    with tempfile.TemporaryDirectory() as d:
        cert, key = certificate(d)
        server = Fixture(FIXTURE, "--cert", cert, "--key", key, "--bearer", "sesame")
        url = f"https://localhost:{server.port}/mcp"
        good(dep("call", "echo", '{"x": "tls"}', "--node", url, "--ca", cert, env={"DEP_TOKEN": "sesame"}), "TLS and a token", "tls")
        status(dep("tools", "--node", url, "--ca", cert, env={"DEP_TOKEN": "wrong"}), 3, "a wrong token is status 3")
        status(dep("tools", "--node", url, env={"DEP_TOKEN": "sesame"}), 3, "a certificate of nobody", "--ca")
        server.end()


def typescript():
    for name, port, era in (("ts-mcp-v1-session", 4003, "2025-11-25"), ("ts-mcp-v2-modern", 4001, "2026-07-28")):
        script = os.path.join(DATA, "netops/bench", name + ".mjs")
        if not NPM or not os.path.exists(script):
            tap.missing(f"{name}", "no npm packages, or no shared data folder")
            continue
        with tempfile.TemporaryDirectory() as d:
            shutil.copy(script, d)
            os.symlink(os.path.join(NPM, "node_modules"), os.path.join(d, "node_modules"))
            server = subprocess.Popen([node(), os.path.join(d, name + ".mjs")], stdout=subprocess.PIPE, text=True)
            up = server.stdout.readline()
            url = f"http://127.0.0.1:{port}/mcp"
            good(dep("call", "echo", '{"x": "hello"}', "--node", url), f"{name}: echo, revision found by itself", "hello")
            p = dep("tools", "--node", url, "--protocol", era)
            tap.ok(p.returncode == 0 and "echo" in p.stdout, f"{name}: {era}", up + p.stderr)
            server.kill()
            server.wait()
            server.stdout.close()


def shells(url):
    env = {"DEP_NODE": url, "HOME": HOME, "PATH": os.path.dirname(DEP) + ":" + os.environ["PATH"]}
    cases = (("dep hist", "dep history "), ("dep roll", "dep rollback "), ("dep commit --conf", "dep commit --confirmed "),
             ("dep show --datas", "dep show --datastore "), ("dep call test_simp", "dep call test_simple_text"),
             ("dep read test://sta", "dep read test://static-"),
             ("dep read --node " + url + " test://watch", "test://watched-resource"))
    for shell in ("bash", "zsh"):
        for line, result in shell_completes(shell, env, cases):
            tap.ok(result is True, f"{shell} completes {line}", repr(result))


with tempfile.TemporaryDirectory() as HOME:
    fixture = Fixture(FIXTURE, "--page-size", "7")
    URL = f"http://127.0.0.1:{fixture.port}/mcp"
    each_revision(URL)
    failures(URL)
    with_tls()
    typescript()
    shells(URL)
    tap.ok(fixture.end() == 0 and "ERROR" not in fixture.errors(), "the fixture ends in order", fixture.errors())
tap.end()
