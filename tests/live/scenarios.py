"""What a person would try at the phones, one function each; `run` plays them in this order."""
import urllib.request
import asyncio, json, re, signal, time
from pathlib import Path
from esl import FreeSwitch
from lab import *
from sip import Phone

P = lambda n: f"0004132a000{n}"


async def register(lab):
    one = await lab.phone(1)
    lab.check("a phone registers with its secret", await one.register() == 200)
    thief = await lab.phone(P(1), register=False, password="wrong")
    lab.check("a wrong secret is refused", await thief.register() in (401, 403))
    two = await lab.phone(2)
    lab.check("no phone registers another's address", await two.register(user=P(3)) == 403)
    stranger = await lab.phone("1001", register=False, password="1234")
    lab.check("no person registers without a softphone", await stranger.register() in (401, 403))
    call = await one.dial("1001")
    await ended(call)
    lab.check("a nobody's phone may not call", call.final.status >= 400, call.final.start)
    lab.check("and hears a tone", call.tones() == [GONE], call.tones())


async def login(lab):
    one, two = await lab.phone(1), await lab.phone(2)
    heard = await log_in(one, "*11", "1001", "4711")
    lab.check("*11: extension, PIN, logged in", heard == [EXTENSION, PIN, IN], heard)
    lab.check("she sits there", lab.sessions() == {P(1): "1001"}, lab.sessions())
    heard = await log_in(two, "*121001", "1001", "4711")
    lab.check("*12 with her extension: only the PIN is asked", heard == [PIN, IN], heard)
    lab.check("she sits at both", lab.sessions() == {P(1): "1001", P(2): "1001"}, lab.sessions())
    three = await lab.phone(3)
    lab.seat("1002", P(3))
    call = await three.call("1001")
    await until(lambda: one.rang and two.rang)
    lab.check("a call to her rings both", len(one.rang) == len(two.rang) == 1, (one.rang, two.rang))
    await two.answer(two.rang[0])
    await call.placed
    lab.check("and is answered at one", call.final.status == 200, call.final.start)
    await until(lambda: one.rang[0].ended.is_set())
    lab.check("the other stops", one.rang[0].ended.is_set())
    await call.hang_up()
    lab.check("the hang-up arrives", await ended(two.rang[0], 3))
    who = await one.dial("*15")
    await ended(who)
    lab.check("*15 says that somebody is in", IN in who.tones(), who.tones())
    heard = await log_in(one, "*111001", "1001", "4711")
    lab.check("*11: out everywhere else", lab.sessions().get(P(2)) is None and heard == [PIN, IN], (heard, lab.sessions()))
    out = await one.dial("*13")
    await out.hear(PIN)
    await out.press("4711#")
    await ended(out)
    lab.check("*13: the PIN, and out", out.tones() == [PIN, OUT] and P(1) not in lab.sessions(), (out.tones(), lab.sessions()))
    who = await one.dial("*15")
    await ended(who)
    lab.check("*15 says that nobody is in", who.tones() == [OUT], who.tones())
    lab.seat("1001", P(1))
    lab.seat("1001", P(2), also=True)
    elsewhere = await three.dial("*14")
    await elsewhere.hear(EXTENSION)
    await elsewhere.press("1001#")
    await elsewhere.hear(PIN)
    await elsewhere.press("4711#")
    await ended(elsewhere)
    lab.check("*14 from another phone", elsewhere.tones() == [EXTENSION, PIN, OUT], elsewhere.tones())
    lab.check("out everywhere", lab.sessions() == {P(3): "1002"}, lab.sessions())
    restart = await one.dial("*19")
    await ended(restart)
    lab.check("*19 says goodbye", restart.tones() == [GOODBYE], restart.tones())


async def take_over(lab):
    one, two = await lab.phone(1), await lab.phone(2)
    lab.seat("1001", P(1))
    lab.seat("1003", P(2))
    heard = await log_in(one, "*111002", "1002", "4712")
    lab.check("another logs in where she sat", heard == [PIN, IN] and lab.sessions() == {P(1): "1002", P(2): "1003"}, lab.sessions())
    call = await two.call("1002")
    await until(lambda: one.rang)
    lab.check("calls to the new one ring there", len(one.rang) == 1)
    await call.hang_up()
    call = await two.dial("1001", within=8)
    lab.check("calls to the old one do not", len(one.rang) == 1, len(one.rang))
    await call.hang_up()


async def wrong_pins(lab):
    one, two = await lab.phone(4), await lab.phone(2)
    call = await one.dial("*111003")
    for n in range(1, 4):
        await call.hear(PIN, n)
        await call.press("0815#")
    await ended(call)
    lab.check("three wrong PINs: refused thrice, goodbye", call.tones() == [PIN, REFUSED] * 3 + [GOODBYE], call.tones())
    call = await one.dial("*111003")
    for n in range(1, 3):
        await call.hear(PIN, n)
        await call.press("0815#")
    await call.hear(PIN, 3)
    await call.press("4713#")
    await ended(call)
    lab.check("locked: the right one is refused too", call.tones() == [PIN, REFUSED] * 3 + [GOODBYE], call.tones())
    heard = await log_in(two, "*111003", "1003", "4713")
    lab.check("not at another phone", heard == [PIN, IN], heard)
    lab.run("users", "unlock", "1003")
    heard = await log_in(one, "*111003", "1003", "4713")
    lab.check("unlocked by the operator", heard == [PIN, IN], heard)
    call = await one.dial("*11")
    await call.hear(EXTENSION)
    await call.press("999999#")
    await call.hear(PIN)
    await call.press("4713#")
    await call.hear(REFUSED)
    lab.check("an unknown extension is refused alike", call.tones()[:3] == [EXTENSION, PIN, REFUSED], call.tones())
    await call.hang_up()
    lab.run("users", "unlock", "1003")


