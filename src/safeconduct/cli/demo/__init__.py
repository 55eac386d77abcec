"""``safeconduct demo``: an application to try the package with, on this machine alone."""
