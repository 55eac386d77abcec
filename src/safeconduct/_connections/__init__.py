"""Watch connections that last, and cut them: by a timer behind ASGI, between two chunks behind WSGI."""
