"""All rules of the LAN audit, by id; each topic has its file."""

from __future__ import annotations

from audits.lan import crypto, devices, hosts, services
from wizara.audit.rule import rules_of

RULES = rules_of(hosts, services, crypto, devices)
