"""SIP phones of a few lines, for the live tests: they register, call with RFC 2833 digits, ring,
answer, and remember what they were sent. What a caller hears is told by the tone's frequency.
"""
import asyncio, cmath, hashlib, itertools, os, random, re, struct, time

_port = itertools.count(10000 + random.randrange(1000) * 2, 2)


def _ulaw(byte):
    byte = ~byte & 0xFF
    value = ((byte & 0x0F) << 3) + 0x84
    value = (value << ((byte & 0x70) >> 4)) - 0x84
    return -value if byte & 0x80 else value


LINEAR = [_ulaw(byte) for byte in range(256)]
STEP = 50  # Hz: the tones of the tests are multiples


def tone_of(payload):
    """The strongest frequency of one packet of PCMU, or None for silence."""
    samples = [LINEAR[byte] for byte in payload]
    if len(samples) < 160 or max(map(abs, samples)) < 500:
        return None
    def power(hz):
        turn = cmath.exp(-2j * cmath.pi * hz / 8000)
        at, total = 1, 0
        for sample in samples:
            total += sample * at
            at *= turn
        return abs(total)
    return max(range(200, 1000, STEP), key=power)


class Message:
    """A SIP request or response."""

    def __init__(self, text):
        head, _, self.body = text.partition("\r\n\r\n")
        self.start, *lines = head.split("\r\n")
        self.headers = []
        for line in lines:
            name, _, value = line.partition(":")
            self.headers.append((name.strip().lower(), value.strip()))

    def all(self, name):
        return [value for key, value in self.headers if key == name.lower()]

    def get(self, name):
        return next(iter(self.all(name)), "")

    @property
    def status(self):
        return int(self.start.split()[1]) if self.start.startswith("SIP/2.0") else None

    @property
    def method(self):
        return self.get("cseq").split()[-1]


def digest(challenge, user, password, method, uri):
    found = dict(re.findall(r'(\w+)="?([^",]+)"?', challenge))
    md5 = lambda text: hashlib.md5(text.encode()).hexdigest()
    a1 = md5(f"{user}:{found['realm']}:{password}")
    cnonce = os.urandom(4).hex()
    answer = md5(f"{a1}:{found['nonce']}:00000001:{cnonce}:auth:{md5(f'{method}:{uri}')}")
    return (f'Digest username="{user}", realm="{found["realm"]}", nonce="{found["nonce"]}", uri="{uri}", '
            f'response="{answer}", algorithm=MD5, cnonce="{cnonce}", qop=auth, nc=00000001')


