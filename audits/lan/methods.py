"""How one may log in to an SSH server: what it offers to ``root`` once the keys are exchanged; no password is tried."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import paramiko

from wizara.audit.orders import Facts
from wizara.audit.untrusted import untrusted

Connect = Callable[[str, int, float], Any]
_SECONDS = 8.0


def look(connect: Connect, ip: str, port: int) -> Facts:
    """Ask to log in by no method at all (RFC 4252 §5.2); ``answer: false`` when it does not come so far."""
    quiet = logging.getLogger("wizara.audit.ssh")
    quiet.disabled = True  # whatever the server says wrong is no trouble of ours
    try:
        transport = paramiko.Transport(connect(ip, port, _SECONDS))
    except (OSError, EOFError, paramiko.SSHException):
        return {"answer": False}
    try:
        transport.set_log_channel(quiet.name)
        transport.banner_timeout = transport.auth_timeout = _SECONDS
        transport.start_client(timeout=_SECONDS)
        return {"methods": [*_offered(transport)]}
    except (OSError, EOFError, paramiko.SSHException):
        return {"answer": False}
    finally:
        transport.close()


def _offered(transport: paramiko.Transport) -> list[str]:
    try:
        transport.auth_none("root")
    except paramiko.BadAuthenticationType as told:
        return [untrusted(one) for one in told.allowed_types]
    return ["none"]
