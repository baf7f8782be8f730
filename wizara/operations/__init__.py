"""The pyinfra operations and facts that deploys are made of."""
