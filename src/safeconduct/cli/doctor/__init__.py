"""``safeconduct doctor``: find what is wrong or unsafe, and say what to do about it."""
