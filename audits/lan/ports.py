"""Which TCP ports are tried on each living host, and which are never touched."""

from __future__ import annotations

from collections.abc import Iterable

#: Raw printing and LPD: any byte, and on some models the connection alone, comes out as paper.
FORBIDDEN = frozenset({515, *range(9100, 9108)})

#: What leaks on ministries' LANs; several are missing from general-purpose scanners' usual lists (6379, 502…).
COMMON = (
    7, 19, 21, 22, 23, 25, 53, 79, 80, 88, 110, 111, 135, 139, 143, 389, 443, 445, 465, 502, 512, 513, 514, 548, 554, 587,
    631, 636,
    873, 993, 995, 1080, 1433, 1521, 1723, 1883, 2049, 2121, 2222, 2525, 2323, 2375, 3000, 3128, 3306, 3389, 4786, 5000, 5060,
    5432, 5601,
    5672, 5900, 5901, 5985, 5986, 6000, 6001, 6379, 7547, 8000, 8008, 8080, 8081, 8090, 8086, 8291, 8443, 8728, 8883, 8888, 9000,
    9090, 9200,
    10000, 11211, 15672, 20000, 27017, 44818, 47808, 49152,
)  # fmt: skip

#: Industrial controllers speak these. Nothing is said to one unless the mandate names the machine; a declared one is not even knocked at.
CONTROLLER = frozenset({102, 502, 20000, 44818, 47808})
#: Connected to and heard, but the door lets no byte out: controllers, and IPP, which prints what it is sent.
SILENT = HUSHED = CONTROLLER | {631}

HTTP = frozenset({80, 3000, 5000, 5601, 8000, 8008, 8080, 8081, 8090, 8086, 8888, 9000, 9090, 9200, 10000, 15672})
HTTPS = frozenset({443, 8443, 5986})
TLS = frozenset({443, 465, 636, 993, 995, 5986, 8443, 8883})


def to_try(declared: Iterable[str], chosen: Iterable[int] = ()) -> tuple[int, ...]:
    """Return the ports to connect to: ours (or the *chosen*) and the *declared* services (``tcp/443``), less the forbidden ones."""
    further = {int(service.removeprefix("tcp/")) for service in declared if service.startswith("tcp/")}
    return tuple(sorted((set(tuple(chosen) or COMMON) | further) - FORBIDDEN))
