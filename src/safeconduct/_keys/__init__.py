"""Load, generate and rotate the keys of an issuer."""
