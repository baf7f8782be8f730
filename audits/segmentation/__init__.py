"""What passes between the local networks of a site, tried connection by connection."""
