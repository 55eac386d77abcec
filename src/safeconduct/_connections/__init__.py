"""What watches connections that last, and cuts them: by a timer behind ASGI, between two chunks behind WSGI."""
