"""Unix accounts, their groups, and the way out of one."""

from __future__ import annotations

from pyinfra.api import operation

from wizara.operations.change import Change, record
from wizara.operations.command import Commands, program
from wizara.operations.facts import Login, LoginStatus, Members
from wizara.operations.files import KEEP
from wizara.operations.look import look
from wizara.operations.target import this_node, this_run

_ADD = 'set -e; useradd --create-home --shell /bin/bash --comment "$2" "$1"'
_ADD_SERVICE = 'set -e; useradd --system --user-group --no-create-home --home-dir "$3" --shell /usr/sbin/nologin --comment "$2" "$1"'
_GROUP = 'set -e; getent group "$2" > /dev/null || groupadd --system "$2"; usermod --append --groups "$2" "$1"'
# The keys go first: a run that dies in between finds the account in the group again. Files and crontabs stay.
_LEAVE = (
    "set -eu\numask 077"
    + KEEP
    + r"""
home=$(getent passwd "$1" | cut -d: -f6)
for name in authorized_keys authorized_keys2; do
  path=$home/.ssh/$name
  if [ -n "$home" ] && { [ -e "$path" ] || [ -L "$path" ]; }; then keep "$path" "$3"; rm -f "$path"; fi
done
gpasswd --delete "$1" "$2" > /dev/null
if pids=$(pgrep -u "$1" sshd); then kill $pids || true; fi
"""
)


@operation()
def login(name_: str, comment: str, groups: tuple[str, ...] = (), home: str | None = None) -> Commands:
    """Keep an account *name_* in these groups; it gets no password. With *home* it is a service's, and nobody logs in with it."""
    now: LoginStatus = look(Login, name_)
    missing = tuple(group for group in groups if group not in now.groups)
    node = this_node().name
    words = comment.replace(":", " ")  # a colon ends the field in /etc/passwd, and useradd refuses it
    if not now.exists:
        record(node, Change("login", "create", name_, reaches_node=home is None))
        yield program(_ADD_SERVICE, name_, words, home) if home else program(_ADD, name_, words)
    if now.exists and missing:
        record(node, Change("login", "modify", name_, note="groups " + " ".join(missing), reaches_node=True))
    for group in missing:
        yield program(_GROUP, name_, group)


@operation()
def members(group: str, names: tuple[str, ...]) -> Commands:
    """Keep nobody but *names* in *group*; who leaves it loses SSH keys and open SSH connections, the account and its files stay."""
    now: tuple[str, ...] = look(Members, group)
    gone = tuple(one for one in now if one not in names)
    for one in gone:
        record(this_node().name, Change("login", "remove", one, note=f"no longer in {group}", reaches_node=True))
    for one in gone:
        yield program(_LEAVE, one, group, this_run())
