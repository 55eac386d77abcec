"""The OAuth endpoints for services: tokens, introspection, revocation and metadata; loaded where there are clients."""
