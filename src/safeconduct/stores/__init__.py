"""Where revocations and counters live: this process's memory, a Redis or Valkey server, or nowhere."""
