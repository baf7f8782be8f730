"""The words, dates and numbers of one language in one country, and what keeps Latin values readable inside Arabic."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from string import Formatter

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal

from wizara.report.document import Inline, Span
from wizara.text import catalogue
from wizara.tree import root

#: A run of Latin words with what joins them: an address, a version, a command, a name in French.
_LETTER = r"A-Za-z0-9\u00c0-\u024f"
_LATIN = re.compile(rf"[{_LETTER}](?:[{_LETTER}_./:=@+%'’&,-]| (?=[{_LETTER}]))*")
_TRAILING = ".:,'’"
#: Where Babel knows no English of the country, dates are written day first all the same.
_FALLBACK = {"en": "en_GB"}


@dataclass(frozen=True)
class Words:
    """Everything that depends on language and country."""

    language: str
    country: str | None = None

    @cached_property
    def locale(self) -> Locale:
        """The Babel locale; the country decides digits and month names in Arabic."""
        try:
            return Locale.parse(f"{self.language}_{self.country or ''}".rstrip("_"))
        except UnknownLocaleError:
            return Locale.parse(_FALLBACK.get(self.language, self.language))

    @property
    def right_to_left(self) -> bool:
        """True for Arabic."""
        return bool(self.locale.character_order == "right-to-left")

    def say(self, message: str) -> str:
        """Return *message* in this language."""
        return catalogue(self.language).gettext(message)

    def count(self, one: str, many: str, number: int) -> str:
        """Return the right plural of a message with the field ``{count}``."""
        return catalogue(self.language).ngettext(one, many, number).format(count=self.number(number))

    def tell(self, message: str, **values: str | Inline) -> Inline:
        """Return *message* as spans: its own words, and its *values*; those given as text are Latin."""
        return self.fill(self.say(message), values)

    def fill(self, template: str, values: Mapping[str, str | Inline]) -> Inline:
        """Return *template* with its ``{fields}`` replaced; values are never read as templates."""
        spans: list[Span] = []
        for literal, field, _spec, _conversion in Formatter().parse(template):
            spans += self.prose(literal)
            if field is not None:
                value = values.get(field, "…")
                spans += (Span(text=value, latin=True),) if isinstance(value, str) else value
        return tuple(span for span in spans if span.text)

    def prose(self, text: str) -> Inline:
        """Return *text* of this language; inside Arabic, Latin words become spans of their own."""
        if not self.right_to_left:
            return (Span(text=text),) if text else ()
        spans, at = [], 0
        for match in _LATIN.finditer(text):
            word = match[0].rstrip(_TRAILING)
            spans += [Span(text=text[at : match.start()]), Span(text=word, latin=True)]
            at = match.start() + len(word)
        return tuple(span for span in (*spans, Span(text=text[at:])) if span.text)

    def number(self, value: float) -> str:
        """Return *value* as it is written here."""
        return str(format_decimal(value, locale=self.locale))

    def day(self, value: date) -> Inline:
        """Return a date in words."""
        return self.prose(format_date(value, "long", locale=self.locale))

    def moment(self, value: datetime) -> Inline:
        """Return date and time, in UTC."""
        return self.prose(f"{format_datetime(value, 'd MMMM y HH:mm', locale=self.locale)} UTC")


def latin(*texts: str) -> Inline:
    """Return *texts*, joined by commas, as one left-to-right span."""
    return (Span(text=", ".join(texts), latin=True),)


@dataclass(frozen=True)
class RuleText:
    """The words of one rule."""

    title: str
    seen: str
    risk: str
    remedy: str
    untitled: str = ""
    """Said instead of ``seen`` of a page that has no title."""
    promise: str = ""
    """What holds when the rule is not broken; declared rules have one."""
    proves: str = ""
    limits: str = ""
    """What a declared rule shows, and what it does not."""

    def found(self, details: Mapping[str, object]) -> str:
        """Return the template of what was seen that fits *details*."""
        return self.untitled if self.untitled and not details.get("title") else self.seen

    @property
    def checked(self) -> str:
        """What the rule looks for, said so that both outcomes fit."""
        return self.promise or self.title


class Catalogue:
    """The texts of a subject's rules in one language: ``lan.fr.toml``, and a topic's own file as ``lan-mail.fr.toml``."""

    def __init__(self, language: str, subjects: Iterable[str] = ("lan",)) -> None:
        self.rules: dict[str, RuleText] = {}
        self.reasons: dict[str, str] = {}
        self.reviewed_by: dict[str, str] = {}
        folder = root() / "audits" / "catalog"
        for subject in subjects:
            main = folder / f"{subject}.{language}.toml"
            for path in (main, *sorted(folder.glob(f"{subject}-*.{language}.toml"))):
                content = tomllib.loads(path.read_text(encoding="utf-8"))
                self.reasons |= content.pop("reasons", {})
                content.pop("language")
                self.reviewed_by.setdefault(subject, content["reviewed_by"])
                content.pop("reviewed_by")
                self.rules |= {rule: RuleText(**text) for rule, text in content.items()}
