# SPDX-License-Identifier: BSD-2-Clause
"""The MCP server on the wire, beyond what the conformance suite looks at: the order of checks, headers at extreme sizes,
sealed texts, sessions and resumption, isolation of subscriptions, tasks over kill -9, stdio. Every message that comes
is checked against the schemas.

mcp_wire.py PROGRAM [ARG...], as for mcp_conformance.py."""
import http.client
import json
import os
import select
import subprocess
import sys
import time

from mcp_client import META, Events, Legacy, Modern, checked, checkers, post, wrong
from mcp_fixture import DATA, Directory, Fixture, Tap
from mcp_schema import MODERN, Checker

PROGRAM = sys.argv[1:]
TASKS = {"extensions": {META + "tasks": {}}}
TOKEN = "secret-of-the-test"
tap = Tap()


def text_of(message):
    return (message.get("result", {}).get("content") or [{}])[0].get("text", "")


def code_of(message):
    return message.get("error", {}).get("code")


# ---- the order of checks (spec §2.6) ----

def order_of_checks(port):
    client = Modern(port, TOKEN)

    def meta(m):
        return m["params"]["_meta"]

    faults = [  # name, change of (headers, message), HTTP status, code
        ("Origin", lambda h, m: h.update({"Origin": "http://evil.example.com"}), 403, -32600),
        ("Content-Type", lambda h, m: h.update({"Content-Type": "text/plain"}), 415, -32600),
        ("shape", lambda h, m: m.update({"jsonrpc": "1.0"}), 400, -32600),
        ("_meta", lambda h, m: meta(m).pop(META + "clientCapabilities"), 400, -32602),
        ("version header", lambda h, m: h.update({"MCP-Protocol-Version": "2027-01-01"}), 400, -32020),
        ("version", lambda h, m: (meta(m).update({META + "protocolVersion": "v999.0.0"}),
                                  h.update({"MCP-Protocol-Version": "v999.0.0"}) if h["MCP-Protocol-Version"] == MODERN
                                  else None), 400, -32022),
        ("Mcp-Method", lambda h, m: h.update({"Mcp-Method": "TOOLS/CALL"}), 400, -32020),
        ("method", lambda h, m: (m.update({"method": "no/such"}),
                                 h.update({"Mcp-Method": "no/such"}) if h["Mcp-Method"] == "tools/call" else None), 404, -32601),
        ("Mcp-Name", lambda h, m: h.update({"Mcp-Name": "other"}), 400, -32020),
        ("authorization", lambda h, m: h.pop("Authorization"), 401, -32600),
        ("Mcp-Param", lambda h, m: h.update({"Mcp-Param-Region": "other"}), 400, -32020),
        ("params", lambda h, m: (m["params"].update({"arguments": [1]})), 200, -32602),
    ]
    bad = []
    for i, first in enumerate(faults):
        for second in [None, *faults[i + 1:]]:
            # A tool that one may not see has no headers to check.
            if second and first[0] == "Mcp-Param" and second[0] == "params":
                continue
            m = client.message("tools/call", {"name": "test_header_tool", "arguments": {"region": "eu"}})
            h = {**client.headers(m), "Mcp-Param-Region": "eu"}
            if first[0] == "params":
                h.pop("Mcp-Param-Region")
            for fault in (first, second):
                if fault:
                    fault[1](h, m)
            status, head, messages = post(port, m, h)
            got = (status, code_of(messages[0]) if messages else None)
            same_id = first[0] in ("Origin", "Content-Type") or (messages and messages[0].get("id") == m["id"])
            if got != (first[2], first[3]) or not same_id:
                bad.append(f"{first[0]} with {second and second[0]}: {got}, {messages}")
            if status == 401 and "www-authenticate" not in head:
                bad.append("401 without WWW-Authenticate")
    tap.ok(not bad, f"order of checks: {len(faults)} faults, each before every later one", "\n".join(bad))
    status, _, messages = post(port, b"{", {"MCP-Protocol-Version": MODERN})
    tap.ok(status == 400 and code_of(messages[0]) == -32700 and "id" not in messages[0], "no JSON: -32700 without id", messages)


