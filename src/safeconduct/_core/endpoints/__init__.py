"""What we answer ourselves: the life of a login under one prefix, and the issuer's public keys."""
