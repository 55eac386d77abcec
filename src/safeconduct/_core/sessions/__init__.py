"""A session's life, from sign-in to sign-out: levels, refresh tokens, and the verbs on them."""
