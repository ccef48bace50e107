"""How images are mixed that somebody names blindly."""

from plankton_stream.review.blind import mixed

SECOND = [f"second-{n}" for n in range(200)]
AGAIN = [f"again-{n}" for n in range(40)]
KNOWN = [f"known-{n}" for n in range(200)]


def hand_out(**more: object) -> list[str]:
    given = {"reference_percent": 20.0, "who": "ben", "given": 0, "number": 200} | more
    return mixed(SECOND, AGAIN, KNOWN, **given)  # type: ignore[arg-type]


def kinds(handed: list[str]) -> dict[str, int]:
    names = [one.partition("-")[0] for one in handed]
    return {name: names.count(name) for name in ("second", "again", "known")}


def test_references_are_about_their_share() -> None:
    assert 20 <= kinds(hand_out())["known"] <= 60
    assert kinds(hand_out(reference_percent=0.0))["known"] == 0


def test_one_s_own_come_as_often_as_there_are() -> None:
    assert 10 <= kinds(hand_out())["again"] <= 40
    assert len(set(hand_out(number=400))) == len(hand_out(number=400))


def test_everybody_gets_another_order_but_the_same_one_again() -> None:
    assert hand_out() == hand_out()
    assert hand_out() != hand_out(who="cem")
    assert hand_out(number=5) == hand_out(number=200)[:5]


def test_references_alone_are_not_handed_out() -> None:
    alone = mixed([], [], KNOWN, reference_percent=90, who="ben", given=0, number=9)
    assert alone == []
    few = mixed(["second-0"], [], KNOWN, reference_percent=90, who="ben", given=0, number=99)
    assert kinds(few)["second"] <= 1
    assert few[-1] == "second-0" or len(few) == 99
