# SPDX-License-Identifier: BSD-2-Clause
"""Checks what an MCP server sent against the JSON Schemas of the protocol's revisions (in the shared data folder)."""
import json
import os
import re

import jsonschema

RESULTS = {
    "initialize": "InitializeResult", "ping": "EmptyResult", "logging/setLevel": "EmptyResult",
    "tools/list": "ListToolsResult", "tools/call": "CallToolResult", "resources/list": "ListResourcesResult",
    "resources/templates/list": "ListResourceTemplatesResult", "resources/read": "ReadResourceResult",
    "resources/subscribe": "EmptyResult", "resources/unsubscribe": "EmptyResult", "prompts/list": "ListPromptsResult",
    "prompts/get": "GetPromptResult", "completion/complete": "CompleteResult", "server/discover": "DiscoverResult",
    "subscriptions/listen": "SubscriptionsListenResult", "tasks/get": "GetTaskResult", "tasks/list": "ListTasksResult",
    "tasks/cancel": "CancelTaskResult",
}
ERRORS = {-32020: "HeaderMismatchError", -32021: "MissingRequiredClientCapabilityError",
          -32022: "UnsupportedProtocolVersionError"}
MODERN = "2026-07-28"


class Checker:
    """Of one revision."""

    def __init__(self, data, version):
        self.version = version
        with open(os.path.join(data, "netops", "mcp-schema", version + ".schema.json"), encoding="utf-8") as f:
            self.schema = json.load(f)
        self.key = "$defs" if "$defs" in self.schema else "definitions"
        self.defs = self.schema[self.key]
        self.notes = {d["properties"]["method"]["const"]: name for name, d in self.defs.items()
                      if d.get("properties", {}).get("method", {}).get("const")}
        self.made = {}

    def valid(self, name, value):
        if name not in self.made:
            root = {self.key: self.defs, "$ref": f"#/{self.key}/{name}"}
            kind = jsonschema.Draft202012Validator if self.key == "$defs" else jsonschema.Draft7Validator
            self.made[name] = kind(root)
        error = next(iter(self.made[name].iter_errors(value)), None)
        return f"{name}: {error.json_path}: {error.message[:300]}" if error else None

    def result_type(self, method, result):
        kind = result.get("resultType")
        if kind == "input_required":
            return "InputRequiredResult"
        if kind == "task" or (self.version == MODERN and method.startswith("tasks/")):
            return "Result"  # of the extension, which has no schema here
        if "task" in result and self.version == "2025-11-25" and method == "tools/call":
            return "CreateTaskResult"
        if method == "tasks/result":
            return "CallToolResult"
        return RESULTS.get(method, "Result")

    def check(self, message, method=None):
        """method: of the request that message answers. A text that says what is wrong, or None."""
        if "error" in message:
            name = "JSONRPCError" if self.version == "2025-06-18" else "JSONRPCErrorResponse"
            code = message["error"].get("code")
            if self.version == MODERN:
                if code not in ERRORS and -32099 <= code <= -32000:
                    return f"code {code} is not for JSON-RPC errors of this revision"
                name = ERRORS.get(code, name)
            elif code in ERRORS:
                return f"code {code} is of the modern revision"
            return self.valid(name, message)
        if "result" in message:
            return self.valid(self.result_type(method or "", message["result"]), message["result"])
        if "method" in message and not message["method"].startswith("notifications/"):
            if self.version == MODERN:
                return "a request of the server"
            return self.valid(self.notes.get(message["method"], "JSONRPCRequest"), message)
        name = self.notes.get(message["method"])
        if not name and message["method"] != "notifications/tasks":
            return f"{message['method']} is no notification of this revision"
        return self.valid(name, message) if name else None


def sse_messages(body):
    for block in re.split(r"\r?\n\r?\n", body):
        data = [line[5:].lstrip(" ") for line in block.splitlines() if line.startswith("data:")]
        if any(data):
            yield json.loads("\n".join(data))


def messages_of(headers, body):
    """The JSON-RPC messages of one HTTP answer."""
    kind = headers.get("content-type", "")
    text = body.decode("utf-8", "strict")
    if kind.startswith("text/event-stream"):
        return list(sse_messages(text[:text.rfind("\n\n") + 2] if "\n\n" in text else ""))
    return [json.loads(text)] if kind.startswith("application/json") and text else []
