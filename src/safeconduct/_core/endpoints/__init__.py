"""Our own endpoints: sign-in, refresh and sign-out under one prefix, and the issuer's public keys."""
