# SPDX-License-Identifier: BSD-2-Clause
"""Between the conformance suite, which speaks plain HTTP without credentials, and a server that wants TLS and a bearer
token: ends nothing, changes nothing but that, and keeps what went by."""
import asyncio
import re
import ssl
import threading


class Proxy:
    def __init__(self, port, cert=None, token=None):
        self.upstream = port
        self.token = token
        self.context = ssl.create_default_context(cafile=cert) if cert else None
        self.exchanges = []  # [request bytes, response bytes] of each connection
        self.loop = asyncio.new_event_loop()
        self.port = None
        ready = threading.Event()
        threading.Thread(target=self._run, args=(ready,), daemon=True).start()
        ready.wait()

    def _run(self, ready):
        asyncio.set_event_loop(self.loop)
        server = self.loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        self.loop.run_forever()

    async def _serve(self, reader, writer):
        kept = [bytearray(), bytearray()]
        self.exchanges.append(kept)
        try:
            up_reader, up_writer = await asyncio.open_connection(
                "127.0.0.1", self.upstream, ssl=self.context, server_hostname="localhost" if self.context else None)
        except OSError:
            writer.close()
            return
        tasks = [asyncio.ensure_future(self._requests(reader, up_writer, kept[0])),
                 asyncio.ensure_future(self._copy(up_reader, writer, kept[1]))]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        for w in (writer, up_writer):
            try:
                w.close()
            except OSError:
                pass

    async def _requests(self, reader, writer, kept):
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"(?im)^content-length: *(\d+)", head)
                body = await reader.readexactly(int(length[1])) if length else b""
                kept += head + body
                if self.token:
                    head = head[:-2] + b"Authorization: Bearer " + self.token.encode() + b"\r\n\r\n"
                writer.write(head + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            pass

    async def _copy(self, reader, writer, kept):
        try:
            while data := await reader.read(65536):
                kept += data
                writer.write(data)
                await writer.drain()
        except OSError:
            pass

    def recorded(self):
        """(request head as dict with ":line", request body, status, response headers, response body) of every exchange."""
        for requests, responses in list(self.exchanges):
            asked = list(split(bytes(requests), True))
            answered = [r for r in split(bytes(responses), False) if not r[0][":line"].split()[1].startswith("1")]
            for (rh, rb), (sh, sb) in zip(asked, answered):
                yield rh, rb, int(sh[":line"].split()[1]), sh, sb


def split(data, is_request):
    while data:
        head, sep, data = data.partition(b"\r\n\r\n")
        if not sep:
            return
        lines = head.decode("latin-1").split("\r\n")
        fields = {":line": lines[0]}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            fields[name.lower()] = value.strip()
        if fields.get("transfer-encoding") == "chunked":
            body = b""
            while data:
                size, _, data = data.partition(b"\r\n")
                n = int(size, 16)
                body, data = body + data[:n], data[n + 2:]
                if n == 0:
                    break
        else:
            n = int(fields.get("content-length", 0))
            body, data = data[:n], data[n:]
        yield fields, body
