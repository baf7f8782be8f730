"""Asks an SNMP agent for what follows an object (GETBULK, RFC 3416 §4.2.3), by v2c or v3; there is no way to set anything here."""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias

from audits.lan.door import Door
from wizara.audit.job import SnmpLogin
from wizara.errors import Refusal

Oid: TypeAlias = tuple[int, ...]
Value: TypeAlias = int | bytes
PORT = 161
_TRIES = 2
"""Of one question: a datagram may be lost."""
_PATIENCE = 2.0
"""Seconds to wait for an answer, at least: small switches are slow to look into large tables."""
#: RFC 3414 and RFC 7860; RFC 3826 and, for longer keys, what devices speak.
_AUTHENTICATION = {
    "sha": "usmHMACSHAAuthProtocol", "sha224": "usmHMAC128SHA224AuthProtocol", "sha256": "usmHMAC192SHA256AuthProtocol",
    "sha384": "usmHMAC256SHA384AuthProtocol", "sha512": "usmHMAC384SHA512AuthProtocol",
}  # fmt: skip
_PRIVACY = {
    "aes128": "usmAesCfb128Protocol", "aes192": "usmAesCfb192Protocol", "aes256": "usmAesCfb256Protocol",
    "none": "usmNoPrivProtocol",
}  # fmt: skip


class Unanswered(Exception):
    """The agent did not answer; ``reason`` says how."""

    def __init__(self, reason: str, fault: str = "") -> None:
        super().__init__(reason)
        self.reason, self.fault = reason, fault


class Agent(Protocol):
    """Who can be asked."""

    octets: int
    """What was heard of it so far."""

    async def after(self, oid: Oid, count: int) -> list[tuple[Oid, Value]]:
        """Return at most *count* objects behind *oid* with their values, in order; none at the end. Unanswered when it does not."""
        ...


class SnmpAgent:
    """An agent at the address *ip*: every datagram to it passes *door*, and what another address sends is not heard."""

    def __init__(self, door: Door, ip: str, login: SnmpLogin) -> None:
        from pyasn1.error import PyAsn1Error  # noqa: PLC0415 - needed by this collector only
        from pysnmp.error import PySnmpError  # noqa: PLC0415
        from pysnmp.hlapi.v3arch import asyncio as snmp  # noqa: PLC0415

        self._snmp: Any = snmp
        self._errors = (PySnmpError, PyAsn1Error)
        self._door, self._ip = door, ip
        self._engine: Any = snmp.SnmpEngine()
        self._who = _credentials(snmp, login)
        self._way: Any = None
        self.octets = 0
        self.owed = 0
        """Datagrams that left without having waited for their turn: version 3 asks who the agent is by itself."""
        self.refusal: Refusal | OSError | None = None

    async def after(self, oid: Oid, count: int) -> list[tuple[Oid, Value]]:
        """Return what follows *oid*, of those kinds of values that tables of cables have."""
        snmp = self._snmp
        way = self._way or await self._opened()
        name = snmp.ObjectType(snmp.ObjectIdentity(oid))
        told: tuple[Any, Any, Any, Any] = (None, None, None, ())
        for _try in range(_TRIES):
            await self._door.admit(self._ip, 1 + max(0, self.owed))
            self.owed = -1
            try:
                told = await snmp.bulk_cmd(
                    self._engine, self._who, way, snmp.ContextData(), 0, count, name, lookupMib=False,
                )  # fmt: skip
            except self._errors as fault:  # its words may hold the passphrase: only its kind is told
                raise Unanswered("snmp-refused", type(fault).__name__) from None
            if self.refusal:
                raise self.refusal
            if type(told[0]).__name__ != "RequestTimedOut":
                break
        return _answer(*told)

    def close(self) -> None:
        """Give the socket up."""
        self._engine.close_dispatcher()

    async def _opened(self) -> Any:
        agent, door, ip = self, self._door, self._ip
        target: Any = self._snmp.UdpTransportTarget
        transport: Any = target.PROTO_TRANSPORT

        class Way(transport):  # type: ignore[misc]
            def send_message(self, message: bytes, address: object) -> None:
                try:
                    door.check(ip, PORT)
                except (Refusal, OSError) as fault:
                    agent.refusal = fault
                    return
                agent.owed += 1
                super().send_message(message, address)

            def datagram_received(self, datagram: bytes, address: tuple[str, int]) -> None:
                if address[:2] == (ip, PORT):
                    agent.octets += len(datagram)
                    super().datagram_received(datagram, address)

        class Target(target):  # type: ignore[misc]
            def open_client_mode(self) -> Any:
                self.transport = Way().open_client_mode(self.iface)
                return self.transport

        self._way = await Target.create((ip, PORT), timeout=max(_PATIENCE, door.pace.timeout), retries=0)
        return self._way


def _credentials(snmp: Any, login: SnmpLogin) -> Any:
    if login.version == "2c":
        assert login.community is not None
        return snmp.CommunityData(login.community.get_secret_value(), mpModel=1)
    assert login.authentication_key is not None
    privacy = login.privacy_key.get_secret_value() if login.privacy_key and login.privacy != "none" else None
    return snmp.UsmUserData(
        login.user, login.authentication_key.get_secret_value(), privacy,
        authProtocol=getattr(snmp, _AUTHENTICATION[login.authentication]),
        privProtocol=getattr(snmp, _PRIVACY[login.privacy]),
    )  # fmt: skip


def _answer(indication: Any, status: Any, _index: Any, bindings: Any) -> list[tuple[Oid, Value]]:
    if indication is not None:
        kind = type(indication).__name__
        raise Unanswered("snmp-silent" if kind == "RequestTimedOut" else "snmp-refused", kind)
    if status:
        raise Unanswered("snmp-refused", f"error-status {int(status)}")
    found: list[tuple[Oid, Value]] = []
    for name, value in bindings:
        if type(value).__name__ in {"EndOfMibView", "NoSuchObject", "NoSuchInstance"}:
            break
        found.append((tuple(map(int, name)), _plain(value)))
    return found


def _plain(value: Any) -> Value:
    """Return numbers as numbers, and octets as they are; what is neither has none."""
    if hasattr(value, "asOctets"):
        return bytes(value.asOctets())
    try:
        return int(value)
    except (TypeError, ValueError):
        return b""
