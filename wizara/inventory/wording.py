"""Turns what pydantic found wrong with a document into short sentences with their places."""

from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from wizara.errors import UsageFault
from wizara.inventory.document import Document, quoted
from wizara.inventory.shape import known_keys, model_at, written
from wizara.place import did_you_mean
from wizara.text import N_, _, ngettext

FAULTS_LIMIT = 100
"""Faults told of one file; whoever has more mends these first."""

_SENTENCES = {
    "missing": N_("'{key}' is missing"),
    "extra_forbidden": N_("unknown key '{key}'"),
    "string_type": N_("should be a text"),
    "string_too_short": N_("should not be empty"),
    "string_too_long": N_("should be at most {max_length} characters long"),
    "string_pattern_mismatch": N_("should match {pattern}"),
    "int_type": N_("should be a whole number"),
    "int_parsing": N_("should be a whole number"),
    "int_parsing_size": N_("should be a smaller number"),
    "int_from_float": N_("should be a whole number"),
    "bool_type": N_("should be true or false"),
    "bool_parsing": N_("should be true or false"),
    "greater_than_equal": N_("should be at least {ge}"),
    "less_than_equal": N_("should be at most {le}"),
    "literal_error": N_("should be {expected}"),
    "dict_type": N_("should be a mapping of keys to values"),
    "model_type": N_("should be a mapping of keys to values"),
    "model_attributes_type": N_("should be a mapping of keys to values"),
    "tuple_type": N_("should be a list"),
    "list_type": N_("should be a list"),
    "too_short": N_("should hold at least {min_length}"),
    "ip_v4_address": N_("should be an IPv4 address such as 10.0.0.1"),
    "ip_v4_network": N_("should be an IPv4 network such as 10.0.0.0/24, without host bits"),
    "ip_v6_address": N_("should be an IPv6 address such as fd00::1"),
    "ip_v6_network": N_("should be an IPv6 network such as fd00:1:2:3::/64, without host bits"),
    "date_type": N_("should be a date such as 2026-01-31"),
    "date_parsing": N_("should be a date such as 2026-01-31"),
    "date_from_datetime_parsing": N_("should be a date such as 2026-01-31"),
    "date_from_datetime_inexact": N_("should be a date such as 2026-01-31"),
    "ip_v4_interface": N_("should be an IPv4 address with its prefix length such as 192.0.2.2/30"),
}


def faults_of(
    error: ValidationError, model: type[BaseModel], document: Document, *, secret: bool = False
) -> list[UsageFault]:
    """Return the faults that *error* holds, each at its place in *document*; a *secret* one's words are not repeated."""
    details = [one for one in error.errors(include_url=False) if not _follows(one)]
    missing: dict[tuple[str | int, ...], list[str]] = {}
    for detail in details:
        if detail["type"] == "missing":
            missing.setdefault(detail["loc"][:-1], []).append(str(detail["loc"][-1]))
    faults = []
    for detail in sorted(details, key=lambda one: one["type"] != "extra_forbidden")[: FAULTS_LIMIT + 1]:
        if detail["type"] == "extra_forbidden":
            faults.append(_hidden(detail, model, document) if secret else _unknown(detail, model, document, missing))
        elif detail["type"] != "missing" or str(detail["loc"][-1]) in missing[detail["loc"][:-1]]:
            faults.append(_one(detail, model, document, secret=secret))
    if len(details) > FAULTS_LIMIT:
        number = len(details) - FAULTS_LIMIT
        words = ngettext("and {number} fault more", "and {number} faults more", number)
        more = UsageFault(words.format(number=number), place=faults[-1].place)
        faults = [*faults[:FAULTS_LIMIT], more]
    return faults


def _follows(detail: ErrorDetails) -> bool:
    """True for a list that is too short only because what stands in it is wrong: that is told already."""
    given = detail["input"]
    return detail["type"] == "too_short" and isinstance(given, list) and len(given) >= detail["ctx"]["min_length"]


def _unknown(
    detail: ErrorDetails, model: type[BaseModel], document: Document, missing: dict[tuple[str | int, ...], list[str]]
) -> UsageFault:
    """Tell an unknown key; one that stands for a missing one takes that fault with it."""
    loc = detail["loc"]
    word, absent = str(loc[-1]), missing.get(loc[:-1], [])
    around = model_at(model, loc[:-1])
    near = did_you_mean(word[:100], absent) or did_you_mean(word[:100], known_keys(around) if around else ())
    if near in absent:
        absent.remove(near)
    place = document.at(loc, written(model, loc), key=True)
    return UsageFault(_sentence("extra_forbidden", key=quoted(word)), place=place, hint=_meant(near))


def _hidden(detail: ErrorDetails, model: type[BaseModel], document: Document) -> UsageFault:
    """Tell an unknown key by its place only: ``password:hunter2`` without a space is one."""
    around = model_at(model, detail["loc"][:-1])
    hint = _("there are: {names}").format(names=", ".join(known_keys(around))) if around else None
    return UsageFault(_("unknown key"), place=document.at(detail["loc"], key=True), hint=hint)


def _one(detail: ErrorDetails, model: type[BaseModel], document: Document, *, secret: bool) -> UsageFault:
    loc, kind, given = detail["loc"], detail["type"], detail["input"]
    of_key = bool(loc) and loc[-1] == "[key]"
    if of_key:
        loc = loc[:-1]
    if kind == "missing":
        place = document.at(loc[:-1], written(model, loc), key=True)
        return UsageFault(_sentence(kind, key=str(loc[-1])), place=place)
    place = document.at(loc, written(model, loc), key=of_key)
    if given is None:
        return UsageFault(_("nothing stands here"), place=place, hint=_("give a value or remove the key"))
    context: dict[str, Any] = detail.get("ctx", {})
    hint = None
    if kind == "literal_error" and isinstance(given, str):
        hint = _meant(did_you_mean(given[:100], re.findall(r"'([^']*)'", context["expected"])))
    message = _own(context) if kind == "value_error" else _sentence(kind, fallback=detail["msg"], **context)
    if isinstance(given, str) and not secret:
        message = _("'{value}' {message}").format(value=quoted(given), message=message)
    return UsageFault(message, place=place, hint=hint)


def _own(context: dict[str, Any]) -> str:
    """Return the sentence of one of our own types; it is marked for translation where it is defined."""
    return _(str(context["error"]))


def _sentence(kind: str, fallback: str = "", **fields: Any) -> str:
    if kind == "literal_error":
        fields["expected"] = fields["expected"].replace(" or ", _(" or "))
    return _(_SENTENCES[kind]).format(**fields) if kind in _SENTENCES else quoted(fallback)


def _meant(near: str | None) -> str | None:
    return _("did you mean '{word}'?").format(word=near) if near else None
