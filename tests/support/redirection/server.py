#!/usr/bin/env python3
"""A redirection service as Snom documents it (and Gigaset's, as far as it is known), by Python's own xmlrpc.server: HTTPS, HTTP Basic, `text/xml`, array results,
the documented error strings. Independent of what it is asked by.

    server.py FOLDER [PORT]

FOLDER holds server.pem and server.key; phones.json ({MAC: {owner, url, type}}) and control.json may be there.
Written there: port; calls (a line of JSON each call, before it is done); phones.json after each change.

control.json, read at each request: `answer` (html, 401, fault, half, huge, deep, 503, 429, redirect, lost), `methods` (for
which; absent: all), `times` (so often; absent: always), `delay` (seconds before the answer, after it was done),
`spelling` (of listPhones: upper, lower, colon), `untyped` (strings without a type).
"""

import base64
import json
import os
import re
import socketserver
import ssl
import sys
import threading
import time
import xmlrpc.client
from xmlrpc.server import SimpleXMLRPCDispatcher, SimpleXMLRPCRequestHandler

FOLDER = sys.argv[1]
USERS = {"office": "redirection-password-5081", "other": "redirection-password-other"}
MAC = re.compile(r"\A[0-9A-Fa-f]{12}\Z")
LOCK = threading.Lock()
APPLIED = {}


def path(name):
    return os.path.join(FOLDER, name)


def read(name, default):
    try:
        with open(path(name)) as file:
            return json.load(file)
    except (FileNotFoundError, json.JSONDecodeError):
        return default


PHONES = read("phones.json", {})


def keep():
    with open(path("phones.new"), "w") as file:
        json.dump(PHONES, file)
    os.replace(path("phones.new"), path("phones.json"))


class Service:
    """The methods, for one user."""

    def __init__(self, user):
        self.user = user

    def fault_of(self, mac):
        if not isinstance(mac, str) or not MAC.match(mac):
            return [False, "Error:malformed_mac"]
        phone = PHONES.get(mac.upper())
        if phone and phone["owner"] != self.user:
            return [False, "Error:owned_by_other_user"]
        return None

    def absent(self, mac):
        return self.fault_of(mac) or (None if mac.upper() in PHONES else [False, "Error:no_such_mac"])

    def gigaset(self, fault):
        """The other service's word for it."""
        words = {
            "Error:malformed_mac": "mac_invalid:",
            "Error:owned_by_other_user": "mac_already_in_use:",
            "Error:no_such_mac": "mac_not_exist:",
        }
        return fault and [False, words[fault[1]]]

    def call(self, method, params):
        with LOCK:
            if method == "redirect.registerPhone":
                mac, url = params
                fault = self.fault_of(mac)
                if fault:
                    return fault
                if not re.match(r"\Ahttps?://[^/ ]+/", url):
                    return [False, "Error:malformed_url " + url]
                old = PHONES.get(mac.upper(), {})
                kind = old.get("type", "snomD785")
                PHONES[mac.upper()] = {"owner": self.user, "url": url, "type": kind}
                keep()
                return [True, "Ok"]
            if method == "redirect.deregisterPhone":
                (mac,) = params
                fault = self.absent(mac)
                if fault:
                    return fault
                del PHONES[mac.upper()]
                keep()
                return [True, "Ok"]
            if method == "redirect.checkPhone":
                (mac,) = params
                return self.absent(mac) or [True, "Ok"]
            if method == "redirect.getPhoneRedirection":
                (mac,) = params
                return self.absent(mac) or [True, "A Company", PHONES[mac.upper()]["url"]]
            if method == "redirect.listPhones":
                kind, url = (list(params) + [None])[:2]
                spell = {
                    "lower": str.lower,
                    "colon": lambda mac: ":".join(re.findall("..", mac)),
                }.get(read("control.json", {}).get("spelling"), str.upper)
                return [
                    spell(mac)
                    for mac, phone in PHONES.items()
                    if phone["owner"] == self.user and phone["type"] == kind and url in (None, phone["url"])
                ]
            if method == "autoprov.registerDevice":
                mac, url, profile = params
                fault = self.gigaset(self.fault_of(mac))
                if fault:
                    return fault
                if not re.match(r"\Ahttps?://[^/ ]+/", url):
                    return [False, "url_invalid:" + url]
                PHONES[mac.upper()] = {"owner": self.user, "url": url, "type": profile}
                keep()
                return [True, ""]
            if method in ("autoprov.deregisterDevice", "autoprov.checkDevice"):
                (mac,) = params
                fault = self.gigaset(self.absent(mac))
                if fault:
                    return fault
                if method == "autoprov.deregisterDevice":
                    del PHONES[mac.upper()]
                    keep()
                return [True, ""]
            if method == "network.echo":
                return params[0]
        raise xmlrpc.client.Fault(-32601, "server error; method not found: " + method)


