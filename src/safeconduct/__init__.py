"""One line around any ASGI or WSGI application, and every request in it knows who is asking."""
