"""An audit from a node of the site over SSH: what it finds there, and that nothing of it stays behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from applied import Applied

from wizara import tree
from wizara.cli.planted import compare
from wizara.inventory import load
from wizara.lab import Lab, namespace, rehearsal
from wizara.lab.wiring import CORE

pytestmark = pytest.mark.lab
MPS = tree.shipped_inventories() / "mps"
STRANGER, CARD = "10.21.1.77", "02:00:5e:00:00:77"
#: Everything of ours that an audit may have there: its folder's content, and processes that run it.
_REMAINS = "find /run/wizara/audit -mindepth 1 2>/dev/null; grep -lsa 'wizara/audit/[^ ]*/program' /proc/[0-9]*/cmdline || true"


def audit(made: Applied, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "wizara", "audit", "mps", *words, "--lab", made.lab.name, "--runs", str(made.runs), "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
    )  # fmt: skip


def ended(process: subprocess.Popen[str], seconds: float = 120) -> tuple[int, str, str]:
    out, said = process.communicate(timeout=seconds)
    return process.returncode, out, said


def remains(lab: Lab, node: str) -> str:
    return lab.exec(node, ["sh", "-c", _REMAINS]).stdout


def until(condition: Callable[[], object], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


@pytest.fixture
def stranger(applied_ministry: Applied) -> Iterator[None]:
    """A machine on the LAN of the statistics office that nobody declared, and that answers on no port."""
    lab = applied_ministry.lab
    core, own = namespace.named(lab.name, CORE), f"{lab.name}-stranger"
    bridge = lab.kept.lans["ons.ons"]

    def ip(*words: str) -> None:
        subprocess.run(["ip", *words], check=True, capture_output=True)

    ip("netns", "add", own)
    try:
        ip(
            "link",
            "add",
            "lan0",
            "address",
            CARD,
            "netns",
            own,
            "type",
            "veth",
            "peer",
            "name",
            "stranger",
            "netns",
            core,
        )
        ip("-n", core, "link", "set", "stranger", "master", bridge, "up")
        ip("-n", own, "address", "add", f"{STRANGER}/24", "dev", "lan0")
        ip("-n", own, "link", "set", "lan0", "up")
        yield
    finally:
        ip("netns", "del", own)


def test_an_institution_behind_300_ms_is_audited_from_its_gateway(applied_ministry: Applied, stranger: None) -> None:
    code, out, said = ended(audit(applied_ministry, "ons", "--fail-on", "medium"))
    assert code == 4, said
    assert "looking from gw-ons, over SSH: 10.21.1.0/24" in said  # chosen by itself: the auditor stands in headquarters
    found = {(one["rule"], one["subject"]["ip"], one["subject"]["mac"]) for one in json.loads(out)["findings"]}
    assert found == {("LAN-001", STRANGER, CARD)}
    kept = (Path(json.loads(out)["folder"]) / "observations.jsonl").read_text()
    seen = [json.loads(line) for line in kept.splitlines()]
    assert {one["vantage"] for one in seen} == {"gw-ons"}
    assert [
        one for one in seen if one["data"].get("reason") == "outside-mandate"
    ] == []  # the shipped mandate names IPv6, too
    assert '"open":[8080]' in kept  # the declared service of pc-ons
    assert remains(applied_ministry.lab, "gw-ons") == ""


def test_the_same_is_found_from_the_gateway_as_from_the_lan_itself(applied_ministry: Applied) -> None:
    code, out, said = ended(audit(applied_ministry, "hq", "--lan", "office", "--from", "gw-hq"))
    assert code == 4, said
    own = str(
        load(MPS).sites["hq"].lans["office"].network.network_address + 250
    )  # the auditor's own computer is a stranger there
    found = [(one["subject"]["ip"], one["rule"]) for one in json.loads(out)["findings"] if one["subject"]["ip"] != own]
    comparison = compare(load(MPS), rehearsal.read(MPS), "hq", found)
    assert comparison.missed == frozenset()
    assert comparison.invented == frozenset()
    received = applied_ministry.lab.folder / "hosts" / "received" / "printer-hq"
    assert [(received / f"{port}.bytes").read_bytes() for port in (9100, 515)] == [b"", b""]


@pytest.mark.parametrize(("site", "node"), [("ons", "gw-ons"), ("cneap", "gw-cneap")], ids=["bookworm", "trixie"])
@pytest.mark.parametrize("blow", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "kill-9"])
def test_an_audit_that_is_cut_short_leaves_nothing_on_the_node(
    applied_ministry: Applied, site: str, node: str, blow: signal.Signals
) -> None:
    lab = applied_ministry.lab
    process = audit(applied_ministry, site)
    assert until(lambda: "cmdline" in remains(lab, node), 30), ended(process)
    process.send_signal(blow)
    code, _out, said = ended(process, 20)
    assert code == (130 if blow == signal.SIGINT else -9), said
    assert until(lambda: remains(lab, node) == "", 10), remains(lab, node)


def test_a_line_that_is_cut_ends_both_sides_and_what_was_not_seen_is_told(applied_ministry: Applied) -> None:
    lab = applied_ministry.lab
    lab.exec("gw-ons", ["mkdir", "-p", "/run/wizara/audit/leftover"])
    process = audit(applied_ministry, "ons")
    assert until(lambda: "cmdline" in remains(lab, "gw-ons"), 30), ended(process)
    lab.block("ons.vsat")
    try:
        code, _out, said = ended(process, 90)
        assert code == 5, said
        assert "gw-ons: the connection was cut" in said
        assert until(lambda: remains(lab, "gw-ons") == "", 20), remains(lab, "gw-ons")  # what an earlier one left, too
    finally:
        lab.unblock("ons.vsat")


def test_each_network_is_looked_at_from_where_it_is_attached(applied_ministry: Applied) -> None:
    code, out, said = ended(audit(applied_ministry, "hq"))
    assert code == 4, said
    assert "looking from this computer: 10.20.20.0/24" in said
    assert "looking from gw-hq, over SSH: 10.20.99.0/24, 10.20.10.0/24" in said
    kept = (Path(json.loads(out)["folder"]) / "observations.jsonl").read_text().splitlines()
    sweeps = [one for one in map(json.loads, kept) if one["kind"] == "sweep"]
    assert {one["data"]["network"]: (one["vantage"], one["data"]["on_link"]) for one in sweeps} == {
        "10.20.20.0/24": ("this computer", True), "10.20.99.0/24": ("gw-hq", True), "10.20.10.0/24": ("gw-hq", True),
        "fd6d:7073:6774:20::/64": ("this computer", True), "fd6d:7073:6774:10::/64": ("gw-hq", True),
    }  # fmt: skip


def test_an_ipv6_network_that_the_mandate_does_not_name_is_left_alone_and_told(
    applied_ministry: Applied, tmp_path: Path
) -> None:
    mandate, left_out = tmp_path / "mandate.yaml", "fd6d:7073:6774:20::/64"
    text = (MPS / "mandate.yaml").read_text()
    mandate.write_text(text.replace(f'"{left_out}", ', ""))
    assert mandate.read_text() != text
    words = ("hq", "--lan", "office", "--ports", "22", "--mandate", str(mandate))
    _code, out, said = ended(audit(applied_ministry, *words))
    kept = (Path(json.loads(out)["folder"]) / "observations.jsonl").read_text().splitlines()
    sweeps = [one["data"] for one in map(json.loads, kept) if one["kind"] == "sweep"]
    assert [one["network"] for one in sweeps if one.get("reason") == "outside-mandate"] == [left_out], said
    assert not [
        one for one in map(json.loads, kept) if (one["target"]["ip"] or "").startswith(left_out.removesuffix(":/64"))
    ]


def test_a_node_without_python_is_told_in_one_line(applied_ministry: Applied) -> None:
    assert applied_ministry.lab.exec("mail1", ["sh", "-c", "command -v python3"]).returncode != 0
    code, _out, said = ended(audit(applied_ministry, "hq", "--lan", "servers", "--from", "mail1"))
    assert code == 6
    assert "mail1 has no python3" in said
    assert "vantage: true" in said
    assert "Traceback" not in said


def test_a_site_is_not_audited_over_a_slow_link_unless_that_is_said(applied_ministry: Applied) -> None:
    code, _out, said = ended(audit(applied_ministry, "ons", "--from", "gw-hq"))
    assert code == 6
    assert "between gw-hq and ons lies ons/vsat (vsat)" in said
    assert "--over-wan" in said
    code, out, said = ended(audit(applied_ministry, "ons", "--from", "gw-hq", "--over-wan", "--ports", "22,8080"))
    assert code in {0, 4}, said
    kept = (Path(json.loads(out)["folder"]) / "observations.jsonl").read_text()
    assert '"profile":"capped"' in kept
    assert '"reason":"afar"' in kept
