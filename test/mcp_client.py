# SPDX-License-Identifier: BSD-2-Clause
"""Small clients of both eras for tests that look at single messages. Every message that comes is checked against the
schema of its revision; what does not fit is kept in `wrong`."""
import http.client
import json
import select
import socket

from mcp_schema import MODERN, messages_of

META = "io.modelcontextprotocol/"
checkers = {}  # revision: Checker; filled by the test
wrong = []


def checked(message, version, method):
    if version in checkers:
        why = checkers[version].check(message, method)
        if why:
            wrong.append(f"{version} {method}: {why}: {json.dumps(message)[:300]}")
    return message


def post(port, body, headers, timeout=10):
    """Status, headers, messages."""
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    raw = body if isinstance(body, (bytes, str)) else json.dumps(body)
    base = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    base.update(headers)
    c.request("POST", "/mcp", raw.encode() if isinstance(raw, str) else raw, {k: v for k, v in base.items() if v is not None})
    r = c.getresponse()
    head = {k.lower(): v for k, v in r.getheaders()}
    data = r.read()
    c.close()
    return r.status, head, messages_of(head, data)


class Modern:
    def __init__(self, port, token=None, caps=None):
        self.port, self.token, self.caps, self.id = port, token, caps or {}, 0

    def message(self, method, params=None, **meta):
        self.id += 1
        m = {META + "protocolVersion": MODERN, META + "clientCapabilities": self.caps}
        m.update({META + k if k in ("logLevel", "clientInfo") else k: v for k, v in meta.items()})
        return {"jsonrpc": "2.0", "id": self.id, "method": method, "params": {**(params or {}), "_meta": m}}

    def headers(self, message):
        params = message["params"]
        name = params.get("name") or params.get("uri") or params.get("taskId")
        h = {"MCP-Protocol-Version": MODERN, "Mcp-Method": message["method"]}
        if name and message["method"] in ("tools/call", "prompts/get", "resources/read", "tasks/get", "tasks/update",
                                          "tasks/cancel"):
            h["Mcp-Name"] = name
        if self.token:
            h["Authorization"] = "Bearer " + self.token
        return h

    def call(self, method, params=None, **meta):
        """The last message."""
        m = self.message(method, params, **meta)
        status, _, messages = post(self.port, m, self.headers(m))
        self.status, self.messages = status, messages
        for one in messages:
            checked(one, MODERN, method)
        return messages[-1] if messages else {}

    def tool(self, name, arguments=None, **more):
        return self.call("tools/call", {"name": name, "arguments": arguments or {}, **more})

    def events(self, method, params=None):
        """An open stream of events: (connection, response)."""
        m = self.message(method, params)
        return Events(self.port, "POST", {"Content-Type": "application/json",
                                          "Accept": "application/json, text/event-stream", **self.headers(m)}, m, MODERN)


class Events:
    """A stream of events over a connection of its own, read with timeouts."""

    def __init__(self, port, method, headers, body, version):
        self.version, self.data, self.body, self.ended = version, b"", b"", False
        self.sock = socket.create_connection(("127.0.0.1", port), 5)
        lines = [f"{method} /mcp HTTP/1.1", "Host: localhost", *(f"{k}: {v}" for k, v in headers.items())]
        raw = json.dumps(body).encode() if body else b""
        if raw:
            lines.append(f"Content-Length: {len(raw)}")
        self.sock.sendall("\r\n".join([*lines, "", ""]).encode() + raw)
        while b"\r\n\r\n" not in self.data:
            self.data += self.sock.recv(65536) or b"HTTP/1.1 000 lost\r\n\r\n"
        head, _, self.data = self.data.partition(b"\r\n\r\n")
        self.status = int(head.split()[1])
        self.chunked = b"chunked" in head.lower()

    def fill(self, timeout):
        """More of the body; False: the end, or none in time."""
        while not self.ended:
            size, sep, rest = self.data.partition(b"\r\n")
            if self.chunked and sep and len(rest) >= int(size, 16) + 2:
                n = int(size, 16)
                self.body, self.data, self.ended = self.body + rest[:n], rest[n + 2:], n == 0
                return not self.ended
            if not select.select([self.sock], [], [], timeout)[0]:
                return False
            data = self.sock.recv(65536)
            self.ended = not data
            self.data += data
        return False

    def next(self, timeout=3):
        """One event: {id, event, data, retry}; None at the end or after timeout."""
        while True:
            while b"\n\n" in self.body:
                block, _, self.body = self.body.partition(b"\n\n")
                event = {}
                for line in block.decode().split("\n"):
                    if not line.startswith(":"):
                        key, _, value = line.partition(":")
                        event[key] = value.lstrip(" ")
                if event:
                    return event
            if not self.fill(timeout):
                return None

    def message(self, timeout=3):
        e = self.next(timeout)
        return checked(json.loads(e["data"]), self.version, None) if e and e.get("data") else None

    def close(self):
        self.sock.close()


class Legacy:
    def __init__(self, port, version="2025-11-25", token=None, caps=None):
        self.port, self.version, self.token, self.id, self.session = port, version, token, 0, None
        r = self.call("initialize", {"protocolVersion": version, "capabilities": caps or {},
                                     "clientInfo": {"name": "test", "version": "1"}})
        self.initialized = r
        self.session = self.head["mcp-session-id"]
        post(port, {"jsonrpc": "2.0", "method": "notifications/initialized"}, self.headers())

    def headers(self):
        h = {}
        if self.session:
            h = {"Mcp-Session-Id": self.session, "MCP-Protocol-Version": self.version}
        if self.token:
            h["Authorization"] = "Bearer " + self.token
        return h

    def call(self, method, params=None):
        self.id += 1
        m = {"jsonrpc": "2.0", "id": self.id, "method": method, "params": params or {}}
        self.status, self.head, self.messages = post(self.port, m, self.headers())
        for one in self.messages:
            checked(one, self.version, method)
        return self.messages[-1] if self.messages else {}

    def open(self, method, params=None):
        self.id += 1
        m = {"jsonrpc": "2.0", "id": self.id, "method": method, "params": params or {}}
        return Events(self.port, "POST", {"Content-Type": "application/json",
                                          "Accept": "application/json, text/event-stream", **self.headers()}, m, self.version)

    def get(self, last=None):
        h = {"Accept": "text/event-stream", **self.headers()}
        if last:
            h["Last-Event-ID"] = last
        return Events(self.port, "GET", h, None, self.version)

    def delete(self):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        c.request("DELETE", "/mcp", headers=self.headers())
        return c.getresponse().status
