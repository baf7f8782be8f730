"""Contract with pyinfra: each of its internals that the engine touches still does what the engine takes it to do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import pyinfra.api.arguments as pyinfra_arguments
import pyinfra.api.host as pyinfra_host
import pytest
from pyinfra.api import Config, FactBase, Inventory, State, StringCommand, operation
from pyinfra.api.host import Host
from pyinfra.api.state import StateStage
from pyinfra.connectors.base import BaseConnector
from pyinfra.connectors.util import CommandOutput, OutputLine
from pyinfra.context import ctx_host, ctx_state, init_base_classes

from wizara.engine import internals


class Echo(BaseConnector):
    """Answers each command with itself; ``false`` fails."""

    handles_execution = True
    said: ClassVar[list[tuple[str, Any, bool]]] = []

    @staticmethod
    def make_names_data(name: str) -> Iterator[tuple[str, dict[str, Any], list[str]]]:
        yield name, {}, []

    def run_shell_command(
        self, command: StringCommand | str, print_output: bool = False, print_input: bool = False, **_more: Any
    ) -> Any:  # type: ignore[override]
        line = command if isinstance(command, str) else command.get_raw_value()
        Echo.said.append((line, internals.question(), internals.is_besides()))
        if internals.question() and internals.is_gathering():
            raise internals.NotYet
        return line != "false", CommandOutput([OutputLine("stdout" if line != "false" else "stderr", line)])

    def put_file(self, *_what: Any, **_more: Any) -> bool:
        return False

    def get_file(self, *_what: Any, **_more: Any) -> bool:
        return False


class Word(FactBase[str]):
    """A fact that is its own command."""

    def command(self, word: str) -> str:
        return word


@operation()
def keep(word: str, wanted: str) -> Iterator[str]:
    """An operation that asks *word* and is done when that is *wanted*."""
    if ctx_host.get().get_fact(Word, word) != wanted:
        yield wanted


@pytest.fixture
def state() -> Iterator[State]:
    init_base_classes()
    inventory = Inventory(([("one", {"colour": "red", "number": 7}), ("two", {})], {"everywhere": True}))
    for host in inventory:
        host.connector_cls = Echo
    made = State(inventory, Config(), check_for_changes=False)
    ctx_state.set(made)
    internals.tell_questions_apart()
    internals.give_own_operations(made)
    Echo.said.clear()
    made.set_stage(StateStage.Prepare)
    for host in inventory:
        host.connected = True
        made.activate_host(host)
    yield made
    ctx_state.reset()


def made(state: State, name: str, *words: tuple[str, str]) -> Host:
    host: Host = state.inventory.get_host(name)
    with ctx_host.use(host):
        for word, wanted in words:
            keep(name=f"keep {word}", word=word, wanted=wanted)
    return host


def test_making_operations_asks_nothing(state: State) -> None:
    host = made(state, "one", ("a", "a"), ("b", "other"))
    assert Echo.said == []
    assert [name for _key, name in internals.operations_of(state, host)] == ["keep a", "keep b"]


def test_operations_of_two_hosts_at_the_same_place_stay_apart(state: State) -> None:
    made(state, "one", ("a", "a"))
    made(state, "two", ("b", "b"))
    names = {str(host): internals.operations_of(state, host)[0][1] for host in state.inventory}
    assert names == {"one": "keep a", "two": "keep b"}


def test_a_fact_is_a_question_of_its_operation_and_a_change_is_none(state: State) -> None:
    host = made(state, "one", ("a", "other"))
    key = host.op_hash_order[0]
    assert internals.would_change(state, host, key)
    state.set_stage(StateStage.Execute)
    state.is_executing = True
    with ctx_host.use(host):
        assert internals.run_operation(state, host, key) is None
    question = internals.Question(key)
    assert Echo.said == [("a", question, False), ("a", question, False), ("other", None, False)]


def test_an_operation_is_tried_apart_from_its_host(state: State) -> None:
    host = made(state, "one", ("a", "a"))
    before = dict(vars(host))
    assert not internals.would_change(state, host, host.op_hash_order[0], apart=True)
    assert vars(host) == before
    assert ctx_host.get() is None


def test_while_questions_are_gathered_nothing_waits_and_no_host_fails(state: State) -> None:
    host = made(state, "one", ("a", "a"))
    with internals.gathering(), pytest.raises(internals.NotYet):
        internals.would_change(state, host, host.op_hash_order[0], apart=True)
    assert not state.failed_hosts
    assert not host.in_op
    assert not internals.would_change(state, host, host.op_hash_order[0])


def test_what_an_operation_said_when_it_failed_is_told(state: State) -> None:
    host = made(state, "one", ("a", "false"))
    state.is_executing = True
    with ctx_host.use(host):
        assert internals.run_operation(state, host, host.op_hash_order[0]) == "false"


def test_flat_data_is_the_same_data(state: State) -> None:
    host: Host = state.inventory.get_host("one")
    names = ("colour", "number", "everywhere", "_sudo", "nothing")
    before = [host.data.get(name) for name in names]
    internals.flatten_data(host)
    assert [host.data.get(name) for name in names] == before
    host.current_deploy_data = {"nothing": "something", "colour": "blue"}
    assert (host.data.get("nothing"), host.data.get("colour")) == ("something", "red")
    host.data.colour = "green"
    assert host.data.get("colour") == "green"


def test_besides_marks_what_companions_run(state: State) -> None:
    host: Host = state.inventory.get_host("one")
    with internals.besides():
        host.run_shell_command(StringCommand("beat"))
    host.run_shell_command(StringCommand("change"))
    assert [(line, aside) for line, _question, aside in Echo.said] == [("beat", True), ("change", False)]


def test_what_is_replaced_in_pyinfra_is_there_and_still_says_the_same(state: State) -> None:
    assert pyinfra_host.get_fact is internals._get_fact
    arguments = pyinfra_arguments.all_global_arguments
    assert arguments() is arguments()
    assert arguments() == arguments.__wrapped__()  # type: ignore[attr-defined]
