"""Read HTTP requests and write HTTP responses, without knowing tokens or frameworks."""
