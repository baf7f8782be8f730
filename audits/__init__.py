"""One folder a subject: collectors touch the world, rules judge."""