def shapes(port):
    client = Modern(port)
    good = client.message("tools/list")
    bad = []
    cases = {
        "batch": [good], "null id": {**good, "id": None}, "fraction id": {**good, "id": 1.5}, "array params": {**good, "params": []},
        "no jsonrpc": {k: v for k, v in good.items() if k != "jsonrpc"}, "method number": {**good, "method": 5},
        "result and method": {**good, "result": {}},
    }
    for name, m in cases.items():
        status, _, messages = post(port, m, client.headers(good))
        if status != 400 or code_of(messages[0]) != -32600:
            bad.append(f"{name}: {status} {messages}")
    twice = json.dumps(good)[:-1] + ',"method":"tools/call"}'
    status, _, messages = post(port, twice, client.headers(good))
    if status != 400 or code_of(messages[0]) != -32600:
        bad.append(f"two methods: {status} {messages}")
    for text in (b"", b"\xff\xfe", b"[" * 100000, b'{"a":' * 70 + b"1" + b"}" * 70):
        status, _, messages = post(port, text, client.headers(good))
        if status != 400 or code_of(messages[0]) != -32700:
            bad.append(f"{text[:20]}: {status} {messages}")
    tap.ok(not bad, "malformed messages: -32600 and -32700", "\n".join(bad))


# ---- headers ----

def headers_and_sizes(port):
    client = Modern(port)
    bad = []
    for size in (0, 10, 900_000):
        for region, header, right in (("eu", "eu", True), ("eu", "us", False), ("eu", None, False), (None, None, True),
                                      (None, "eu", False), ("Hello, 世界", "=?base64?SGVsbG8sIOS4lueVjA==?=", True),
                                      (" padded ", "=?base64?IHBhZGRlZCA=?=", True),
                                      ("line1\nline2", "=?base64?bGluZTEKbGluZTI=?=", True),
                                      ("=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?=", True),
                                      ("eu", "=?base64?ZXU?=", False), ("eu", "=?BASE64?ZXU=?=", False),
                                      ("eu", "=?base64?Z X=?=", False), ("eu", "  eu\t", True)):
            arguments = {"pad": "x" * size}
            if region is not None:
                arguments["region"] = region
            m = client.message("tools/call", {"name": "test_header_tool", "arguments": arguments})
            h = client.headers(m)
            if header:
                h["Mcp-Param-Region"] = header
            status, _, messages = post(port, m, h)
            if (status == 200) != right or (not right and code_of(messages[0]) != -32020):
                bad.append(f"{size} {region!r} {header!r}: {status} {messages}")
        for name, value in (("Mcp-Method", None), ("Mcp-Method", "Tools/Call"), ("Mcp-Name", None), ("Mcp-Name", "ECHO"),
                            ("MCP-Protocol-Version", None)):
            m = client.message("tools/call", {"name": "echo", "arguments": {"x": "x" * size}})
            h = client.headers(m)
            h[name] = value
            status, _, messages = post(port, m, h)
            if status != 400 or code_of(messages[0]) != -32020:
                bad.append(f"{size} {name} {value}: {status} {messages}")
    for name in ("MCP-Protocol-Version", "Mcp-Method", "Mcp-Name", "Mcp-Param-Region"):
        m = client.message("tools/call", {"name": "test_header_tool", "arguments": {"region": "eu"}})
        h = {**client.headers(m), "Mcp-Param-Region": "eu", "Content-Type": "application/json", "Connection": "close",
             "Accept": "application/json, text/event-stream"}
        h[name.lower()] = h[name]
        e = Events(port, "POST", h, m, MODERN)
        if e.status != 400:
            bad.append(f"two {name}: {e.status}")
        e.close()
    m = client.message("tools/call", {"name": "echo", "arguments": {"x": "y" * (1 << 20)}})
    status, _, _ = post(port, m, client.headers(m))
    if status != 413:
        bad.append(f"more than 1 MiB: {status}")
    tap.ok(not bad, "mirrored headers, small and large bodies, base64 sentinel", "\n".join(bad))


