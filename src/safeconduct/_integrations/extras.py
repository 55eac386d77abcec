"""Say which extra installs what an integration needs."""


def missing_extra(extra: str, missing: ImportError) -> ImportError:
    """Return the error to raise if the import of a framework failed with *missing*: it names the command that helps."""
    return ImportError(
        f"safeconduct.{extra} needs more than is installed ({missing}): pip install 'safeconduct[{extra}]'"
    )
