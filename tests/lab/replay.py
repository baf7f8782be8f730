"""A device that replays what real ones answered: SSH and Telnet, with banner, paging, privileged mode, slow and dropping lines.

Run as ``python replay.py PLATFORM KEY-FILE CONFIGURATION ADDRESS [slow|drop|old|rude]`` (``-`` is no configuration); it writes each line that it is told to ``heard.log``.
"""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import paramiko

TRANSCRIPTS = Path(__file__).with_name("transcripts")
LOGIN = ("audit", "hunter2-login")
ENABLE = "hunter2-enable"
PAGE = 20
BANNER = "\r\n*** Reserved. Access is recorded. # > ***\r\n"
Say = Callable[[bytes], object]
Hear = Callable[[], bytes]


@dataclass(frozen=True)
class Manners:
    """How a platform speaks."""

    prompt: str
    refusal: str
    unpaged: str
    """The command that ends paging."""
    more: str = " --More-- "
    configuration: str = ""
    """The command that shows it; none where it is not asked for."""


MANNERS = {
    "cisco_ios": Manners(
        "sw-replay>", "           ^\n% Invalid input detected at '^' marker.\n", "terminal length 0",
        configuration="show running-config",
    ),
    "huawei_vrp": Manners(
        "<sw-replay>", "           ^\nError: Unrecognized command found at '^' position.\n", "screen-length 0 temporary",
        "  ---- More ----", "display current-configuration",
    ),
    "hp_comware": Manners(
        "<sw-replay>", "           ^\n % Unrecognized command found at '^' position.\n", "screen-length disable", "---- More ----",
    ),
    "aruba_aoscx": Manners("sw-replay# ", "Invalid input: nothing of the kind\n", "no page", "-- MORE --, next page: Space"),
    "mikrotik_routeros": Manners(
        "[audit@sw-replay] > ", "bad command name (line 1 column 1)\n", "",
    ),
}  # fmt: skip


class Device:
    """What the platform answers."""

    def __init__(self, platform: str, configuration: str, manner: str) -> None:
        self.platform, self.manner = platform, manner
        shown = {path.stem: path.read_text() for path in (TRANSCRIPTS / platform).glob("*.raw")}
        self.shown = shown | ({self.manners.configuration: configuration} if self.manners.configuration else {})

    @property
    def manners(self) -> Manners:
        return MANNERS[self.platform]


class Session:
    """One login at the command line."""

    def __init__(self, device: Device, say: Say, hear: Hear) -> None:
        self.device, self._say, self._hear = device, say, hear
        self.privileged = self.unpaged = False
        self.said, self._returned = 0, False

    def say(self, text: str) -> None:
        data = text.replace("\r\n", "\n").replace("\n", "\r\n").encode()
        if self.device.manner == "slow":
            for at in range(0, len(data), 200):
                self._say(data[at : at + 200])
                time.sleep(0.02)
        else:
            self._say(data)
        self.said += len(data)
        if self.device.manner == "drop" and self.said > 3000:
            raise EOFError

    def line(self, *, echo: bool = True) -> str:
        got, octet = b"", self._hear()
        if octet == b"\n" and self._returned:  # Telnet ends a line with both
            octet = self._hear()
        while octet not in {b"\r", b"\n"}:
            if not octet:
                raise EOFError
            if octet != b"\x00":
                got += octet
            octet = self._hear()
        self._returned = octet == b"\r"
        text = got.decode("utf-8", "replace").strip()
        with Path("heard.log").open("a") as log:
            log.write(text + "\n")
        if echo and text:
            self.say(f"{text}\n")
        return text

    @property
    def prompt(self) -> str:
        return "sw-replay#" if self.privileged else self.device.manners.prompt

    def talk(self) -> None:
        self.say(BANNER + "\n" + self.prompt)
        while True:
            text = " ".join(self.line().split())
            if text in {"exit", "quit"}:
                return
            self.answer(text)
            self.say("\n" + self.prompt if self.device.manner == "rude" and text else self.prompt)

    def answer(self, text: str) -> None:
        if text and text == self.device.manners.unpaged:
            self.unpaged = True
        elif text == "enable" and self.device.platform == "cisco_ios":
            self.say("Password: ")
            self.privileged = self.line(echo=False) == ENABLE
            self.say("\n" if self.privileged else "\n% Access denied\n")
        elif text in self.device.shown and (self.privileged or "running" not in text):
            self.page(self.device.shown[text])
        elif text and not text.startswith("terminal width"):
            self.say(self.device.manners.refusal)

    def page(self, text: str) -> None:
        lines = text.rstrip("\n").split("\n")
        whole = self.unpaged or not self.device.manners.unpaged
        for at in range(0, len(lines), len(lines) if whole else PAGE):
            self.say("\n".join(lines[at : at + (len(lines) if whole else PAGE)]) + "\n")
            if not whole and at + PAGE < len(lines):
                self.say(self.device.manners.more)
                self._hear()
                self.say("\r          \r")


