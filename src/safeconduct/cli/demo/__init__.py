"""``safeconduct demo``: an application for a browser and for curl, with two users; nothing of it is kept."""
