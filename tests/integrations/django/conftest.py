"""Configure Django before a test module imports its models."""

import django_site  # noqa: F401 - importing it configures Django