async def voicemail_pin(lab):
    one = await lab.phone(1)
    await lab.fs.api(f"vm_fsdb_pref_password_set default {DOMAIN} 1004 8642")
    heard = await log_in(one, "*111004", "1004", "8642")
    lab.check("the PIN that was set by phone", heard == [PIN, IN], heard)
    call = await one.dial("*111004")
    await call.hear(PIN)
    await call.press("4714#")
    await call.hear(REFUSED)
    lab.check("the old one no more", call.tones()[:2] == [PIN, REFUSED], call.tones())
    await call.hang_up()
    lab.run("users", "unlock", "1004")


async def old_pin(lab):
    """With pin.old_pin_valid the PIN that we gave counts beside the one set by phone."""
    one = await lab.phone(1)
    await lab.fs.api(f"vm_fsdb_pref_password_set default {DOMAIN} 1004 8642")
    with lab.setting("old_pin_valid", "true"):
        for pin in ("4714", "8642"):
            heard = await log_in(one, "*111004", "1004", pin)
            lab.check(f"old_pin_valid: {pin}", heard == [PIN, IN], heard)
    lab.run("users", "unlock", "1004")


async def free_number(lab):
    """What a nobody's phone may call goes on as the phone itself, whatever it says of itself."""
    two = await lab.phone(2)
    two.display = "I am the boss"
    call = await two.dial("9196")
    lab.check("a free number is reached", call.final.status == 200, call.final.start)
    uuid = await lab.uuid()
    found = [await lab.var(uuid, name) for name in ("caller_id_number", "caller_id_name", "user_name", "user_context")]
    lab.check("as the phone itself", found == [P(2), "O'Brien's desk", P(2), "restricted"], found)
    await call.hang_up()


async def says_who(lab):
    one = await lab.phone(1)
    log = await lab.log()
    lab.seat("1004", P(1))
    call = await one.dial("*15")
    await ended(call)
    said = log()
    if said is not None:
        lab.check("*15 says the digits of the extension", "say(en number iterated 1004)" in said, call.tones())


async def names(lab):
    one, two, three, four = [await lab.phone(n) for n in (1, 2, 3, 4)]
    for user, phone in (("1001", 1), ("1002", 2), ("1003", 3), ("1004", 4)):
        lab.seat(user, P(phone))
    shown = {"1001": "Ada Lovelace", "1002": "Pat O'Brien", "1003": "O’Neil d’Arc", "1004": "Žofie Ünïcode 名前"}
    phones = {"1001": one, "1002": two, "1003": three, "1004": four}
    says = dict(shown, **{"1003": "O'Neil d'Arc"})
    callers = {"1001": two, "1002": three, "1003": four, "1004": one}
    for user, phone in phones.items():
        caller = callers[user]
        own = next(user for user, phone in phones.items() if phone is caller)
        phone.on_call = "answer"
        before = len(phone.rang)
        call = await caller.dial(user)
        if not lab.check(f"{user} rings and answers", len(phone.rang) == before + 1 and call.final.status == 200, call.final.start):
            continue
        ringing = phone.rang[-1].invite
        lab.check(f"the callee sees {own}", f"<sip:{own}@" in ringing.get("from") and says[own] in ringing.get("from"), ringing.get("from"))
        seen = " ".join(call.final.all("remote-party-id") + call.final.all("p-asserted-identity"))
        lab.check(f"the caller is shown {user} {shown[user]}", f"<sip:{user}@" in seen and shown[user] in seen, seen)
        lab.check("and never the phone", "0004132a" not in seen + ringing.get("from") + ringing.get("remote-party-id"), seen)
        await call.hang_up()
        await ended(phone.rang[-1], 3)


async def context(lab):
    one = await lab.phone(1)
    one.display = "I am the boss"
    lab.seat("1001", P(1))
    call = await one.dial("9196")
    lab.check("her own dialplan takes the call", call.final.status == 200, call.final.start)
    uuid = await lab.uuid()
    for name, wanted in (("user_name", "1001"), ("toll_allow", "domestic,local"), ("accountcode", "A1001"),
                         ("caller_id_number", "1001"), ("caller_id_name", "Ada Lovelace"), ("sip_auth_username", P(1)),
                         ("effective_caller_id_number", "1001"), ("domain_name", DOMAIN), ("user_context", "default")):
        found = await lab.var(uuid, name)
        lab.check(f"{name} is {wanted}", found == wanted, found)
    dump = await lab.fs.api(f"uuid_dump {uuid}")
    lab.check("no secret in the channel", "phone-secret" not in dump and not re.search(r"\b4711\b", dump))
    await call.hang_up()


async def reachable(lab):
    one, two, three = await lab.phone(1), await lab.phone(2), await lab.phone(3)
    lab.seat("1001", P(1))
    one.on_call = "answer"
    lab.seat("1003", P(2))
    call = await two.dial("1002")
    lab.check("away to 1001 while nowhere", call.final.status == 200 and len(one.rang) == 1, call.final.start)
    await call.hang_up()
    call = await two.dial("1004")
    lab.check("away to a number", call.final.status == 200, call.final.start)
    await call.hang_up()
    call = await two.call("1008")
    await until(lambda: three.rang, 3)
    lab.check("a desk extension rings the device", len(three.rang) == 1, call.statuses)
    await call.hang_up()
    secret = re.search(r"once: (\S+)", lab.run("users", "add", "1002", "--name", "Pat O'Brien", "--group", "sales",
                                               "--team", "sales", "--team", "help", "--away", "1001", "--softphone", "--replace")[1])[1]
    soft = await lab.phone("1002", password=secret)
    lab.seat("1002", P(3))
    call = await two.call("1002")
    await until(lambda: soft.rang and len(three.rang) > 1, 3)
    lab.check("softphone and desk ring together", len(soft.rang) == 1 and len(three.rang) == 2, (len(soft.rang), len(three.rang)))
    await call.hang_up()
    own = await soft.dial("9196")
    lab.check("the softphone calls as herself", own.final.status == 200, own.final.start)
    await own.hang_up()
    for phone in (one, two, three, soft):
        phone.rang.clear()
    one.on_call = "ring"
    lab.seat("1004", P(4))
    four = await lab.phone(4)
    call = await four.call("2000")
    await until(lambda: one.rang and three.rang and soft.rang and two.rang, 3)
    rang = [len(p.rang) for p in (one, two, three, soft)]
    lab.check("group/sales rings all of its members", rang == [1, 1, 1, 1], rang)
    await call.hang_up()


