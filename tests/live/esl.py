"""FreeSWITCH's event socket, as far as the live tests need it; written apart from hotdeskd's own."""
import asyncio, urllib.parse


class FreeSwitch:
    """One inbound connection; events of the subscribed kinds gather in `events`."""

    async def open(self, host, port, password):
        self.reader, self.writer = await asyncio.open_connection(host, port)
        self.replies, self.events = asyncio.Queue(), []
        self.pump = asyncio.ensure_future(self._pump())
        await self.replies.get()
        said = await self.command(f"auth {password}")
        if "+OK" not in said:
            raise SystemExit(f"FreeSWITCH refuses the password: {said}")
        return self

    async def _pump(self):
        try:
            await self._read()
        except (asyncio.IncompleteReadError, OSError):
            self.replies.put_nowait("-ERR the connection is gone")

    async def _read(self):
        while True:
            head = (await self.reader.readuntil(b"\n\n")).decode("utf-8", "replace")
            headers = dict(line.split(": ", 1) for line in head.strip().split("\n") if ": " in line)
            size = int(headers.get("Content-Length", 0))
            body = (await self.reader.readexactly(size)).decode("utf-8", "replace") if size else ""
            kind = headers.get("Content-Type", "")
            if kind == "text/event-plain":
                self.events.append({k: urllib.parse.unquote(v) for k, v in
                                    (line.split(": ", 1) for line in body.split("\n") if ": " in line)})
            elif kind == "api/response":
                self.replies.put_nowait(body)
            elif kind != "text/disconnect-notice":
                self.replies.put_nowait(headers.get("Reply-Text", ""))

    async def close(self):
        self.pump.cancel()
        await asyncio.gather(self.pump, return_exceptions=True)
        self.writer.close()

    async def command(self, text):
        self.writer.write(f"{text}\n\n".encode())
        return await asyncio.wait_for(self.replies.get(), 30)

    async def api(self, text):
        return (await self.command(f"api {text}")).rstrip("\n")
