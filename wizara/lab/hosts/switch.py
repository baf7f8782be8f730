"""A switch that answers Cisco-IOS commands over SSH, and listens on telnet as it should not.

Run as ``python -m wizara.lab.hosts.switch NAME ADDRESS LOG-FOLDER``. Logs in ``audit`` with the password ``rehearsal-switch``.
"""

from __future__ import annotations

import socket
import socketserver
import sys
import threading
from pathlib import Path

import paramiko
from paramiko.common import (
    AUTH_FAILED,
    AUTH_SUCCESSFUL,
    OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED,
    OPEN_SUCCEEDED,
)

from wizara.lab.hosts import SWITCH_LOGIN, ios

_PASSWORD = SWITCH_LOGIN["password"]
_LOGIN = b"\r\nUser Access Verification\r\n\r\nUsername: "


class Gate(paramiko.ServerInterface):
    """Who may come in, and what for."""

    def __init__(self) -> None:
        self.wanted = threading.Event()

    def check_auth_password(self, username: str, password: str) -> int:
        """Accept the auditor."""
        known = username == "audit" and password == _PASSWORD
        return AUTH_SUCCESSFUL if known else AUTH_FAILED

    def get_allowed_auths(self, username: str) -> str:
        """Offer passwords, as such a device does."""
        return "password"

    def check_channel_request(self, kind: str, chanid: int) -> int:
        """Allow a session."""
        return OPEN_SUCCEEDED if kind == "session" else OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED

    def check_channel_pty_request(self, *_words: object) -> bool:
        """Allow a terminal."""
        return True

    def check_channel_shell_request(self, channel: paramiko.Channel) -> bool:
        """Allow the command line."""
        self.wanted.set()
        return True


def talk(channel: paramiko.Channel, name: str) -> None:
    """Lead one session at the command line."""
    session = ios.Session(name)
    line = ""
    channel.send(session.prompt().encode())
    while data := channel.recv(1024):
        for sign in data.decode("utf-8", "replace"):
            if sign not in "\r\n":
                line += sign
                channel.send(sign.encode() if not session.asks_password else b"")
            elif sign == "\r" or line or data == b"\n":
                reply = session.answer(line, _PASSWORD)
                line = ""
                channel.send(f"\r\n{reply}".replace("\r\n", "\n").replace("\n", "\r\n").encode())
                if session.ended:
                    return
                channel.send(session.prompt().encode())


def welcome(line: socket.socket, key: paramiko.PKey, name: str) -> None:
    """Serve one SSH connection."""
    transport = paramiko.Transport(line)
    try:
        transport.local_version = "SSH-2.0-Cisco-1.25"
        transport.add_server_key(key)
        gate = Gate()
        transport.start_server(server=gate)
        channel = transport.accept(30)
        if channel and gate.wanted.wait(10):
            talk(channel, name)
            channel.close()
    except (paramiko.SSHException, OSError, EOFError):
        pass
    finally:
        transport.close()


class Telnet(socketserver.BaseRequestHandler):
    """A login prompt in clear text."""

    def handle(self) -> None:
        """Ask for a name and take nobody."""
        self.request.settimeout(20)
        try:
            self.request.sendall(_LOGIN)
            self.request.recv(256)
            self.request.sendall(b"\r\nPassword: ")
            self.request.recv(256)
        except OSError:
            return


def main() -> None:
    """Serve for ever."""
    name, address, folder = sys.argv[1:]
    path = Path(folder) / "host_key"
    if not path.exists():
        paramiko.ECDSAKey.generate().write_private_key_file(str(path))
    key = paramiko.ECDSAKey.from_private_key_file(str(path))
    (Path(folder) / "host_key.pub").write_text(f"{key.get_name()} {key.get_base64()}\n")
    socketserver.ThreadingTCPServer.allow_reuse_address = True
    telnet = socketserver.ThreadingTCPServer((address, 23), Telnet)
    telnet.daemon_threads = True
    threading.Thread(target=telnet.serve_forever, daemon=True).start()
    with socket.create_server((address, 22), backlog=16) as listener:
        while True:
            line, _peer = listener.accept()
            threading.Thread(target=welcome, args=(line, key, name), daemon=True).start()


if __name__ == "__main__":
    main()
