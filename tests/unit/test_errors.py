"""The tree of errors carries the decision that a caller has to take."""

from plankton_stream import errors


def test_each_error_has_one_decision() -> None:
    decisions = (
        errors.ConfigError, errors.ContractError, errors.RejectedError, errors.RetryableError,
    )  # fmt: skip
    for error in (*decisions, errors.NotFoundError):
        assert len([kind for kind in decisions if issubclass(error, kind)]) == 1
        assert issubclass(error, errors.PlanktonError)


def test_all_are_drawn_at_the_top_of_the_file() -> None:
    own = [name for name, value in vars(errors).items() if isinstance(value, type)]
    assert errors.__doc__ is not None
    assert all(name in errors.__doc__ for name in own)
