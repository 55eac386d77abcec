"""A shop whose users are those of Django, and whose sign-in is safeconduct."""
