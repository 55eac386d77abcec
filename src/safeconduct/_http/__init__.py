"""Text and values of HTTP: what came in a request, and what an answer says; knows no token and no framework."""
