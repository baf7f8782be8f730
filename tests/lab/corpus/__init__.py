"""A LAN with planted weaknesses and hardened controls, by which the audit is measured."""