class FarEnd:
    """The emergency service behind the trunk: 127.0.0.1:15090, where the last route of `prepare` leads."""

    async def __aenter__(self):
        self.phone = await Phone("trunk", "", DOMAIN, ("127.0.0.1", 0)).open(15090)
        self.phone.on_call = "answer"
        return self.phone

    async def __aexit__(self, *_):
        for call in list(self.phone.calls.values()):
            call.over()
        self.phone.close()
        await asyncio.sleep(0.05)


async def _emergency(lab, phone, what, number, shows, within=5):
    async with FarEnd() as far:
        started = time.monotonic()
        call = await phone.dial(number)
        took = time.monotonic() - started
        arrived = far.rang[-1].invite if far.rang else None
        if not lab.check(f"{number} {what}", call.final.status == 200 and arrived, call.final.start):
            return
        print(f"          ({took * 1000:.0f} ms)")
        lab.check("arrives as 999 or 112", re.match(r"INVITE sip:(999|112)@", arrived.start), arrived.start)
        lab.check(f"shows {shows}", f"<sip:{shows}@" in arrived.get("from"), arrived.get("from"))
        asserted = " ".join(arrived.all("p-asserted-identity"))
        lab.check("asserts it", f"<sip:{shows}@" in asserted, asserted or arrived.headers)
        lab.check("without privacy", "id" not in arrived.get("privacy"), arrived.get("privacy"))
        lab.check("offers PCMA and PCMU first", [c for c in far.rang[-1].offered if c != "101"][:2] == ["8", "0"], far.rang[-1].offered)
        await asyncio.sleep(0.3)
        lab.check("and both can talk", far.rang[-1].rtp is not None and call.packets >= 0)
        await call.hang_up()
        lab.check("the hang-up arrives", await ended(far.rang[-1], 3))


async def emergency(lab):
    one, two = await lab.phone(1), await lab.phone(2)
    lab.fs.events.clear()
    await _emergency(lab, one, "from a restricted phone", "999", "+43123456")
    events = [event.get("Hotdesk-Stage") for event in lab.fs.events]
    lab.check("an event tells of it", events == ["dialled"], events)
    await _emergency(lab, two, "with a number of its own", "112", "+4312345")
    await _emergency(lab, one, "with the trunk prefix", "0999", "+43123456")
    lab.seat("1001", P(2))
    await _emergency(lab, two, "where somebody sits", "999", "+4312345")


async def emergency_dead(lab):
    one, two = await lab.phone(1), await lab.phone(2)
    lab.seat("1001", P(2))
    lab.run("freeswitch", "install")
    await lab.fs.api("reloadxml")
    lab.signal(signal.SIGKILL)
    await _emergency(lab, one, "from a restricted phone, daemon dead", "999", "+43123456")
    await _emergency(lab, two, "where somebody sits, daemon dead", "999", "+4312345")
    lab.check("phones register, daemon dead", await one.register() == 200)
    call = await one.dial("*11")
    await ended(call)
    lab.check("*11 says that it is not available", call.tones() == [GONE], call.tones())
    call = await two.call("1001")
    await asyncio.sleep(1)
    lab.check("calls to her still ring her", len(two.rang) == 1, call.statuses)
    await call.hang_up()
    lab.start()
    async with FarEnd():
        pass
    outside = await Phone("trunk", "", DOMAIN, ("127.0.0.1", lab.outside)).open()
    lab.open_phones.append(outside)
    one.on_call = two.on_call = "ring"
    two.rang.clear()
    back = await outside.call("+4312345")
    await until(lambda: two.rang, 3)
    lab.check("a call back rings that phone", len(two.rang) == 1 and not one.rang, (len(one.rang), len(two.rang), back.statuses))
    await back.hang_up()
    back = await outside.call("012345")
    await asyncio.sleep(1)
    await back.hang_up()
    lab.signal(signal.SIGKILL)
    back = await outside.call("+43123456")
    await until(lambda: one.rang, 3)
    lab.check("a call back to the site's number, daemon dead", len(one.rang) == 1, back.statuses)
    await back.hang_up()
    lab.start()


