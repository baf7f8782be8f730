"""What the configuration of switches, routers and firewalls says: parsers, measures by platform, rules."""
