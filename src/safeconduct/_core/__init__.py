"""Decide about requests without I/O of its own: access rules, authentication, sessions, and the ports they ask."""
