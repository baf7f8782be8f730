"""Runs a deploy over nodes: each on its own, checked, then applied; only what stands behind a gateway waits for it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import gevent
import gevent.pool
from gevent.event import AsyncResult
from pyinfra.api import Config, Inventory, State
from pyinfra.api.exceptions import ConnectError
from pyinfra.api.host import Host
from pyinfra.api.state import StateStage
from pyinfra.context import ctx_config, ctx_host, ctx_state, init_base_classes

from wizara.engine.brake import Brake
from wizara.engine.carrier import NoWay
from wizara.engine.companion import Companion, Party, Pending, reaching
from wizara.engine.connector import HostKeyRefused, WizaraConnector, connector
from wizara.engine.internals import (
    NotYet,
    besides,
    flatten_data,
    gathering,
    give_own_operations,
    operations_of,
    run_operation,
    would_change,
)
from wizara.engine.jobs import TIDY
from wizara.engine.request import Go
from wizara.engine.shell import Command, Cut
from wizara.engine.standing import (
    OPEN,
    Look,
    StandingFact,
    TouchedFact,
    refuse_undecided,
    replaced,
    taken_back,
    undeclared,
)
from wizara.errors import ExitCode, Refusal, WizaraError
from wizara.operations import change
from wizara.operations.look import take_seen
from wizara.record.progress import Ended, Outcome, Planned, PlannedChange, Standing, Step
from wizara.text import _

Emit = Callable[[Step | Planned | Ended], None]

_OUTCOMES: dict[ExitCode, Outcome] = {ExitCode.REFUSED: "refused", ExitCode.UNREACHABLE: "unreachable"}
#: Hosts that are checked at the same time: making their operations keeps this computer busy, and a handshake has a time limit.
_AT_ONCE = 100
#: How often questions are gathered: operations of ours ask all they ask at once, others may ask further.
_ROUNDS = 4


class Runner:
    """One deploy over some nodes, in one process."""

    def __init__(
        self, hosts: dict[str, dict[str, Any]], deploy: Path, emit: Emit, companions: Iterable[Companion] = (),
        permit: Callable[[str], None] | None = None,
    ) -> None:  # fmt: skip
        """*hosts*: node → pyinfra host data; *deploy*: the deploy file; *emit* gets every event; *companions* go along.

        *permit* may refuse a node once it is connected to, before anything is asked there.
        """
        self._permit = permit
        init_base_classes()
        self._emit = emit
        self._party = Party(companions)
        self._steps: dict[str, tuple[Pending, ...]] = {}
        self._moving: dict[str, set[str]] = {}
        self._code = compile(deploy.read_text(), str(deploy), "exec")
        self._state = State(_inventory(hosts), Config(SUDO=True), check_for_changes=False)
        ctx_state.set(self._state)
        ctx_config.set(self._state.config.copy())
        give_own_operations(self._state)
        for host in self._state.inventory:
            flatten_data(host)
        self._began: dict[str, float] = {}
        self._refused: set[str] = set()
        self._unchecked: set[str] = set()
        """Nodes that could not be checked: they count as failed."""
        self._brake = Brake(None)

    def check(self) -> dict[str, tuple[PlannedChange, ...]]:
        """Connect to every node and return node → pending changes of those that could be checked."""
        self._state.set_stage(StateStage.Connect)
        self._state.set_stage(StateStage.Prepare)
        pool = gevent.pool.Pool(_AT_ONCE)
        jobs = {str(host): pool.spawn(self._check_one, host) for host in self._state.inventory}
        gevent.joinall(jobs.values())
        return {name: job.value for name, job in jobs.items() if job.value is not None}

    def check_and_apply(self, answers: Iterable[Go], max_failures: int | None = None) -> None:
        """Apply on each node as soon as it is checked and one of *answers* allows it: no node waits for a slow or mute one.

        What is made of the deploy is made for all nodes first: pyinfra runs at once what is made while others run.
        """
        self._state.set_stage(StateStage.Connect)
        self._state.set_stage(StateStage.Prepare)
        self._brake = Brake(max_failures)
        ready = [host for host in self._state.inventory if self._declared(host)]
        self._state.set_stage(StateStage.Execute)
        self._state.is_executing = True
        allowed: dict[str, AsyncResult] = {str(host): AsyncResult() for host in self._state.inventory}
        listening = gevent.spawn(_hear, answers, allowed)
        pool = gevent.pool.Pool(_AT_ONCE)
        jobs: dict[str, gevent.Greenlet] = {}
        for host in sorted(ready, key=lambda host: not host.data.wizara_node.is_gateway):
            gateway = jobs.get(host.data.wizara_node.gateway or "")
            jobs[str(host)] = pool.spawn(self._check_and_apply_one, host, gateway, allowed[str(host)])
        gevent.joinall(jobs.values())
        listening.kill(block=False)

    def _declared(self, host: Host) -> bool:
        """Make the operations of *host*, and tell whether that went well."""
        self._began[str(host)] = time.monotonic()
        try:
            self._declare(host)
        except Exception as fault:  # noqa: BLE001 - whatever befalls one node must not stop another
            self._not_checked(host, *_told(fault))
            return False
        return True

    def _check_and_apply_one(self, host: Host, gateway: gevent.Greenlet | None, allowed: AsyncResult) -> None:
        changes = self._check_one(host, declared=True)
        if changes is None:
            return
        if not changes:
            self._end(str(host), "unchanged", "")
        elif allowed.get():
            self._apply_one(host, gateway)

    def apply(self, go: Go) -> None:
        """Apply what was checked on the nodes of *go*; its canary first, and no more once too many have failed."""
        self._state.set_stage(StateStage.Execute)
        self._state.is_executing = True
        self._brake = Brake(go.max_failures)
        for name in sorted(self._unchecked):
            self._brake.failed(name)
        # A canary that could not be checked, or was declined, tells nothing of those who would follow it.
        if mute := [
            name for name in go.canary if name in self._unchecked or (self._moves(name) and name not in go.nodes)
        ]:
            self._brake.pull(_("the canary failed: {nodes}").format(nodes=", ".join(sorted(mute))))
        first = [name for name in go.nodes if name in go.canary]
        self._apply_together(first)
        if failed := self._brake.failures.intersection(first):
            self._brake.pull(_("the canary failed: {nodes}").format(nodes=", ".join(sorted(failed))))
        self._apply_together([name for name in go.nodes if name not in go.canary])

    def _moves(self, name: str) -> bool:
        return any(step.changes for step in self._steps.get(name, ()))

    def _apply_together(self, nodes: Iterable[str]) -> None:
        hosts = {name: self._state.inventory.get_host(name) for name in nodes}
        pool = gevent.pool.Pool(_AT_ONCE)
        jobs: dict[str, gevent.Greenlet] = {}
        for name, host in sorted(hosts.items(), key=lambda item: not item[1].data.wizara_node.is_gateway):
            jobs[name] = pool.spawn(self._apply_one, host, jobs.get(host.data.wizara_node.gateway or ""))
        gevent.joinall(jobs.values())

    def _check_one(self, host: Host, *, declared: bool = False) -> tuple[PlannedChange, ...] | None:
        self._began.setdefault(str(host), time.monotonic())
        try:
            if not declared:
                self._declare(host)
            look = self._ask(host)
            if host not in self._state.failed_hosts:
                return self._tell_plan(host, look)
            self._not_checked(host, "failed", "a question was not answered")
        except Exception as fault:  # noqa: BLE001 - whatever befalls one node must not stop another
            self._not_checked(host, *_told(fault))
        return None

    def _not_checked(self, host: Host, outcome: Outcome, message: str) -> None:
        """End a node of which nobody knows how it is: for the brake, and as a canary, it has failed."""
        self._unchecked.add(str(host))
        self._brake.failed(str(host))
        self._end(str(host), outcome, message)

    def _tell_plan(self, host: Host, look: Look) -> tuple[PlannedChange, ...]:
        steps = self._steps[str(host)] = reaching(tuple(self._checked(host)), change.take_reaching(str(host)))
        changes = _as_planned(one for step in steps for one in step.changes)
        standing: tuple[Standing, ...] = taken_back(look)
        if look.first_time:
            files = replaced(look, changes)
            with ctx_host.use(host):
                touched: frozenset[str] = host.get_fact(TouchedFact, files) if files else frozenset()
            standing += undeclared(host.data.wizara_node, look, files, touched)
        self._emit(
            Planned(
                node=str(host),
                changes=changes,
                first_time=look.first_time,
                standing=standing,
                seen=take_seen(str(host)),
            )
        )
        return changes

    def _declare(self, host: Host) -> None:
        """Begin to connect, and let the deploy make its operations meanwhile."""
        self._emit(Step(node=str(host), phase="connect"))
        line = connector(host)
        line.begin()
        line.directly = line.ask
        self._state.activate_host(host)
        with ctx_host.use(host):
            exec(self._code, {"__name__": "deploy", "__file__": self._code.co_filename})  # noqa: S102 - a deploy is code of ours

    def _ask(self, host: Host) -> Look:
        """Look at what lives there, and ask at once all that the operations ask."""
        if self._permit:
            host.connect(show_errors=False, raise_exceptions=True)
            self._permit(str(host))
        self._gather(host)
        look: Look = host.get_fact(StandingFact)
        refuse_undecided(look)
        return look

    def _gather(self, host: Host) -> None:
        """Ask at once what all operations ask; what one asks because of an answer goes into the next round."""
        waiting = [key for key, _name in operations_of(self._state, host)]
        connector(host).line.prepare(OPEN)
        for turn in range(_ROUNDS):
            with gathering():
                if turn == 0:
                    _comes(host.get_fact, StandingFact)
                waiting = [key for key in waiting if not _comes(would_change, self._state, host, key, apart=True)]
            if turn == 0:
                host.connect(show_errors=False, raise_exceptions=True)
                self._emit(Step(node=str(host), phase="check"))
                gevent.spawn(self._tell_wait, host)
            connector(host).line.settle()
            if not waiting:
                break
        change.forget(str(host))
        if self._permit:  # the lock of the site is ours
            connector(host).line.beneath(TIDY)

    def _tell_wait(self, host: Host) -> None:
        """Say so when another run's open change is waited for."""
        with contextlib.suppress(OSError, NoWay, WizaraError, ValueError):
            said = connector(host).line.ask(OPEN).out.split()
            if said:
                words = _(
                    "waiting: a change is open here, which the node takes back in {seconds} s unless its run goes on"
                )
                name = words.format(seconds=max(0, *map(int, said)))
                self._emit(Step(node=str(host), phase="check", name=name))

    def _checked(self, host: Host) -> Iterable[Pending]:
        """Check the operations of *host* one after the other, as apply will: the answers are there already."""
        moving = self._moving[str(host)] = set()
        for number, (key, name) in enumerate(operations_of(self._state, host)):
            if would_change(self._state, host, key):
                moving.add(key)
            yield Pending(number + 1, key, name, change.take(str(host)))

    def _ahead(self, host: Host, step: Pending) -> Iterable[Command]:
        """Yield what the steps behind *step* will ask, up to the next that changes something."""
        for later in self._steps[str(host)][step.number :]:
            yield from connector(host).asked[later.key]
            if later.key in self._moving[str(host)]:
                return

    def _apply_one(self, host: Host, gateway: gevent.Greenlet | None) -> None:
        """Apply on one host, after its site's gateway: what stands behind it fetches its packages through it."""
        name = str(host)
        if gateway:
            self._emit(Step(node=name, phase="wait", name=str(host.data.wizara_node.gateway)))
            gateway.join()
        self._began[name] = time.monotonic()
        if self._brake.reason:
            self._end(name, "skipped", self._brake.reason)
            return
        done: list[change.Change] = []
        connector(host).line.forget_stale()
        failure = self._steps_failed(host, done)
        connector(host).line.beneath(TIDY)
        with besides():
            failure = self._party.end(host, failure)
        outcome: Outcome = "failed" if failure else "changed" if done else "unchanged"
        if name in self._refused and not done:
            outcome = "refused"
        if failure:
            self._brake.failed(name)
        self._end(name, outcome, failure, tuple(done))

    def _steps_failed(self, host: Host, done: list[change.Change]) -> str:
        """Run the steps of *host*, add to *done* what they changed, and return what made them stop, empty at their end."""
        steps, name = self._steps[str(host)], ""
        try:
            with ctx_host.use(host):
                with besides():
                    self._party.begin(host, steps)
                for step in steps:
                    name = f"{step.name}: "
                    self._emit(
                        Step(node=str(host), phase="apply", number=step.number, total=len(steps), name=step.name)
                    )
                    if failure := self._run(host, step, done):
                        return name + failure
        except Exception as fault:  # noqa: BLE001 - one node's trouble is told, and stops that node only
            change.take(str(host))
            if isinstance(fault, Refusal):
                self._refused.add(str(host))
            return f"{name}{fault}" if isinstance(fault, WizaraError) else f"{name}{type(fault).__name__}: {fault}"
        return ""

    def _run(self, host: Host, step: Pending, done: list[change.Change]) -> str:
        with besides():
            self._party.before(host, step)
        connector(host).line.ahead = lambda: self._ahead(host, step)
        failure = run_operation(self._state, host, step.key)
        changed = change.take(str(host))
        if failure is None:
            done += changed
            with besides():
                self._party.after(host, step, changed)
        return failure or ""

    def _end(self, name: str, outcome: Outcome, message: str, done: tuple[change.Change, ...] = ()) -> None:
        change.take(name)
        seconds = round(time.monotonic() - self._began[name], 2)
        self._emit(Ended(node=name, outcome=outcome, message=message, changes=_as_planned(done), seconds=seconds))


