"""The words wizara says to a person, in his language.

Catalogues are the ``locale/<room>.<language>.po`` files, read as they are; English is the source text. Messages are marked
with :func:`_` where they are used, or with :func:`N_` where they are only defined.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

LANGUAGES = ("en", "fr", "ar")
CLI_LANGUAGES = ("en", "fr")
_FOLDER = Path(__file__).resolve().parent / "locale"
_current = "en"


@cache
def catalogue(language: str) -> NullTranslations:
    """Return all texts of *language*; the source texts themselves when it is English or unknown."""
    merged: NullTranslations = NullTranslations()
    for path in sorted(_FOLDER.glob(f"*.{language}.po")):
        read = _read(path)
        read.add_fallback(merged)
        merged = read
    return merged


def _read(path: Path) -> GNUTranslations:
    from babel.messages.mofile import write_mo  # noqa: PLC0415 - only a translated run pays for it
    from babel.messages.pofile import read_po  # noqa: PLC0415

    binary = BytesIO()
    with path.open("rb") as source:
        write_mo(binary, read_po(source))
    binary.seek(0)
    return GNUTranslations(binary)


def use(language: str) -> None:
    """Speak *language* from now on in this process."""
    global _current  # noqa: PLW0603 - one process speaks one language to its operator
    _current = language if language in LANGUAGES else "en"


def language() -> str:
    """Return the language this process speaks."""
    return _current


def from_environment() -> str:
    """Return the operator's language by LC_ALL, LC_MESSAGES or LANG: ``fr`` or else ``en``."""
    value = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    return "fr" if value.lower().startswith("fr") else "en"


def _(message: str) -> str:
    """Return *message* in the language of this process."""
    return message if _current == "en" else catalogue(_current).gettext(message)


def N_(message: str) -> str:  # noqa: N802 - gettext's own name
    """Mark *message* for translation where it is defined."""
    return message


def ngettext(one: str, many: str, number: int) -> str:
    """Return the form of a message that fits *number*, in the language of this process."""
    return catalogue(_current).ngettext(one, many, number)


def translator(language: str) -> Callable[[str], str]:
    """Return a gettext function for *language*, whatever this process speaks."""
    return catalogue(language).gettext
