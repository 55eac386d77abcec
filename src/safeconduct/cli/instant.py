"""When a token of the command line is issued."""

import time

from safeconduct._core.revocation_keys import stamp_question
from safeconduct._core.run_sync import finish
from safeconduct.cli.settings import WITHOUT_STORE, Opened


def instant_ms(tools: Opened, *, subject: str, client_id: str | None = None) -> int:
    """
    Return the ``iat_ms`` of a token: where processes share a store by its clock, and after every cut-off that meets it.

    Raises:
        Unavailable: If the store does not answer.
    """
    config = tools.config
    revocations = None if config.store.url in WITHOUT_STORE else tools.workshop.revocations("wsgi")
    if revocations is None or config.issuer is None:
        return int(time.time() * 1000)
    question = stamp_question(
        issuer=config.issuer,
        subject=subject,
        client_id=client_id or config.tokens.client_id or config.issuer,
        shards=config.store.shards,
    )
    return finish(revocations.stamp(question))
