"""Unix accounts and their SSH keys."""

from __future__ import annotations

from collections.abc import Iterator

from pyinfra.api import StringCommand, operation
from pyinfra.context import host

from wizara.operations.change import Change, record
from wizara.operations.command import program
from wizara.operations.facts import Login, LoginStatus
from wizara.operations.target import this_node

_ADD = 'set -e; useradd --create-home --shell /bin/bash --comment "$2" "$1"'
_GROUP = 'set -e; getent group "$2" > /dev/null || groupadd --system "$2"; usermod --append --groups "$2" "$1"'
_KEYS = r"""
set -eu
umask 077
home=$(getent passwd "$1" | cut -d: -f6)
mkdir -p "$home/.ssh"; chown "$1:" "$home/.ssh"; chmod 700 "$home/.ssh"
"""


@operation()
def login(name_: str, comment: str, groups: tuple[str, ...] = ()) -> Iterator[StringCommand]:
    """Keep an account *name_* with a home and these groups; it gets no password."""
    now: LoginStatus = host.get_fact(Login, name_)
    missing = tuple(group for group in groups if group not in now.groups)
    node = this_node().name
    if not now.exists:
        record(node, Change("login", "create", name_, reaches_node=True))
        yield program(_ADD, name_, comment)
    if now.exists and missing:
        record(node, Change("login", "modify", name_, note="groups " + " ".join(missing), reaches_node=True))
    for group in missing:
        yield program(_GROUP, name_, group)
    if not now.exists:
        yield program(_KEYS, name_)
