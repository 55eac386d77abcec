"""A request's decision, without I/O: the policy, the gate, what it asks of the world."""