def _hear(answers: Iterable[Go], allowed: dict[str, AsyncResult]) -> None:
    """Let the nodes know what is said of them; those that nothing was said of at the end are left as they are."""
    for go in answers:
        for name, word in (*((name, True) for name in go.nodes), *((name, False) for name in go.declined)):
            if name in allowed:
                allowed[name].set(word)
    for answer in allowed.values():
        if not answer.ready():
            answer.set(False)


def _told(fault: Exception) -> tuple[Outcome, str]:
    """Return how a node ended that *fault* befell while it was checked."""
    if isinstance(fault, ConnectError):
        return "refused" if isinstance(fault, HostKeyRefused) else "unreachable", str(fault)
    if isinstance(fault, WizaraError):
        return _OUTCOMES.get(fault.code, "failed"), str(fault)
    if isinstance(fault, Cut):
        return "unreachable", str(fault)
    return "failed", f"{type(fault).__name__}: {fault}"


def _comes(ask: Callable[..., Any], *arguments: Any, **settings: Any) -> bool:
    """Tell whether all answers that *ask* needs were there; what else befalls it is told when it is asked in earnest."""
    try:
        ask(*arguments, **settings)
    except NotYet:
        return False
    except Exception:  # noqa: BLE001 - see above
        return True
    return True


def _as_planned(changes: Iterable[change.Change]) -> tuple[PlannedChange, ...]:
    return tuple(PlannedChange(**one.as_dict()) for one in changes)


def _inventory(hosts: dict[str, dict[str, Any]]) -> Inventory:
    inventory = Inventory((list(hosts.items()), {}))
    for host in inventory:
        host.connector_cls = WizaraConnector
    return inventory
