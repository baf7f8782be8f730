"""Who is meant by a name, a card or an address that a device tells of its neighbour."""

from __future__ import annotations

from collections import Counter

from audits.devices.ports import card_key, name_key
from audits.devices.telling import Telling
from wizara.audit.facts import DeclaredHost, LanFacts


class Register:
    """The read devices, the declared machines, and strangers as they are told of."""

    def __init__(self, told: dict[str, Telling], facts: LanFacts) -> None:
        self.told = told
        self.shown = {key: one.name for key, one in told.items()}
        """Key → the name that it is shown by."""
        self._facts = facts
        names = Counter(name for one in told.values() for name in one.names)
        cards = Counter(card for one in told.values() for card in one.cards)
        self._names = {name: key for key, one in told.items() for name in one.names if names[name] == 1}
        self._cards = {card: key for key, one in told.items() for card in one.cards if cards[card] == 1}
        self._cards |= {one.chassis: key for key, one in told.items() if one.chassis}
        self._strangers: dict[str, str] = {}
        self._declared: dict[str, DeclaredHost] = {}

    def meet(self, card: str | None, address: str) -> None:
        """Note that *card* and *address* are told of one: whoever else tells of the card alone means the same machine."""
        declared = self._facts.with_mac(card) or self._facts.at(address)
        if card and declared:
            self._declared.setdefault(card, declared)

    def who(self, name: str, card: str | None, address: str) -> str:
        """Return the key of the one that is called *name*, or has the *card* or *address*; a stranger gets one of its own."""
        known = self._read(name, card, address)
        if known:
            return known
        declared = self._facts.with_mac(card) or self._facts.at(address) or self._declared.get(card or "")
        key = f"?{declared.name}" if declared else self._stranger(name, card)
        self.shown.setdefault(key, declared.name if declared else name)
        return key

    def _read(self, name: str, card: str | None, address: str) -> str | None:
        if card in self._cards:
            return self._cards[card]
        if address in self.told:
            return address
        known = self._names.get(name_key(name))
        other = known and card and self.told[known].chassis not in {None, card}
        return None if other else known  # two devices may have one name

    def _stranger(self, name: str, card: str | None) -> str:
        """Return the key of somebody who was not read: by the card, else by whom the name was told of first."""
        own = name_key(name)
        if card:
            key = f"?{card}"
            if not card_key(name):
                self._strangers.setdefault(own, key)
            return key
        return self._strangers.get(own, f"?{own}")
