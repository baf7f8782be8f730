"""A LAN on which everything that can say something says something hostile: 200 payloads and more, from each source."""

from __future__ import annotations

import html
import importlib.util
import json
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from hostile_sources import SOURCES

from wizara.audit.exceptions import conclude
from wizara.audit.facts import LanFacts
from wizara.audit.observation import Observation
from wizara.audit.rule import judge
from wizara.report.case import Case
from wizara.tree import load

TESTS = Path(__file__).parent
CORE = (
    "<script>document.title='PWNED'</script>", "\"><img src=x onerror=document.title='PWNED'>", "<svg onload=document.title='PWNED'>",
    "javascript:document.title='PWNED'", "</pre></details><iframe srcdoc='<script>parent.document.title=1</script>'>",
    "<style>@import url(http://evil.example/x.css)</style>", "<link rel=stylesheet href=http://evil.example/y.css>", "<meta http-equiv=refresh content='0;url=http://evil.example/'>",
    '=HYPERLINK("http://evil.example","x")', "+cmd|' /C calc'!A0", "-2+3+cmd|' /C calc'!A0", "@SUM(1+1)*cmd|' /C calc'!A0", "\t=1+1", "\uff1d1+1",
    "\x1b]0;PWNED\x07", "\x1b[2J\x1b[31m", "\x1b]52;c;cHduZWQ=\x07", "\x9b31m", "a\u202egnp.exe", "\u2066x\u2069", "\u200f\u061c", "x\r\nSet-Cookie: y",
    '#read("/etc/passwd")', "{{7*7}}{% include x %}", "../../../../tmp/x", "a\x00b", "z\u0300" * 300, "\U000e0041\U000e0042",
)  # fmt: skip
MANNERS = (
    lambda text: text, lambda text: "  " + text, lambda text: "\ufeff" + text, lambda text: "\r\n" + text, html.escape,
    lambda text: text.replace("<", "\uff1c"), lambda text: "'\"`" + text, lambda text: "A" * 400 + text,
)  # fmt: skip


def payloads() -> list[str]:
    """Return every hostile text, once."""
    known: list[str] = json.loads((TESTS / "hostile.json").read_text())
    return [*dict.fromkeys([*known, *(manner(text) for text in CORE for manner in MANNERS)])]


def _report() -> Any:
    spec = importlib.util.spec_from_file_location("report_case", TESTS / "unit/report/conftest.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _said(see: Any, ip: str, text: str) -> Iterator[Observation]:
    """One machine says *text* wherever a machine can, and it is read as it would be on a wire."""
    mac = "02:00:00:00:{:02x}:{:02x}".format(*map(int, ip.split(".")[2:]))
    yield see("host", ip, {"alive": True, "macs": [mac]}, mac=mac)
    for source in SOURCES.values():
        for kind, data, port in source(text.encode("utf-8", "surrogatepass")):
            yield see(kind, ip, data, port)


@cache
def case() -> Case:
    """Return the audit of that LAN."""
    report, texts = _report(), payloads()
    plain: Case = report.make(["Plain router"])
    seen = [
        *plain.observations,
        *(
            one
            for at, text in enumerate(texts)
            for one in _said(report.observed, f"10.20.{30 + at // 250}.{1 + at % 250}", text)
        ),
    ]
    facts: LanFacts = plain.audit.facts.model_copy(update={"networks": ("10.20.0.0/16",)})
    verdicts = conclude(judge(load("audits.lan.rules").RULES, seen, facts), (), plain.run.started.date())
    return replace(
        plain,
        verdicts=verdicts,
        observations=tuple(seen),
        audit=plain.audit.model_copy(update={"facts": LanFacts.model_validate(facts.model_dump())}),
    )
