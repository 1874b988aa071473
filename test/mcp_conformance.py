# SPDX-License-Identifier: BSD-2-Clause
"""The conformance suite of MCP against our server: both revisions at once on one port; plain, and through TLS with a
bearer token, where all traffic is also checked against the schemas and for codes that the modern revision reserves.

mcp_conformance.py PROGRAM [ARG...]: PROGRAM --port 0 serves the fixture and prints "listening on HOST:PORT"; with
--cert, --key and --bearer over TLS.
mcp_conformance.py --attach PORT [TLS_PORT CERT_FILE TOKEN]: servers that run already."""
import glob
import json
import os
import subprocess
import sys

from mcp_fixture import DATA, NPM, Directory, Fixture, Tap, certificate, node
from mcp_proxy import Proxy
from mcp_schema import Checker, messages_of

SUITE = "node_modules/@modelcontextprotocol/conformance/dist/index.js"
EXPECTED = {"2025-11-25": 33, "2026-07-28": 50}
TOKEN = "a-token-that-only-this-test-knows"


def scenario_results(directory):
    found = {}
    for path in sorted(glob.glob(os.path.join(directory, "*", "checks.json"))):
        name = os.path.basename(os.path.dirname(path))
        name = name.removeprefix("server-").rsplit("-2", 1)[0]
        with open(path, encoding="utf-8") as f:
            found.setdefault(name, []).extend(json.load(f))
    return found


def run_suites(tap, port, directory, how):
    running = {}
    for version in EXPECTED:
        out = os.path.join(directory, how + version)
        running[version] = (out, subprocess.Popen(
            [node(), os.path.join(NPM, SUITE), "server", "--url", f"http://localhost:{port}/mcp", "--requirements", version,
             "-o", out], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=directory))
    for version, (out, process) in running.items():
        try:
            text, _ = process.communicate(timeout=150)
        except subprocess.TimeoutExpired:
            process.kill()
            text, _ = process.communicate()
        results = scenario_results(out)
        for name, checks in results.items():
            bad = [c for c in checks if c["status"] in ("FAILURE", "WARNING")]
            label = f"{version} {how}: {name}"
            if not bad and all(c["status"] == "SKIPPED" for c in checks):
                tap.skip(label, "the suite itself skips it")
            else:
                tap.ok(not bad and checks, label, "\n".join(f"{c['id']}: {c['status']}: {c.get('errorMessage')}" for c in bad))
        tap.ok(process.returncode == 0 and len(results) == EXPECTED[version],
               f"{version} {how}: {EXPECTED[version]} scenarios, exit status 0", text[-2000:])


def check_traffic(tap, proxy):
    checkers = {v: Checker(DATA, v) for v in ("2025-06-18", "2025-11-25", "2026-07-28")}
    wrong, n, modern = [], 0, 0
    for request, body, status, headers, answer in proxy.recorded():
        version = request.get("mcp-protocol-version")
        asked = {}
        try:
            asked = json.loads(body) if body else {}
        except ValueError:
            pass
        meta = (asked.get("params") or {}).get("_meta") or {} if isinstance(asked, dict) else {}
        is_modern = "io.modelcontextprotocol/protocolVersion" in meta or (version or "") >= "2026-07-28"
        checker = checkers["2026-07-28" if is_modern else version if version in checkers else "2025-11-25"]
        for message in messages_of(headers, answer):
            n += 1
            modern += is_modern
            why = checker.check(message, asked.get("method") if message.get("id") == asked.get("id") else None)
            if why:
                wrong.append(f"{request[':line']} {body[:200]!r} -> {why}")
            if request.get("authorization"):
                wrong.append("a token came from the suite")
        if status in (401, 403) and "www-authenticate" not in headers and request.get("host", "").startswith("localhost") \
                and "evil" not in request.get("origin", ""):
            wrong.append(f"{status} without WWW-Authenticate")
    tap.ok(not wrong and modern > 100 and n - modern > 50,
           f"{n} messages of the server, {modern} of them modern, fit the schemas; no reserved codes", "\n".join(wrong[:10]))


class Attached:
    """A server that somebody else started and will end."""

    def __init__(self, port):
        self.port = int(port)

    def end(self):
        return 0

    def errors(self):
        return ""


def servers(directory):
    """Makes (server, certificate, token): the plain one, then the guarded one."""
    if sys.argv[1] == "--attach":
        yield Attached(sys.argv[2]), None, None
        if len(sys.argv) > 5:
            yield Attached(sys.argv[3]), sys.argv[4], sys.argv[5]
        return
    yield Fixture(*sys.argv[1:], "--port", "0"), None, None
    cert, key = certificate(directory)
    yield Fixture(*sys.argv[1:], "--port", "0", "--cert", cert, "--key", key, "--bearer", TOKEN), cert, TOKEN


def main():
    tap = Tap()
    if not NPM or not os.path.exists(os.path.join(NPM, SUITE)):
        tap.missing("conformance suite", "the npm packages are not there")
        tap.end()
    with Directory() as directory:
        for server, cert, token in servers(directory):
            how = "tls+bearer" if cert else "plain"
            proxy = Proxy(server.port, cert, token) if cert else None
            run_suites(tap, proxy.port if proxy else server.port, directory, how)
            rc = server.end()
            tap.ok(rc == 0, f"{how}: the server ends with status 0", server.errors())
            if proxy and os.path.isdir(os.path.join(DATA, "netops")):
                check_traffic(tap, proxy)
            elif proxy:
                tap.missing("recorded traffic", "the shared data folder is not there")
    tap.end()


main()
