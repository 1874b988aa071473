#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# HTTP: the server of base/http beside nginx, each with one worker on one core; the client (wrk, h2load) has the other.
# Both answer the same bytes over 64 connections that are kept. Prints one JSON line a case: requests/s as the median
# of the runs, which go in turns; beside it the CPU time a request, which a busy machine disturbs less. --quick: shorter
# runs.
set -euo pipefail

seconds=4 rounds=5
[ "${1:-}" = --quick ] && { seconds=1; rounds=3; }
top=${DEP_TOP:-$(readlink -f "$(dirname "$0")/..")}
server=$top/build/release/base/http-server
work=$(mktemp -d)
pids=()
finish() {
	local pid
	for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
	wait
	rm -rf "$work"
}
trap finish EXIT

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
	-keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null
mkdir "$work/www" "$work/tmp"
head -c 1024 /dev/zero | tr '\0' x >"$work/www/static"
cp "$work/www/static" "$work/www/file"

# nginx at its best for this work: one worker, no log, open files cached, sendfile where it helps.
cat >"$work/nginx.conf" <<-CONF
	daemon off;
	user root;
	pid $work/nginx.pid;
	worker_processes 1;
	error_log $work/error.log;
	events { worker_connections 2048; multi_accept on; }
	http {
		access_log off;
		keepalive_requests 1000000000;
		sendfile on;
		tcp_nopush on;
		tcp_nodelay on;
		open_file_cache max=100 inactive=60s;
		default_type text/plain;
		client_body_temp_path $work/tmp/a; proxy_temp_path $work/tmp/b; fastcgi_temp_path $work/tmp/c;
		uwsgi_temp_path $work/tmp/d; scgi_temp_path $work/tmp/e;
		server {
			listen 127.0.0.1:9080;
			listen 127.0.0.1:9443 ssl;
			http2 on;
			ssl_certificate $work/cert.pem;
			ssl_certificate_key $work/key.pem;
			ssl_protocols TLSv1.3;
			root $work/www;
			location = /json {
				default_type application/json;
				return 200 '{"jsonrpc":"2.0","id":1,"result":{"ok":true}}';
			}
			location = /file { open_file_cache off; }
		}
	}
CONF
taskset -c 0 nginx -c "$work/nginx.conf" -p "$work" 2>"$work/nginx.err" &
pids+=($!)
taskset -c 0 "$server" 8080 --tls-port 8443 --cert "$work/cert.pem" --key "$work/key.pem" --file "$work/www/file" \
	>"$work/ready" &
pids+=($!)
for _ in $(seq 50); do
	grep -q ready "$work/ready" && curl -s -o /dev/null http://127.0.0.1:9080/json && break
	sleep 0.1
done
version=$(nginx -v 2>&1 | sed 's#.*/##')

ours_pid=${pids[1]}
peer_pid=$(pgrep -P "${pids[0]}")

# CPU time of a process so far, in seconds.
cpu() { awk -v tick="$(getconf CLK_TCK)" '{sub(/.*\) /, ""); print ($12 + $13) / tick}' "/proc/$1/stat"; }

# One run: "REQUESTS_PER_SECOND CPU_MICROSECONDS_A_REQUEST". measure TOOL URL PID
measure() {
	local out before after
	before=$(cpu "$3")
	case $1 in
	wrk) out=$(taskset -c 1 wrk -t 1 -c 64 -d "${seconds}s" "$2") ;;
	h2load) out=$(taskset -c 1 h2load -t 1 -c 64 -m 10 -D "$seconds" "$2") ;;
	esac
	after=$(cpu "$3")
	if grep -qE 'Non-2xx|Socket errors' <<<"$out" || grep -qE '^requests: .* [1-9][0-9]* (failed|errored)' <<<"$out"; then
		echo "$out" >&2
		return 1
	fi
	awk -v cpu="$(awk -v a="$after" -v b="$before" 'BEGIN {print a - b}')" '
		/^Requests\/sec:/ {rate = $2}
		/^finished in .* req\/s/ {sub(/s,$/, "", $3); rate = $4}
		/ requests in / {n = $1}
		/^requests: .* succeeded/ {for (i = 2; i < NF; i++) if ($(i + 1) ~ /^succeeded/) n = $i}
		END {print rate, cpu / n * 1000000}' <<<"$out"
}

median() { sort -n | sed -n "$(((rounds + 1) / 2))p"; }

# bench CASE TOOL OUR_URL PEER_URL
bench() {
	local i ours=() peer=()
	for i in $(seq "$rounds"); do
		ours+=("$(measure "$2" "$3" "$ours_pid")")
		peer+=("$(measure "$2" "$4" "$peer_pid")")
	done
	jq -nc --arg case "$1" --arg version "$version" \
		--argjson ours "$(printf '%s\n' "${ours[@]}" | cut -d' ' -f1 | median)" \
		--argjson peer "$(printf '%s\n' "${peer[@]}" | cut -d' ' -f1 | median)" \
		--argjson ours_cpu "$(printf '%s\n' "${ours[@]}" | cut -d' ' -f2 | median)" \
		--argjson peer_cpu "$(printf '%s\n' "${peer[@]}" | cut -d' ' -f2 | median)" \
		'def two: . * 100 | round / 100;
		 {bench: "http", case: $case, unit: "requests/s", ours: ($ours | floor), peer: ($peer | floor),
		  peer_name: "nginx", peer_version: $version, ratio: ($ours / $peer | two), n: 64,
		  ours_cpu_us: ($ours_cpu | two), peer_cpu_us: ($peer_cpu | two), cpu_ratio: ($peer_cpu / $ours_cpu | two)}'
}

bench json wrk http://127.0.0.1:8080/json http://127.0.0.1:9080/json
bench static_1k wrk http://127.0.0.1:8080/static http://127.0.0.1:9080/static
bench file_1k wrk http://127.0.0.1:8080/file http://127.0.0.1:9080/file
bench json_tls13 wrk https://127.0.0.1:8443/json https://127.0.0.1:9443/json
bench static_1k_tls13 wrk https://127.0.0.1:8443/static https://127.0.0.1:9443/static
bench json_h2_tls13 h2load https://127.0.0.1:8443/json https://127.0.0.1:9443/json
bench static_1k_h2_tls13 h2load https://127.0.0.1:8443/static https://127.0.0.1:9443/static
