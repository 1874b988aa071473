#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Other people's clients against the server: curl, nghttp, h2load, openssl. Prints TAP.

    http_clients_test.py SERVER"""
import hashlib
import os
import re
import subprocess
import sys
import tempfile

failures = 0
points = 0


def run(*args, **more):
    return subprocess.run(args, capture_output=True, timeout=30, **more)


def point(good, name, seen=b""):
    global failures, points
    points += 1
    print(f"{'' if good else 'not '}ok {points} - {name}", flush=True)
    if not good:
        failures += 1
        print("# " + repr(seen)[:2000])


def curl(mode, url, *args):
    return run("curl", "--silent", "--show-error", "--max-time", "20", *mode, *args, url)


def with_curl(name, mode, base, version, data, data_file):
    out = curl(mode, base + "/json", "--write-out", "\n%{http_version} %{http_code}").stdout
    point(out == b'{"jsonrpc":"2.0","id":1,"result":{"ok":true}}\n' + version + b" 200", f"curl {name}: answer", out)
    out = curl(mode, base + "/json", "--head").stdout
    point(b"content-length: 45" in out and b"jsonrpc" not in out, f"curl {name}: HEAD", out)
    for path in "/echo", "/whole":
        out = curl(mode, base + path, "--upload-file", data_file).stdout
        point(hashlib.sha256(out).digest() == hashlib.sha256(data).digest(), f"curl {name}: {path} of 5 MB", out[:200])
    out = curl(mode, base + "/file")
    point(out.stdout == data, f"curl {name}: file", out.stderr)
    out = curl(mode, base + "/big?n=20000000", "--limit-rate", "40M").stdout
    point(len(out) == 20000000, f"curl {name}: 20 MB to a slow reader", len(out))
    out = curl(mode, base + "/events").stdout
    point(out == b"id: 1\ndata: one\n\nid: 2\nevent: note\ndata: two\ndata: lines\n\n: still here\n\ndata: \n\n",
          f"curl {name}: events", out)
    out = curl(mode, base + "/later", base + "/later", base + "/json", "--parallel")
    point(out.stdout.count(b"later\n") == 2 and b"jsonrpc" in out.stdout, f"curl {name}: three at once", out)


def main():
    work = tempfile.mkdtemp(prefix="http-clients-")
    cert, key, file, sock = (os.path.join(work, n) for n in ("cert.pem", "key.pem", "file", "sock"))
    data = os.urandom(5000000)
    with open(file, "wb") as to:
        to.write(data)
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", cert,
        check=True)
    server = subprocess.Popen([sys.argv[1], "0", "--cert", cert, "--key", key, "--file", file, "--unix", sock],
                              stdout=subprocess.PIPE, text=True)
    try:
        port, tls = re.match(r"ready (\d+) (\d+)", server.stdout.readline()).groups()
        plain, secure = f"http://127.0.0.1:{port}", f"https://localhost:{tls}"
        trust = ["--cacert", cert]
        with_curl("1.1", ["--http1.1"], plain, b"1.1", data, file)
        with_curl("1.1 Unix", ["--http1.1", "--unix-socket", sock], "http://dep", b"1.1", data, file)
        with_curl("2 clear", ["--http2-prior-knowledge"], plain, b"2", data, file)
        with_curl("1.1 TLS", ["--http1.1"] + trust, secure, b"1.1", data, file)
        with_curl("2 TLS", ["--http2"] + trust, secure, b"2", data, file)
        for url in plain, secure:
            out = run("h2load", "-n", "3000", "-c", "8", "-m", "20", url + "/static").stdout
            point(b"3000 succeeded, 0 failed, 0 errored" in out, f"h2load {url.split(':')[0]}", out)
            out = run("nghttp", "--no-verify-peer", "-ns", url + "/json", url + "/static").stdout
            point(out.count(b" 200 ") == 2, f"nghttp {url.split(':')[0]}", out)
        out = run("openssl", "s_client", "-connect", f"127.0.0.1:{tls}", "-groups", "X25519MLKEM768", "-alpn", "h2",
                  input=b"").stdout
        point(b"X25519MLKEM768" in out and b"ALPN protocol: h2" in out and b"TLSv1.3" in out, "s_client: group, ALPN", out)
        out = run("openssl", "s_client", "-connect", f"127.0.0.1:{tls}", "-tls1_1", input=b"")
        point(out.returncode != 0, "s_client: TLS 1.1 is refused", out.stdout)
        out = run("wrk", "-t", "1", "-c", "20", "-d", "1s", plain + "/json").stdout
        point(b"Non-2xx" not in out and b"Socket errors" not in out and b"Requests/sec" in out, "wrk", out)
    finally:
        server.terminate()
        status = server.wait(30)
        for name in cert, key, file:
            os.unlink(name)
    point(status == 0, "the server ends well", status)
    point(not os.path.exists(sock), "its socket file is gone")
    os.rmdir(work)
    print(f"1..{points}")
    return failures != 0


sys.exit(main())
