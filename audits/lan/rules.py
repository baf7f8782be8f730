"""All rules of the LAN audit, by id; each topic has its file, and every file of the folder ``weaknesses`` is one."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from audits.devices.rules import RULES as DEVICE_RULES
from audits.lan import crypto, differences, hosts, weaknesses
from audits.segmentation.rules import RULES as SEGMENTATION_RULES
from wizara.audit.rule import rules_of

_TOPICS = (import_module(f"{weaknesses.__name__}.{one.name}") for one in iter_modules(weaknesses.__path__))

RULES = (*rules_of(hosts, differences, crypto, *_TOPICS), *DEVICE_RULES, *SEGMENTATION_RULES)
