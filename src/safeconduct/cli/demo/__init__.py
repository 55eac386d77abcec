"""``safeconduct demo``: an application with two users, ready for curl; nothing in it is meant to be kept."""