def hosts(port):
    client = Modern(port)
    bad = []
    for name, value, good in (("Host", "evil.example.com", False), ("Host", "localhost.evil.com", False), ("Host", "[::1]:80", True),
                              ("Host", "LOCALHOST:1", True), ("Host", "127.0.0.1.evil.com", False), ("Origin", "null", False),
                              ("Origin", "http://localhost:1234", True), ("Origin", "http://[::1]:5", True),
                              ("Origin", "http://localhost@evil.com", False), ("Origin", "http://localhost:12x", False),
                              ("Origin", "https://evil.example.com", False)):
        m = client.message("server/discover")
        status, _, _ = post(port, m, {**client.headers(m), name: value})
        if (status == 200) != good or (not good and status != 403):
            bad.append(f"{name}: {value}: {status}")
    tap.ok(not bad, "Host and Origin", "\n".join(bad))


# ---- sealed texts ----

def sealed(port):
    caps = {"elicitation": {}}
    a, b = Modern(port, TOKEN, caps), Modern(port, TOKEN + ".other", caps)
    name = "test_input_required_result_request_state"
    answers = {"confirm": {"action": "accept", "content": {"ok": True}}}

    def state():
        return a.tool(name)["result"]["requestState"]

    bad = []
    s = state()
    for i in range(3, len(s), 7):
        flipped = s[:i] + ("A" if s[i] != "A" else "B") + s[i + 1:]
        if code_of(a.tool(name, inputResponses=answers, requestState=flipped)) != -32602:
            bad.append(f"byte {i} flipped")
    for what, r in (("cut", a.tool(name, inputResponses=answers, requestState=s[:-2])),
                    ("another principal", b.tool(name, inputResponses=answers, requestState=s)),
                    ("other arguments", a.tool(name, {"x": 1}, inputResponses=answers, requestState=s)),
                    ("another tool", a.tool("test_input_required_result_tampered_state", inputResponses=answers, requestState=s)),
                    ("no text", a.tool(name, inputResponses=answers, requestState=5))):
        if code_of(r) != -32602:
            bad.append(f"{what}: {r}")
    if "state-ok" not in text_of(a.tool(name, inputResponses=answers, requestState=s)):
        bad.append("the right one is refused")
    if code_of(a.tool(name, inputResponses=answers, requestState=s)) != -32602:
        bad.append("it can be used twice")
    tap.ok(not bad, "requestState: every change, other principals, arguments, tools and replays are refused", "\n".join(bad))


def pages(program):
    fixture = Fixture(*program, "--port", "0", "--page-size", "5", "--bearer", TOKEN)
    a, b = Modern(fixture.port, TOKEN), Modern(fixture.port, TOKEN + ".other")
    names, cursor, bad = [], None, []
    while True:
        r = a.call("tools/list", {"cursor": cursor} if cursor else {})["result"]
        names += [t["name"] for t in r["tools"]]
        cursor = r.get("nextCursor")
        if not cursor:
            break
        last = cursor
    if names != sorted(names) or len(set(names)) != len(names) or len(names) < 30:
        bad.append(f"pages: {names}")
    for what, r in (("changed", a.call("tools/list", {"cursor": last[:-1] + ("A" if last[-1] != "A" else "B")})),
                    ("empty", a.call("tools/list", {"cursor": ""})), ("number", a.call("tools/list", {"cursor": 3})),
                    ("of another list", a.call("prompts/list", {"cursor": last})),
                    ("another principal's", b.call("tools/list", {"cursor": last}))):
        if code_of(r) != -32602:
            bad.append(f"{what}: {r}")
    tap.ok(not bad and fixture.end() == 0, "pages in order; cursors that are not ours are refused", "\n".join(bad))


