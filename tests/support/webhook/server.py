"""A target of webhooks: HTTPS, checks the signatures as Standard Webhooks says, and misbehaves as it is told.

usage: server.py FOLDER [PORT]. In FOLDER: server.pem, server.key, secret (whsec_...), control.json (how it misbehaves:
status, hang, location, wait); it writes `port`, and a line of JSON for each request into `requests`.
"""

import base64
import hashlib
import hmac
import http.server
import json
import os
import ssl
import sys
import threading
import time

folder = sys.argv[1]
port = int(sys.argv[2]) if len(sys.argv) > 2 else 0
lock = threading.Lock()


def path(name):
    return os.path.join(folder, name)


def read(name, default):
    try:
        with open(path(name), encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return default


def signature_is_good(headers, body):
    secret = base64.b64decode(read("secret", "").strip().removeprefix("whsec_"))
    timestamp = headers.get("webhook-timestamp", "")
    if not timestamp.isdigit() or abs(int(timestamp) - time.time()) > 60:
        return False
    signed = f"{headers.get('webhook-id', '')}.{timestamp}.".encode() + body
    wanted = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
    given = [part.removeprefix("v1,") for part in headers.get("webhook-signature", "").split(" ")]
    return any(hmac.compare_digest(wanted, one) for one in given)


class Target(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        control = json.loads(read("control.json", "{}"))
        status = control.get("status", 204)
        line = {
            "path": self.path,
            "id": self.headers.get("webhook-id"),
            "type": self.headers.get("Content-Type"),
            "signed": signature_is_good(self.headers, body),
            "body": json.loads(body),
            "status": status,
        }
        with lock, open(path("requests"), "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        if control.get("hang"):
            time.sleep(3600)
        self.send_response(status)
        if "location" in control:
            self.send_header("Location", control["location"])
        if "wait" in control:
            self.send_header("Retry-After", str(control["wait"]))
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        # A client that does not believe the certificate, or went away.
        pass


server = Server(("127.0.0.1", port), Target)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(path("server.pem"), path("server.key"))
# The handshake in the connection's own thread, or one that hangs holds up all.
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
with open(path("port.new"), "w", encoding="utf-8") as file:
    file.write(str(server.server_address[1]))
os.rename(path("port.new"), path("port"))
server.serve_forever()
