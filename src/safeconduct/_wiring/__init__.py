"""Make the parts of an ``Auth`` from its configuration."""
