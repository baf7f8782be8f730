"""Each promise against a pair of observations that differ only in the fact it is about."""

from __future__ import annotations

import ast
import tomllib
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest

from wizara.audit.observation import Observation, Target
from wizara.audit.promises import Promises
from wizara.audit.rule import Rule, judge
from wizara.blueprint import derive
from wizara.inventory import load as load_ministry
from wizara.inventory.models import Dkim, Enrolled, EnrolledNode
from wizara.report.words import Catalogue
from wizara.tree import load, root

SUBJECTS = ("node", "names", "intranet", "mail")
RULES: dict[str, Rule[Promises]] = {
    one.id: one for subject in SUBJECTS for one in load(f"audits.{subject}.rules").RULES
}
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKYcw0NvDafAMP9PFyQpZv3pLDDMxreqK3Ps7VtQvrFS"
KEYS = {"gw-hq": "A" * 42 + "A=", "gw-ons": "B" * 42 + "A=", "gw-cneap": "C" * 42 + "A="}
DKIM = "M" * 200
Data = dict[str, Any]


@cache
def promises(*nodes: str, lab: bool = True) -> Promises:
    declared = load_ministry(root() / "inventories" / "mps")
    enrolled = Enrolled(
        nodes={name: EnrolledNode(host_key=HOST_KEY, vpn_key=key) for name, key in KEYS.items()},
        dkim={"mps.gov.test": Dkim(selector="wz2026", public=DKIM)},
    )
    ministry = declared.model_copy(update={"enrolled": enrolled})
    return Promises(ministry, derive(ministry), nodes, lab, ("www.outside.test", "203.0.113.80"))


def seen(collector: str, kind: str, data: Data, port: int | None = None) -> Observation:
    return Observation.model_validate({
        "run": "r", "time": datetime(2026, 11, 22, tzinfo=UTC), "collector": collector, "vantage": "v", "kind": kind,
        "target": Target(port=port, proto="tcp" if port else None), "data": data,
    })  # fmt: skip


def knock(
    purpose: str, state: str, source: str = "ons", name: str = "pc-cneap", service: str = "tcp/22"
) -> Observation:
    data = {
        "purpose": purpose,
        "state": state,
        "source": source,
        "target": "cneap",
        "name": name,
        "from": "pc-ons",
        "service": service,
    }
    return seen("knock", "reachability", data)


def tunnel(key: str = KEYS["gw-hq"], age: int | None = 10, received: int = 100) -> Observation:
    return seen("wireguard", "tunnel", {"node": "gw-ons", "peer_key": key, "age": age, "received": received})


def capture(**counts: int) -> list[Observation]:
    zero = {"inside": 0, "foreign": 0, "canary": 0, "packets": 9, "samples": []}
    return [seen("capture", "capture", zero | {"node": "gw-ons", "uplink": "vsat"} | counts)]


def getent(node: str, name: str, *values: str) -> Observation:
    return seen("getent", "dns", {"node": node, "name": name, "values": list(values)})


def unit(active: str = "active", condition: bool = True) -> list[Observation]:
    data = {"node": "dc1", "unit": "unbound.service", "load": "loaded", "active": active, "condition": condition}
    return [seen("units", "unit", data)]


def packet_filter(**facts: Any) -> list[Observation]:
    data = {"node": "dc1", "table": True, "input": "drop", "forward": "drop", "wide": []}
    return [seen("filter", "unit", data | facts)]


def sshd(**facts: str) -> list[Observation]:
    data = {"permitrootlogin": "no", "passwordauthentication": "no", "kbdinteractiveauthentication": "no"}
    return [seen("sshd", "unit", {"node": "dc1"} | data | facts)]


def source(reach: int) -> list[Observation]:
    return [
        *node("mail1"),
        seen("source", "time", {"node": "mail1", "source": "10.20.10.10", "state": "?", "reach": reach}),
    ]


def node(name: str) -> list[Observation]:
    return [seen("filter", "unit", {"node": name, "table": True, "input": "drop", "forward": "drop", "wide": []})]


def submission(**facts: Any) -> Observation:
    return seen(
        "submission", "mail", {"from": "pc-ons", "auth_before_tls": False, "tls": True, "sent": True} | facts, 587
    )


def mailbox(**facts: Any) -> Observation:
    good = {"from": "pc-cneap", "read": True, "subject": "s", "subject_intact": True, "body_intact": True, "signatures": 1,
            "selector": "wz2026", "signs_from": True, "body_hash": True}  # fmt: skip
    return seen("imap", "mail", good | facts, 993)


