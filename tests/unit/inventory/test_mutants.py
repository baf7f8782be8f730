"""An inventory with a slip in it is refused with a place, or means what it says; it is never a traceback."""

from __future__ import annotations

import random
import resource
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from wizara import tree
from wizara.errors import InventoryFaults
from wizara.inventory import load
from wizara.inventory.models import Ministry

MUTANTS = 500
PROCESSES = 20
_FILES = ("ministry.yaml", "sites/hq.yaml", "sites/ons.yaml", "sites/cneap.yaml")
_STRAY = "{}[]:,&*!|>'\"%@`#?-\t\x00\x1b\xa0é٣ A0"


def _line(random_: random.Random, lines: list[str]) -> int:
    return random_.choice([number for number, line in enumerate(lines) if line.strip() and not line.startswith("#")])


def _drop_line(random_: random.Random, lines: list[str]) -> None:
    del lines[_line(random_, lines)]


def _repeat_line(random_: random.Random, lines: list[str]) -> None:
    number = _line(random_, lines)
    lines.insert(random_.randrange(len(lines)), lines[number])


def _indent(random_: random.Random, lines: list[str]) -> None:
    number = _line(random_, lines)
    lines[number] = random_.choice([" ", "   ", "\t"]) + lines[number]


def _misspell_key(random_: random.Random, lines: list[str]) -> None:
    number = random_.choice([index for index, line in enumerate(lines) if ":" in line and not line.startswith("#")])
    key, colon, rest = lines[number].partition(":")
    at = random_.randrange(len(key) - len(key.lstrip()), len(key))
    lines[number] = key[:at] + random_.choice("xqz_Z") + key[at + random_.randrange(2) :] + colon + rest


def _stray(random_: random.Random, lines: list[str]) -> None:
    number = _line(random_, lines)
    at = random_.randrange(len(lines[number]) + 1)
    lines[number] = lines[number][:at] + random_.choice(_STRAY) + lines[number][at + random_.randrange(2) :]


def _digit(random_: random.Random, lines: list[str]) -> None:
    places = [(index, at) for index, line in enumerate(lines) for at, letter in enumerate(line)
              if letter.isdigit() and not line.startswith("#")]  # fmt: skip
    if places:
        number, at = random_.choice(places)
        lines[number] = lines[number][:at] + random_.choice("0123456789999") + lines[number][at + 1 :]


def _cut(random_: random.Random, lines: list[str]) -> None:
    del lines[random_.randrange(1, len(lines)) :]
    lines[-1] = lines[-1][: random_.randrange(len(lines[-1]) + 1)]


def _empty_value(random_: random.Random, lines: list[str]) -> None:
    number = random_.choice([index for index, line in enumerate(lines) if ": " in line and not line.startswith("#")])
    key, _colon, _value = lines[number].partition(": ")
    lines[number] = key + random_.choice([":", ": ~", ": ''", ": []", ": {}", ": no", ": 1e9", ": ../../etc"])


def _swap_values(random_: random.Random, lines: list[str]) -> None:
    numbers = [index for index, line in enumerate(lines) if ": " in line and not line.startswith("#")]
    one, other = random_.sample(numbers, 2)
    values = [lines[number].partition(": ") for number in (one, other)]
    lines[one] = values[0][0] + ": " + values[1][2]
    lines[other] = values[1][0] + ": " + values[0][2]


_MUTATIONS: tuple[Callable[[random.Random, list[str]], None], ...] = (
    _drop_line, _repeat_line, _indent, _misspell_key, _misspell_key, _stray, _digit, _cut, _empty_value, _swap_values,
)  # fmt: skip


def _mutant(seed: int, folder: Path) -> Path:
    """Return the copy of the kept ministry that *seed* spoils, twice in every fourth."""
    random_ = random.Random(seed)
    shutil.copytree(Path(__file__).parent / "ministry", folder)
    for _slip in range(2 if seed % 4 == 0 else 1):
        path = folder / random_.choice(_FILES)
        lines = path.read_text().split("\n")
        random_.choice(_MUTATIONS)(random_, lines)
        path.write_text("\n".join(lines))
    return folder


def _written_again(ministry: Ministry, folder: Path) -> Path:
    (folder / "sites").mkdir(parents=True)
    (folder / "ministry.yaml").write_text(_text(ministry.declaration))
    for name, site in ministry.sites.items():
        (folder / "sites" / f"{name}.yaml").write_text(_text(site))
    return folder


def _text(model: object) -> str:
    return yaml.safe_dump(model.model_dump(mode="json", by_alias=True, exclude_none=True), allow_unicode=True)  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def no_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_named: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)


def test_mutants_are_refused_with_a_place_or_mean_what_they_say(tmp_path: Path) -> None:
    refused = 0
    for seed in range(MUTANTS):
        folder = _mutant(seed, tmp_path / str(seed))
        begin = time.process_time()  # processor seconds: what the machine does besides must not decide
        try:
            read = load(folder)
        except InventoryFaults as fault:
            refused += 1
            assert fault.faults, seed  # noqa: PT017 - a mutant may be valid
            for one in fault.faults:
                assert one.place is not None, (seed, one)
                assert one.place.line >= 1, (seed, one)
                assert "\n" not in str(one), (seed, one)
                assert str(one).isprintable(), (seed, one)
        else:
            again = load(_written_again(read, tmp_path / f"{seed}-again"))
            assert (again.declaration, again.sites) == (read.declaration, read.sites), seed
        assert time.process_time() - begin < 1, seed
        shutil.rmtree(folder)
    assert refused >= 400


@pytest.mark.parametrize("seed", range(PROCESSES))
def test_a_mutant_as_a_process_answers_within_a_second(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    folder = _mutant(seed * 7, tmp_path / "mutant")
    line = [sys.executable, "-m", "wizara", "check", str(folder)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    told = subprocess.run(line, check=False, capture_output=True, text=True, cwd=tree.root(), timeout=120)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1
    assert told.returncode in {0, 2}, told.stderr
    assert "Traceback" not in told.stderr
    if told.returncode == 2:
        assert all(line.startswith(str(folder)) for line in told.stderr.splitlines()), told.stderr
