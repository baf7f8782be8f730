"""Shows a ministry to pyinfra as ``@wizara/MINISTRY``: its nodes, their plans, and the line to each of them."""

from __future__ import annotations

import os
import shlex
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, TypedDict

from pyinfra.api import FactBase
from pyinfra.api.command import StringCommand
from pyinfra.api.exceptions import ConnectError, InventoryError
from pyinfra.api.host import Host
from pyinfra.api.output import echo
from pyinfra.api.util import get_file_io
from pyinfra.connectors.base import BaseConnector, DataMeta
from pyinfra.connectors.util import CommandOutput, OutputLine, make_unix_command

from wizara.engine import PROVISIONER, internals
from wizara.engine.carrier import NoWay, UnknownHostKey
from wizara.engine.hosts import host_data, way
from wizara.engine.line import Line
from wizara.engine.shell import Answer, Command, Cut
from wizara.errors import Refusal, Unfinished, WizaraError
from wizara.inventory import load, resolve
from wizara.inventory.models import Ministry
from wizara.operations.command import Program
from wizara.text import _

__all__ = ["PROVISIONER", "HostKeyRefused", "WizaraConnector", "connector", "host_data"]
#: What the line itself takes care of, and what pyinfra may ask of a command besides.
_OURS = frozenset({"_sudo", "_sudo_user", "_sudo_password", "_timeout", "_stdin", "_get_pty", "_success_exit_codes"})
_OTHER_ROADS = ("_su_user", "_doas", "_dzdo", "_use_sudo_login", "_preserve_sudo_env")
_CHUNK = 384 * 1024
_PUT = 'set -e; umask 077; if [ "$2" = first ]; then : > "$1.$3"; fi; base64 -d >> "$1.$3"'
_LAND = 'set -e; umask 022; cat "$1.$2" > "$1"; rm -f "$1.$2"'


class HostKeyRefused(ConnectError):
    """The machine is not the one that was pinned; nothing was said to it."""


class _Data(TypedDict):
    ssh_hostname: str
    ssh_port: int
    ssh_user: str
    ssh_key: str