class Call:
    """One leg at a phone."""

    def __init__(self, phone, call_id):
        self.phone, self.call_id = phone, call_id
        self.statuses, self.responses, self.heard = [], [], []
        self.invite = None          # the INVITE that came in
        self.answered, self.ended = asyncio.Event(), asyncio.Event()
        self.ringing = asyncio.Event()
        self.why = ""               # the Reason header of the end
        self.rtp = None
        self.remote_tag = self.remote_target = ""
        self.sequence, self.stamp = random.randrange(1000), random.randrange(1 << 20)
        self.packets = 0

    # RTP -------------------------------------------------------------------------------------
    async def open_rtp(self):
        loop = asyncio.get_running_loop()
        call = self

        class Rtp(asyncio.DatagramProtocol):
            def datagram_received(self, data, _address):
                call.packets += 1
                if len(data) < 172 or data[1] & 0x7F:
                    return
                tone = tone_of(data[12:172])
                if tone and (not call.heard or call.heard[-1][0] != tone):
                    call.heard.append([tone, 0])
                if tone:
                    call.heard[-1][1] += 1

        for _ in range(50):
            port = next(_port)
            try:
                self.rtp, _ = await loop.create_datagram_endpoint(Rtp, (self.phone.host, port))
                break
            except OSError:
                continue
        self.rtp_port = port

    def tones(self):
        """What was heard, without what lasted less than 60 ms."""
        out = []
        for tone, count in self.heard:
            if count >= 3 and (not out or out[-1] != tone):
                out.append(tone)
        return out

    def sdp(self, codecs="0 8"):
        return (f"v=0\r\no=- 1 1 IN IP4 {self.phone.host}\r\ns=-\r\nc=IN IP4 {self.phone.host}\r\nt=0 0\r\n"
                f"m=audio {self.rtp_port} RTP/AVP {codecs} 101\r\na=rtpmap:101 telephone-event/8000\r\n")

    def media(self, text):
        host = re.search(r"c=IN IP4 (\S+)", text)
        port = re.search(r"m=audio (\d+)", text)
        if host and port:
            self.far = (host[1], int(port[1]))

    def _rtp(self, kind, payload, marker=0, stamp=None):
        self.sequence = (self.sequence + 1) & 0xFFFF
        stamp = self.stamp if stamp is None else stamp
        head = struct.pack("!BBHII", 0x80, kind | marker << 7, self.sequence, stamp & 0xFFFFFFFF, 0x51B)
        if self.rtp and not self.rtp.is_closing():
            self.rtp.sendto(head + payload, self.far)

    async def press(self, keys, hold=0.08, gap=0.08):
        """Presses keys as RFC 2833 events."""
        for key in keys:
            event = "0123456789*#".index(key)
            stamp, packets = self.stamp, max(2, int(hold / 0.02))
            for count in range(packets):
                self._rtp(101, struct.pack("!BBH", event, 10, 160 * (count + 1)), int(count == 0), stamp)
                await asyncio.sleep(0.02)
            for _ in range(3):
                self._rtp(101, struct.pack("!BBH", event, 0x8A, 160 * packets), 0, stamp)
            self.stamp += 160 * (packets + 1)
            until = time.monotonic() + gap
            while time.monotonic() < until:
                self._rtp(0, b"\xff" * 160)
                self.stamp += 160
                await asyncio.sleep(0.02)

    async def hear(self, tone, times=1, within=15):
        """Waits until a tone was heard so often; False if the call ended or time ran out before."""
        until = time.monotonic() + within
        while time.monotonic() < until:
            if self.tones().count(tone) >= times:
                return True
            if self.ended.is_set():
                await asyncio.sleep(0.05)
                return self.tones().count(tone) >= times
            await asyncio.sleep(0.02)
        return False

    # the end ----------------------------------------------------------------------------------
    async def hang_up(self):
        if self.ended.is_set():
            return
        if self.answered.is_set():
            self.phone.request_in(self, "BYE")
            await asyncio.wait_for(self.ended.wait(), 5)
        elif self.invite:
            self.phone.respond(self.invite, 486, "Busy Here", tag=self.local_tag)
            self.over()
        else:
            await asyncio.wait([self.placed], timeout=0.03)
            if not self.placed.done():
                self.phone.cancel(self)
            # What crossed the CANCEL on its way is hung up.
            await asyncio.wait([self.placed], timeout=5)
            if not self.ended.is_set():
                await self.hang_up()

    def over(self, why=""):
        self.why = self.why or why
        self.ended.set()
        if self.rtp:
            self.rtp.close()
        self.phone.calls.pop(self.call_id, None)


