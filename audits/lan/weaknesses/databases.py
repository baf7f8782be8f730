"""Databases and brokers that let anybody in, or take passwords in clear."""

from __future__ import annotations

from audits.lan.flags import flagged

POSTGRES = flagged("PGS-001", "postgres", "open", "AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H")
MARIADB = flagged("MYS-001", "mysql", "open", "AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H")
MONGODB = flagged("MON-001", "mongodb", "open", "AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H")
SEARCH = flagged("ELA-001", "http", "search_engine", "AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H")
MEMCACHED_DATAGRAM = flagged("MEM-002", "memcached_udp", "open", "AC:L/PR:N/UI:N/S:C/C:N/I:N/A:H")
SQL_SERVER = flagged("MSS-001", "tds", "encrypts", "AC:H/PR:N/UI:N/S:U/C:H/I:H/A:N", weak=False)
REDIS = flagged("RED-001", "redis", "open", "AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H")
MEMCACHED = flagged("MEM-001", "memcached", "open", "AC:L/PR:N/UI:N/S:U/C:H/I:H/A:L")
BROKER = flagged("MQT-001", "mqtt", "open", "AC:L/PR:N/UI:N/S:U/C:H/I:H/A:N")