async def emergency_told(lab):
    """Every emergency call is in the journal, also one that was made while we were away; each once."""
    lab.run("freeswitch", "install")
    await lab.fs.api("reloadxml")
    one, two = await lab.phone(1), await lab.phone(2)
    lab.seat("1001", P(2))
    listed = lambda what: json.loads(lab.run("journal", "list", "--what", what, "--limit", "1000", "--json")[1])
    known = {entry["id"] for entry in listed("emergency-call")}
    told = lambda: [entry for entry in listed("emergency-call") if entry["id"] not in known]
    await _emergency(lab, two, "where somebody sits", "112", "+4312345")
    lab.check("the journal tells of it", await until(lambda: len(told()) == 1), told())
    call = told()[0]
    seen = (call["phone"], call["user"], call["number"], call["caller_id"], call["node"], call["missed"])
    lab.check("who, where, which number", seen == (P(2), "1001", "112", "+4312345", "fs1", False), call)
    remembered = lambda: lab.fs.api("db list/hotdesk_emergency")
    lab.check("FreeSWITCH need not remember it", (await remembered()).startswith("-ERR"), await remembered())
    lab.signal(signal.SIGKILL)
    await _emergency(lab, one, "from a restricted phone, daemon dead", "999", "+43123456")
    kept = (await remembered()).strip()
    lab.check("FreeSWITCH remembers it", re.fullmatch(r"[0-9a-f-]{36}", kept), kept)
    lab.start()
    lab.check("told when we are back", await until(lambda: len(told()) == 2, 15), told())
    missed = told()[-1]
    lab.check("as one that was missed", missed["missed"] and missed["phone"] == P(1) and missed["user"] is None, missed)
    lab.signal(signal.SIGTERM)
    if kept.startswith("-ERR"):
        return
    await lab.fs.api(f"db insert/hotdesk_emergency/{kept}/{int(time.time())}.999.{P(1)}.+43123456")
    lab.start()
    await asyncio.sleep(3)
    lab.check("and not again", len(told()) == 2, told())


async def emergency_test(lab):
    lab.run("freeswitch", "install")
    await lab.fs.api("reloadxml")
    code, told = lab.run("emergency", "test")
    lab.check("every phone would get through", code == 0 and "reach 999" in told, told[-500:])
    lab.run("phones", "add", "0004132afffe")
    try:
        # Its entry follows within seconds; a daemon that is away writes none.
        lab.signal(signal.SIGKILL)
        folder = Path(re.search(r"^(/.*)/dialplan/hotdesk.xml: ", lab.run("freeswitch", "install")[1], re.M)[1])
        dialplan = folder / "dialplan/restricted.xml"
        text = dialplan.read_text()
        dialplan.write_text(text.replace("(999|112)", "(998|112)"))
        code, told = lab.run("emergency", "test", quiet=True)
        lab.check("a dialplan that was changed is found", code == 1 and "is older than the configuration" in told and "999, 0999: " in told, told[-500:])
        dialplan.write_text(text)
        code, told = lab.run("emergency", "test")
        lab.check("and put right again", code == 0, told[-500:])
    finally:
        lab.start()
        lab.run("phones", "remove", "0004132afffe")


async def idle_logout(lab):
    """A minute without a call, and out; not in a call, and not by a call before."""
    five, six = await lab.phone(5), await lab.phone(6)
    rule = lambda text: lab.run("phones", "import", "-", stdin=f"mac,logout\n{P(5)},{text}\n{P(6)},{text}\n")

    async def out(phone, within):
        end = time.monotonic() + within
        while phone in lab.sessions() and time.monotonic() < end:
            await asyncio.sleep(2)
        return phone not in lab.sessions()

    rule("1m")
    try:
        lab.seat("1003", P(5))
        lab.seat("1004", P(6))
        call = await six.dial("9196")
        lab.check("a call goes on", call.final.status == 200, call.final.start)
        five.notifies.clear()
        lab.check("out after a minute without a call", await out(P(5), 90), lab.sessions())
        lab.check("its phone is told", await until(lambda: five.notifies, 10))
        lab.check("not during a call", lab.sessions().get(P(6)) == "1004", lab.sessions())
        await call.hang_up()
        await asyncio.sleep(30)
        lab.check("nor right after it", lab.sessions().get(P(6)) == "1004", lab.sessions())
        lab.check("but a minute later", await out(P(6), 60), lab.sessions())
        told = lab.run("journal", "list", "--what", "logout", "--limit", "2")[1]
        lab.check("the journal says why", told.count(": idle") == 2, told)
    finally:
        rule("")


async def emergency_hung(lab):
    one, two = await lab.phone(1), await lab.phone(2)
    lab.seat("1001", P(2))
    lab.run("freeswitch", "install")
    await lab.fs.api("reloadxml")
    lab.signal(signal.SIGSTOP)
    try:
        await _emergency(lab, one, "from a restricted phone, daemon hung", "999", "+43123456")
        await _emergency(lab, two, "where somebody sits, daemon hung", "999", "+4312345")
        started = time.monotonic()
        lab.check("phones register, daemon hung", await one.register() == 200)
        print(f"          ({(time.monotonic() - started) * 1000:.0f} ms)")
        call = await one.call("*11")
        print("          (*11 while it hangs:", end=" ")
        await asyncio.sleep(3)
        print(call.statuses, call.tones(), ")")
        await call.hang_up()
    finally:
        lab.signal(signal.SIGCONT)
    await lab.quiet()


async def hang_ups(lab):
    """A hang-up at each moment leaves nothing half-way."""
    one = await lab.phone(1)
    before = lab.sessions()
    moments = [0.0, 0.05, 0.1, 0.2]
    for moment in moments:
        call = await one.call("*111001")
        await asyncio.sleep(moment)
        await call.hang_up()
    for moment in (0, 0.1, 0.3):
        call = await one.dial("*11")
        await asyncio.sleep(moment)
        await call.press("10")
        await call.hang_up()
    for moment in (0, 0.05, 0.1, 0.2):
        call = await one.dial("*111001")
        await call.hear(PIN)
        await call.press("4711")
        await asyncio.sleep(moment)
        await call.hang_up()
    lab.check("hung up before the last key: nobody sits there", await lab.quiet() and lab.sessions() == before, lab.sessions())
    for moment in (0, 0.02, 0.05, 0.1, 0.2):
        lab.clear()
        call = await one.dial("*111001")
        await call.hear(PIN)
        await call.press("4711#", gap=0.02)
        await asyncio.sleep(moment)
        await call.hang_up()
        await lab.quiet()
        print(f"          (hung up {moment * 1000:.0f} ms after the last key: {lab.sessions() or 'nobody'})")
        lab.check("before or after, nothing between", lab.sessions() in ({}, {P(1): "1001"}))


