"""Asks, from inside a namespace, whether something answers."""

from __future__ import annotations

import fcntl
import socket
import struct

_SIOCGIFINDEX = 0x8933


def has_device(name: str) -> bool:
    """Tell whether this namespace has the interface *name*."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            fcntl.ioctl(probe, _SIOCGIFINDEX, struct.pack("16si", name.encode(), 0) + bytes(20))
        except OSError:
            return False
    return True


def accepts(address: str, port: int, timeout: float = 2) -> bool:
    """Tell whether a TCP connection to *address* and *port* comes about within *timeout* seconds."""
    try:
        with socket.create_connection((address, port), timeout=timeout):
            return True
    except OSError:
        return False
