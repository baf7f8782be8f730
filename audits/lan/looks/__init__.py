"""What is said to a service to learn one fact of it, a protocol family a module; standard library only, and nothing is written there."""