def refusal(purpose: str, code: int) -> list[Observation]:
    return [
        seen(
            "refusal",
            "mail",
            {"purpose": purpose, "to": "x@y.example", "service": "tcp/25", "code": code, "from": "mail1"},
            25,
        )
    ]


def record(value: str) -> list[Observation]:
    return [seen("dkim-record", "dns", {"name": "wz2026._domainkey.mps.gov.test", "values": [value], "answer": True})]


CONTROL = knock("flow", "open", name="mail1", service="tcp/587")
#: rule → (the node asked, observations that break it, observations that differ in one fact and keep it)
PAIRS: dict[str, tuple[str, list[Observation], list[Observation]]] = {
    "NOD-001": ("dc1", [seen("meet", "reachability", {"node": "dc1", "answer": False, "fault": "x"})],
                [seen("meet", "reachability", {"node": "dc1", "answer": True})]),
    "NOD-002": ("dc1", unit(condition=False), unit()),
    "NOD-003": ("dc1", packet_filter(input="accept"), packet_filter()),
    "NOD-004": ("dc1", sshd(permitrootlogin="yes"), sshd()),
    "NOD-005": ("mail1", source(0), source(1)),
    "NOD-006": ("mail1", [seen("tracking", "time", {"node": "mail1", "offset": 1.5, "leap": "Normal"})],
                [seen("tracking", "time", {"node": "mail1", "offset": 0.5, "leap": "Normal"})]),
    "DNS-001": ("gw-ons", [getent("gw-ons", "mail.mps.gov.test")], [getent("gw-ons", "mail.mps.gov.test", "10.20.10.20")]),
    "DNS-002": ("dc1", [getent("dc1", "10.20.10.10", "other.mps.gov.test")], [getent("dc1", "10.20.10.10", "dc1.hq.mps.gov.test")]),
    "DNS-003": ("dc1", [getent("dc1", "www.outside.test", "203.0.113.81")], [getent("dc1", "www.outside.test", "203.0.113.80")]),
    "DNS-004": ("dc1", [seen("question", "dns", {"node": "dc1", "name": "n", "code": "SERVFAIL"})],
                [seen("question", "dns", {"node": "dc1", "name": "n", "code": "NXDOMAIN"})]),
    "INT-001": ("gw-ons", [seen("wireguard-end", "tunnel", {"node": "gw-ons", "answer": True}), tunnel(age=181)],
                [seen("wireguard-end", "tunnel", {"node": "gw-ons", "answer": True}), tunnel(age=180)]),
    "INT-002": ("gw-ons", [seen("wireguard-end", "tunnel", {"node": "gw-ons", "answer": True}), tunnel(key="Z" * 42 + "A=")],
                [seen("wireguard-end", "tunnel", {"node": "gw-ons", "answer": True}), tunnel()]),
    "INT-003": ("gw-ons", [knock("flow", "silent")], [knock("flow", "open")]),
    "INT-004": ("gw-ons", [CONTROL, knock("undeclared", "open")], [CONTROL, knock("undeclared", "silent")]),
    "INT-005": ("gw-ons", [CONTROL, knock("management", "open")], [CONTROL, knock("management", "silent")]),
    "INT-006": ("gw-ons", capture(canary=1), capture()),
    "INT-007": ("gw-ons", capture(foreign=1), capture()),
    "MAI-001": ("mail1", [submission(sent=False, fault="x")], [submission()]),
    "MAI-002": ("mail1", [submission(), mailbox(subject_intact=False)], [submission(), mailbox()]),
    "MAI-003": ("mail1", [mailbox(body_hash=False)], [mailbox()]),
    "MAI-004": ("mail1", record("v=DKIM1; k=rsa; p=" + "N" * 200), record("v=DKIM1; k=rsa; p=" + DKIM)),
    "MAI-005": ("mail1", [submission(auth_before_tls=True)], [submission()]),
    "MAI-006": ("mail1", refusal("relay", 250), refusal("relay", 554)),
    "MAI-007": ("mail1", refusal("recipient", 250), refusal("recipient", 550)),
}  # fmt: skip


def judged(name: str, observations: list[Observation], *, lab: bool = False) -> list[Any]:
    return list(judge([RULES[name]], observations, promises(PAIRS[name][0], lab=lab)))


def test_every_promise_has_a_pair_and_is_of_what_is_declared() -> None:
    assert set(PAIRS) == set(RULES)
    assert {one.scope for one in RULES.values()} == {"declared"}


