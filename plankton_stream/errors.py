"""The exception tree. Its leaves carry the decision that the caller has to take.

    PlanktonError
    ├── ConfigError       stop at start: a setting or this machine is wrong, and what to do
    ├── ContractError     stop at start: two parts disagree on a format (a collection's schema)
    ├── RejectedError     permanent: this can never succeed (dead letter, HTTP 4xx)
    │   ├── NotFoundError the thing named does not exist (HTTP 404)
    │   └── ConflictError somebody else was there first: look again, decide again (HTTP 409)
    └── RetryableError    a part is down or slow: keep the place, back off, try again (HTTP 503)

Adapters translate their client's exceptions into these (`raise … from`), naming the endpoint and
the ids. Only process boundaries catch `Exception`.
"""


class PlanktonError(Exception):
    """Base of every error that this project raises on purpose."""


class ConfigError(PlanktonError):
    """A setting, or what the machine offers, is wrong; nothing was started."""


class ContractError(PlanktonError):
    """A part speaks another version of a contract than we do; nothing was started."""


class RejectedError(PlanktonError):
    """This input can never succeed, however often it is tried."""


class NotFoundError(RejectedError):
    """The id or key that was named is unknown."""


class ConflictError(RejectedError):
    """What was asked for no longer fits what there is now; whoever asked has to look again."""


class RetryableError(PlanktonError):
    """A part that we depend on does not answer now; the same call may succeed later."""
