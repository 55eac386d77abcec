"""Sign users in, keep their sessions, and sign them out: levels, refresh tokens, and the verbs on sessions."""
