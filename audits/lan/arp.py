"""Finds every living IPv4 host of an on-link network by ARP (RFC 826) on a packet socket, paced."""

from __future__ import annotations

import asyncio
import fcntl
import socket
import struct
import time
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from wizara.errors import UsageFault
from wizara.text import _

_SIOCGIFADDR, _SIOCGIFNETMASK, _SIOCGIFHWADDR = 0x8915, 0x891B, 0x8927
_ETH_P_ARP = 0x0806
_BROADCAST = b"\xff" * 6
_QUIET = 0.4
"""Seconds to wait for late answers after each round."""


@dataclass(frozen=True)
class Port:
    """The network interface that the auditor looks from."""

    name: str
    address: IPv4Interface
    mac: bytes


def ports() -> tuple[Port, ...]:
    """Return the interfaces of this network namespace that have an IPv4 address and a MAC, loopback apart."""
    found = [_port(name) for _index, name in socket.if_nameindex() if name != "lo"]
    return tuple(port for port in found if port is not None)


def _port(name: str) -> Port | None:
    asked = struct.pack("256s", name.encode()[:15])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
        try:
            address, mask, hardware = (
                fcntl.ioctl(channel, code, asked) for code in (_SIOCGIFADDR, _SIOCGIFNETMASK, _SIOCGIFHWADDR)
            )
        except OSError:
            return None
    prefix = IPv4Address(mask[20:24])
    return Port(name, IPv4Interface(f"{IPv4Address(address[20:24])}/{prefix}"), hardware[18:24])


def question(port: Port, target: IPv4Address) -> bytes:
    """Return the frame that asks who has *target*."""
    ether = _BROADCAST + port.mac + struct.pack("!H", _ETH_P_ARP)
    return (
        ether
        + struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1)
        + port.mac
        + port.address.ip.packed
        + b"\0" * 6
        + target.packed
    )


def answer(frame: bytes) -> tuple[str, str] | None:
    """Return (address, MAC) of an ARP reply, or None for anything else."""
    if len(frame) < 42 or frame[12:22] != struct.pack("!HHHBBH", _ETH_P_ARP, 1, 0x0800, 6, 4, 2):
        return None
    return str(IPv4Address(frame[28:32])), frame[22:28].hex(":")


async def sweep(
    port: Port, targets: Iterable[IPv4Address], per_second: int, rounds: int
) -> tuple[dict[str, set[str]], int]:
    """Ask for each of *targets*; return ({address: MACs that answered}, frames sent). Later rounds ask only the silent.

    Two MACs for one address are kept: that is a finding of its own.
    """
    wanted, found, sent = tuple(targets), dict[str, set[str]](), 0
    try:
        channel = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.htons(_ETH_P_ARP))
    except PermissionError:
        raise UsageFault(_("asking a network by ARP needs root"), hint=_("run it with sudo")) from None
    loop = asyncio.get_running_loop()
    with channel:
        channel.bind((port.name, _ETH_P_ARP))
        loop.add_reader(channel, _hear, channel, found)
        try:
            for _round in range(rounds):
                silent = [one for one in wanted if str(one) not in found]
                sent += await _ask(channel, port, silent, per_second)
                await asyncio.sleep(_QUIET)
        finally:
            loop.remove_reader(channel)
    inside = set(map(str, wanted))
    return {ip: macs for ip, macs in found.items() if ip in inside}, sent


async def _ask(channel: socket.socket, port: Port, targets: list[IPv4Address], per_second: int) -> int:
    began = time.monotonic()
    for count, target in enumerate(targets):
        ahead = count / per_second - (time.monotonic() - began)
        if ahead > 0.005:
            await asyncio.sleep(ahead)
        elif count % 64 == 0:
            await asyncio.sleep(0)
        try:
            channel.send(question(port, target))
        except BlockingIOError:
            await asyncio.sleep(0.01)
    return len(targets)


def _hear(channel: socket.socket, found: dict[str, set[str]]) -> None:
    try:
        while True:
            heard = answer(channel.recv(2048))
            if heard:
                found.setdefault(heard[0], set()).add(heard[1])
    except BlockingIOError:
        return


def hosts_of(network: IPv4Network, own: IPv4Address) -> list[IPv4Address]:
    """Return the addresses of *network* to ask for: all but our own."""
    return [address for address in network.hosts() if address != own]
