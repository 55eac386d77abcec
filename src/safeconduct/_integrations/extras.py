"""Say which extra installs what an integration needs."""


def missing_extra(extra: str, missing: ImportError, *, module: str | None = None) -> ImportError:
    """
    Return the error to raise where an import failed with *missing*: it names the command that helps.

    Args:
        extra: The extra that installs what is missing.
        missing: The error of the import.
        module: The name of our module. Default: that of the extra.
    """
    return ImportError(
        f"safeconduct.{module or extra} needs more than is installed ({missing}): pip install 'safeconduct[{extra}]'"
    )
