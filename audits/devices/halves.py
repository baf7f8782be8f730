"""Cables as one end tells of them, and which two of these are one cable."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from audits.devices.ports import card_key, port_key
from audits.devices.telling import Telling


@dataclass(frozen=True)
class Half:
    """A cable as one end tells of it."""

    near: str
    port: str
    far: str
    spellings: tuple[str, ...]
    """The far port, in all spellings that were told."""
    sources: tuple[str, ...]
    evidence: tuple[str, ...]


Told = Mapping[str, Telling]
Test = Callable[[Half, Half, Told], bool]


def once(halves: Iterable[Half]) -> list[Half]:
    """Return each port's neighbour once, with all that was told of it."""
    found: dict[tuple[str, str, str], Half] = {}
    for half in halves:
        before = found.setdefault((half.near, port_key(half.port), half.far), half)
        found[half.near, port_key(half.port), half.far] = replace(
            before, spellings=_joined(before.spellings, half.spellings), sources=_joined(before.sources, half.sources),
            evidence=_joined(before.evidence, half.evidence),
        )  # fmt: skip
    return [*found.values()]


def _joined(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*one, *other)))


def pairs(halves: Iterable[Half], told: Told) -> Iterator[tuple[Half, Half | None]]:
    """Yield each cable once: the two halves of it, or the one that was told."""
    between: dict[frozenset[str], list[Half]] = {}
    for half in halves:
        between.setdefault(frozenset((half.near, half.far)), []).append(half)
    for group in between.values():
        for test in (_each_other, _one_means_the_other):
            yield from _matched(group, test, told)
        yield from _rest(group, told)


def _matched(group: list[Half], test: Test, told: Told) -> Iterator[tuple[Half, Half]]:
    """Take the pairs that pass *test* out of *group*."""
    for half in [*group]:
        twin = next((one for one in group if one is not half and one.near == half.far and test(half, one, told)), None)
        if twin and half in group:
            group.remove(half)
            group.remove(twin)
            yield half, twin


def _rest(group: list[Half], told: Told) -> Iterator[tuple[Half, Half | None]]:
    """Yield what is told by one end.

    Where both ends tell of cables whose far ports nobody can name, these are the same cables: a single one on each side
    is one, and of several those of the end that tells of more are kept, for nobody knows which is which.
    """
    vague = [half for half in group if not _named(half, told)]
    first = vague[0].near if vague else ""
    here, there = [one for one in vague if one.near == first], [one for one in vague if one.near != first]
    if len(here) == len(there) == 1:
        yield here[0], there[0]
    else:
        yield from ((half, None) for half in (here if len(here) >= len(there) else there))
    yield from ((half, None) for half in group if half not in vague)


def far_port(half: Half, told: Told) -> str:
    """Return the far port as the far device calls it, or an empty text when that is not known."""
    far = told.get(half.far)
    return next((far.ports[key] for key in _keys(half) if key in far.ports), "") if far else ""


def _keys(half: Half) -> Iterator[str]:
    return (card_key(one) or port_key(one) for one in half.spellings)


def _named(half: Half, told: Told) -> bool:
    return bool(far_port(half, told))


def _ends_at(half: Half, port: str, told: Told) -> bool:
    return port_key(port) in {port_key(one) for one in (*half.spellings, far_port(half, told)) if one}


def _each_other(one: Half, other: Half, told: Told) -> bool:
    return _ends_at(one, other.port, told) and _ends_at(other, one.port, told)


def _one_means_the_other(one: Half, other: Half, told: Told) -> bool:
    return (_ends_at(one, other.port, told) and not _named(other, told)) or (
        _ends_at(other, one.port, told) and not _named(one, told)
    )
