"""Reads the tables of a declared device by SNMP; why, when it does not answer or refuses."""

from __future__ import annotations

from audits.devices import mib
from audits.devices.agent import SnmpAgent, Unanswered
from audits.devices.walk import Bounds, Walk
from audits.lan.door import Door, LeftAlone
from wizara.audit.job import SnmpLogin
from wizara.audit.orders import Facts
from wizara.audit.untrusted import untrusted


async def look(door: Door, ip: str, login: SnmpLogin, bounds: Bounds | None = None) -> Facts:
    """Return what the agent at *ip* tells of its cables; ``answer: false`` and why when it tells nothing."""
    how: Facts = {"version": login.version, "security": login.security}
    if not login.complete:
        return how | {"answer": False, "reason": "snmp-no-secret"}
    agent = SnmpAgent(door, ip, login)
    try:
        told = await mib.read(Walk(agent, bounds))
    except Unanswered as fault:
        return how | {"answer": False, "reason": fault.reason, "fault": untrusted(fault.fault)}
    except LeftAlone:
        return how | {"answer": False, "reason": "snmp-left-alone"}
    except OSError as fault:
        return how | {"answer": False, "reason": "snmp-silent", "fault": untrusted(str(fault))}
    finally:
        agent.close()
    if not any(told[name] for name in ("ports", "neighbours", "macs", "arp")):
        return how | {"answer": False, "reason": "snmp-view"}
    return how | told
