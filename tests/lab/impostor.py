"""An SSH server that lets nobody in and notes what was tried: ``impostor.py ADDRESS PORT KEY LOG``."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
from pathlib import Path

import paramiko


class Counting(paramiko.ServerInterface):
    """Takes down each attempt to log in."""

    def __init__(self, log: Path) -> None:
        self._log = log

    def _note(self, what: str) -> int:
        with self._log.open("a") as log:
            log.write(f"{what}\n")
        return paramiko.AUTH_FAILED

    def get_allowed_auths(self, username: str) -> str:
        return "publickey,password,keyboard-interactive"

    def check_auth_none(self, username: str) -> int:
        return self._note(f"auth none {username}")

    def check_auth_password(self, username: str, password: str) -> int:
        return self._note(f"auth password {username}")

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        return self._note(f"auth publickey {username}")

    def check_auth_interactive(self, username: str, submethods: str) -> int:
        return self._note(f"auth interactive {username}")


def _serve(connection: socket.socket, key: paramiko.PKey, log: Path) -> None:
    transport = paramiko.Transport(connection)
    transport.add_server_key(key)
    with contextlib.suppress(paramiko.SSHException, EOFError, OSError):
        transport.start_server(server=Counting(log))
    with log.open("a") as noted:
        noted.write("met\n")


def listen(address: str, port: int, key: paramiko.PKey, log: Path) -> socket.socket:
    """Serve from now on, in threads; closing the socket ends it."""
    door = socket.create_server((address, port), backlog=50)
    log.write_text("ready\n")

    def take() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _from = door.accept()
                threading.Thread(target=_serve, args=(connection, key, log), daemon=True).start()

    threading.Thread(target=take, daemon=True).start()
    return door


if __name__ == "__main__":
    listen(sys.argv[1], int(sys.argv[2]), paramiko.PKey.from_path(Path(sys.argv[3])), Path(sys.argv[4]))
    threading.Event().wait()
