"""The keys of an issuer: a set as a value, a folder that it is read from, new ones."""