def note(password: str) -> None:
    """Keep that *password* was tried."""
    with Path("tries.log").open("a") as log:
        log.write(password + "\n")


class Gate(paramiko.ServerInterface):
    """Who may come in by SSH."""

    def check_auth_password(self, username: str, password: str) -> int:
        note(password)
        known = (username.partition("+")[0], password) == LOGIN
        return paramiko.AUTH_SUCCESSFUL if known else paramiko.AUTH_FAILED

    def get_allowed_auths(self, username: str) -> str:
        return "password"

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED

    def check_channel_pty_request(self, *_words: object) -> bool:
        return True

    def check_channel_shell_request(self, channel: paramiko.Channel) -> bool:
        return True


def ssh(line: socket.socket, device: Device, key: paramiko.PKey) -> None:
    transport = paramiko.Transport(line)
    if device.manner == "old":
        security = transport.get_security_options()
        security.kex, security.ciphers, security.digests = (
            ("diffie-hellman-group14-sha1",),
            ("aes128-cbc",),
            ("hmac-sha1",),
        )
    transport.add_server_key(key)
    try:
        transport.start_server(server=Gate())
        channel = transport.accept(20)
        if channel is not None:
            Session(device, channel.sendall, lambda: channel.recv(1)).talk()
    except (paramiko.SSHException, EOFError, OSError):
        pass
    finally:
        transport.close()


def telnet(line: socket.socket, device: Device, _key: object) -> None:
    session = Session(device, line.sendall, lambda: line.recv(1))
    try:
        line.sendall(b"\xff\xfb\x01\xff\xfb\x03" + BANNER.encode())
        for _chance in range(3):
            line.sendall(b"\r\nUsername:")
            name = session.line()
            line.sendall(b"\r\nPassword:")
            note(password := session.line(echo=False))
            if (name.split("\ufffd")[-1].lstrip("\x01\x03"), password) == LOGIN:
                session.talk()
                return
            line.sendall(b"\r\n% Login invalid\r\n")
    except (EOFError, OSError):
        pass
    finally:
        line.close()


def serve(
    port: int, handler: Callable[[socket.socket, Device, paramiko.PKey], None], device: Device, key: paramiko.PKey
) -> None:
    with socket.create_server((ADDRESS, port)) as door:
        while True:
            threading.Thread(target=handler, args=(door.accept()[0], device, key), daemon=True).start()


if __name__ == "__main__":
    platform, key_file, configuration, ADDRESS, *manner = sys.argv[1:]
    shown = "" if configuration == "-" else Path(configuration).read_text()
    made = Device(platform, shown, manner[0] if manner else "plain")
    host_key = paramiko.Ed25519Key(filename=key_file)
    threading.Thread(target=serve, args=(23, telnet, made, host_key), daemon=True).start()
    serve(22, ssh, made, host_key)
