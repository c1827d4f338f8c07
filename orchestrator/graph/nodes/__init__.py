"""One module a node: read the state, ask a port or a policy, return the events."""
