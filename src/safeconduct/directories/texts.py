"""The octets of what a person typed."""


def octets_of(text: str, *, at_most: int) -> bytes | None:
    """Return *text* in UTF-8, or None where that can't be or is longer than *at_most* bytes."""
    try:
        octets = text.encode()
    except UnicodeEncodeError:
        return None
    return octets if len(octets) <= at_most else None
