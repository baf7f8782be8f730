"""Files made to harm are refused where they begin, within a second, in one clear line a fault."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from wizara.errors import InventoryFaults
from wizara.inventory import load
from wizara.inventory.reading import FILE_LIMIT

Told = Callable[[], list[str]]

#: name → (content of sites/ons.yaml, what is said of it)
CONTENTS: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "is empty"),
    "spaces": (b"   \n\n  ", "is empty"),
    "comment only": (b"# nothing\n", "is empty"),
    "null document": (b"~\n", "nothing stands here"),
    "a word": (b"hello\n", "should be a mapping"),
    "a list": (b"- a\n- b\n", "should be a mapping"),
    "random bytes": (bytes(range(1, 256)) * 40, "is not UTF-8 text"),
    "an ELF program": (b"\x7fELF\x02\x01\x01" + b"\0" * 64, "holds a NUL byte"),
    "a gzip file": (b"\x1f\x8b\x08\x00\x00\x00\x00\x00", "holds a NUL byte"),
    "a PNG picture": (b"\x89PNG\r\n\x1a\n\x00\x00", "holds a NUL byte"),
    "NUL in the middle": (b"title: a\x00b\n", "holds a NUL byte"),
    "UTF-16 little end": ("title: {fr: x}\n".encode("utf-16"), "is UTF-16"),
    "UTF-16 big end": (b"\xfe\xff" + "title: x".encode("utf-16-be"), "is UTF-16"),
    "UTF-32": (b"\x00\x00\xfe\xff\x00\x00\x00t", "is UTF-32"),
    "latin-1": ("title: {fr: Siège}\n".encode("latin-1"), "is not UTF-8 text"),
    "overlong UTF-8": (b"title: \xc0\xaf\n", "is not UTF-8 text"),
    "a lone surrogate": (b"title: \xed\xa0\x80\n", "is not UTF-8 text"),
    "a broken end": ("title: é".encode()[:-1], "is not UTF-8 text"),
    "a terminal escape": (b"title: \x1b[2Jx\n", "control character U+001B"),
    "DEL": (b"title: \x7f\n", "control character U+007F"),
    "C1 control": ("title: \x9b2J\n".encode(), "control character U+009B"),
    "an escaped terminal escape": (b'title: {fr: "\\e[2J"}\n', "invisible character"),
    "an escaped escape as key": (b'"\\e]0;x\\a": 1\n', "\\u001b]0;x\\u0007"),
    "an override of direction": ("title: {fr: a\u202eb}\n".encode(), "invisible character"),
    "a line separator as key": (b'"a\\Lb": 1\n', "a\\u2028b"),
    "3,000 nested brackets": (b"[" * 3000, "nested deeper than 32"),
    "200,000 nested brackets": (b"[" * 200_000, "nested deeper than 32"),
    "200,000 nested braces": (b"{" * 200_000, "should be a word"),
    "closed brackets": (b"[" * 3000 + b"]" * 3000, "nested deeper than 32"),
    "nested dashes": (b"- " * 60_000 + b"x", "nested deeper than 32"),
    "nested question marks": (b"? " * 60_000 + b"x", "should be a word"),
    "nested mappings": (b"".join(b" " * i + b"a:\n" for i in range(600)), "nested deeper than 32"),
    "nested flow mappings": (b"{a: " * 50_000, "nested deeper than 32"),
    "closing brackets": (b"]" * 100_000, "is not valid YAML"),
    "commas": (b"[" + b"," * 100_000, "is not valid YAML"),
    "colons": (b": " * 60_000, "is not valid YAML"),
    "aliases": (b"a: &x 1\nb: *x\n", "anchors (&name)"),
    "an unknown alias": (b"a: *x\n", "aliases (*name)"),
    "a billion laughs": (
        b"a: &a [x, x, x]\n"
        + b"".join(b"%c: &%c [*%c, *%c, *%c]\n" % (n, n, n - 1, n - 1, n - 1) for n in range(98, 118)),
        "anchors (&name)",
    ),
    "an alias of itself": (b"&a [*a]\n", "anchors (&name)"),
    "many anchors": (b"".join(b"- &a%d x\n" % n for n in range(20_000)), "anchors (&name)"),
    "a merge key": (b"<<: {a: 1}\n", "unknown key '<<'"),
    "a Python tag": (b"title: !!python/object/apply:os.system [id]\n", "tags (!name)"),
    "a standard tag": (b"title: !!str x\n", "tags (!name)"),
    "an own tag": (b"title: !vault x\n", "tags (!name)"),
    "a bare tag": (b"title: ! x\n", "tags (!name)"),
    "a directive": (b"%YAML 1.1\n---\na: 1\n", "directives are not accepted"),
    "many directives": (b"%TAG ! a:b\n" * 20_000 + b"---\nx\n", "directives are not accepted"),
    "two documents": (b"title: x\n---\ntitle: y\n", "a second document"),
    "many documents": (b"---\n" * 50_000, "a second document"),
    "a key twice": (b"kind: institution\nkind: institution\n", "'kind' stands here twice, first in line 1"),
    "a key twice, quoted": (b"kind: institution\n'kind': institution\n", "'kind' stands here twice"),
    "a list as key": (b"[a, b]: c\n", "should be a word"),
    "a mapping as key": (b"? {a: b}\n: c\n", "should be a word"),
    "tabs": (b"title:\n\tfr: x\n", "is not valid YAML"),
    "an open quote": (b"title: 'never closed\n" * 3, "is not valid YAML"),
    "an open quote, long": (b'title: "' + b"x " * 100_000, "is not valid YAML"),
    "many values": (b"[" + b"a," * 100_000 + b"]", "more than 40000 values"),
    "many keys": (b"".join(b"k%d: 1\n" % n for n in range(20_500)), "more than 40000 values"),
    "many unknown keys": (b"".join(b"k%d: 1\n" % n for n in range(15_000)), "faults more"),
    "many wrong nodes": (b"nodes:\n" + b"".join(b"  n%d: x\n" % n for n in range(15_000)), "faults more"),
    "a long key": (b"k" * 200_000 + b": 1\n", "is not valid YAML"),
    "a long word": (b"kind: " + b"i" * 250_000, "…' should be"),
    "a long block": (b"kind: |\n" + b"  xxxxxxxxx\n" * 20_000, "…' should be"),
    "too large": (b"#" * (FILE_LIMIT + 1), "is larger than 256 KiB"),
    "a path as name": (b"nodes: {../../etc/passwd: {}}\n", "should be 1 to 32"),
    "a shell word as name": (b"nodes: {'$(id)': {}}\n", "should be 1 to 32"),
    "a template as text": (b"kind: '{{ 7*7 }}'\n", "should be"),
    "a huge number": (b"lans: {a: {network: 10.0.0.0/8, vlan: " + b"9" * 100_000 + b"}}\n", "should be a"),
    "an Arabic digit": ("lans: {a: {network: 10.0.0.0/8, vlan: ٣}}\n".encode(), "should be a whole number"),
    "an octal number": (b"lans: {a: {network: 10.0.0.0/8, vlan: 0o17}}\n", "should be a whole number"),
    "a float": (b"lans: {a: {network: 10.0.0.0/8, vlan: 1.0}}\n", "should be a whole number"),
}


@pytest.fixture(autouse=True)
def no_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_named: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)


@pytest.mark.parametrize("name", CONTENTS)
def test_a_bomb_is_refused_where_it_begins(name: str, mps: Path) -> None:
    content, said = CONTENTS[name]
    (mps / "sites" / "ons.yaml").write_bytes(content)
    begin = time.process_time()
    with pytest.raises(InventoryFaults) as refused:
        load(mps)
    assert time.process_time() - begin < 1
    own = [str(fault) for fault in refused.value.faults if fault.place and fault.place.file.endswith("ons.yaml")]
    assert any(said in line for line in own), own[:5]
    assert all(line.isprintable() and len(line) < 1000 for line in own)


def _link_out(sites: Path) -> None:
    (sites / "ons.yaml").unlink()
    (sites / "ons.yaml").symlink_to("/etc/passwd")


def _link_device(sites: Path) -> None:
    (sites / "ons.yaml").unlink()
    (sites / "ons.yaml").symlink_to("/dev/zero")


def _link_to_itself(sites: Path) -> None:
    (sites / "ons.yaml").unlink()
    (sites / "ons.yaml").symlink_to("ons.yaml")


def _link_nowhere(sites: Path) -> None:
    (sites / "ons.yaml").unlink()
    (sites / "ons.yaml").symlink_to("nowhere.yaml")


def _folder(sites: Path) -> None:
    (sites / "ons.yaml").unlink()
    (sites / "ons.yaml").mkdir()


def _pipe(sites: Path) -> None:
    (sites / "ons.yaml").unlink()
    os.mkfifo(sites / "ons.yaml")


def _listener(sites: Path) -> None:
    (sites / "ons.yaml").unlink()
    os.mknod(sites / "ons.yaml", 0o140600)


def _capital(sites: Path) -> None:
    (sites / "ons.yaml").rename(sites / "ONS.yaml")


def _two_dots(sites: Path) -> None:
    (sites / "ons.yaml").rename(sites / "...yaml")
    (sites / "a..b.yaml").write_text("title: {fr: x}\n")


def _other_ending(sites: Path) -> None:
    (sites / "ons.yaml").rename(sites / "ons.yml")


def _foreign_name(sites: Path) -> None:
    os.rename(  # noqa: PTH104 - bytes
        os.fsencode(sites / "ons.yaml"), os.fsencode(sites) + b"/\xff\x1b[2J.yaml"
    )


def _no_sites(sites: Path) -> None:
    for path in sites.iterdir():
        path.unlink()


def _sites_is_a_file(sites: Path) -> None:
    _no_sites(sites)
    sites.rmdir()
    sites.write_text("x")


def _no_ministry(sites: Path) -> None:
    (sites.parent / "ministry.yaml").unlink()


def _many_files(sites: Path) -> None:
    for number in range(1000):
        (sites / f"s{number}.yaml").write_text("[" * 300)


ARRANGEMENTS: tuple[tuple[Callable[[Path], None], str], ...] = (
    (_link_out, "leads out of the inventory's folder"),
    (_link_device, "leads out of the inventory's folder"),
    (_link_to_itself, "cannot be read"),
    (_link_nowhere, "is missing"),
    (_folder, "is not a file"),
    (_pipe, "is not a file"),
    (_listener, "cannot be read"),
    (_capital, "the file's name is the site's: 'ONS' should be"),
    (_two_dots, "'a..b' should be"),
    (_other_ending, "should end in .yaml"),
    (_foreign_name, "\\xff\\x1b[2J"),
    (_no_sites, "no sites"),
    (_sites_is_a_file, "no sites"),
    (_no_ministry, "ministry.yaml:1:1: is missing"),
    (_many_files, "nested deeper"),
)


@pytest.mark.parametrize(
    ("arrange", "said"), ARRANGEMENTS, ids=[arrange.__name__[1:] for arrange, _said in ARRANGEMENTS]
)
def test_what_is_no_file_of_the_inventory_is_one_clear_fault(
    arrange: Callable[[Path], None], said: str, mps: Path, told: Told
) -> None:
    arrange(mps / "sites")
    begin = time.process_time()
    lines = told()
    assert time.process_time() - begin < 3
    assert sum(said in line for line in lines) >= 1, lines[:5]
    assert all(line.isprintable() for line in lines)


def test_a_folder_that_is_none_is_a_fault(tmp_path: Path) -> None:
    for folder in (tmp_path / "absent", Path("/dev/null"), Path("\udcff")):
        with pytest.raises(InventoryFaults, match="is no folder"):
            load(folder)


def test_a_byte_order_mark_before_utf8_is_accepted(mps: Path, told: Told) -> None:
    path = mps / "sites" / "ons.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert told() == []
