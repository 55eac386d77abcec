"""Set how many examples the properties of all tests try."""

from hypothesis import HealthCheck, settings

# A deadline is a timing assertion, and a database of examples would make a run depend on the one before it.
settings.register_profile("plain", deadline=None, database=None)
settings.register_profile(
    "thorough",
    parent=settings.get_profile("plain"),
    max_examples=100_000,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("plain")