class WizaraConnector(BaseConnector):
    """SSH to a node of a ministry. The only host key accepted is the one that was pinned at enrolment."""

    handles_execution = True
    data_cls = _Data
    data_meta = {  # noqa: RUF012 - pyinfra's own form
        "ssh_hostname": DataMeta("Address"), "ssh_port": DataMeta("SSH port", 22),
        "ssh_user": DataMeta("SSH login", PROVISIONER), "ssh_key": DataMeta("The only key to log in with"),
    }  # fmt: skip

    def __init__(self, state: Any, host: Host) -> None:
        super().__init__(state, host)
        internals.tell_questions_apart()
        self.trouble = ""
        """What last went wrong with the line itself; pyinfra only logs it."""
        self.directly: Callable[[FactBase[Any], Program], Any] | None = None
        """How wizara's own facts are asked past pyinfra's machinery; None leaves them to it."""
        self.asked: dict[str | None, list[Command]] = defaultdict(list)
        """Operation → what it asked so far."""
        settings = {name: host.data.get(name) for name in ("wizara_host_key", "wizara_pins")}
        self.line = Line(
            way(host.name, {**self.data, **settings}),
            self._sudo_password() if host.data.get("_sudo_password") else None,
        )

    def _sudo_password(self) -> Any:
        return lambda: str(self.host.data.get("_sudo_password"))

    @staticmethod
    def make_names_data(name: str) -> Iterator[tuple[str, dict[str, Any], list[str]]]:
        """Yield (node, data, groups) of every node of ministry *name*, for the stock pyinfra CLI."""
        state = os.environ.get("WIZARA_LAB_STATE")
        try:
            ministry = load(resolve(name), enrolled=Path(state) / "enrolled.yaml" if state else None)
            secrets = _open(ministry, Path(state) if state else None)
        except WizaraError as fault:
            raise InventoryError(str(fault)) from fault
        key = str(Path(state) / "operator_ed25519") if state else None
        for node, data in host_data(ministry, run="cli", ssh_key=key, secrets=secrets).items():
            plan = data["wizara_node"]
            yield node, data, [plan.site, *plan.parts]

    def begin(self) -> None:
        """Begin to connect; what is asked meanwhile rides in the first flight."""
        if not self.host.data.get("wizara_host_key"):
            raise ConnectError(_("{node} is not enrolled: wizara enrol pins its key").format(node=self.host.name))
        self.line.begin()

    def connect(self) -> None:
        """Connect; a key that is not pinned is refused before any authentication."""
        self.begin()
        try:
            self.line.open()
        except UnknownHostKey as fault:
            raise HostKeyRefused(_("host key refused: {fault}").format(fault=fault)) from fault
        except (NoWay, OSError) as fault:
            raise ConnectError(str(fault)) from fault

    def disconnect(self) -> None:
        """Hang up."""
        self.line.close()

    def run_shell_command(
        self, command: StringCommand | str, print_output: bool = False, print_input: bool = False, **arguments: Any
    ) -> tuple[bool, CommandOutput]:
        """Run *command*, or ask it when it is a fact's; many of pyinfra's own facts are plain text."""
        if isinstance(command, str):
            command = StringCommand(command)
        if print_input:
            echo(f"{self.host.print_prefix}>>> {command}", err=True)
        answer = self._said(self.as_command(command, arguments), arguments.get("_timeout"))
        output = CommandOutput([*_lines("stdout", answer.out), *_lines("stderr", answer.err)])
        if print_output:
            for line in output:
                echo(f"{self.host.print_prefix}{line.line}", err=True)
        return answer.code in (arguments.get("_success_exit_codes") or (0,)), output

    def _said(self, command: Command, seconds: float | None) -> Answer:
        question = internals.question()
        try:
            if question is None:
                run = self.line.aside if internals.is_besides() else self.line.act
                return run(command, seconds)
            self.asked[question.operation].append(command)
            if internals.is_gathering() and not self.line.prepare(command):
                raise internals.NotYet
            return self.line.ask(command, seconds)
        except NoWay as fault:
            raise Cut(str(fault)) from fault
        except UnknownHostKey as fault:
            raise Refusal(_("host key refused: {fault}").format(fault=fault)) from fault

    def ask(self, fact: FactBase[Any], program: Program) -> Any:
        """Return what *fact* makes of the answer to *program*; Unfinished when there is none."""
        answer = self._said(self.as_command(program, {"_sudo": True}), None)
        if answer.code:
            said = " / ".join(answer.err.decode(errors="replace").split("\n")).strip(" /")
            raise Unfinished(f"{fact.name}: {said[-400:] or answer.code}")
        lines = [line.line for line in _lines("stdout", answer.out)]
        return fact.process(lines) if lines else fact.default()

    def as_command(self, command: StringCommand, arguments: Mapping[str, Any]) -> Command:
        """Return what goes over the line for *command* with pyinfra's *arguments*."""
        arguments = {**arguments, **command.connector_arguments}
        privilege = (arguments.get("_sudo_user") or "root") if arguments.get("_sudo") else ""
        stdin = _fed(arguments.get("_stdin"))
        rest = {name: value for name, value in arguments.items() if name not in _OURS and value}
        if (
            isinstance(command, Program)
            and not rest.keys() - {"_shell_executable", "_retry_delay"}
            and not arguments.get("_get_pty")
        ):
            return Command(command.script, command.arguments, stdin, privilege, command.long)
        if any(rest.get(road) for road in _OTHER_ROADS):
            privilege, rest = (
                "",
                {name: value for name, value in arguments.items() if name not in _OURS - {"_sudo", "_sudo_user"}},
            )
        line = make_unix_command(command, **rest).get_raw_value()
        if arguments.get("_get_pty"):
            line = shlex.join(["script", "-qec", line, "/dev/null"])
        return Command(line, None, stdin, privilege)

    def put_file(  # type: ignore[override]  # the names of all settings say nothing here
        self, filename_or_io: str | IO[Any], remote_filename: str, remote_temp_filename: str | None = None,
        print_output: bool = False, print_input: bool = False, **arguments: Any,
    ) -> bool:  # fmt: skip
        """Write a file over the line itself, in the place of the old one; no temporary name that others could guess."""
        with get_file_io(filename_or_io) as source:
            data: bytes = source.read()
        mark = f"wizara-{os.urandom(8).hex()}"
        starts = range(0, len(data), _CHUNK) or (0,)
        programs = [
            Program(_PUT, remote_filename, "" if start else "first", mark, stdin=data[start : start + _CHUNK])
            for start in starts
        ]
        for one in (*programs, Program(_LAND, remote_filename, mark)):
            done, _output = self.run_shell_command(one, print_output=print_output, print_input=print_input, **arguments)
            if not done:
                return False
        return True

    def get_file(  # type: ignore[override]  # as above
        self, remote_filename: str, filename_or_io: str | IO[Any], remote_temp_filename: str | None = None,
        print_output: bool = False, print_input: bool = False, **arguments: Any,
    ) -> bool:  # fmt: skip
        """Read a file over the line itself."""
        with internals.besides():
            answer = self._said(self.as_command(Program('cat "$1"', remote_filename), arguments), None)
        if answer.code == 0:
            with get_file_io(filename_or_io, "wb") as target:
                target.write(answer.out)
        return answer.code == 0

    def check_can_rsync(self) -> None:
        """Refuse: rsync would open a connection of its own, past the pins."""
        raise NotImplementedError("files.rsync does not go over wizara's line")


def connector(host: Host) -> WizaraConnector:
    """Return the connector of *host*."""
    found = host.connector
    assert isinstance(found, WizaraConnector)
    return found


def _fed(stdin: Any) -> str | None:
    """Return what pyinfra feeds a command as text; None when it feeds nothing."""
    if not stdin:
        return None
    lines: Iterable[str] = (
        stdin.readlines() if hasattr(stdin, "readlines") else [stdin] if isinstance(stdin, str) else stdin
    )
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


def _lines(name: str, data: bytes) -> list[OutputLine]:
    text = data.decode("utf-8", "backslashreplace")
    return [OutputLine(name, line) for line in text.removesuffix("\n").split("\n")] if text else []


def _open(ministry: Ministry, state: Path | None) -> dict[str, dict[str, Any]]:
    """Return node → name → opened secret, for the stock CLI."""
    from wizara.inventory.secrets import secrets_of_nodes  # noqa: PLC0415 - the worker gets its secrets by pipe

    nodes = [name for _site, name, _node in ministry.nodes() if name in ministry.enrolled.nodes]
    folder = (state or Path(ministry.folder)) / "secrets"
    identity = state / "identity.age" if state else None
    return {node: dict(opened) for node, opened in secrets_of_nodes(ministry, nodes, folder, identity).items()}
