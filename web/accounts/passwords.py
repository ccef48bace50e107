"""Passwords, hashed by Werkzeug's scrypt.

Its cost is one that OWASP's Password Storage Cheat Sheet recommends: N = 2^15, r = 8, p = 3.
"""

from functools import cache

from werkzeug.security import check_password_hash, generate_password_hash

from plankton_stream.errors import RejectedError
from plankton_stream.people import same_name

MIN_LENGTH = 10
MAX_LENGTH = 200
_FEWEST_DIFFERENT = 4
_METHOD = "scrypt:32768:8:3"


def hashed(password: str, *, of: str) -> str:
    """What is kept of the password of a person.

    Raises:
        RejectedError: it is too short or too long, or guessed at once.
    """
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise RejectedError(f"a password has {MIN_LENGTH} to {MAX_LENGTH} characters")
    if len(set(password)) < _FEWEST_DIFFERENT or same_name(password) == same_name(of):
        raise RejectedError("this password is guessed at once: take a few words")
    return generate_password_hash(password, _METHOD)


def fits(password: str, password_hash: str | None) -> bool:
    """Whether a password is the one of a hash.

    Without a hash, when nobody has the name, it takes as long as with one: how long an answer takes
    does not tell who there is.
    """
    if len(password) > MAX_LENGTH:
        password = ""
    return check_password_hash(password_hash or _nobodys(), password) and password_hash is not None


@cache
def _nobodys() -> str:
    return generate_password_hash("", _METHOD)
