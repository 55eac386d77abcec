"""The store in one process's memory."""