class Handler(SimpleXMLRPCRequestHandler):
    rpc_paths = ("/xmlrpc/", "/apxml/rpc.do")
    protocol_version = "HTTP/1.1"
    timeout = 60

    def setup(self):
        self.request.settimeout(10)
        self.request.do_handshake()
        super().setup()

    def log_message(self, *arguments):
        pass

    def reply(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        method, params = "", ()
        try:
            params, method = xmlrpc.client.loads(body.decode())
        except Exception:  # noqa: BLE001, whatever it is, it is no call
            pass
        user = self.user()
        call = {"method": method, "params": params, "user": user, "path": self.path, "at": time.time()}
        control = read("control.json", {})
        applies = method in control.get("methods", [method])
        with LOCK:
            key = json.dumps(control)
            if applies and "times" in control:
                APPLIED[key] = APPLIED.get(key, 0) + 1
                applies = APPLIED[key] <= control["times"]
        answer = control.get("answer") if applies else None
        call["answer"] = answer
        with LOCK, open(path("calls"), "a") as file:
            file.write(json.dumps(call) + "\n")
        if self.path not in self.rpc_paths:
            return self.reply(404, b"no such page")
        if self.headers.get("Content-Type", "").split(";")[0] != "text/xml":
            return self.reply(400, b"Content-Type must be text/xml")
        if answer == "401" or user is None:
            return self.reply(401, b"who?", [("WWW-Authenticate", 'Basic realm="redirection"')])
        if answer:
            return self.misbehave(answer, user, method, params, control)
        return self.answer(user, method, params, control if applies else {})

    def user(self):
        scheme, _, value = self.headers.get("Authorization", "").partition(" ")
        if scheme != "Basic":
            return None
        user, _, password = base64.b64decode(value).decode().partition(":")
        return user if USERS.get(user) == password else None

    def answer(self, user, method, params, control):
        try:
            result = Service(user).call(method, params)
            xml = xmlrpc.client.dumps((result,), methodresponse=True)
        except xmlrpc.client.Fault as fault:
            xml = xmlrpc.client.dumps(fault, methodresponse=True)
        if control.get("untyped"):
            xml = xml.replace("<string>", "").replace("</string>", "")
        time.sleep(control.get("delay", 0))
        self.reply(200, xml.encode(), [("Content-Type", "text/xml")])

    def misbehave(self, answer, user, method, params, control):
        kind = [("Content-Type", "text/xml")]
        if answer == "html":
            page = b"<!DOCTYPE html>\n<html><body><h1>Welcome to the hotel's network</h1></body></html>"
            return self.reply(200, page, [("Content-Type", "text/html")])
        if answer == "fault":
            fault = xmlrpc.client.Fault(1, "cannot do this with " + json.dumps(params))
            return self.reply(200, xmlrpc.client.dumps(fault, methodresponse=True).encode(), kind)
        if answer == "half":
            # Done, but told by half.
            xml = xmlrpc.client.dumps((Service(user).call(method, params),), methodresponse=True).encode()
            return self.reply(200, xml[: len(xml) // 2], kind)
        if answer == "deep":
            many = 50_000
            xml = "<?xml version='1.0'?><methodResponse><params><param>"
            xml += "<value><array><data>" * many + "</data></array></value>" * many
            return self.reply(200, (xml + "</param></params></methodResponse>").encode(), kind)
        if answer == "huge":
            self.send_response(200)
            self.send_header("Content-Length", str(100 << 20))
            self.end_headers()
            try:
                for _ in range(100):
                    self.wfile.write(b" " * (1 << 20))
            except OSError:
                pass
            self.close_connection = True
            return None
        if answer == "lost":
            # Done, but nobody hears of it.
            Service(user).call(method, params)
            self.close_connection = True
            return None
        if answer == "429":
            return self.reply(429, b"", [("Retry-After", "1")])
        if answer == "redirect":
            return self.reply(307, b"", [("Location", control["to"])])
        return self.reply(int(answer), b"not now")


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer, SimpleXMLRPCDispatcher):
    allow_reuse_address = True
    daemon_threads = True
    logRequests = False
    request_queue_size = 128

    def handle_error(self, request, client_address):
        # Whoever hangs up is no fault; all else is told at the end of the test.
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path("server.pem"), path("server.key"))
    server = Server(("127.0.0.1", int((sys.argv + ["0"])[2])), Handler)
    # The handshake belongs to each connection's own thread.
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    with open(path("port.new"), "w") as file:
        file.write(str(server.server_address[1]))
    os.replace(path("port.new"), path("port"))
    server.serve_forever()


main()
