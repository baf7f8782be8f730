"""Small stand-ins for what the lab cannot run as Debian's own daemons; each a process, standard library and paramiko only."""
