"""A fault of a small file stands where the word is that a person has to mend, and a secret file's words stay unsaid."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import RootModel

from wizara import text
from wizara.audit.exceptions import read_exemptions
from wizara.audit.mandate import read_mandate
from wizara.errors import InventoryFaults, UsageFault
from wizara.inventory.file import read_file, read_secret_file
from wizara.inventory.types import Line, Model, Name
from wizara.lab.rehearsal import read as read_rehearsal

EXEMPTION = """\
- fingerprint: 0123456789abcdef
  reason: printer of 2009
  owner: awa
  accepted: 2026-01-10
  expires: 2026-06-30
"""
MANDATE = """\
commissioner: SG
reference: 1/2026
date: 2026-01-01
perimeter: [10.1.0.0/16, "fd00:1:2:3::/64"]
from: 2026-02-01
to: 2026-02-28
hours: ["08:00-12:00"]
operators: [awa]
contact: karim
"""
TWICE = "is accepted here a second time, first in line 1 — keep one of the two, and write the later day into it"
FAULTS = (
    ("exceptions.yaml", "0123456789abcdef", "0123XY",
     "1:16: [0].fingerprint: '0123XY' should be 8 to 64 of 0-9 and a-f, as the finding's fingerprint begins"),
    ("exceptions.yaml", "  owner:", "  ownr:", "3:3: [0].ownr: unknown key 'ownr' — did you mean 'owner'?"),
    ("exceptions.yaml", "  owner: awa\n", "", "1:3: [0].owner: 'owner' is missing"),
    ("exceptions.yaml", "  reason: printer of 2009", "  reason:", "2:10: [0].reason: nothing stands here — give a value or remove the key"),
    ("exceptions.yaml", "2026-06-30", "2026-13-30", "5:12: [0].expires: '2026-13-30' should be a date such as 2026-01-31"),
    ("exceptions.yaml", "2026-06-30", "soon", "5:12: [0].expires: 'soon' should be a date such as 2026-01-31"),
    ("exceptions.yaml", "2026-06-30", "2028-06-30", "5:12: [0].expires: '2028-06-30' should be after 'accepted', by at most a year"),
    ("exceptions.yaml", EXEMPTION, "a: b\n", "1:1: should be a list"),
    ("exceptions.yaml", "  owner: awa", "  owner: &a awa", "3:10: anchors (&name) are not accepted"),
    ("exceptions.yaml", "  owner: awa", "  owner: }", "3:10: is not valid YAML: did not find expected node content"),
    ("mandate.yaml", '"08:00-12:00"', '"08:00-12:00", "8-12"', "7:24: hours[1]: '8-12' should be written 08:00-18:00"),
    ("mandate.yaml", "08:00-12:00", "22:00-06:00",
     "7:9: hours[0]: '22:00-06:00' should end after it begins; write a night as two spans"),
    ("mandate.yaml", "2026-02-28", "2026-01-28", "6:5: to: '2026-01-28' should not be before 'from'"),
    ("mandate.yaml", "10.1.0.0/16", "10.1.0.1/16",
     "4:13: perimeter[0]: '10.1.0.1/16' should be a network such as 10.0.0.0/24 or fd00:1:2:3::/64, without host bits"),
    ("mandate.yaml", "operators:", "operator:", "8:1: operator: unknown key 'operator' — did you mean 'operators'?"),
    ("mandate.yaml", "from:", "begins:", "1:1: from: 'from' is missing\n5:1: begins: unknown key 'begins'"),
    ("mandate.yaml", "contact: karim\n", "contact: karim\ncontact: awa\n", "10:1: key 'contact' stands here twice, first in line 9"),
    ("exceptions.yaml", EXEMPTION, EXEMPTION + EXEMPTION,
     f"6:16: [1].fingerprint: the finding '0123456789abcdef' {TWICE}"),
    ("exceptions.yaml", EXEMPTION, EXEMPTION + EXEMPTION.replace("0123456789abcdef", "012345678"),
     f"6:16: [1].fingerprint: the finding '012345678' {TWICE}"),
    ("mandate.yaml", "contact: karim\n", "controllers: [plc1, 10.2.0.9]\ncontact: karim\n",
     "9:21: controllers[1]: '10.2.0.9' should be inside the perimeter"),
    ("mandate.yaml", "contact: karim\n", "exclusions: [10.1.9.0/24]\ncontrollers: [10.1.9.1]\ncontact: karim\n",
     "10:15: controllers[0]: '10.1.9.1' should not be among the exclusions"),
    ("rehearsal.yaml", "outside:", "outside_:", "1:1: outside_: unknown key 'outside_' — did you mean 'outside'?"),
)  # fmt: skip
READERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "exceptions.yaml": (EXEMPTION, read_exemptions),
    "mandate.yaml": (MANDATE, read_mandate),
    "rehearsal.yaml": ("outside: {}\n", lambda path: read_rehearsal(path.parent)),
}


@pytest.mark.parametrize(("name", "old", "new", "expected"), FAULTS, ids=[fault[3] for fault in FAULTS])
def test_a_fault_is_told_where_it_stands(name: str, old: str, new: str, expected: str, tmp_path: Path) -> None:
    right, read = READERS[name]
    assert old in right
    path = tmp_path / name
    path.write_text(right.replace(old, new, 1))
    with pytest.raises(UsageFault) as told:
        read(path)
    faults = told.value.faults if isinstance(told.value, InventoryFaults) else (told.value,)
    assert "\n".join(str(one).replace(f"{path}:", "", 1) for one in faults) == expected


@pytest.mark.parametrize("name", ["exceptions.yaml", "mandate.yaml"])
def test_what_is_right_is_read_and_a_folder_of_that_name_is_none(name: str, tmp_path: Path) -> None:
    right, read = READERS[name]
    (tmp_path / name).write_text(right)
    assert read(tmp_path / name)
    (tmp_path / name).unlink()
    (tmp_path / name).mkdir()
    with pytest.raises(UsageFault, match=f"{name}:1:1: is not a file"):
        read(tmp_path / name)


def test_no_exceptions_are_none(tmp_path: Path) -> None:
    assert read_exemptions(tmp_path / "exceptions.yaml") == ()


def test_faults_of_a_mandate_are_told_in_french(tmp_path: Path) -> None:
    path = tmp_path / "mandate.yaml"
    path.write_text(MANDATE.replace("08:00-12:00", "8-12"))
    text.use("fr")
    try:
        with pytest.raises(UsageFault, match=r"7:9: hours\[0\]: « 8-12 » s'écrit 08:00-18:00"):
            read_mandate(path)
    finally:
        text.use("en")


class _Entry(Model):
    password: Line | None = None
    port: Name | None = None


class _Entries(RootModel[dict[Name, _Entry]]):
    """A file of secrets."""


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("{sw: {password:hunter2}}", "1:7: unknown key — there are: password, port"),
        ("{sw: {port: HUNTER2}}", "1:13: [sw].port: should be 1 to 32"),
        ("sw: hunter2", "1:5: [sw]: should be a mapping"),
        ("hunter2", "1:1: should be a mapping"),
    ],
)
def test_a_fault_of_a_secret_file_repeats_nothing_of_it(written: str, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "credentials.yaml"
    path.write_text(written)
    with pytest.raises(UsageFault) as told:
        read_secret_file(path, _Entries)
    assert str(told.value).startswith(f"{path}:{expected}")
    assert "hunter2" not in str(told.value).lower()
    if "port" not in written:
        with pytest.raises(UsageFault, match="hunter2"):
            read_file(path, _Entries)


def test_secrets_may_come_through_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writing = threading.Thread(target=pipe.write_text, args=("sw: {password: x}\n",))
    writing.start()
    assert read_secret_file(pipe, _Entries).root["sw"].password == "x"
    writing.join()
    with pytest.raises(UsageFault, match="is not a file"):
        read_file(pipe, _Entries)
