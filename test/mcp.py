# SPDX-License-Identifier: BSD-2-Clause
"""A small client of the Model Context Protocol, revision 2026-07-28 (and, for late confirms, 2025-11-25), for tests and
for the script that operates the laboratory: over a Unix socket or TCP, with nothing but Python's library. It is not the
client of dep, so that the two check each other."""
import base64
import http.client
import json
import socket

VERSION = "2026-07-28"
META = "io.modelcontextprotocol/"


class NetworkError(Exception):
    """What a tool answered as error: code, name and data as in MCP-NET."""

    def __init__(self, error):
        super().__init__(f"{error.get('code')} {error.get('name', '')}: {error.get('message', '')} "
                         f"{json.dumps(error.get('data', {}))}")
        self.code = error.get("code")
        self.data = error.get("data", {})
        self.error = error


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout=30):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def header_value(text):
    plain = all(0x20 <= ord(c) <= 0x7E for c in text) and text == text.strip() and not text.startswith("=?base64?")
    return text if plain else "=?base64?" + base64.b64encode(text.encode()).decode() + "?="


def sse_messages(body):
    for block in body.replace("\r\n", "\n").split("\n\n"):
        data = [line[5:].lstrip(" ") for line in block.split("\n") if line.startswith("data:")]
        if data and any(data):
            yield json.loads("\n".join(data))


class Client:
    """node: path of a Unix socket, or (host, port)."""

    def __init__(self, node, token=None, answer=None):
        self.node = node
        self.token = token
        self.answer = answer  # f(key, request) -> result of an elicitation
        self.id = 0
        self.connection = None
        self.mirrored = {}
        self.session = None
        self.traffic = []  # every message that the node sent

    def connect(self):
        if isinstance(self.node, str):
            return UnixConnection(self.node)
        return http.client.HTTPConnection(*self.node, timeout=30)

    def post(self, body, headers):
        headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream", **headers}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        for again in (True, False):
            if self.connection is None:
                self.connection = self.connect()
            try:
                self.connection.request("POST", "/mcp", json.dumps(body), headers)
                response = self.connection.getresponse()
                text = response.read().decode()
                break
            except (http.client.HTTPException, ConnectionError, BrokenPipeError):
                self.connection.close()
                self.connection = None
                if not again:
                    raise
        if response.getheader("Content-Type", "").startswith("text/event-stream"):
            messages = list(sse_messages(text))
        else:
            messages = [json.loads(text)] if text else []
        self.traffic += messages
        found = [m for m in messages if m.get("id") == body.get("id")]
        return response, found[-1] if found else None

    # ---- modern ----

    def request(self, method, params):
        self.id += 1
        headers = {"MCP-Protocol-Version": VERSION, "Mcp-Method": method}
        name = params.get("name", params.get("uri", params.get("taskId")))
        if name is not None and method != "completion/complete":
            headers["Mcp-Name"] = header_value(name)
        if method == "tools/call":
            for argument, header in self.mirrored.get(params["name"], {}).items():
                value = params.get("arguments", {}).get(argument)
                if value is not None:
                    text = str(value).lower() if isinstance(value, bool) else str(value)
                    headers[f"Mcp-Param-{header}"] = header_value(text)
        meta = {META + "protocolVersion": VERSION, META + "clientInfo": {"name": "dep-test", "version": "1"},
                META + "clientCapabilities": {"elicitation": {"form": {}}} if self.answer else {}}
        response, message = self.post({"jsonrpc": "2.0", "id": self.id, "method": method,
                                       "params": {**params, "_meta": meta}}, headers)
        if message is None:
            raise NetworkError({"code": response.status, "message": f"HTTP {response.status} {response.reason}"})
        if "error" in message:
            raise NetworkError(message["error"])
        return message["result"]

    def call(self, method, params=None):
        params = params or {}
        now = params
        while True:
            result = self.request(method, now)
            if result.get("resultType") != "input_required":
                return result
            now = {**params, "inputResponses": {key: self.answer(key, request)
                                                for key, request in result.get("inputRequests", {}).items()}}
            if "requestState" in result:
                now["requestState"] = result["requestState"]

    def tools(self):
        found = []
        cursor = None
        while True:
            page = self.call("tools/list", {} if cursor is None else {"cursor": cursor})
            found += page["tools"]
            cursor = page.get("nextCursor")
            if cursor is None:
                break
        for tool in found:
            self.mirrored[tool["name"]] = {argument: schema["x-mcp-header"]
                                           for argument, schema in tool["inputSchema"].get("properties", {}).items()
                                           if isinstance(schema, dict) and "x-mcp-header" in schema}
        return found

    def tool(self, name, **arguments):
        if not self.mirrored:
            self.tools()
        result = self.call("tools/call", {"name": name, "arguments": arguments})
        if result.get("isError"):
            error = (result.get("structuredContent") or {}).get("error")
            raise NetworkError(error or {"message": result["content"][0].get("text", "")})
        return result.get("structuredContent")

    def read(self, uri):
        return self.call("resources/read", {"uri": uri})["contents"][0]["text"]

    # ---- the network's tools ----

    def edit(self, *edits, candidate="test"):
        """Each edit: (operation, path[, value])."""
        listed = [{"operation": e[0], "path": e[1], **({"value": e[2]} if len(e) > 2 else {})} for e in edits]
        return self.tool("network.yang.edit", target="candidate", candidate=candidate, edit=listed)

    def commit(self, candidate="test", **arguments):
        return self.tool("network.commit", candidate=candidate, **arguments)

    def confirm(self, token):
        return self.tool("network.commit", phase="confirm", token=token)

    # ---- legacy ----

    def legacy(self, method, params=None, version="2025-11-25"):
        if self.session is None:
            self.id += 1
            response, message = self.post({"jsonrpc": "2.0", "id": self.id, "method": "initialize", "params": {
                "protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "dep-test", "version": "1"}}}, {})
            self.session = {"MCP-Session-Id": response.getheader("MCP-Session-Id"), "MCP-Protocol-Version": version}
            self.post({"jsonrpc": "2.0", "method": "notifications/initialized"}, self.session)
        self.id += 1
        return self.post({"jsonrpc": "2.0", "id": self.id, "method": method, "params": params or {}}, self.session)[1]
