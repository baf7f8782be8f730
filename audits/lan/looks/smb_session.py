"""What a stranger without a name may open on a file server: an anonymous session, the list of shares, their top folders."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from uuid import UUID

from audits.lan.door import Talk
from audits.lan.looks.conversation import hear_exactly

_SESSION, _TREE, _CREATE, _IOCTL = 1, 3, 5, 11
_MORE = 0xC0000016
_SILENT = 0xFFFFFFFF
#: What decides nothing: no answer, no resources, a request not accepted, a time-out (MS-ERREF §2.3).
LATER = frozenset({_SILENT, 0xC000009A, 0xC0000205, 0xC00000D0, 0xC00000B5})
_FLAGS = 0x00088A07
"""Unicode, OEM, target, NTLM, anonymous, always sign, extended session security."""
_SRVSVC = UUID("4b324fc8-1670-01d3-1278-5a47bf6ee188").bytes_le + struct.pack("<HH", 3, 0)
_NDR = UUID("8a885d04-1ceb-11c9-9fe8-08002b104860").bytes_le + struct.pack("<I", 2)
_SHARES = 5
#: Seconds: samba starts the service behind a pipe when it is first asked for.
_PATIENCE = 5.0
_DISK = 0


def framed(message: bytes) -> bytes:
    """Return *message* with its length before it (RFC 1002 §4.3)."""
    return struct.pack("!I", len(message)) + message


async def hear_message(talk: Talk) -> bytes:
    """Return one whole message, at most 128 KiB."""
    head = await talk.hear(4, seconds=_PATIENCE)
    return await hear_exactly(talk, min(int.from_bytes(head[1:], "big"), 1 << 17)) if len(head) == 4 else b""


def header(command: int, number: int, session: int = 0, tree: int = 0) -> bytes:
    """Return the header of an SMB 2 request."""
    return struct.pack("<4sHHIHHIIQIIQ16s", b"\xfeSMB", 64, 1, 0, command, 31, 0, 0, number, 0xFEFF, tree, session, b"")


@dataclass
class Session:
    """An anonymous session: its numbers go up with each request."""

    talk: Talk
    number: int = 0
    session: int = 0
    tree: int = 0

    async def ask(self, command: int, body: bytes) -> tuple[int, bytes]:
        """Send one request and return (status, whole reply)."""
        self.number += 1
        await self.talk.say(framed(header(command, self.number, self.session, self.tree) + body))
        reply = await hear_message(self.talk)
        while len(reply) >= 64 and struct.unpack_from("<I", reply, 8)[0] == 0x00000103:  # pending
            reply = await hear_message(self.talk)
        return (struct.unpack_from("<I", reply, 8)[0], reply) if len(reply) >= 64 else (_SILENT, b"")

    async def log_in(self) -> bool | None:
        """Open a session without a name; true when the server takes it, None when no answer decides it."""
        hello = b"NTLMSSP\0" + struct.pack("<II", 1, _FLAGS) + bytes(16)
        status, reply = await self.ask(_SESSION, _setup(hello))
        if status != _MORE:
            return None if status in LATER else False
        (self.session,) = struct.unpack_from("<Q", reply, 40)
        field = struct.pack("<HHI", 0, 0, 65)
        answer = b"NTLMSSP\0" + struct.pack("<I", 3) + struct.pack("<HHI", 1, 1, 64) + field * 5
        status, _reply = await self.ask(_SESSION, _setup(answer + struct.pack("<I", _FLAGS) + b"\0"))
        return _granted(status)

    async def connect(self, path: str) -> bool | None:
        """Connect to a share; true when it is there for us, None when no answer decides it."""
        encoded = path.encode("utf-16-le")
        status, reply = await self.ask(_TREE, struct.pack("<HHHH", 9, 0, 72, len(encoded)) + encoded)
        if status == 0:
            (self.tree,) = struct.unpack_from("<I", reply, 36)
        return _granted(status)

    async def open(self, name: str, access: int, options: int) -> tuple[bool | None, bytes]:
        """Open what is there already, and return whether that was granted (None when no answer decides it) and its handle."""
        encoded = name.encode("utf-16-le")
        body = struct.pack(
            "<HBBI8s8sIIIIIHHII", 57, 0, 0, 2, b"", b"", access, 0, 7, 1, options, 120, len(encoded), 0, 0
        )
        status, reply = await self.ask(_CREATE, body + (encoded or b"\0"))
        whole = status != 0 or len(reply) >= 144
        return (_granted(status), reply[128:144]) if whole else (None, b"")

    async def transceive(self, handle: bytes, question: bytes) -> bytes | None:
        """Say something to a pipe and return its answer, nothing where it is refused; None where none decides."""
        body = struct.pack("<HHI16sIIIIIIII", 57, 0, 0x0011C017, handle, 120, len(question), 0, 0, 0, 65536, 1, 0)
        status, reply = await self.ask(_IOCTL, body + question)
        if status in LATER:
            return None
        if status not in {0, 0x80000005} or len(reply) < 112:
            return b""
        at, size = struct.unpack_from("<II", reply, 96)
        return reply[at : at + size]


def _granted(status: int) -> bool | None:
    return None if status in LATER else status == 0


def _setup(token: bytes) -> bytes:
    return struct.pack("<HBBIIHHQ", 25, 0, 1, 0, 0, 88, len(token), 0) + token


async def stranger(talk: Talk, ip: str) -> tuple[list[str] | None, list[str] | None]:
    """Return (shares whose top folder a stranger may list, shares that he is told of) after a negotiation on *talk*.

    Each is None where no answer decided it.
    """
    session = Session(talk)
    let_in = await session.log_in() and await session.connect(f"\\\\{ip}\\IPC$")
    if not let_in:
        return (None, None) if let_in is None else ([], [])
    piped, handle = await session.open("srvsvc", 0x0012019F, 0)
    if not piped:
        return (None, None) if piped is None else ([], [])
    bound = await session.transceive(handle, _bind())
    told = None if bound is None else await session.transceive(handle, _request(f"\\\\{ip}"))
    if told is None:
        return None, None
    listed = shares(told)
    disks = [name for name, kind in listed if kind & 0xFFFF == _DISK][:_SHARES]
    tried = {name: await _opens(session, f"\\\\{ip}\\{name}") for name in disks}
    opened = [name for name, free in tried.items() if free]
    return opened if opened or None not in tried.values() else None, [name for name, _kind in listed]


async def _opens(session: Session, path: str) -> bool | None:
    """Say whether the top folder of the share at *path* may be listed; None when no answer decides it."""
    return await session.connect(path) and (await session.open("", 0x81, 1))[0]


def _bind() -> bytes:
    body = struct.pack("<HHIBxHHBx", 4280, 4280, 0, 1, 0, 0, 1) + _SRVSVC + _NDR
    return struct.pack("<BBBBIHHI", 5, 0, 11, 3, 0x10, 16 + len(body), 0, 1) + body


def _request(server: str) -> bytes:
    name = server.encode("utf-16-le") + b"\0\0"
    count = len(name) // 2
    stub = struct.pack("<IIII", 0x20000, count, 0, count) + name + b"\0" * (-len(name) % 4)
    stub += struct.pack("<IIIII", 1, 1, 0x20004, 0, 0) + struct.pack("<III", 0xFFFFFFFF, 0x20008, 0)
    return struct.pack("<BBBBIHHIIHH", 5, 0, 0, 3, 0x10, 24 + len(stub), 0, 2, len(stub), 0, 15) + stub


def shares(reply: bytes) -> list[tuple[str, int]]:
    """Return (name, kind) of the shares in the answer to NetrShareEnum, at most 50; what does not fit ends it."""
    found: list[tuple[str, int]] = []
    try:
        if reply[2] != 2:
            return found
        (count,) = struct.unpack_from("<I", reply, 36)
        at = 24 + 24
        kinds = [struct.unpack_from("<I", reply, at + 12 * index + 4)[0] for index in range(min(count, 50))]
        at += 12 * count
        for kind in kinds:
            name, at = _string(reply, at)
            _remark, at = _string(reply, at)
            found.append((name.rstrip("\0"), kind))
    except (struct.error, IndexError):
        return found
    return found


def _string(reply: bytes, at: int) -> tuple[str, int]:
    (size,) = struct.unpack_from("<I", reply, at + 8)
    end = at + 12 + 2 * size
    if size > 512 or end > len(reply):
        raise struct.error
    return reply[at + 12 : end].decode("utf-16-le", "replace"), end + -(end - at) % 4
