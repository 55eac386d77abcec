"""Configure Django before a test module imports its models, and load Ninja."""

import warnings

import django_site  # noqa: F401 - importing it configures Django

with warnings.catch_warnings():
    # Its older versions use what Django and Pydantic have deprecated since.
    warnings.simplefilter("ignore")
    import ninja  # noqa: F401 - imported here first
