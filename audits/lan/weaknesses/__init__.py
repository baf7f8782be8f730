"""Rules about what services give away, a topic a module; every module here is found by itself."""
