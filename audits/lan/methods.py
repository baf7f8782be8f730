"""How one may log in to an SSH server: what it offers to ``root``, and where that is wanted, logins that everybody knows."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import paramiko

from audits.lan.tries import Tries
from wizara.audit.orders import Facts
from wizara.audit.untrusted import untrusted

Connect = Callable[[str, int, float], Any]
_SECONDS = 8.0


#: Each account is tried once a run.
_KNOWN = (("admin", "admin"), ("cisco", "cisco"))


def look(connect: Connect, ip: str, port: int, tries: Tries) -> Facts:
    """Ask to log in by no method at all (RFC 4252 §5.2); ``answer: false`` with a reason when it does not come so far."""
    facts = _asked(connect, ip, port, lambda transport: {"methods": [*_offered(transport)]})
    methods = facts.get("methods")
    if tries.wanted and isinstance(methods, list) and "password" in methods:
        facts |= _known(connect, ip, port, tries)
    return facts


def _known(connect: Connect, ip: str, port: int, tries: Tries) -> Facts:
    """Try the logins that everybody knows; who hangs up instead of answering may be locking the account: that ends it."""
    opened: list[str] = []
    for name, word in _KNOWN:
        if why := tries.take(ip, name):
            return {"untried": why} if not opened else {"open": True, "reply": ", ".join(opened)}
        told = _asked(connect, ip, port, partial(_try, name, word))
        if "open" not in told:
            tries.stop()
            return {"open": bool(opened), "reply": ", ".join(opened), "locked": True}
        opened += [name] if told["open"] else []
    return {"open": bool(opened), "reply": ", ".join(opened)}


def unasked(reason: str = "login-not-asked") -> Facts:
    """Return that nothing is known of the ways to log in, and why: a key of the catalogue's ``[reasons]``."""
    return {"answer": False, "reason": reason}


def _try(name: str, word: str, transport: paramiko.Transport) -> Facts:
    try:
        return {"open": not transport.auth_password(name, word, fallback=False)}
    except paramiko.AuthenticationException:
        return {"open": False} if transport.is_active() else unasked()


def _asked(connect: Connect, ip: str, port: int, ask: Callable[[paramiko.Transport], Facts]) -> Facts:
    quiet = logging.getLogger("wizara.audit.ssh")
    quiet.disabled = True  # whatever the server says wrong is no trouble of ours
    try:
        transport = paramiko.Transport(connect(ip, port, _SECONDS))
    except (OSError, EOFError, paramiko.SSHException):
        return unasked()
    try:
        transport.set_log_channel(quiet.name)
        transport.banner_timeout = transport.auth_timeout = _SECONDS
        transport.start_client(timeout=_SECONDS)
        return ask(transport)
    except paramiko.ssh_exception.IncompatiblePeer:  # what it offers beside is judged by its KEXINIT (ssh.py)
        return unasked("no-shared-algorithm")
    except (OSError, EOFError, paramiko.SSHException):
        return unasked()
    finally:
        transport.close()


def _offered(transport: paramiko.Transport) -> list[str]:
    try:
        transport.auth_none("root")
    except paramiko.BadAuthenticationType as told:
        return [untrusted(one) for one in told.allowed_types]
    return ["none"]
