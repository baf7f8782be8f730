"""Small stand-ins for what the lab cannot run as Debian's own daemons; each a process, standard library and paramiko only."""

#: How the switch of a rehearsal is read.
SWITCH_LOGIN = {"username": "audit", "password": "rehearsal-switch", "enable": "rehearsal-switch"}
