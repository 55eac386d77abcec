"""The revocations that this process knows of: no question to the store on the path of a request."""