async def killed(lab):
    """The daemon dies in mid-conversation: the caller hears that it is not available, and can hang up."""
    one = await lab.phone(1)
    for moment in ("extension", "pin", "while a prompt plays"):
        call = await one.dial("*11")
        await call.hear(EXTENSION)
        if moment == "pin":
            await call.press("1001#")
            await call.hear(PIN)
        started = time.monotonic()
        lab.signal(signal.SIGKILL)
        over = await ended(call, 25)
        print(f"          (over after {time.monotonic() - started:.1f} s: {call.tones()} {call.why})")
        lab.check(f"killed at the {moment}: the caller hears it, and the call ends", over and GONE in call.tones(), call.tones())
        lab.start()
        lab.check("nobody sits there", lab.sessions() == {}, lab.sessions())


async def secrets(lab):
    """Where the PIN shows in FreeSWITCH: no event, no variable, no CDR, not the answers to commands."""
    log = await lab.log()
    watch = await FreeSwitch().open(lab.host, lab.port, lab.password)
    await watch.command("event plain CHANNEL_CREATE CHANNEL_EXECUTE CHANNEL_EXECUTE_COMPLETE CHANNEL_HANGUP CHANNEL_HANGUP_COMPLETE "
                        "CHANNEL_DATA CHANNEL_CALLSTATE API BACKGROUND_JOB DTMF PRIVATE_COMMAND CHANNEL_DESTROY CODEC RECV_MESSAGE")
    one = await lab.phone(1)
    await lab.fs.api(f"vm_fsdb_pref_password_set default {DOMAIN} 1004 8642")
    await asyncio.sleep(0.3)
    watch.events.clear()
    await log_in(one, "*111004", "1004", "8642")
    call = await one.dial("*111003")  # one right, one wrong, hung up within the next
    await call.hear(PIN)
    await call.press("970531#")
    await call.hear(REFUSED)
    await call.hear(PIN, 2)
    await call.press("9705")
    await call.hang_up()
    await lab.quiet()
    await asyncio.sleep(1)
    found = {}
    for event in watch.events:
        for name, value in event.items():
            if re.search(r"(?<!\d)(8642|970531|9705)(?!\d)", value):
                found.setdefault(f"{event['Event-Name']} {event.get('Application', '')}".strip(), set()).add(name)
    lab.check("events were seen", len(watch.events) > 50, len(watch.events))
    # The event that hands it to us, and the beginning of the application that takes it away.
    handed = ("CHANNEL_EXECUTE_COMPLETE play_and_get_digits", "CHANNEL_EXECUTE multiunset")
    rest = {key: names for key, names in found.items() if key not in handed or names != {"variable_hotdesk_keys"}}
    lab.check("the PIN is in the event that hands it over, and in none after it", len(found) == 2 and not rest, found)
    lab.check("no event tells of single keys", not any(event["Event-Name"] == "DTMF" for event in watch.events))
    last = [event for event in watch.events if event["Event-Name"] == "CHANNEL_HANGUP_COMPLETE"]
    dialled = {event.get("variable_digits_dialed") for event in last}
    lab.check("nor in what a CDR is made of", last and dialled <= {"none"}, dialled)
    said = log()
    if said is not None:
        lab.check("FreeSWITCH's log has no key", len(said) > 1000 and not re.search(r"RECV DTMF|(?<!\d)(8642|970531|9705)(?!\d)", said))
    lab.run("users", "unlock", "1003")
    await watch.close()


async def killed_with_pin(lab):
    """Killed right after the last key: the PIN stays in no variable."""
    watch = await FreeSwitch().open(lab.host, lab.port, lab.password)
    await watch.command("event plain CHANNEL_HANGUP_COMPLETE")
    one = await lab.phone(1)
    for moment in (0.0, 0.02, 0.04, 0.08):
        lab.clear()
        call = await one.dial("*111001")
        await call.hear(PIN)
        await call.press("4711#", gap=0.02)
        await asyncio.sleep(moment)
        lab.signal(signal.SIGKILL)
        await ended(call, 20)
        await lab.quiet()
        await until(lambda: watch.events, 3)
        left = {n: v for event in watch.events for n, v in event.items() if re.search(r"(?<!\d)4711(?!\d)", v)}
        lab.check(f"killed {moment * 1000:.0f} ms after the last key: no PIN is left", not left, left)
        lab.start()
        lab.check("and the login is there or not", lab.sessions() in ({}, {P(1): "1001"}))
        watch.events.clear()
    lab.clear()
    await watch.close()