class Phone(asyncio.DatagramProtocol):
    """A SIP user agent on a socket of its own."""

    def __init__(self, user, password, domain, server, host="127.0.0.1", agent="snomD735/10.1.159.12"):
        self.user, self.password, self.domain, self.server = user, password, domain, server
        self.host, self.agent = host, agent
        self.calls, self.waiting, self.notifies, self.rang = {}, {}, [], []
        self.on_call = "ring"       # ring, answer, busy or ignore
        self.codecs = "0 8"
        self.display = user
        self.port = 0

    async def open(self, port=0):
        loop = asyncio.get_running_loop()
        self.transport, _ = await loop.create_datagram_endpoint(lambda: self, (self.host, port))
        self.port = self.transport.get_extra_info("sockname")[1]
        return self

    def close(self):
        for call in list(self.calls.values()):
            call.over("phone closed")
        self.transport.close()

    def send(self, text, address=None):
        self.transport.sendto(text.encode(), address or self.server)

    def contact(self):
        return f"<sip:{self.user}@{self.host}:{self.port}>"

    def _request(self, method, uri, to, call_id, cseq, tag, extra=(), body="", kind=""):
        lines = [f"{method} {uri} SIP/2.0",
                 f"Via: SIP/2.0/UDP {self.host}:{self.port};branch=z9hG4bK{os.urandom(6).hex()};rport",
                 f'From: "{self.display}" <sip:{self.user}@{self.domain}>;tag={tag}', f"To: {to}",
                 f"Call-ID: {call_id}", f"CSeq: {cseq} {method}", f"Contact: {self.contact()}",
                 "Max-Forwards: 70", f"User-Agent: {self.agent}", *extra]
        if kind:
            lines.append(f"Content-Type: {kind}")
        lines.append(f"Content-Length: {len(body.encode())}")
        return "\r\n".join(lines) + "\r\n\r\n" + body

    async def _transact(self, call_id, cseq, text, within=10):
        """Sends until a final response comes (retransmitting as UDP asks), and returns it."""
        inbox = asyncio.Queue()
        self.waiting[(call_id, cseq)] = inbox
        wait, until, provisional = 0.5, time.monotonic() + within, False
        self.send(text)
        try:
            while True:
                left = until - time.monotonic()
                if left <= 0:
                    raise TimeoutError(f"no answer to {text.split()[0]}")
                try:
                    found = await asyncio.wait_for(inbox.get(), left if provisional else min(wait, left))
                except asyncio.TimeoutError:
                    if not provisional:
                        self.send(text)
                        wait = min(wait * 2, 4)
                    continue
                if found.status >= 200:
                    return found
                provisional = True
        finally:
            self.waiting.pop((call_id, cseq), None)

    async def register(self, expires=600, user=None, within=10):
        """Registers; the final status. `user`: another address of record than its own."""
        user = user or self.user
        call_id, tag, uri = os.urandom(8).hex(), os.urandom(4).hex(), f"sip:{self.domain}"
        aor = f"<sip:{user}@{self.domain}>"
        extra = [f"Expires: {expires}"]
        found = await self._transact(call_id, 1, self._request("REGISTER", uri, aor, call_id, 1, tag, extra), within)
        if found.status == 401:
            answer = digest(found.get("www-authenticate"), self.user, self.password, "REGISTER", uri)
            extra.append(f"Authorization: {answer}")
            found = await self._transact(call_id, 2, self._request("REGISTER", uri, aor, call_id, 2, tag, extra), within)
        return found.status

    async def subscribe(self, target, package):
        """Asks for the state of `target`; the final status. NOTIFYs gather in `notifies`."""
        call_id, tag, uri = os.urandom(8).hex(), os.urandom(4).hex(), f"sip:{target}@{self.domain}"
        extra, status = [f"Event: {package}", "Expires: 600"], 0
        for cseq in (1, 2):
            text = self._request("SUBSCRIBE", uri, f"<{uri}>", call_id, cseq, tag, extra)
            found = await self._transact(call_id, cseq, text)
            status = found.status
            for kind, name in ((401, "WWW-Authenticate"), (407, "Proxy-Authenticate")):
                if status == kind:
                    answer = digest(found.get(name), self.user, self.password, "SUBSCRIBE", uri)
                    extra.append(f"{'Authorization' if kind == 401 else 'Proxy-Authorization'}: {answer}")
        return status

    async def call(self, number, within=40):
        """Dials; returns at once with a `Call` whose `placed` task ends with the final response."""
        call = Call(self, os.urandom(8).hex())
        self.calls[call.call_id] = call
        await call.open_rtp()
        call.number, call.local_tag = number, os.urandom(4).hex()
        call.placed = asyncio.ensure_future(self._place(call, within))
        return call

    async def dial(self, number, within=40):
        """Dials and waits for the final response."""
        call = await self.call(number, within)
        await call.placed
        return call

    async def _place(self, call, within):
        uri = f"sip:{call.number.replace('#', '%23')}@{self.domain}"
        to, cseq, extra = f"<{uri}>", 1, []
        while True:
            text = self._request("INVITE", uri, to, call.call_id, cseq, call.local_tag, extra,
                                 call.sdp(self.codecs), "application/sdp")
            call.last_invite = text
            found = await self._transact(call.call_id, cseq, text, within)
            call.cseq = cseq
            if found.status >= 300:
                via = re.search(r"^Via: .*$", text, re.M)[0].strip()
                self.send(f"ACK {uri} SIP/2.0\r\n{via}\r\nFrom: {found.get('from')}\r\nTo: {found.get('to')}\r\n"
                          f"Call-ID: {call.call_id}\r\nCSeq: {cseq} ACK\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n")
            if found.status == 407 and cseq == 1:
                answer = digest(found.get("proxy-authenticate"), self.user, self.password, "INVITE", uri)
                extra, cseq = [f"Proxy-Authorization: {answer}"], 2
                continue
            break
        call.final = found
        if found.status == 200:
            call.media(found.body)
            call.remote_to = found.get("to")
            call.remote_target = re.search(r"<([^>]+)>", found.get("contact"))[1]
            self._ack(call)
            call.answered.set()
        else:
            call.over(found.start)
        return call

    def _ack(self, call):
        self.send(self._request("ACK", call.remote_target, call.remote_to, call.call_id, call.cseq, call.local_tag))

    def cancel(self, call):
        line = call.last_invite
        uri = line.split()[1]
        head = {name: re.search(rf"^{name}: .*$", line, re.M)[0].strip() for name in ("Via", "From", "To")}
        cseq = re.search(r"^CSeq: (\d+)", line, re.M)[1]
        self.send(f"CANCEL {uri} SIP/2.0\r\n{head['Via']}\r\n{head['From']}\r\n{head['To']}\r\nCall-ID: {call.call_id}\r\n"
                  f"CSeq: {cseq} CANCEL\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n")

    def request_in(self, call, method):
        if call.invite:
            to, tag = call.invite.get("from"), call.local_tag
            uri = re.search(r"<([^>]+)>", call.invite.get("contact"))[1]
            text = self._request(method, uri, to, call.call_id, 100, tag)
            text = re.sub(r"^From: .*$", f"From: {call.invite.get('to')};tag={tag}", text, flags=re.M)
        else:
            text = self._request(method, call.remote_target, call.remote_to, call.call_id, call.cseq + 1, call.local_tag)
        async def go():
            try:
                await self._transact(call.call_id, 100 if call.invite else call.cseq + 1, text, 4)
            except TimeoutError:
                pass
            call.over("we hung up")
        asyncio.ensure_future(go())

    def respond(self, request, status, reason, tag="", extra=(), body="", kind=""):
        to = request.get("to") + (f";tag={tag}" if tag and "tag=" not in request.get("to") else "")
        lines = [f"SIP/2.0 {status} {reason}", *(f"Via: {via}" for via in request.all("via")),
                 *(f"Record-Route: {route}" for route in request.all("record-route")),
                 f"From: {request.get('from')}", f"To: {to}", f"Call-ID: {request.get('call-id')}",
                 f"CSeq: {request.get('cseq')}", f"Contact: {self.contact()}", *extra]
        if kind:
            lines.append(f"Content-Type: {kind}")
        lines.append(f"Content-Length: {len(body.encode())}")
        self.send("\r\n".join(lines) + "\r\n\r\n" + body)

    def datagram_received(self, data, address):
        if not data.strip():
            return
        if not self.server[1]:
            self.server = address  # a far end without a registrar answers whoever asks
        found = Message(data.decode("utf-8", "replace"))
        call = self.calls.get(found.get("call-id"))
        if found.status is not None:
            if call and found.method == "INVITE":
                call.statuses.append(found.status)
                call.responses.append(found)
                if found.status in (180, 183):
                    call.ringing.set()
                if found.status == 183 and found.body:
                    call.media(found.body)
                if found.status == 200 and call.answered.is_set():
                    self._ack(call)
            inbox = self.waiting.get((found.get("call-id"), int(found.get("cseq").split()[0])))
            if inbox and not (found.method == "CANCEL"):
                inbox.put_nowait(found)
            return
        kind = found.start.split()[0]
        if kind == "INVITE":
            asyncio.ensure_future(self._invited(found, call))
        elif kind == "BYE":
            self.respond(found, 200, "OK")
            if call:
                call.over(found.get("reason"))
        elif kind == "CANCEL":
            self.respond(found, 200, "OK")
            if call and call.invite and not call.answered.is_set():
                self.respond(call.invite, 487, "Request Terminated", tag=call.local_tag)
                call.over(found.get("reason") or "cancelled")
        elif kind == "NOTIFY":
            self.notifies.append(found)
            self.respond(found, 200, "OK")
        elif kind != "ACK":
            self.respond(found, 200, "OK")

    async def _invited(self, invite, call):
        if call:  # a re-INVITE, or the same once more
            if call.answered.is_set():
                self.respond(invite, 200, "OK", call.local_tag, body=call.sdp(), kind="application/sdp")
            return
        call = Call(self, invite.get("call-id"))
        self.calls[call.call_id] = call
        call.invite, call.local_tag = invite, os.urandom(4).hex()
        self.rang.append(call)
        if self.on_call == "ignore":
            return
        if self.on_call == "busy":
            self.respond(invite, 486, "Busy Here", call.local_tag)
            call.over("busy")
            return
        self.respond(invite, 180, "Ringing", call.local_tag)
        call.ringing.set()
        if self.on_call == "answer":
            await self.answer(call)

    async def answer(self, call):
        call.media(call.invite.body)
        await call.open_rtp()
        offered = re.search(r"m=audio \d+ RTP/AVP ([\d ]+)", call.invite.body)
        call.offered = offered[1].split() if offered else []
        codec = next((c for c in call.offered if c in self.codecs.split()), "0")
        self.respond(call.invite, 200, "OK", call.local_tag, body=call.sdp(codec), kind="application/sdp")
        call.answered.set()
