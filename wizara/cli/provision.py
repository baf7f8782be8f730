"""What plan and apply share: the run, its safety questions, and how changes are shown."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Literal

import click

from wizara.blueprint import derive
from wizara.cli.ending import terminable
from wizara.cli.progress import Board
from wizara.cli.world import Scene, refuse_unenrolled
from wizara.engine.request import Request
from wizara.engine.session import Session
from wizara.errors import ExitCode, WizaraError, worst
from wizara.inventory.secrets import Secret, secrets_of_nodes
from wizara.record import Journal, RunFolder
from wizara.record.progress import Ended, Outcome, Planned, PlannedChange, Standing, Step
from wizara.record.provision import NodeOutcome, ProvisionResult
from wizara.text import _, ngettext

_CODES: Mapping[Outcome, ExitCode] = {
    "unchanged": ExitCode.DONE,
    "changed": ExitCode.DONE,
    "pending": ExitCode.PENDING,
    "failed": ExitCode.UNFINISHED,
    "unreachable": ExitCode.UNREACHABLE,
    "refused": ExitCode.REFUSED,
    "skipped": ExitCode.UNFINISHED,
}


Permit = Callable[["Provision"], tuple[str, ...]]
"""Says which of the planned nodes may be changed."""


@dataclass
class Provision:
    """One plan or apply on its way."""

    scene: Scene
    verb: Literal["plan", "apply", "drift"]
    nodes: tuple[str, ...]
    runs: Path
    deploy: str = "site"
    console: bool = False
    """Somebody stands at the machines: no safety envelope."""
    canary: tuple[str, ...] = ()
    """Nodes that go first; the others only after all of these came to their end."""
    max_failures: int | None = None
    at_once: bool = False
    """Apply on each node as soon as it is checked: nobody is asked, and no node waits for another."""
    planned: dict[str, Planned] = field(default_factory=dict)
    ended: dict[str, Ended] = field(default_factory=dict)
    windows: dict[str, int] = field(default_factory=dict)
    """Node → after how many seconds it takes back the change of the way to it that is open."""
    unwritten: str = ""
    """What could not be kept of this run, in words."""

    def run(self, permit: Permit | None = None) -> ProvisionResult:
        """Check every node; with *permit*, apply on the nodes that it returns."""
        refuse_unenrolled(self.scene.ministry, self.nodes)
        opened = secrets_of_nodes(self.scene.ministry, self.nodes, self.scene.secrets, self.scene.identity)
        folder = RunFolder.create(self.runs, self.verb, self.scene.ministry.name, self.scene.world)
        request = self._request(folder, opened)
        code = ExitCode.INTERNAL
        try:
            with terminable(), Session(request, self.scene.world.namespace) as session:
                if permit and self.at_once:
                    self._listen(session, folder, permit)
                else:
                    self._listen(session, folder)
                    go = permit(self) if permit else ()
                    if go:
                        session.go(go, self.canary, self.max_failures)
                        self._listen(session, folder)
            result = self._result(folder.run.id)
            code = ExitCode(result.exit_code)
            self._keep(lambda: folder.write("result.json", result))
        except WizaraError as fault:
            code = fault.code
            raise
        except (KeyboardInterrupt, click.Abort):
            code = ExitCode.INTERRUPTED
            self._tell_windows()
            raise
        finally:
            ending = folder.run.model_copy(update={"ended": datetime.now(UTC), "exit_code": int(code)})
            self._keep(lambda: folder.finish(ending))
            if self.unwritten:
                print(self.unwritten, file=sys.stderr)
        if self.unwritten:
            return result.model_copy(update={"exit_code": worst((code, ExitCode.UNFINISHED))})
        return result

    def _keep(self, write: Callable[[], None]) -> None:
        """Write what is to be kept of this run; a disk that does not take it must not hide what befalls the nodes."""
        try:
            write()
        except WizaraError as fault:
            self.unwritten = self.unwritten or str(fault)

    def _tell_windows(self) -> None:
        """Say which nodes an interrupted run leaves with an open change, and when they have taken it back by themselves."""
        for node, seconds in self.windows.items():
            by = time.strftime("%H:%M:%S", time.localtime(time.time() + seconds))
            words = _(
                "{node}: a change of the way to it is open; nobody confirms it now, so the node takes it back by {time}"
            )
            print(words.format(node=node, time=by), file=sys.stderr)

    def _request(self, folder: RunFolder, opened: dict[str, dict[str, Secret]]) -> Request:
        found = self.scene
        return Request(
            verb="apply" if self.verb == "apply" else "plan",
            folder=found.ministry.folder,
            enrolled=str(found.enrolled),
            nodes=self.nodes,
            run=folder.run.id,
            deploy=self.deploy,
            at_once=self.at_once,
            max_failures=self.max_failures,
            console=self.console,
            runs=str(self.runs),
            holder=f"{folder.run.operator}@{folder.run.host}",
            ssh_key=str(found.ssh_key) if found.ssh_key else None,
            secrets={node: {name: one.reveal() for name, one in secrets.items()} for node, secrets in opened.items()},
        )

    def pending(self) -> dict[str, tuple[PlannedChange, ...]]:
        """Return node → pending changes of the nodes that have any."""
        return {name: line.changes for name, line in self.planned.items() if line.changes and name not in self.ended}

    def refuse(self, node: str, message: str) -> None:
        """Leave *node* as it is, for the reason that *message* gives."""
        self.ended[node] = Ended(node=node, outcome="refused", message=message)

    def _listen(self, session: Session, folder: RunFolder, permit: Permit | None = None) -> None:
        """Take in what the engine tells; with *permit*, allow or decline each node once it is planned."""
        with Board() as board:
            for line in session.events():
                self._keep(partial(folder.append, "events.jsonl", line))
                if isinstance(line, Step):
                    self._note_window(line)
                    board.step(line.node, _wording(line))
                elif isinstance(line, Planned):
                    self.planned[line.node] = self._with_tunnels(line)
                    count = len(line.changes)
                    words = ngettext("{count} change pending", "{count} changes pending", count)
                    board.step(line.node, words.format(count=count), done=True)
                    if permit and line.changes:
                        self._answer(session, line.node, permit)
                else:
                    self.ended[line.node] = line
                    self.windows.pop(line.node, None)
                    board.step(line.node, outcome_words(line.outcome), done=True)

    def _note_window(self, step: Step) -> None:
        if step.window > 0:
            self.windows[step.node] = step.window
        elif step.window:
            self.windows.pop(step.node, None)

    def _with_tunnels(self, line: Planned) -> Planned:
        """Add to *line*, to be told, the other ends of a tunnel that it changes and that are not in this run."""
        if not any(one.subject.startswith(("/etc/wireguard/", "wg-quick@")) for one in line.changes):
            return line
        tunnel = derive(self.scene.ministry).nodes[line.node].tunnel
        others = [peer.node for peer in tunnel.peers if peer.node not in self.nodes] if tunnel else []
        if not others or self.verb == "drift":
            return line
        detail = _("only this end of the tunnel is in this run: until the other end is applied to, it may be down")
        told = Standing(kind="tunnel", subject=", ".join(others), detail=detail, asks=False)
        return line.model_copy(update={"standing": (*line.standing, told)})

    def _answer(self, session: Session, node: str, permit: Permit) -> None:
        if node in permit(self):
            session.go((node,))
        else:
            session.decline(node)

    def _result(self, run: str) -> ProvisionResult:
        outcomes = tuple(self._outcome(node) for node in self.nodes)
        code = worst(ExitCode(one.exit_code) for one in outcomes)
        return ProvisionResult(
            run=run,
            verb=self.verb,
            world=str(self.scene.world),
            ministry=self.scene.ministry.name,
            exit_code=code,
            nodes=outcomes,
        )

    def _outcome(self, node: str) -> NodeOutcome:
        planned, ended = self.planned.get(node), self.ended.get(node)
        standing = planned.standing if planned else ()
        if ended:
            changes = ended.changes if ended.outcome != "refused" else (planned.changes if planned else ())
            return NodeOutcome(node=node, outcome=ended.outcome, exit_code=_CODES[ended.outcome], changes=changes, standing=standing,
                               message=ended.message, seconds=ended.seconds)  # fmt: skip
        if planned is None:
            return NodeOutcome(
                node=node, outcome="failed", exit_code=ExitCode.UNFINISHED, message=_("the engine said nothing of it")
            )
        outcome: Outcome = "pending" if planned.changes else "unchanged"
        return NodeOutcome(
            node=node, outcome=outcome, exit_code=_CODES[outcome], changes=planned.changes, standing=standing
        )


def _wording(step: Step) -> str:
    if step.phase == "connect":
        return _("connecting")
    if step.phase == "check":
        return step.name or _("checking")
    if step.phase == "wait":
        return _("waiting for {gateway}").format(gateway=step.name)
    return f"{step.number}/{step.total} {step.name}"


def outcome_words(outcome: Outcome) -> str:
    """Return an outcome in words."""
    return {
        "unchanged": _("as declared"),
        "changed": _("changed"),
        "pending": _("changes pending"),
        "failed": _("failed"),
        "unreachable": _("unreachable"),
        "refused": _("refused"),
        "skipped": _("not begun"),
    }[outcome]


def show(result: ProvisionResult, *, as_json: bool, diff: bool = True) -> None:
    """Print *result* to standard output."""
    if as_json:
        print(result.model_dump_json(indent=2))
        return
    for one in result.nodes:
        print(f"{one.node}: {outcome_words(one.outcome)}" + (f" — {safe(one.message)}" if one.message else ""))
        for item in one.standing:
            print(f"  ! {item.kind} {safe(item.subject)}: {safe(item.detail)}")
        asked = list(dict.fromkeys(item.subject for item in one.standing if item.asks))
        if asked and result.verb == "plan":
            words = _("a first apply needs each declared, or: {option}")
            print("  " + words.format(option=f"--accept-closing {safe(','.join(asked))}"))
        for change in one.changes:
            print(f"  {change.kind} {change.operation} {change.subject}" + (f" ({change.note})" if change.note else ""))
            if diff:
                for line in change.diff:
                    print(f"      {safe(line)}")


def safe(text: str) -> str:
    """Return *text* of a node without what a terminal would obey."""
    return "".join(char if char.isprintable() or char == "\n" else f"\\x{ord(char):02x}" for char in text)


def world_line(scene: Scene, verb: str) -> None:
    """Say first, on standard error, which world is acted on."""
    words = _("{verb} {ministry} — {world}").format(verb=verb, ministry=scene.ministry.name, world=scene.world)
    print(words, file=sys.stderr)


def interruptions(scene: Scene, runs: Path) -> None:
    """Say what an earlier run began in this world and never concluded; this one brings it to its end."""
    with Journal.open(runs) as journal:
        for one in journal.interrupted(str(scene.world), scene.ministry.name):
            words = _("{node}: {run} was interrupted here, or is still at it — last step done: {step}")
            print(words.format(node=one.node, run=one.run, step=one.step or _("none")), file=sys.stderr)