async def many(lab, count=1000, logins=50):
    """Many phones register at once while people log in."""
    macs = [f"0004132b{n:04x}" for n in range(count)]
    known = set(re.findall(r"^0004132b....", lab.run("phones", "list")[1], re.M))
    started = time.monotonic()
    for mac in macs:
        if mac not in known:
            lab.run("phones", "add", mac, "--read-secret", stdin=f"secret-{mac}")
    for n in range(logins):
        if f"3{n:03}" not in lab.run("users", "list")[1]:
            lab.run("users", "add", f"3{n:03}", "--name", f"User {n}")
            lab.run("users", "pin", f"3{n:03}", stdin=f"97{n:03}\n")
    print(f"          (made in {time.monotonic() - started:.0f} s)")
    for total in (100, count):
        phones = [await lab.phone(mac, register=False, password=f"secret-{mac}") for mac in macs[:total]]
        started = time.monotonic()
        async def once(phone):
            begun = time.monotonic()
            try:
                return await phone.register(within=32), time.monotonic() - begun
            except TimeoutError:
                return 0, 99
        registering = [asyncio.ensure_future(once(phone)) for phone in phones]
        await asyncio.sleep(0.2)
        heard = await log_in(phones[0], "*113000", "3000", "97000")
        done = await asyncio.gather(*registering)
        took = sorted(seconds for status, seconds in done)
        good = sum(status == 200 for status, _ in done)
        print(f"          ({total} in {time.monotonic() - started:.1f} s: middle {took[total // 2]:.2f} s, last {took[-1]:.2f} s)")
        lab.check(f"{total} phones register at once", good == total, good)
        lab.check("and a login goes on meanwhile", heard == [PIN, IN], heard)
        if total < count:
            await lab.tidy()
    rate = re.search(r"\d+", await lab.fs.api("fsctl sps"))[0]
    await lab.fs.api("fsctl sps 500")  # stock: 30 new calls a second, and more are refused
    await asyncio.sleep(1.1)
    started = time.monotonic()
    heard = await asyncio.gather(*(log_in(phones[n], f"*113{n:03}", f"3{n:03}", f"97{n:03}") for n in range(logins)))
    good = sum(tones == [PIN, IN] for tones in heard)
    print(f"          ({logins} logins in {time.monotonic() - started:.1f} s)")
    lab.check(f"{logins} log in at once", good == logins, [tones for tones in heard if tones != [PIN, IN]])
    await lab.fs.api(f"fsctl sps {rate}")
    seated = lab.sessions()
    lab.check("each sits at the own phone", all(seated.get(macs[n]) == f"3{n:03}" for n in range(logins)), len(seated))
    lab.run("freeswitch", "install")
    sizes = []
    reloading = True
    async def reload():
        for _ in range(5):
            begun = time.monotonic()
            said = await lab.fs.api("reloadxml")
            sizes.append((said.split("\n")[0], time.monotonic() - begun))
    async def ask():
        answers = []
        while reloading:
            begun = time.monotonic()
            status = await phones[7].register()
            answers.append((status, time.monotonic() - begun))
        return answers
    asking = asyncio.ensure_future(ask())
    await reload()
    reloading = False
    answers = await asking
    print(f"          (reloadxml {[f'{seconds:.2f}' for _, seconds in sizes]} s; meanwhile {len(answers)} registrations, the slowest {max(s for _, s in answers):.2f} s)")
    lab.check("reloadxml works", all(said == "+OK [Success]" for said, _ in sizes), sizes)
    lab.check("phones register while it runs", all(status == 200 for status, _ in answers))
    for user in [f"3{n:03}" for n in range(logins)]:
        lab.run("sessions", "logout", "--user", user)


async def resync(lab):
    """After each change of person the phone is told to fetch its configuration, and its lamp is hers; not in a call."""
    one, two = await lab.phone(1), await lab.phone(2)
    kinds = lambda phone: [notify.get("event") for notify in phone.notifies]
    await asyncio.sleep(1)
    for phone in (one, two):
        phone.notifies.clear()
    heard = await log_in(one, "*111001", "1001", "4711")
    lab.check("logged in", heard == [PIN, IN], heard)
    told = await until(lambda: any("check-sync" in kind for kind in kinds(one)), 6)
    lab.check("the phone is told to fetch its configuration", told and "check-sync;reboot=false" in kinds(one), kinds(one))
    lamp = await until(lambda: "message-summary" in kinds(one), 6)
    bodies = [notify.body for notify in one.notifies if notify.get("event") == "message-summary"]
    lab.check("its lamp is hers", lamp and f"1001@{DOMAIN}" in bodies[-1], bodies)
    lab.check("no other phone is told anything", not two.notifies, kinds(two))
    one.on_call = "answer"
    lab.seat("1002", P(2))
    await until(lambda: "message-summary" in kinds(two) and "check-sync;reboot=false" in kinds(two), 6)
    for phone in (one, two):
        phone.notifies.clear()
    call = await two.dial("1001")
    lab.check("in a call", call.final.status == 200, call.final.start)
    lab.seat("1003", P(1))
    await asyncio.sleep(3)
    lab.check("a phone in a call is told nothing", not one.notifies, kinds(one))
    await call.hang_up()
    told = await until(lambda: "check-sync;reboot=false" in kinds(one), 8)
    lab.check("but as soon as the call is over", told, kinds(one))
    restart = await two.dial("*19")
    await ended(restart)
    told = await until(lambda: "check-sync;reboot=true" in kinds(two), 8)
    lab.check("*19 restarts the phone", told, kinds(two))
    one.notifies.clear()
    lab.signal(signal.SIGKILL)
    lab.run("sessions", "logout", P(1))
    lab.start()
    told = await until(lambda: "check-sync;reboot=false" in kinds(one), 8)
    lab.check("what changed without the daemon is made up for", told, kinds(one))
    lab.check("nothing is asked twice", len(kinds(one)) == len(set(kinds(one))), kinds(one))


async def confirmed(lab):
    """A phone that fetches its files from us shows a change when it has fetched them; until then it is told again."""
    one, mac = await lab.phone(1), P(1)
    url = lab.run("phones", "enrol", mac, "--show-url")[1].strip()
    url = re.sub(r"^http://[^/]+", "http://127.0.0.1:8085", url) + mac.upper() + ".xml"
    fetch = lambda: asyncio.to_thread(lambda: urllib.request.urlopen(url, timeout=5).read().decode())
    why = lambda: lab.run("phones", "why", mac)[1]
    first = await fetch()
    lab.check("its file is nobody's", "Log in with *11" in first, first[:300])
    told = lambda: sum(notify.get("event") == "check-sync;reboot=false" for notify in one.notifies)
    await until(lambda: "is enrolled" in why() and "shows what it should: nobody" in why(), 10)
    one.notifies.clear()
    lab.seat("1001", mac)
    lab.check("the phone is told to fetch", await until(lambda: told() == 1, 6), told())
    lab.check("it does not count as shown", "A change is not shown yet: it should show 1001" in why(), why())
    lab.check("it is told again after half a minute", await until(lambda: told() == 2, 40), told())
    second = await fetch()
    lab.check("the file is the user's", "Ada" in second, second[:300])
    lab.check("now it counts as shown", await until(lambda: "It shows what it should: 1001" in why(), 10), why())
    one.notifies.clear()
    await asyncio.sleep(35)
    lab.check("and it is told no more", told() == 0, told())