# ---- sessions and streams ----

def sessions(port):
    bad = []
    a = Legacy(port, token=TOKEN)
    if not 22 <= len(a.session) <= 64 or len({Legacy(port, token=TOKEN).session for _ in range(20)}) != 20:
        bad.append("session ids")
    other = Legacy.__new__(Legacy)
    other.__dict__.update(a.__dict__, token=TOKEN + ".other")
    other.call("ping")
    if other.status != 404:
        bad.append(f"another principal's session: {other.status}")
    a.call("ping")
    if a.status != 200:
        bad.append("own session")
    m = {"jsonrpc": "2.0", "id": 9, "method": "ping"}
    auth = {"Authorization": "Bearer " + TOKEN}
    for what, h, expected in (("none", auth, 400), ("unknown", {**auth, "Mcp-Session-Id": "x" * 22}, 404),
                              ("bad version", {**a.headers(), "MCP-Protocol-Version": "2024-11-05"}, 400),
                              ("no version", {"Mcp-Session-Id": a.session, **auth}, 200)):
        status, _, _ = post(port, m, h)
        if status != expected:
            bad.append(f"{what}: {status}")
    if a.delete() not in (200, 204) or a.delete() != 404:
        bad.append("DELETE")
    a.call("ping")
    if a.status != 404:
        bad.append(f"after DELETE: {a.status}")
    tap.ok(not bad, "sessions: unguessable, bound to their principal, ended by DELETE", "\n".join(bad))
    # Eras do not mix.
    bad = []
    client = Modern(port, TOKEN)
    init = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    m = client.message("initialize", init)
    status, _, messages = post(port, m, client.headers(m))
    if (status, code_of(messages[0])) != (404, -32601):
        bad.append(f"initialize with modern headers: {status} {messages}")
    b = Legacy(port, token=TOKEN)
    m = client.message("tools/list")
    status, head, messages = post(port, m, {**client.headers(m), "Mcp-Session-Id": b.session})
    if status != 200 or "resultType" not in messages[0]["result"] or "mcp-session-id" in head:
        bad.append("a modern request with a session")
    m["params"]["_meta"][META + "protocolVersion"] = "2031-01-01"
    status, _, messages = post(port, m, {**client.headers(m), "MCP-Protocol-Version": "2031-01-01"})
    if code_of(messages[0]) != -32022:
        bad.append(f"a future version: {messages}")
    c = http.client.HTTPConnection("127.0.0.1", port)
    c.request("GET", "/mcp", headers={"Accept": "text/event-stream", "MCP-Protocol-Version": MODERN, **auth})
    if c.getresponse().status != 405:
        bad.append("GET in the modern era")
    tap.ok(not bad, "eras do not mix on the endpoint", "\n".join(bad))


def resumption(port):
    bad = []
    s = Legacy(port)
    one, two = s.open("tools/call", {"name": "test_reconnection"}), s.open("tools/call", {"name": "test_reconnection"})
    ids = []
    for e in (one, two):
        first, retry, end = e.next(), e.next(), e.next()
        if not first or first.get("data") != "" or "id" not in first or not retry or "retry" not in retry or end:
            bad.append(f"priming: {first} {retry} {end}")
        ids.append(first["id"])
    time.sleep(0.2)
    for wanted, last in ((s.id - 1, ids[0]), (s.id, ids[1])):
        e = s.get(last)
        m = e.message()
        if not m or m.get("id") != wanted or e.message(1):
            bad.append(f"resumed: {m}")
    again = s.get(ids[0]).message()
    if not again or again.get("id") != s.id - 1:
        bad.append("it is not kept for who lost it twice")
    for last in ("99.1", "x", "1", "1.x", "-1.2"):
        if s.get(last).status != 400:
            bad.append(f"Last-Event-ID {last}")
    # To lose the connection is not to cancel.
    e = s.open("tools/call", {"name": "test_tool_with_logging"})
    first = e.next()
    e.close()
    time.sleep(0.3)
    e = s.get(first["id"])
    rest = [e.message(), e.message(), e.message(), e.message()]
    if [m.get("method") or "answer" for m in rest if m] != ["notifications/message"] * 3 + ["answer"]:
        bad.append(f"after a lost connection: {rest}")
    general = s.get()
    if s.get().status != 409:
        bad.append("two general streams")
    general.close()
    old = Legacy(port, "2025-06-18")
    e = old.open("tools/call", {"name": "test_tool_with_logging"})
    first = e.next()
    if not first or not first.get("data"):
        bad.append(f"2025-06-18 got a priming event: {first}")
    tap.ok(not bad, "streams: priming, retry, replay of this stream only, work goes on without a connection", "\n".join(bad))


