"""Ways to make the standard log raise, for the duration of a block."""

import logging
from contextlib import contextmanager

SECRET = "what no log may show"


class _Raising(logging.Handler):
    def __init__(self, fault):
        super().__init__()
        self._fault = fault

    def emit(self, _record):
        raise self._fault(SECRET)


def _raises(fault):
    def filter_(_record):
        raise fault(SECRET)

    return filter_


@contextmanager
def _handler(logger, fault):
    handler = _Raising(fault)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


@contextmanager
def _filter(logger, fault):
    filter_ = _raises(fault)
    logger.addFilter(filter_)
    try:
        yield
    finally:
        logger.removeFilter(filter_)


@contextmanager
def _filter_of_a_handler(logger, fault):
    handler = logging.NullHandler()
    # Its `handle` calls no filter.
    handler.handle = lambda record: logging.Handler.handle(handler, record)
    handler.addFilter(_raises(fault))
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


@contextmanager
def _factory(_logger, fault):
    def make(*_given, **_named):
        raise fault(SECRET)

    before = logging.getLogRecordFactory()
    logging.setLogRecordFactory(make)
    try:
        yield
    finally:
        logging.setLogRecordFactory(before)


BROKEN_LOGS = {"handler": _handler, "filter": _filter, "filter-of-a-handler": _filter_of_a_handler, "factory": _factory}


@contextmanager
def broken_log(way, *, name="safeconduct", fault=RuntimeError):
    """Make the logger *name* raise *fault* for every record."""
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.DEBUG)
    try:
        with BROKEN_LOGS[way](logger, fault):
            yield
    finally:
        logger.setLevel(level)
