"""What can go wrong at the centre's boundary, each with the HTTP status it is answered with.

CentralError
 ├ NotEntitled          401  the bearer token is missing or not known
 ├ NotFound             404  nothing of that name is held
 ├ UnknownSite          422  this centre does not serve the site
 ├ Conflict             409  what is asked contradicts what is held
 ├ NumbersExhausted     409  all 99,999 numbers of the day are given
 ├ BadRules             422  procedures or settings that gates could not decide by
 ├ BadPicture           422  the bytes are not the picture they are said to be
 └ WrongKey             500  the key file does not hold the key that signs now; said at the start
"""

from http import HTTPStatus


class CentralError(Exception):
    """Root of the centre's errors; `code` names the kind for machines, the message says what to do."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR
    code = "error"


class NotEntitled(CentralError):
    """The bearer token is missing or not known."""

    status = HTTPStatus.UNAUTHORIZED
    code = "not-entitled"


class NotFound(CentralError):
    """Nothing of that name is held."""

    status = HTTPStatus.NOT_FOUND
    code = "not-found"


class UnknownSite(CentralError):
    """This centre does not serve the site."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "unknown-site"


class Conflict(CentralError):
    """What is asked contradicts what is held."""

    status = HTTPStatus.CONFLICT
    code = "conflict"


class NumbersExhausted(CentralError):
    """All 99,999 numbers of the day are given."""

    status = HTTPStatus.CONFLICT
    code = "numbers-exhausted"


class BadRules(CentralError):
    """Procedures or settings that gates could not decide by; the message holds what is wrong and what to write."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "bad-rules"


class BadPicture(CentralError):
    """The bytes are not the picture they are said to be."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "bad-picture"


class WrongKey(CentralError):
    """The key file does not hold the key that signs now."""

    code = "wrong-key"
