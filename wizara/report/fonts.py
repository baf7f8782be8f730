"""The fonts that reports carry with them (Noto, SIL Open Font License), so that every reader sees the same page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "fonts"


@dataclass(frozen=True)
class Face:
    """One font file."""

    family: str
    weight: int
    file: str


_LATIN = (Face("Noto Sans", 400, "NotoSans-Regular.ttf"), Face("Noto Sans", 700, "NotoSans-Bold.ttf"))
_ARABIC = (
    Face("Noto Naskh Arabic", 400, "NotoNaskhArabic-Regular.ttf"),
    Face("Noto Naskh Arabic", 700, "NotoNaskhArabic-Bold.ttf"),
)


def faces(language: str) -> tuple[Face, ...]:
    """Return what a page in *language* carries."""
    return _LATIN + _ARABIC if language == "ar" else _LATIN
