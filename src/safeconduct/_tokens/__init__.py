"""Verify and issue tokens; pure, and the only package that imports joserfc."""
