"""What the scenarios stand on: FreeSWITCH, hotdeskd as a child process, phones, and a tally."""
import asyncio, contextlib, json, os, re, signal, subprocess, sys, time
from pathlib import Path
from esl import FreeSwitch
from sip import Call, Phone

DOMAIN = "hotdesk.test"
# The tones that `prepare` sets as prompts, by what they say.
EXTENSION, PIN, IN, OUT, REFUSED, INVALID, UNAVAILABLE, GOODBYE = 500, 600, 700, 800, 300, 250, 900, 200
GONE = 400  # the dialplan's own, when nobody answered or went away
PHONES = {f"0004132a000{n}": f"phone-secret-{n}" for n in range(1, 7)}
PINS = {"1001": "4711", "1002": "4712", "1003": "4713", "1004": "4714"}


def binary():
    """hotdeskd: what HOTDESKD names, else built from this tree."""
    if named := os.environ.get("HOTDESKD"):
        return named
    tree = Path(__file__).resolve().parents[2]
    subprocess.run(["cargo", "build", "--quiet"], cwd=tree, check=True)
    return str(Path(os.environ.get("CARGO_TARGET_DIR", tree / "target")) / "debug/hotdeskd")


class Lab:
    def __init__(self, folder, binary):
        self.folder, self.binary = Path(folder), binary
        self.failed, self.passed, self.open_phones, self.daemon = [], 0, [], None
        self.config = self.folder / "etc/hotdeskd.toml"

    async def connect(self, host, port, password):
        self.fs = await FreeSwitch().open(host, port, password)
        await self.fs.command("event plain CUSTOM hotdeskd::emergency")
        self.host, self.port, self.password = host, port, password
        # Where phones register, and where calls from outside arrive.
        found = dict(re.findall(r"(internal|external)\tprofile\t\s*sip:mod_sofia@[^:\s]+:(\d+)", await self.fs.api("sofia status")))
        if set(found) != {"internal", "external"}:
            raise SystemExit("this FreeSWITCH does not run the profiles internal and external")
        self.sip, self.outside = (host, int(found["internal"])), int(found["external"])

    def check(self, what, held, seen=""):
        if held:
            self.passed += 1
            print(f"  ok      {what}")
        else:
            self.failed.append(what)
            print(f"  FAILED  {what}: {seen}")
        sys.stdout.flush()
        return held

    # hotdeskd ---------------------------------------------------------------------------------
    def start(self):
        path = self.folder / "hotdeskd.log"
        log = open(path, "ab")
        before = path.stat().st_size
        self.daemon = subprocess.Popen([self.binary, "-c", self.config, "serve"], stdout=log, stderr=log)
        until = time.monotonic() + 20
        while time.monotonic() < until:
            if self.daemon.poll() is not None:
                raise SystemExit(f"hotdeskd ended; see {self.folder}/hotdeskd.log")
            if b" ready " in path.read_bytes()[before:]:
                return
            time.sleep(0.1)
        raise SystemExit("hotdeskd does not come up")

    def signal(self, number):
        self.daemon.send_signal(number)
        if number in (signal.SIGKILL, signal.SIGTERM):
            self.daemon.wait(20)

    def setting(self, name, value):
        """The daemon with another setting, started anew; and as it was, after."""
        text, count = re.subn(rf"^#?{name} = .*$", f"{name} = {value}", self.config.read_text(), flags=re.M)
        assert count == 1, f"{count} settings {name}"
        return self.configured(text)

    def tables(self, text):
        """The daemon with further tables, started anew; and as it was, after."""
        return self.configured(self.config.read_text() + "\n" + text)

    @contextlib.contextmanager
    def configured(self, text):
        own, changed = self.config, self.config.with_name("changed.toml")
        changed.write_text(text)
        self.signal(signal.SIGTERM)
        self.config = changed
        self.start()
        try:
            yield
        finally:
            self.config = own
            self.signal(signal.SIGTERM)
            self.start()

    def run(self, *words, stdin="", quiet=False):
        done = subprocess.run([self.binary, "-c", self.config, *words], input=stdin, text=True, capture_output=True)
        if done.returncode and not quiet:
            print(f"  (hotdeskd {' '.join(words)}: {done.stderr.strip()})")
        return done.returncode, done.stdout

    def sessions(self):
        """Who sits where: {phone: extension}."""
        rows = json.loads(self.run("sessions", "list", "--json")[1] or "[]")
        rows = rows if isinstance(rows, list) else rows.get("sessions", [])
        return {row["phone"]: row["user"] for row in rows}

    def clear(self):
        """The daemon alive, everybody out, nobody locked."""
        if self.daemon is None or self.daemon.poll() is not None:
            self.start()
        for phone in self.sessions():
            self.run("sessions", "logout", phone)
        for user in PINS:
            self.run("users", "unlock", user, quiet=True)

    def seat(self, user, phone, also=False):
        self.run("sessions", "login", user, phone, *(["--also"] if also else []))

    # phones -----------------------------------------------------------------------------------
    async def phone(self, number, register=True, **what):
        """The phone 000413...N, or with a longer name that user."""
        user = f"0004132a000{number}" if len(str(number)) == 1 else str(number)
        phone = await Phone(user, what.pop("password", PHONES.get(user)), DOMAIN, self.sip).open()
        for name, value in what.items():
            setattr(phone, name, value)
        self.open_phones.append(phone)
        if register:
            status = await phone.register()
            if status != 200:
                self.check(f"{user} registers", False, status)
        return phone

    async def tidy(self):
        for phone in self.open_phones:
            for call in list(phone.calls.values()):
                try:
                    await call.hang_up()
                except (asyncio.TimeoutError, AttributeError):
                    pass
            phone.close()
        self.open_phones.clear()

    async def var(self, uuid, name):
        said = await self.fs.api(f"uuid_getvar {uuid} {name}")
        return "" if said in ("_undef_",) else said

    async def channels(self):
        rows = json.loads(await self.fs.api("show channels as json")).get("rows", [])
        return rows

    async def log(self):
        """A function that returns what FreeSWITCH's log has got since now; None where we cannot read it."""
        path = Path(await self.fs.api("global_getvar log_dir")) / "freeswitch.log"
        try:
            before = path.stat().st_size
        except OSError:
            return lambda: None
        return lambda: path.read_bytes()[before:].decode("utf-8", "replace")

    async def uuid(self):
        """The one channel, once FreeSWITCH lists it: its list lags by up to a second."""
        for _ in range(50):
            rows = await self.channels()
            if rows:
                return rows[0]["uuid"]
            await asyncio.sleep(0.1)
        return ""

    async def quiet(self, within=10):
        """Waits until no channel is left."""
        until = time.monotonic() + within
        while time.monotonic() < until:
            if not await self.channels():
                return True
            await asyncio.sleep(0.1)
        return False


async def until(condition, within=5):
    end = time.monotonic() + within
    while time.monotonic() < end:
        if condition():
            return True
        await asyncio.sleep(0.02)
    return bool(condition())


async def ended(call, within=10):
    try:
        await asyncio.wait_for(call.ended.wait(), within)
        return True
    except asyncio.TimeoutError:
        return False


async def log_in(phone, code, user, pin):
    """The whole dialogue; the tones heard."""
    call = await phone.dial(code)
    if not code[3:]:
        await call.hear(EXTENSION)
        await call.press(f"{user}#")
    await call.hear(PIN)
    await call.press(f"{pin}#")
    await ended(call)
    return call.tones()
