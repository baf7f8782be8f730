"""Reaches the nodes and changes them: transport, runner, journal, locks, safety envelope; and the sessions of devices."""

#: The account on each node that wizara logs in as; enrolment creates it.
PROVISIONER = "wizara"
