"""Templates fail loud, and no value adds a line."""

from __future__ import annotations

from pathlib import Path

import jinja2
import pytest

from wizara import tree
from wizara.blueprint import derive
from wizara.errors import UsageFault
from wizara.inventory import load
from wizara.inventory.secrets import Secret
from wizara.operations import render


@pytest.fixture
def templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    environment = render._environment().overlay(loader=jinja2.FileSystemLoader(tmp_path))
    monkeypatch.setattr(render, "_environment", lambda: environment)
    return tmp_path


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\x00b", "a\x1bb", "a\u2028b", "x\x7f"])
def test_a_value_with_a_line_break_or_control_character_is_refused(templates: Path, value: str) -> None:
    (templates / "t.j2").write_text("x = {{ value }}\n")
    with pytest.raises(UsageFault):
        render.render("t.j2", {"value": value})


@pytest.mark.parametrize("value", ["a b", "a;b", "a#b", "a{b", 'a"b', "$(id)", "a'b", "", "é"])
def test_a_word_is_one_plain_word(templates: Path, value: str) -> None:
    (templates / "t.j2").write_text("x = {{ value | word }}\n")
    with pytest.raises(UsageFault):
        render.render("t.j2", {"value": value})


def test_what_is_missing_is_told_with_template_and_line(templates: Path) -> None:
    (templates / "t.j2").write_text("one\n{{ nosuch }}\n")
    with pytest.raises(UsageFault, match=r"t\.j2:2: 'nosuch' is undefined"):
        render.render("t.j2", {})


@pytest.mark.parametrize(
    ("shape", "value"),
    [("{{ value }}", "canary\nx"), ("{{ value | word }}", "canary x"), ("{{ value | quoted }}", 'canary"')],
)
def test_a_fault_does_not_show_a_secret(templates: Path, shape: str, value: str) -> None:
    (templates / "t.j2").write_text(shape)
    with pytest.raises(UsageFault) as fault:
        render.render("t.j2", {"value": Secret(value)})
    assert "canary" not in str(fault.value)


def test_a_comment_cannot_end_its_quotes(templates: Path) -> None:
    (templates / "t.j2").write_text('comment "{{ value | comment }}"')
    assert render.render("t.j2", {"value": 'a" drop \\'}) == 'comment "a” drop /"'


def test_each_shipped_template_names_its_target_in_its_first_lines() -> None:
    for path in sorted(tree.template_folder().glob("*/*.j2")):
        if path.parent.name != "report":
            assert "written by wizara" in "".join(path.read_text().splitlines(keepends=True)[:2]), path


def test_the_gateway_filter_of_the_shipped_ministry_lets_declared_traffic_only() -> None:
    node = derive(load(tree.shipped_inventories() / "mps")).nodes["gw-ons"]
    text = render.render("node/nftables.conf.j2", {"node": node, "accepted": ()})
    assert text.count("policy drop") == 2
    assert 'oifname != { "vsat" } ip saddr { 10.22.1.0/24 } ip daddr { 10.21.1.11/32 } tcp dport 8080 accept' in text
    assert text.index("tcp dport 22 accept") < text.index("ct state established")


@pytest.mark.parametrize("setting", ["smtpd_forbid_bare_newline", "smtpd_forbid_unauth_pipelining"])
def test_mail_cannot_be_smuggled_past_the_end_of_another(setting: str) -> None:
    template = (Path(__file__).parents[3] / "templates/mail/main.cf.j2").read_text()
    assert f"\n{setting} = yes\n" in template