async def way(lab):
    """A phone's way: configured, registered, gone, back; and carried to another network."""
    mac = P(1)
    url = lab.run("phones", "enrol", mac, "--show-url")[1].strip()
    url = re.sub(r"^http://[^/]+", "http://127.0.0.1:8085", url) + mac.upper() + ".xml"
    show = lambda: lab.run("phones", "show", mac)[1]
    kept = lambda: json.loads(lab.run("phones", "show", mac, "--json")[1])["way"]["registration"]
    at = lambda: (re.search(r"^registered at FreeSWITCH +(.+)$", show(), re.M) or [None, "-"])[1]
    one = await lab.phone(1)
    await asyncio.to_thread(lambda: urllib.request.urlopen(url, timeout=5).read())
    came = await until(lambda: re.search(r"^configured +20", show(), re.M) and at().startswith("20"), 10)
    lab.check("configured and registered, with times", came, show())
    checked, told = lab.run("phones", "check", mac, quiet=True)
    lab.check("check asks FreeSWITCH, and it is there", "127.0.0.1" in told and one.agent in told, told)
    await one.register(expires=0)
    lab.check("it unregisters, and that is known", await until(lambda: kept()["ended"], 10), show())
    checked, told = lab.run("phones", "check", mac, quiet=True)
    lab.check("check misses it", checked == 1 and "not registered" in told, told)
    lab.signal(signal.SIGKILL)
    await one.register()
    lab.start()
    lab.check("registered while we were away, and that is known", await until(lambda: not kept()["ended"], 15), show())

    places = '[[location]]\nname = "Vienna"\nnetworks = ["127.0.0.1/32"]\n'
    lab.run("phones", "import", "-", stdin=f"mac,location\n{mac},Vienna room 1\n")
    moved = lambda: mac in lab.run("phones", "list", "--moved")[1]
    told = lambda: lab.run("journal", "list", "--phone", mac)[1].count("its emergency location is wrong there")
    before = told()
    with lab.tables(places):
        await one.register()
        await asyncio.sleep(2)
        lab.check("at its place nothing is said", not moved(), show())
        elsewhere = Phone(mac, PHONES[mac], DOMAIN, lab.sip, host="127.0.0.2")
        await elsewhere.open()
        lab.open_phones.append(elsewhere)
        lab.check("it registers from another network", await elsewhere.register() == 200)
        lab.check("it has moved", await until(moved, 10), show())
        lab.check("the journal says so, once", told() == before + 1, told() - before)
        await elsewhere.register(expires=0)
        await one.register()
        lab.check("and it is back", await until(lambda: not moved(), 10), show())
    lab.run("phones", "import", "-", stdin=f"mac,location\n{mac},\n")


async def lamps(lab):
    """Busy lamps that ask for `dialog` follow the person, as caller and as callee, wherever she sits."""
    one, two, three = await lab.phone(1), await lab.phone(2), await lab.phone(3)
    lab.check("a phone may ask for her lamp", await three.subscribe("1001", "dialog") in (200, 202))
    lab.seat("1002", P(2))
    states = lambda: [re.findall(r"<state[^>]*>(\w+)</state>", notify.body) for notify in three.notifies if notify.get("event").startswith("dialog")]
    lit = lambda: [state for found in states() for state in found]
    for phone in (1, 4):
        at = one if phone == 1 else await lab.phone(4)
        lab.seat("1001", P(phone))
        at.on_call = "answer"
        three.notifies.clear()
        call = await two.dial("1001")
        on = await until(lambda: "confirmed" in lit(), 5)
        lab.check(f"lit when she is called at phone {phone}", on, states())
        await call.hang_up()
        off = await until(lambda: lit()[-1:] in (["terminated"], []), 5)
        lab.check("dark when she hangs up", off, states())
        three.notifies.clear()
        call = await at.dial("9196")
        on = await until(lambda: "confirmed" in lit(), 5)
        lab.check("lit when she calls", on, states())
        await call.hang_up()
        off = await until(lambda: lit()[-1:] in (["terminated"], []), 5)
        lab.check("dark after it", off, states())


