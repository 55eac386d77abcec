"""``safeconduct doctor``: what is wrong, or would be, and what to do about it."""
