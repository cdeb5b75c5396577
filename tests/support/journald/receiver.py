"""journald's socket, for a daemon in a mount namespace of its own: writes each entry as a line of JSON.

usage: receiver.py FILE. Listens at /run/systemd/journal/socket and ends with the process that started it.
"""

import json
import os
import socket
import struct
import sys

parent = os.getppid()
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind("/run/systemd/journal/socket")
listener.settimeout(0.2)


def fields(datagram):
    """systemd's native protocol: NAME=value, or NAME, a length of 8 bytes and the value."""
    entry = {}
    while datagram:
        line, _, rest = datagram.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if equals:
            datagram = rest
        else:
            (length,) = struct.unpack("<Q", rest[:8])
            value, datagram = rest[8 : 8 + length], rest[9 + length :]
        entry[name.decode()] = value.decode(errors="replace")
    return entry


with open(sys.argv[1], "a", encoding="utf-8") as file:
    while os.getppid() == parent:
        try:
            datagram = listener.recv(1 << 20)
        except TimeoutError:
            continue
        file.write(json.dumps(fields(datagram)) + "\n")
        file.flush()
