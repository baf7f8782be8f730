"""Frames: what the LAN scan sends and hears below the sockets, on the auditor's own network port."""
