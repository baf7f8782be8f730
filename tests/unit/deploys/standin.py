"""A blank machine that does nothing but take down what the deploys would send it: files, programs and their arguments."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from pyinfra.context import ctx_host

from wizara import tree
from wizara.blueprint import NodePlan
from wizara.inventory.secrets import Secret
from wizara.operations import change, directory, facts, file, files, login, members, packages, retired, unit, units
from wizara.operations.command import Program
from wizara.operations.look import take_seen

PARTS = ("node", "names", "intranet", "mail")
_OPERATIONS = {
    "file": file, "directory": directory, "login": login, "members": members, "packages": packages, "retired": retired, "unit": unit,
}  # fmt: skip
_BLANK: dict[type, list[str]] = {
    facts.Status: ["absent"],
    facts.Unit: [
        *("LoadState=loaded", "ActiveState=inactive", "UnitFileState=disabled", "InvocationID=", "NeedDaemonReload=no"),
        *("Stamp=", "Digest=0", "NewestFile=0", "InForce=no"),
    ],
    facts.Packages: [],
    facts.Login: ["absent"],
    facts.Members: ["stranger"],
    facts.Active: ["named", "ufw"],
}
#: Programs that take some of their arguments for shell: which of them.
_TAKEN_FOR_SHELL: dict[str, Callable[[tuple[str, ...]], tuple[str, ...]]] = {
    files._PUT: lambda arguments: arguments[6:],
    facts._UNIT: lambda arguments: arguments[1:2],
    units._HOLDS: lambda arguments: arguments[1:2],
}


@dataclass
class Sent:
    """What went to the machine."""

    files: dict[str, str] = field(default_factory=dict)
    """Path → content."""
    shell: set[str] = field(default_factory=set)
    """Every text that a shell reads as a program."""
    arguments: list[tuple[str, ...]] = field(default_factory=list)

    def every(self) -> list[str]:
        """Return all texts."""
        return [*self.files.values(), *self.shell, *(one for words in self.arguments for one in words)]

    def take(self, program: Program) -> None:
        """Note one program."""
        self.shell.add(program.script)
        self.shell.update(_TAKEN_FOR_SHELL.get(program.script, lambda _arguments: ())(program.arguments))
        self.arguments.append(program.arguments)
        if program.script == files._PUT:
            fed = "".join(program.connector_arguments["_stdin"])
            self.files[program.arguments[0]] = base64.b64decode(fed).decode()


def sent_to(plan: NodePlan, secrets: Mapping[str, Secret]) -> Sent:
    """Return what all deploys send to the blank node of *plan*."""
    sent = Sent()

    def ask(fact: type[Any], *arguments: Any) -> Any:
        sent.take(fact().command(*arguments))
        return fact().process(_BLANK[fact])

    def doing(operation: Any) -> Callable[..., None]:
        def act(name: str | None = None, **settings: Any) -> None:
            for program in operation._inner(**settings):
                sent.take(program)

        return act

    node = SimpleNamespace(
        name=plan.name, data={"wizara_node": plan, "wizara_secrets": secrets, "wizara_run": "r"}, get_fact=ask
    )
    with ExitStack() as patched:
        for module in (files, *(tree.load(f"deploys.parts.{part}") for part in PARTS)):
            for name, operation in _OPERATIONS.items():
                if getattr(module, name, None) is operation:
                    patched.enter_context(patch.object(module, name, doing(operation)))
        patched.enter_context(ctx_host.use(node))
        tree.load("deploys.parts").run(*PARTS)
    change.forget(plan.name)
    change.take_reaching(plan.name)
    take_seen(plan.name)
    return sent
