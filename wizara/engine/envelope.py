"""The safety envelope: a change of the way to a node is taken back by the node itself unless a new connection confirms it."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

import gevent
from pyinfra.api.host import Host

from wizara.engine import window
from wizara.engine.companion import Pending
from wizara.engine.connector import connector
from wizara.engine.reach import LoginRefused
from wizara.engine.setting import confirm_seconds
from wizara.engine.window import Span, State
from wizara.errors import Refusal, Unfinished, WizaraError
from wizara.operations.change import Change
from wizara.operations.command import program
from wizara.record.progress import Step
from wizara.text import _

#: Seconds from the beginning of a change until the node takes it back, whatever else happens.
LONGEST = 900
_ATTEMPT_SECONDS = 20
#: What a rollback may take beyond its timer, units that are slow to start included.
_ROLLBACK_SECONDS = 120
_GONE = {"rolling", "rolled-back"}
_STRANGE = {"", "unknown"}


@dataclass
class _Node:
    """A node on its way through its changes."""

    host: Host
    steps: tuple[Pending, ...]
    spans: tuple[Span, ...]
    applying: gevent.Greenlet
    change: str = ""
    """The id of the open change; empty while none is."""
    span: Span | None = None
    proof: float = 0.0
    """When the node last heard of us."""
    alive: gevent.Greenlet | None = None
    refused: bool = False
    """The login was refused: a server shuts its door to who tries that more than a few times."""


class Envelope:
    """Goes along with an apply (design §4.7)."""

    def __init__(self, run: str, emit: Callable[[Step], None], seconds: int | None = None) -> None:
        """*run* names the changes; *emit* is told what is being waited for."""
        self._run = re.sub(r"[^A-Za-z0-9_]", "_", run)
        self._emit = emit
        self._seconds = seconds or confirm_seconds()
        self._numbers = itertools.count(1)
        self._nodes: dict[str, _Node] = {}

    def begin(self, host: Host, steps: tuple[Pending, ...]) -> None:
        """See which of *steps* make a change of the way to *host*."""
        self._nodes[str(host)] = _Node(host, steps, window.spans(steps), gevent.getcurrent())

    def before(self, host: Host, step: Pending) -> None:
        """Snapshot and arm before the first step of such a change, and do not go on with one that was taken back."""
        node = self._nodes[str(host)]
        if node.change:
            if time.monotonic() > node.proof + self._seconds:
                raise Unfinished(_lost())
            return
        for span in node.spans:
            if span.first == step.number:
                self._open(node, step, span)

    def after(self, host: Host, step: Pending, done: tuple[Change, ...]) -> None:
        """Confirm after the last step of such a change; Unfinished when that fails."""
        del done
        node = self._nodes[str(host)]
        if node.change and node.span and node.span.last == step.number:
            self._rest(node)
            self._tell(node, step, _("confirming over a new connection"))
            self._confirm(node, step)

    def end(self, host: Host, failure: str) -> str:
        """Leave no change open: after a failure, order the way back, see it through, and say so."""
        node = self._nodes.pop(str(host), None)
        if node is None or not node.change:
            return failure
        self._rest(node)
        connector(host).line.change = ""
        self._tell(node, node.steps[-1], _("waiting until the node has rolled back"))
        state = self._outlive(node)
        if state.word == "rolled-back":
            when, _space, trouble = state.rest.partition(" ")
            told = _("rolled back at {when}").format(when=time.strftime("%H:%M:%S", time.localtime(int(when))))
            return f"{failure} — {told}" + (f" ({trouble})" if trouble else "")
        if state.word == "kept":
            return failure
        return failure + " — " + _("that the node has rolled back could not be seen: look at its console")

    def _open(self, node: _Node, step: Pending, span: Span) -> None:
        change = f"{self._run}-{next(self._numbers)}"
        self._tell(node, step, _("snapshot and timer"), self._seconds)
        plan = node.host.data.wizara_node
        what = (*window.touched(node.steps, span), *(f"name={name}" for name in window.names(plan)))
        began = time.monotonic()
        good, output = node.host.run_shell_command(
            program(*window.lay(change, self._seconds, LONGEST, what)), _sudo=True
        )
        state = State.read(output.stdout_lines)
        if not good or state.word != "armed":
            words = " / ".join(output.stderr_lines[-3:]) or state.word
            fault = Refusal if "is pending" in words else Unfinished
            raise fault(_("nothing was changed on the way to the node: {words}").format(words=words))
        node.change, node.span, node.proof = change, span, began
        connector(node.host).line.change = change
        node.alive = gevent.spawn(self._keep_alive, node, change)

    def _keep_alive(self, node: _Node, change: str) -> None:
        """While steps run, prove over a connection of its own that we are there; stop them when the node took all back."""
        lost = False
        while not lost:
            gevent.sleep(self._seconds / 3)
            began = time.monotonic()
            try:
                with gevent.Timeout(self._seconds), window.new_connection(node.host) as machine:
                    state = window.ask(machine, "extend", change, str(self._seconds))
            except (WizaraError, gevent.Timeout) as fault:
                node.refused = isinstance(fault, LoginRefused)
                lost = node.refused or began > node.proof + self._seconds + _ROLLBACK_SECONDS
                continue
            if state.word == "armed":
                node.proof = began
            elif state.word in _GONE:
                lost = True
        # A step may wait for ever on a connection that its own change has cut.
        node.applying.kill(Unfinished(_lost()), block=False)

    def _confirm(self, node: _Node, step: Pending) -> None:
        """Come in anew as the next apply will; a change that is not kept before the timer ends is none."""
        why = _("no answer")
        until = node.proof + self._seconds
        patience = _ATTEMPT_SECONDS
        while (left := until - time.monotonic()) > 0:
            try:
                with gevent.Timeout(min(left, patience)), window.new_connection(node.host) as machine:
                    state = window.ask(machine, "confirm", node.change, stdin=window.PAYLOAD)
                    if state.word == "good":
                        state = window.ask(machine, "keep", node.change)
            except gevent.Timeout:
                why = _("a new connection hangs")
                patience *= 2  # the way may be slow rather than cut
                continue
            except WizaraError as fault:
                why, node.refused = str(fault), isinstance(fault, LoginRefused)
                if node.refused:
                    break
                gevent.sleep(0.5)
                continue
            if state.word == "kept":
                node.change = connector(node.host).line.change = ""
                self._tell(node, step, _("kept"), -1)
                return
            if state.word in _GONE:
                break
            why = _("the node knows nothing of the change") if state.word in _STRANGE else state.rest or why
            gevent.sleep(1)
        raise Unfinished(_("the change could not be confirmed over a new connection: {why}").format(why=why))

    def _outlive(self, node: _Node) -> State:
        """Order the way back if the node can be reached, else wait until it has taken it alone; return what it says then."""
        timer = node.proof + self._seconds
        until = max(time.monotonic(), timer) + _ROLLBACK_SECONDS
        state = State("")
        while time.monotonic() < until:
            if node.refused:
                gevent.sleep(max(timer + 3 - time.monotonic(), 5))
            try:
                with gevent.Timeout(_ATTEMPT_SECONDS), window.new_connection(node.host) as machine:
                    state = window.ask(machine, "undo", node.change)
            except (WizaraError, gevent.Timeout) as fault:
                node.refused = isinstance(fault, LoginRefused)
            if state.word in {"rolled-back", "kept"}:
                break
            gevent.sleep(1)
        return state

    def _rest(self, node: _Node) -> None:
        if node.alive:
            node.alive.kill()
            node.alive = None

    def _tell(self, node: _Node, step: Pending, words: str, window: int = 0) -> None:
        total = len(node.steps)
        self._emit(Step(node=str(node.host), phase="apply", number=step.number, total=total, name=words, window=window))


def _lost() -> str:
    return _("the way to the node was lost")