@pytest.mark.parametrize("name", sorted(PAIRS))
def test_a_broken_promise_is_seen_and_rests_on_evidence(name: str) -> None:
    bad = PAIRS[name][1]
    (found,) = [one for one in judged(name, bad) if one.outcome == "broken"]
    assert found.evidence
    assert set(found.evidence) <= {one.id for one in bad}


@pytest.mark.parametrize("name", sorted(PAIRS))
def test_the_kept_twin_holds(name: str) -> None:
    outcomes = [one.outcome for one in judged(name, PAIRS[name][2])]
    assert "holds" in outcomes
    assert "broken" not in outcomes


@pytest.mark.parametrize("name", sorted(PAIRS))
def test_nothing_seen_is_never_green(name: str) -> None:
    assert "holds" not in [one.outcome for one in judged(name, [])]
    assert "broken" not in [one.outcome for one in judged(name, [])]


@pytest.mark.parametrize(
    ("name", "observations", "reason"),
    [
        ("NOD-006", PAIRS["NOD-006"][2], "lab-clock"),
        ("INT-004", [knock("undeclared", "silent")], "no-way-out"),
        ("INT-005", [CONTROL, knock("management", "untried")], "not-tried"),
        ("INT-006", capture(packets=0), "nothing-seen"),
        ("INT-006", [seen("capture", "capture", {"node": "gw-ons", "uplink": "vsat", "answer": False})], "no-capture"),
        (
            "MAI-006",
            [seen("refusal", "mail", {"purpose": "relay", "service": "tcp/25", "answer": False}, 25)],
            "no-mail-answer",
        ),
    ],
)
def test_what_cannot_be_tested_is_unknown_with_its_reason(
    name: str, observations: list[Observation], reason: str
) -> None:
    assert {(one.outcome, one.reason) for one in judged(name, observations, lab=True)} == {("unknown", reason)}


def test_a_rule_that_accepts_everything_breaks_the_filter_whatever_its_policy() -> None:
    assert [one.outcome for one in judged("NOD-003", packet_filter(wide=["input"]))] == ["broken"]


@pytest.mark.parametrize("name", ["inactive", "failed"])
def test_a_unit_that_does_not_run_is_broken(name: str) -> None:
    assert "broken" in [one.outcome for one in judged("NOD-002", unit(active=name))]


def test_a_link_without_traffic_from_the_other_end_is_broken() -> None:
    silent = [PAIRS["INT-001"][2][0], tunnel(received=0)]
    assert [one.outcome for one in judged("INT-001", silent)] == ["broken"]


@pytest.mark.parametrize("language", ["fr", "en", "ar"])
def test_every_promise_says_what_it_proves_and_what_it_does_not(language: str) -> None:
    catalogue = Catalogue(language, SUBJECTS)
    assert set(catalogue.rules) == set(RULES)
    for name, text in catalogue.rules.items():
        assert all((text.promise, text.title, text.seen, text.risk, text.remedy, text.proves, text.limits)), name
        (found,) = [one for one in judged(name, PAIRS[name][1]) if one.outcome == "broken"]
        text.seen.format(**found.details)  # KeyError: a field that the rule does not give


def test_every_reason_has_its_words_in_each_language() -> None:
    used = set()
    for path in (root() / "audits").glob("*/promises.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "unknown":
                used |= {
                    one.value
                    for one in ast.walk(call.args[1])
                    if isinstance(one, ast.Constant) and "-" in str(one.value)
                }
    assert len(used) > 12
    for language in ("fr", "en", "ar"):
        told: set[str] = set()
        for subject in SUBJECTS:
            told |= set(
                tomllib.loads((root() / "audits" / "catalog" / f"{subject}.{language}.toml").read_text())["reasons"]
            )
        assert used == told, language


def test_promises_know_no_network() -> None:
    network = {
        "socket",
        "ssl",
        "subprocess",
        "paramiko",
        "smtplib",
        "imaplib",
        "reach",
        "ground",
        "collectors",
        "doors",
    }
    for subject in SUBJECTS:
        for name in ("promises", "rules", "units"):
            path = root() / "audits" / subject / f"{name}.py"
            if not path.exists():
                continue
            words = {part for one in ast.walk(ast.parse(path.read_text())) if isinstance(one, ast.ImportFrom | ast.Import)
                     for text in (getattr(one, "module", None) or "", *(alias.name for alias in one.names))
                     for part in text.split(".")}  # fmt: skip
            assert not network & words, path


def test_limit_leaves_other_nodes_out() -> None:
    facts = replace(promises("dc1"), nodes=("dc1",))
    found = judge([RULES["NOD-001"]], [seen("meet", "reachability", {"node": "dc1", "answer": True})], facts)
    assert [one.subject.name for one in found] == ["dc1"]
