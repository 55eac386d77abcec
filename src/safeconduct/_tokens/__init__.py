"""Tokens, read and proven, issued and remembered; pure, and the only importer of joserfc."""
