"""The only place that touches what pyinfra 3.10 does not promise; a contract test names each of these.

Touched: ``Host.op_hash_order``, ``Host.data`` (replaced by a ``HostData`` of one mapping), ``Host.current_op_hash``,
``Host.current_op_global_arguments``, ``Host.connector_cls`` before ``State`` binds it, ``State.ops/op_meta/active_hosts/
failed_hosts``, ``StateOperationHostData.command_generator``, ``api.operations.run_host_op``, the name ``api.host.get_fact``
(wrapped), the name ``api.arguments.all_global_arguments`` (remembered: it reads the type hints of all arguments anew for each
operation and fact). Operations are added in API mode, per host, by executing the deploy file once a host; ``Host.loop_position``
is used to keep the operations of hosts apart, which pyinfra 3.10 would merge by their number.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from functools import cache
from typing import Any

import pyinfra.api.arguments as pyinfra_arguments
import pyinfra.api.host as pyinfra_host
from pyinfra.api.host import Host, HostData
from pyinfra.api.operations import run_host_op
from pyinfra.api.state import State
from pyinfra.context import ctx_host

from wizara.operations.command import Program

_SETTINGS = (
    "_sudo_user",
    "_su_user",
    "_doas",
    "_dzdo",
    "_env",
    "_chdir",
    "_timeout",
    "_ignore_errors",
    "_use_sudo_login",
)
_stock_get_fact = pyinfra_host.get_fact
_local = threading.local()


@dataclass(frozen=True)
class Question:
    """That a fact is being asked, and for which operation."""

    operation: str | None


def question() -> Question | None:
    """Return what is being asked in this greenlet; None when a command is run to change something."""
    asking: Question | None = getattr(_local, "question", None)
    return asking


@contextmanager
def asking(host: Host) -> Iterator[None]:
    """Take every command of this greenlet for a question."""
    before = question()
    _local.question = Question(host.current_op_hash)
    try:
        yield
    finally:
        _local.question = before


class NotYet(Exception):
    """The answer to a question is under way; whoever was gathering questions goes on with the next operation."""


@contextmanager
def gathering() -> Iterator[None]:
    """Send every question of this greenlet that has no answer yet, and raise NotYet instead of waiting for it."""
    _local.gathering = True
    try:
        yield
    finally:
        _local.gathering = False


def is_gathering() -> bool:
    """Tell whether :func:`gathering` holds."""
    return bool(getattr(_local, "gathering", False))


@contextmanager
def besides() -> Iterator[None]:
    """Take every command of this greenlet for one that changes nothing of what operations ask for."""
    before = getattr(_local, "besides", False)
    _local.besides = True
    try:
        yield
    finally:
        _local.besides = before


def is_besides() -> bool:
    """Tell whether :func:`besides` holds."""
    return bool(getattr(_local, "besides", False))


def _get_fact(
    state: State, host: Host, cls: Any, args: Any = None, kwargs: Any = None, *more: Any, **settings: Any
) -> Any:
    with asking(host):
        directly = getattr(host.connector, "directly", None)
        if directly and not kwargs and _is_plain(host):
            command = cls().command(*(args or ()))
            if isinstance(command, Program):
                return directly(cls(), command)
        return _stock_get_fact(state, host, cls, args, kwargs, *more, **settings)


def _is_plain(host: Host) -> bool:
    """Tell whether the operation that asks runs as every other, as root and without settings of its own."""
    settings: Any = host.current_op_global_arguments or {}
    return settings.get("_sudo", True) and not any(settings.get(name) for name in _SETTINGS)


def tell_questions_apart() -> None:
    """Let connectors know a fact's command from one that changes something, and spare pyinfra its slowest habit."""
    if pyinfra_host.get_fact is not _get_fact:
        pyinfra_host.get_fact = _get_fact
        pyinfra_arguments.all_global_arguments = cache(pyinfra_arguments.all_global_arguments)


def give_own_operations(state: State) -> None:
    """Keep the operations of each host apart from those of all others."""
    for index, host in enumerate(state.inventory):
        host.loop_position = [index]


def flatten_data(host: Host) -> None:
    """Look its data up in one mapping: pyinfra asks six of them for each of some thirty arguments of each operation."""
    host.data = HostData(host, host.data.dict(), host.get_deploy_data)


def operations_of(state: State, host: Host) -> list[tuple[str, str]]:
    """Return (hash, name) of the operations that were made for *host*, in order."""
    return [(key, _name(state, key)) for key in host.op_hash_order if key in state.ops[host]]


def _name(state: State, key: str) -> str:
    return min(state.op_meta[key].names, default="")


def would_change(state: State, host: Host, key: str, *, apart: bool = False) -> bool:
    """Run one operation of *host* up to its first command, and tell whether it has one; *apart* leaves *host* untouched."""
    before = ctx_host.get()
    ctx_host.set(copy(host) if apart else host)
    commands: Any = state.ops[host][key].command_generator()
    try:
        return next(iter(commands), None) is not None
    finally:
        commands.close()
        ctx_host.set(before)


def run_operation(state: State, host: Host, key: str) -> str | None:
    """Run one operation on *host*; return None, or what it said when it failed."""
    if run_host_op(state, host, key):
        return None
    meta = state.ops[host][key].operation_meta
    # A carriage return writes over what stood before it: of a progress bar only its end was said.
    said = [line.rstrip("\r").rpartition("\r")[2] for line in meta.stderr_lines or meta.stdout_lines]
    lines = [line for line in said if line.strip()]
    return " / ".join(lines[-6:]) or getattr(host.connector, "trouble", "") or "the command failed without a word"