async def queues(lab):
    config = lambda command: lab.fs.api(f"callcenter_config {command}")
    ada, pat = f"1001@{DOMAIN}", f"1002@{DOMAIN}"
    sales = f"sales@{DOMAIN}"
    status = lambda agent: config(f"agent get status {agent}")

    async def becomes(agent, wanted, within=10):
        end = time.monotonic() + within
        while time.monotonic() < end and (found := await status(agent)) != wanted:
            await asyncio.sleep(0.05)
        return found == wanted

    await asyncio.sleep(1)
    told = lab.run("queues", "sync", "--dry-run")[1]
    lab.check("nothing is left to do", "Everything is as it should be." in told, told)
    listed = await config("queue list")
    lab.check("both teams have a queue", f"\n{sales}|longest-idle-agent|silence_stream://-1|" in listed and f"\nhelp@{DOMAIN}|" in listed, listed)
    lab.check("max-wait-time-with-no-agent is never for ever", "|0|3|5|" in listed and "|0|10|5|" in listed, listed)
    agents = await config("agent list")
    lab.check("the contact is the person", f"|callback|user/{ada}|" in agents and f"|callback|user/{pat}|" in agents, agents)
    lab.check("nobody is logged in, so nobody is available", [await status(a) for a in (ada, pat)] == ["Logged Out"] * 2)

    one, two, three = await lab.phone(1), await lab.phone(2), await lab.phone(3)
    began = time.monotonic()
    heard = await log_in(one, "*111001", "1001", "4711")
    lab.check("a login makes available", await becomes(ada, "Available"), (heard, await status(ada)))
    print(f"          ({time.monotonic() - began:.2f} s from the first key)")
    lab.seat("1003", P(3))
    call = await three.call("700")
    lab.check("a caller of the queue's number rings where she is", await until(lambda: one.rang), one.rang)
    state = await config(f"agent get state {ada}")
    lab.run("sessions", "logout", P(1))
    await asyncio.sleep(1)
    lab.check("she leaves while it rings: nothing is set", state == "Receiving" and await status(ada) == "Available", (state, await status(ada)))
    lab.check("and it goes on ringing", not one.rang[0].ended.is_set())
    await one.answer(one.rang[0])
    await asyncio.sleep(1)
    lab.check("nor while they talk", await config(f"agent get state {ada}") == "In a queue call" and await status(ada) == "Available")
    await one.rang[0].hang_up()
    lab.check("the agent hangs up, and the caller is done", await ended(call, 5))
    lab.check("then she is logged out", await becomes(ada, "Logged Out"), await status(ada))

    call = await three.call("700")
    await call.placed
    lab.check("a caller waits in the queue", (await config(f"queue count members {sales}")).strip() == "1")
    overflown = False
    for _ in range(150):
        rows = await lab.channels()
        overflown = any(row["dest"] == "9196" and row["application"] == "echo" for row in rows)
        if overflown:
            break
        await asyncio.sleep(0.1)
    lab.check("with nobody there the caller goes where the team says", overflown, rows)
    await call.hang_up()

    lab.seat("1001", P(1))
    await becomes(ada, "Available")
    await config(f"agent set status {ada} 'On Break'")
    lab.signal(signal.SIGTERM)
    lab.start()
    await config(f"queue reload {sales}")
    lab.seat("1001", P(2), also=True)
    await asyncio.sleep(2)
    lab.check("a break outlives a restart, a reload and a second login", await status(ada) == "On Break", await status(ada))
    await config(f"agent add 9999@{DOMAIN} callback")
    await config(f"tier add {sales} 9999@{DOMAIN} 1 1")
    told = lab.run("queues", "sync")[1]
    lab.check("somebody else's agent is left alone", f"9999@{DOMAIN}|" in await config("tier list") and f"9999@{DOMAIN}" in await config("agent list"), told)
    await config(f"agent del 9999@{DOMAIN}")

    await config(f"queue unload {sales}")
    told = lab.run("queues", "sync")[1]
    lab.check("a queue that is missing is loaded", sales in await config("queue list"), told)
    await lab.fs.api("unload mod_callcenter")
    lab.check("(the module is gone)", "Command not found" in await config("queue list"))
    told = lab.run("queues", "sync")[1]
    lab.check("so is the module", "load the module" in told and sales in await config("queue list"), told)
    lab.check("and the break is still one", await status(ada) == "On Break", await status(ada))
    lab.run("sessions", "logout", "--user", "1001")
    lab.check("a logout ends it", await becomes(ada, "Logged Out"), await status(ada))

    lab.signal(signal.SIGKILL)
    await lab.fs.api("unload mod_callcenter")
    said = await lab.fs.api("load mod_callcenter")
    lab.check("with the daemon dead the module loads from the disk", said.strip().endswith("+OK") and sales in await config("queue list"), said)
    lab.start()


async def stopped(lab):
    """Told to stop, the daemon lets running conversations end well and takes no new ones."""
    one, two = await lab.phone(1), await lab.phone(2)
    call = await one.dial("*111001")
    await call.hear(PIN)
    lab.daemon.send_signal(signal.SIGTERM)
    await asyncio.sleep(0.3)
    late = await two.dial("*11")
    await ended(late)
    lab.check("a new call hears that it is not available", late.tones() == [GONE], late.tones())
    await call.press("4711#")
    await ended(call)
    lab.check("who was in a conversation is logged in", call.tones() == [PIN, IN], call.tones())
    lab.daemon.wait(15)
    lab.check("and it stops", lab.daemon.returncode == 0, lab.daemon.returncode)
    lab.start()
    lab.check("with the login kept", lab.sessions() == {P(1): "1001"}, lab.sessions())


async def silent_log(lab):
    """An ordinary morning leaves no error in FreeSWITCH's log, and no warning in hotdeskd's."""
    own = lab.folder / "hotdeskd.log"
    before = own.stat().st_size
    log = await lab.log()
    one, two = await lab.phone(1), await lab.phone(2)
    await log_in(one, "*11", "1001", "4711")
    await log_in(two, "*121002", "1002", "4712")
    two.on_call = "answer"
    call = await one.dial("1002")
    await call.hang_up()
    await log_in(two, "*111001", "1001", "4711")
    call = await one.dial("*13")
    await ended(call)
    call = await one.dial("*141001")
    await call.hear(PIN)
    await call.press("4711#")
    await ended(call)
    await lab.fs.api("reloadxml")
    await asyncio.sleep(1)
    said = log()
    if said is not None:
        faults = [line for line in said.split("\n") if re.search(r"\[(ERR|CRIT|ALERT)\]", line)]
        lab.check("FreeSWITCH logs no error", len(said) > 1000 and not faults, faults[:5])
    faults = [line for line in own.read_bytes()[before:].decode().split("\n") if re.search(r" (WARN|ERROR) ", line)]
    lab.check("hotdeskd logs no warning", not faults, faults)