def cancellation(port):
    s = Legacy(port)
    start = time.time()
    e = s.open("tools/call", {"name": "test_sampling", "arguments": {"prompt": "x"}})
    e.close()
    e = s.open("tools/call", {"name": "slow_compute", "arguments": {"seconds": 2}})
    post(port, {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": s.id}}, s.headers())
    first = e.next(3)
    e.close()
    alive = s.call("ping")
    tap.ok(alive.get("result") == {} and (first is None or not first.get("data") or "result" not in first["data"]),
           f"a cancelled request is not answered ({time.time() - start:.1f} s)", first)


# ---- subscriptions ----

def subscriptions(port):
    bad = []
    client = Modern(port)
    client.id = 40
    watch = client.events("subscriptions/listen", {"notifications": {"resourceSubscriptions": ["test://watched-resource",
                                                                                               "test://static-text", "no:such"]}})
    lists = client.events("subscriptions/listen", {"notifications": {"toolsListChanged": True}})
    legacy = Legacy(port)
    legacy.call("resources/subscribe", {"uri": "test://watched-resource"})
    other = Legacy(port)
    get, get_other = legacy.get(), other.get()
    for e, ident, honoured in ((watch, 41, {"resourceSubscriptions": ["test://watched-resource"]}),
                               (lists, 42, {"toolsListChanged": True, "resourceSubscriptions": []})):
        ack = e.message()
        if ack["method"] != "notifications/subscriptions/acknowledged" or ack["params"]["notifications"] != honoured or \
                ack["params"]["_meta"][META + "subscriptionId"] != ident:
            bad.append(f"acknowledged: {ack}")
    Modern(port).tool("test_trigger_resource_update")
    Modern(port).tool("test_trigger_tool_change")
    m = watch.message()
    if not m or m["method"] != "notifications/resources/updated" or m["params"] != {
            "_meta": {META + "subscriptionId": 41}, "uri": "test://watched-resource"}:
        bad.append(f"updated: {m}")
    m = lists.message()
    if not m or m["method"] != "notifications/tools/list_changed" or m["params"]["_meta"][META + "subscriptionId"] != 42:
        bad.append(f"list_changed: {m}")
    got = [get.message(), get.message()]
    if [x and x["method"] for x in got] != ["notifications/resources/updated", "notifications/tools/list_changed"]:
        bad.append(f"legacy: {got}")
    m = get_other.message()
    if not m or m["method"] != "notifications/tools/list_changed":
        bad.append(f"a session that did not subscribe: {m}")
    for name, e in (("watch", watch), ("lists", lists), ("legacy", get), ("other", get_other)):
        extra = e.message(0.3)
        if extra:
            bad.append(f"{name} got more: {extra}")
    legacy.call("resources/unsubscribe", {"uri": "test://watched-resource"})
    Modern(port).tool("test_trigger_resource_update")
    if get.message(0.3):
        bad.append("after unsubscribe")
    if not watch.message():
        bad.append("the other subscription ended too")
    Modern(port).tool("test_trigger_tool_change")
    for e in (watch, lists, get, get_other):
        e.close()
    tap.ok(not bad, "subscriptions: acknowledged first, own ids, nothing that was not asked for", "\n".join(bad))
    return bad


def graceful_end(program):
    fixture = Fixture(*program, "--port", "0")
    e = Modern(fixture.port).events("subscriptions/listen", {"notifications": {"toolsListChanged": True}})
    e.message()
    fixture.process.terminate()
    last = e.next()
    good = last and json.loads(last["data"]).get("result", {}).get("_meta", {}).get(META + "subscriptionId") == 1
    if good:
        checked(json.loads(last["data"]), MODERN, "subscriptions/listen")
    tap.ok(good and not e.next() and fixture.process.wait(10) == 0, "a subscription ends with its result when the server ends", last)


# ---- tasks ----

def wait_task(client, task, status, seconds=5):
    end = time.time() + seconds
    while time.time() < end:
        r = client.call("tasks/get", {"taskId": task}).get("result", {})
        if r.get("status") == status:
            return r
        time.sleep(0.05)
    return r


def tasks(program, directory):
    bad = []
    where = os.path.join(directory, "tasks")
    args = [*program, "--port", "0", "--task-dir", where, "--bearer", TOKEN]
    fixture = Fixture(*args)
    caps = {"elicitation": {}, **TASKS}
    a, b = Modern(fixture.port, TOKEN, caps), Modern(fixture.port, TOKEN + ".other", caps)
    made = {}
    for name, arguments in (("slow_compute", {"seconds": 30}), ("confirm_delete", {}), ("multi_input", {}), ("protocol_error_job", {}),
                            ("failing_job", {})):
        r = a.tool(name, arguments).get("result", {})
        made[name] = r.get("taskId")
        if r.get("resultType") != "task" or "ttlMs" not in r:
            bad.append(f"{name}: {r}")
        if a.call("tasks/get", {"taskId": made[name]}).get("result", {}).get("resultType") != "complete":
            bad.append(f"{name}: not there at once")
    listen = a.events("subscriptions/listen", {"notifications": {"taskIds": [made["confirm_delete"]]}})
    listen.message()
    quick = a.tool("slow_compute", {"seconds": 0.01})["result"]["taskId"]
    done = wait_task(a, quick, "completed")
    if done.get("result", {}).get("content") != [{"type": "text", "text": "Computed"}]:
        bad.append(f"result: {done}")
    for method in ("tasks/get", "tasks/cancel"):
        if code_of(b.call(method, {"taskId": quick})) != -32602:
            bad.append(f"another principal: {method}")
    if code_of(Modern(fixture.port, TOKEN).call("tasks/get", {"taskId": quick})) != -32021:
        bad.append("a client that does not know tasks")
    failed = wait_task(a, made["failing_job"], "completed")
    if not failed.get("result", {}).get("isError"):
        bad.append(f"failing_job: {failed}")
    cancelled = a.tool("slow_compute", {"seconds": 20})["result"]["taskId"]
    a.call("tasks/cancel", {"taskId": cancelled})
    if wait_task(a, cancelled, "cancelled").get("status") != "cancelled":
        bad.append("cancel")
    key = next(iter(wait_task(a, made["multi_input"], "input_required")["inputRequests"]))
    a.call("tasks/update", {"taskId": made["multi_input"], "inputResponses": {key: {"action": "accept", "content": {}}}})
    time.sleep(0.2)
    fixture.kill()
    tap.ok(not bad, "tasks: durable when answered, bound to their principal, cancelled", "\n".join(bad))
    bad = []
    fixture = Fixture(*args)
    a.port = b.port = fixture.port
    r = a.call("tasks/get", {"taskId": quick}).get("result", {})
    if r.get("status") != "completed" or r.get("result") != done["result"]:
        bad.append(f"completed: {r}")
    if a.call("tasks/get", {"taskId": made["slow_compute"]})["result"].get("status") != "failed":
        bad.append("one that was working")
    if a.call("tasks/get", {"taskId": cancelled})["result"].get("status") != "cancelled":
        bad.append("one that was cancelled")
    r = a.call("tasks/get", {"taskId": made["multi_input"]})["result"]
    left = list(r.get("inputRequests", {}))
    if r.get("status") != "input_required" or len(left) != 1 or left[0] == key:
        bad.append(f"one that waits: {r}")
    a.call("tasks/update", {"taskId": made["multi_input"], "inputResponses": {left[0]: {"action": "accept"}}})
    if text_of(wait_task(a, made["multi_input"], "completed")) != "Both are answered":
        bad.append("it does not go on")
    if code_of(b.call("tasks/get", {"taskId": quick})) != -32602:
        bad.append("another principal after the restart")
    tap.ok(not bad and fixture.end() == 0, "tasks after kill -9: results are there, work that was lost is failed, questions stand",
           "\n".join(bad))


def legacy_tasks(port):
    bad = []
    s = Legacy(port, caps={"elicitation": {}})
    r = s.call("tools/call", {"name": "slow_compute", "arguments": {"seconds": 0.3}, "task": {"ttl": 60000}})["result"]["task"]
    if r["status"] != "working" or r["ttl"] > 60001:
        bad.append(f"made: {r}")
    listed = [t["taskId"] for t in s.call("tasks/list")["result"]["tasks"]]
    if r["taskId"] not in listed:
        bad.append("tasks/list")
    start = time.time()
    got = s.call("tasks/result", {"taskId": r["taskId"]})
    if text_of(got) != "Computed" or got["result"]["_meta"] != {META + "related-task": {"taskId": r["taskId"]}} or \
            time.time() - start > 2:
        bad.append(f"tasks/result: {got}")
    if code_of(s.call("tasks/cancel", {"taskId": r["taskId"]})) != -32602:
        bad.append("cancel of a task that ended")
    if code_of(s.call("tools/call", {"name": "greet", "task": {}})) != -32601:
        bad.append("a task of a tool that has none")
    if code_of(s.call("tools/call", {"name": "failing_job"})) != -32601:
        bad.append("no task of a tool that must be one")
    # What the task asks comes on the stream of tasks/result.
    t = s.call("tools/call", {"name": "confirm_delete", "task": {}})["result"]["task"]["taskId"]
    e = s.open("tasks/result", {"taskId": t})
    asked = None
    for _ in range(3):
        asked = e.message()
        if asked:
            break
    if not asked or asked["method"] != "elicitation/create" or \
            asked["params"]["_meta"] != {META + "related-task": {"taskId": t}}:
        bad.append(f"asked: {asked}")
    else:
        post(port, {"jsonrpc": "2.0", "id": asked["id"], "result": {"action": "accept", "content": {"confirm": True}}}, s.headers())
        answer = e.message()
        if text_of(answer or {}) != "Deleted":
            bad.append(f"answer: {answer}")
    old = Legacy(port, "2025-06-18")
    if code_of(old.call("tasks/list")) != -32601:
        bad.append("tasks in 2025-06-18")
    tap.ok(not bad, "tasks of 2025-11-25", "\n".join(bad))


# ---- logs, stdio ----

def logs(port):
    client = Modern(port)
    quiet = (client.tool("test_logging_tool"), client.messages)[1]
    client.call("tools/call", {"name": "test_logging_tool"}, logLevel="info")
    loud = client.messages
    client.call("tools/call", {"name": "test_logging_tool"}, logLevel="error")
    high = client.messages
    r = client.call("tools/call", {"name": "test_logging_tool"}, logLevel="loud")
    tap.ok(len(quiet) == 1 and len(loud) == 4 and len(high) == 1 and code_of(r) == -32602, "logs only where asked for", r)


def stdio(program):
    p = subprocess.Popen([*program, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    m = Modern(0, caps={"elicitation": {}, **TASKS})
    bad = []

    def send(message):
        p.stdin.write((message if isinstance(message, bytes) else json.dumps(message).encode()) + b"\n")
        p.stdin.flush()

    def receive(version=MODERN, method=None):
        if not select.select([p.stdout], [], [], 5)[0]:
            return {}
        return checked(json.loads(p.stdout.readline()), version, method)

    start = time.time()
    send(m.message("server/discover"))
    first = receive(method="server/discover")
    took = time.time() - start
    if first.get("id") != 1:
        bad.append(f"discover: {first}")
    send({"jsonrpc": "2.0", "id": "i", "method": "tools/list"})
    if code_of(receive("2025-11-25")) != -32600:
        bad.append("a legacy request before initialize")
    send({"jsonrpc": "2.0", "id": "a", "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {"elicitation": {}}, "clientInfo": {"name": "t", "version": "1"}}})
    if receive("2025-06-18", "initialize").get("result", {}).get("protocolVersion") != "2025-06-18":
        bad.append("initialize")
    send({"jsonrpc": "2.0", "id": "b", "method": "tools/call", "params": {"name": "test_elicitation", "arguments": {"message": "?"}}})
    asked = receive("2025-06-18")
    send(m.message("tools/call", {"name": "greet"}))
    if text_of(receive(method="tools/call")) != "Hello, world!":
        bad.append("modern between")
    send({"jsonrpc": "2.0", "id": asked["id"], "result": {"action": "decline"}})
    got = receive("2025-06-18", "tools/call")
    if got.get("id") != "b" or "decline" not in text_of(got):
        bad.append(f"elicitation: {got}")
    listen = m.message("subscriptions/listen", {"notifications": {"promptsListChanged": True}})
    send(listen)
    if receive().get("method") != "notifications/subscriptions/acknowledged":
        bad.append("listen")
    send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": listen["id"]}})
    send(m.message("tools/call", {"name": "test_trigger_prompt_change"}))
    seen = [receive(method="tools/call"), receive("2025-06-18")]  # the answer; the legacy session is told, the ended one is not
    if sorted(x.get("method", "answer") for x in seen) != ["answer", "notifications/prompts/list_changed"]:
        bad.append(f"after the end of a subscription: {seen}")
    send(b'[{"jsonrpc":"2.0"}]')
    if code_of(receive()) != -32600:
        bad.append("batch")
    send(b"x" * 100000)
    if code_of(receive()) != -32700:
        bad.append("no JSON")
    send(m.message("tools/call", {"name": "slow_compute", "arguments": {"seconds": 30}}))
    receive(method="tools/call")
    p.stdin.close()
    rest = p.stdout.read()
    rc = p.wait(10)
    tap.ok(not bad and rc == 0 and rest == b"", f"stdio: both eras on one pipe, ends with its input (first answer {took * 1000:.0f} ms)",
           "\n".join(bad) or f"status {rc}, {rest}")


def main():
    if os.path.isdir(os.path.join(DATA, "netops", "mcp-schema")):
        for version in ("2025-06-18", "2025-11-25", MODERN):
            checkers[version] = Checker(DATA, version)
    with Directory() as directory:
        plain = Fixture(*PROGRAM, "--port", "0")
        guarded = Fixture(*PROGRAM, "--port", "0", "--bearer", TOKEN)
        order_of_checks(guarded.port)
        shapes(plain.port)
        headers_and_sizes(plain.port)
        hosts(plain.port)
        sealed(guarded.port)
        sessions(guarded.port)
        resumption(plain.port)
        cancellation(plain.port)
        subscriptions(plain.port)
        legacy_tasks(plain.port)
        logs(plain.port)
        for name, fixture in (("plain", plain), ("guarded", guarded)):
            rc = fixture.end()
            tap.ok(rc == 0, f"{name}: the server ends with status 0", fixture.errors())
        pages(PROGRAM)
        graceful_end(PROGRAM)
        tasks(PROGRAM, directory)
        stdio(PROGRAM)
    if checkers:
        tap.ok(not wrong, "every message of the server fits the schema of its revision", "\n".join(wrong[:10]))
    else:
        tap.missing("schemas", "the shared data folder is not there")
    tap.end()


main()
