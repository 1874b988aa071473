# SPDX-License-Identifier: BSD-2-Clause
"""The official clients against our server: the TypeScript clients of both eras walk through everything (test/npm/walk.mjs),
plain and through TLS with a bearer token; the inspector, strict about schemas, does so by its command line.

mcp_clients.py PROGRAM [ARG...], as for mcp_conformance.py: the fixture.
mcp_clients.py --url URL [OPTIONS of walk.mjs]: what already runs there, and its own tools."""
import os
import re
import subprocess
import sys

from mcp_fixture import NPM, Directory, Fixture, Tap, certificate, node

HERE = os.path.dirname(os.path.abspath(__file__))
INSPECTOR = "node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js"
TOKEN = "walker"
ARGS = ('{"echo":{"x":"a"},"test_sampling":{"prompt":"p"},"test_elicitation":{"message":"m"},'
        '"json_schema_2020_12_tool":{"email":"a"}}')


FIXTURE = ["--args", ARGS, "--fails", "test_error_handling,failing_job,protocol_error_job", "--no-tasks",
           "failing_job,test_tool_with_task"]
CALLS = (("tools/call", "--tool-name", "echo", "--tool-arg", "x=hello"), ("tools/call", "--tool-name", "test_multiple_content_types"),
         ("resources/read", "--uri", "test://static-text"), ("prompts/get", "--prompt-name", "test_simple_prompt"))


def walk(tap, url, how, env, options, least=2):
    run = subprocess.run([node(), os.path.join(HERE, "npm", "walk.mjs"), url, *options], capture_output=True, text=True,
                         timeout=180, env={**os.environ, **env}, check=False)
    lines = 0
    for line in run.stdout.splitlines():
        found = re.match(r"(not ok|ok) \d+ - (.*)", line)
        if found:
            lines += 1
            tap.ok(found[1] == "ok", f"{how}: {found[2]}")
        elif line.startswith("#"):
            print(line)
    tap.ok(run.returncode == 0 and lines > least, f"{how}: walked", run.stderr)


def inspect(tap, url, directory, calls):
    for era in ("legacy", "modern"):
        for method, *more in (("tools/list",), ("resources/list",), ("resources/templates/list",), ("prompts/list",), *calls):
            run = subprocess.run([node(), os.path.join(NPM, INSPECTOR), "--cli", url, "--transport", "http", "--method", method,
                                  "--protocol-era", era, *(["--strict"] if method == "tools/list" else []), *more], capture_output=True, text=True, timeout=60,
                                 cwd=directory, env={**os.environ, "HOME": directory}, check=False)
            tap.ok(run.returncode == 0 and run.stdout.strip().startswith("{"), f"inspector, {era}: {method} {' '.join(more)}",
                   run.stdout[-500:] + run.stderr[-500:])


def main():
    tap = Tap()
    if not NPM or not os.path.exists(os.path.join(NPM, INSPECTOR)):
        tap.missing("official clients", "the npm packages are not there")
        tap.end()
    with Directory() as directory:
        if sys.argv[1] == "--url":
            walk(tap, sys.argv[2], "product", {}, sys.argv[3:])
            inspect(tap, sys.argv[2], directory, ())
            tap.end()
        fixture = Fixture(*sys.argv[1:], "--port", "0")
        walk(tap, f"http://127.0.0.1:{fixture.port}/mcp", "plain", {}, FIXTURE, 90)
        inspect(tap, f"http://127.0.0.1:{fixture.port}/mcp", directory, CALLS)
        tap.ok(fixture.end() == 0, "the server ends with status 0", fixture.errors())
        cert, key = certificate(directory)
        fixture = Fixture(*sys.argv[1:], "--port", "0", "--cert", cert, "--key", key, "--bearer", TOKEN)
        walk(tap, f"https://localhost:{fixture.port}/mcp", "tls+bearer", {"NODE_EXTRA_CA_CERTS": cert},
             ["--token", TOKEN, *FIXTURE], 90)
        tap.ok(fixture.end() == 0, "tls+bearer: the server ends with status 0", fixture.errors())
    tap.end()


main()
