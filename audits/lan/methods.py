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
    ended: Facts = {}
    for name, word in _KNOWN:
        why = tries.take(ip, name)
        told: Facts = {"untried": why} if why else _asked(connect, ip, port, partial(_try, name, word))
        opened += [name] if told.get("open") else []
        if told.get("locked"):
            tries.stop()
        if "open" not in told:  # it hung up, or lets nobody in any more: no second account is tried there
            ended = told if "locked" in told else {"untried": why or "login-not-asked"}
            break
    let_in: Facts = {"open": True, "reply": ", ".join(opened)}
    return let_in | ended if opened else ended or {"open": False, "reply": ""}


def unasked(reason: str = "login-not-asked") -> Facts:
    """Return that nothing is known of the ways to log in, and why: a key of the catalogue's ``[reasons]``."""
    return {"answer": False, "reason": reason}


def _try(name: str, word: str, transport: paramiko.Transport) -> Facts:
    try:
        return {"open": not transport.auth_password(name, word, fallback=False)}
    except (EOFError, paramiko.SSHException) as fault:
        refused = isinstance(fault, paramiko.AuthenticationException) and transport.is_active()
        return {"open": False} if refused else {"locked": True}


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
