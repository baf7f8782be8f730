"""What the report says, and in what order: the minister's page first, silence told, languages complete."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from wizara.audit.job import View
from wizara.audit.verdict import Past
from wizara.report.build import build
from wizara.report.case import Case
from wizara.report.data import data
from wizara.report.document import Document, Fields, Span
from wizara.report.tables import table
from wizara.report.words import Catalogue, Words, latin

LANGUAGES = ("fr", "en", "ar")
ROOT = Path(__file__).parents[3]
SHAPE = {
    "summary": ["paragraph", "tiles", "figure", "heading", "risks"],
    "scope": ["fields", "items", "heading", "items"],
    "map": ["figure", "figure", "heading", "figure", "figure", "heading", "table"],
    "cables": ["table", "heading", "table", "paragraph"],
    "comparison": ["heading", "table", "heading", "table", "heading", "paragraph"],
    "findings": ["finding"],
    "promises": ["heading", "table", "heading", "table"],
    "colophon": ["heading", "fields", "heading", "fields", "paragraph", "paragraph"],
}


def words_of(document: Document) -> str:
    return re.sub(r'"svg":"(?:[^"\\]|\\.)*"', "", document.model_dump_json())


@pytest.mark.parametrize("language", LANGUAGES)
def test_sections_stand_in_the_same_order_in_each_language(case: Case, language: str) -> None:
    document = build(case, language)
    shape = {section.anchor: [block.kind for block in section.blocks] for section in document.sections}
    assert list(shape) == list(SHAPE)
    assert {
        kind: list(dict.fromkeys(blocks)) if kind == "findings" else blocks for kind, blocks in shape.items()
    } == SHAPE


def test_the_minister_sees_five_risks_each_of_another_kind(hostile_case: Case) -> None:
    (risks,) = [block for block in build(hostile_case, "fr").sections[0].blocks if block.kind == "risks"]
    assert len(risks.risks) == 5
    assert len({risk.title for risk in risks.risks}) == 5
    severities = [risk.severity for risk in risks.risks]
    assert severities == sorted(severities, key=("critical", "high", "medium", "low", "info").index)


def test_tiles_count_the_findings(case: Case) -> None:
    (tiles,) = [block for block in build(case, "en").sections[0].blocks if block.kind == "tiles"]
    assert sum(int(tile.number) for tile in tiles.tiles) == len(case.findings) > 0


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_could_not_be_judged_is_told(case: Case, language: str) -> None:
    unknown = build(case, language).sections[6].blocks[3]
    assert unknown.kind == "table"
    assert len(unknown.rows) == len(case.unknown) > 0
    assert all(cell and cell[0].text for row in unknown.rows for cell in row)


def test_unreviewed_texts_are_named_in_the_colophon(case: Case) -> None:
    assert "audits/catalog/lan.ar.toml" in words_of(build(case, "ar"))


def test_no_english_is_left_in_french_and_arabic(case: Case) -> None:
    english = {message for language in ("fr", "ar") for message in catalogue_ids(f"report.{language}.po")}
    sentences = {message for message in english if len(message.split()) > 2 and "{" not in message}
    for language in ("fr", "ar"):
        text = words_of(build(case, language))
        assert not [message for message in sentences if message in text]


def catalogue_ids(name: str) -> list[str]:
    with (ROOT / "wizara/locale" / name).open("rb") as source:
        return [
            message.id if isinstance(message.id, str) else message.id[0] for message in read_po(source) if message.id
        ]


def test_every_word_of_a_report_has_its_french_and_arabic() -> None:
    used: set[str] = set()
    for path in (ROOT / "wizara/report").glob("*.py"):
        used |= {
            match[1]
            for match in re.finditer(r'(?:\bN_|\.say|\.tell|\.count)\(\s*"((?:[^"\\]|\\.)+)"', path.read_text())
        }
    assert len(used) > 50
    for language in ("fr", "ar"):
        known = {one for path in (ROOT / "wizara/locale").glob(f"*.{language}.po") for one in catalogue_ids(path.name)}
        assert used - known == set()


def test_every_message_of_audit_and_record_has_its_french() -> None:
    used: set[str] = set()
    files = [*ROOT.glob("wizara/audit/*.py"), *ROOT.glob("wizara/record/*.py"), *ROOT.glob("audits/lan/*.py"), ROOT / "wizara/engine/collect.py",
             *(ROOT / "wizara/cli" / f"{name}.py" for name in ("audit", "audit_screen", "auditing", "report", "reporting"))]  # fmt: skip
    for path in files:
        used |= {match[1] for match in re.finditer(r'\b_\(\s*"((?:[^"\\]|\\.)+)"', path.read_text())}
    assert len(used) > 30
    known = {one for path in (ROOT / "wizara/locale").glob("*.fr.po") for one in catalogue_ids(path.name)}
    assert used - known == set()


@pytest.mark.parametrize(
    ("number", "form"),
    [
        (0, "لم يجب أي جهاز."),
        (1, "أجاب جهاز واحد."),
        (2, "أجاب جهازان."),
        (3, "أجابت 3 أجهزة."),
        (11, "أجاب 11 جهازا."),
        (100, "أجاب 100 جهاز."),
    ],
)
def test_arabic_has_its_six_plurals(number: int, form: str) -> None:
    assert Words("ar", "DZ").count("{count} machine answered.", "{count} machines answered.", number) == form


@pytest.mark.parametrize(
    ("country", "month", "number"), [("DZ", "نوفمبر", "1.234.567,5"), ("MA", "نونبر", "1.234.567,5")]
)
def test_the_country_decides_months_and_digits(country: str, month: str, number: str, case: Case) -> None:
    words = Words("ar", country)
    assert month in "".join(span.text for span in words.day(case.run.started.date()))
    assert words.number(1234567.5) == number


def test_latin_words_inside_arabic_are_set_apart() -> None:
    words = Words("ar", "DZ")
    assert words.prose("عدم قبول غير TLS 1.2.") == (
        Span(text="عدم قبول غير "),
        Span(text="TLS 1.2", latin=True),
        Span(text="."),
    )
    assert words.tell("{place}", place="10.0.0.1/24")[0].latin
    assert not Words("fr").prose("TLS 1.2")[0].latin


@pytest.mark.parametrize(
    "text", ["Secrétariat général du ministère", "Karim Benali, karim.benali@mps.gov.test", "Siège de l'Office"]
)
def test_french_words_inside_an_arabic_report_stay_whole(text: str) -> None:
    assert Words("ar", "DZ").prose(text) == (Span(text=text, latin=True),)


def test_english_dates_are_written_day_first_where_english_is_no_language_of_the_country(case: Case) -> None:
    assert "".join(span.text for span in Words("en", "DZ").day(case.run.started.date())) == "21 November 2026"


def test_a_value_is_never_read_as_a_template() -> None:
    assert Words("en").fill("{text}", {"text": "{0.__class__} {ip}"}) == latin("{0.__class__} {ip}")


def test_a_clean_network_says_so(making: Callable[[list[str]], Case]) -> None:
    case = making([])
    kept = case.verdicts.model_copy(update={"findings": ()})
    document = build(Case(case.run, kept, case.observations, case.audit), "en")
    assert words_of(document).count("Nothing was found that needs a decision.") == 2


def beside(making: Callable[[list[str]], Case], *statuses: str, findings: int = 0) -> Case:
    """A case with *findings*, and with what an earlier audit found of these *statuses*."""
    case = making(["x"] if findings or statuses else [])
    known = case.verdicts.findings
    past = tuple(
        Past.model_validate({"id": one.id, "fingerprint": one.fingerprint, "verdict": one.verdict, "status": status})
        for one, status in zip(known, statuses, strict=False)
    )
    assert len(past) == len(statuses)
    kept = case.verdicts.model_copy(update={"findings": known[:findings], "past": past})
    return Case(case.run, kept, case.observations, case.audit)


UNSEEN = {
    ("en", 1): "1 earlier finding was not seen this time and is still open.",
    ("en", 2): "2 earlier findings were not seen this time and are still open.",
    ("fr", 1): "1 constat antérieur n'a pas été vu cette fois et reste ouvert.",
    ("fr", 2): "2 constats antérieurs n'ont pas été vus cette fois et restent ouverts.",
    ("ar", 1): "ملاحظة سابقة واحدة لم تُر هذه المرة ولا تزال مفتوحة.",
    ("ar", 2): "ملاحظتان سابقتان لم تُريا هذه المرة ولا تزالان مفتوحتين.",
}


@pytest.mark.parametrize(("language", "count"), UNSEEN)
def test_what_was_not_seen_again_is_open_and_no_all_clear(
    language: str, count: int, making: Callable[[list[str]], Case]
) -> None:
    clear = Words(language).say("Nothing was found that needs a decision.")
    none = words_of(build(beside(making, *["unknown"] * count, "fixed"), language))
    assert (none.count(UNSEEN[language, count]), clear in none) == (2, False)
    some = words_of(build(beside(making, *["unknown"] * count, findings=1), language))
    assert (some.count(UNSEEN[language, count]), clear in some) == (1, False)
    assert clear in words_of(build(beside(making, "fixed"), language))


def test_french_counts_of_the_audit_before_agree(making: Callable[[list[str]], Case]) -> None:
    told = words_of(build(beside(making, "fixed", "fixed", "unknown", "unknown"), "fr"))
    assert "0 nouveau, 0 déjà connu, 0 réapparu, 2 corrigés, 2 non vus cette fois" in told
    assert '"non vu cette fois","latin":false},{"text":" : "' in told
    assert "1 corrigé, 1 non vu cette fois" in words_of(build(beside(making, "fixed", "unknown"), "fr"))


def test_no_count_stands_beside_the_all_clear(making: Callable[[list[str]], Case]) -> None:
    assert "appelle une décision" not in words_of(build(beside(making), "fr"))


@pytest.mark.parametrize(("language", "word"), [("en", "field"), ("fr", "terrain"), ("ar", "الميدان")])
def test_the_world_has_a_name_in_each_language(language: str, word: str, case: Case) -> None:
    colophon = build(case, language).sections[-1]
    fields = dict(next(one for one in colophon.blocks if isinstance(one, Fields) and len(one.fields) == 5).fields)
    assert "".join(span.text for span in fields[Words(language).say("World")]) == word


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "A page without a title asks for a password in clear."),
        ("fr", "Une page sans titre demande un mot de passe en clair."),
        ("ar", "تطلب صفحة بلا عنوان كلمة سر دون تشفير."),
    ],
)
def test_a_page_without_a_title_is_told_as_one(language: str, words: str, making: Callable[[list[str]], Case]) -> None:
    case = making([""])
    assert words in words_of(build(case, language))
    assert words in table(case, language).decode("utf-8-sig")
    assert words in [one.seen for one in data(case, language).findings]


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "node gw-hq, over SSH"), ("fr", "nœud gw-hq, par SSH"), ("ar", "العقدة gw-hq، عبر SSH")],
)
def test_the_report_names_the_places_that_were_looked_from(case: Case, language: str, words: str) -> None:
    near, far = case.audit.facts.networks[0], IPv4Network("10.20.10.0/24")
    views = (
        View(vantage="this computer", networks=(near,)), View(vantage="gw-hq", station=True, networks=(far,)),
    )  # fmt: skip
    base = next(case.seen.of("sweep"))
    swept = base.model_copy(update={"vantage": "gw-hq", "data": {"network": str(far), "on_link": True}})
    lost = base.model_copy(
        update={"vantage": "gw-hq", "data": {"network": str(far), "on_link": False, "reason": "lost"}}
    )
    several = replace(
        case, audit=case.audit.model_copy(update={"views": views}), observations=(*case.observations, swept, lost)
    )
    text = words_of(build(several, language))
    spoken = "".join(re.findall(r'"text":"([^"]*)"', text))
    assert spoken.count(words) == 2  # beside the network, and among the places
    assert Catalogue(language).reasons["lost"] in spoken


def test_cables_are_listed_drawn_and_named_in_the_readers_language(making: Callable[[list[str]], Case]) -> None:
    told = {
        "language": "lldp",
        "interface": "eth0",
        "chassis": "02:00:00:00:09:09",
        "name": "sw-floor",
        "port": "Gi0/3",
    }
    case = making(["Plain router"])
    heard = case.observations[0].model_copy(update={"kind": "heard", "data": told})
    case = Case(case.run, case.verdicts, (*case.observations, heard), case.audit)
    for language, name in (("en", "this computer"), ("fr", "cet ordinateur"), ("ar", "هذا الحاسوب")):
        document = build(case, language)
        shape = {section.anchor: section.blocks for section in document.sections}
        table = shape["cables"][0]
        assert table.kind == "table"
        assert any("sw-floor" in str(row) and name in str(row) for row in table.rows)
        drawn = "".join(block.svg for block in shape["map"] if block.kind == "figure")
        assert name in drawn
        assert "Gi0/3" in drawn
