"""Progress by the API, over SQLite."""

import threading

import pytest
from flask.testing import FlaskClient

from plankton_stream.adapters.sql import LabelRequest
from plankton_stream.domain import LabelState, Taxon
from plankton_stream.predictions import Prediction
from tests.web_parts import START, Web, image
from web.kept import Kept


def label(web: Web, ids: list[str], taxon: str = "copepod", who: str = "ann") -> None:
    web.catalog.labels.apply(LabelRequest(tuple(ids), taxon, LabelState.VALIDATED, who=who))


def test_labels_by_hour_and_person(client: FlaskClient, web: Web) -> None:
    ids = web.add([image(n) for n in range(4)])
    label(web, ids[:3])
    label(web, ids[3:], who="ben")
    for bin_, width in (("hour", 3_600), ("day", 86_400)):
        answer = client.get(f"/api/v1/progress/labels?bin={bin_}").json
        assert answer["bin_s"] == width
        counts: dict[str, int] = {}
        for one in answer["given"]:
            assert answer["start"] <= one["start"] < answer["end"]
            counts[one["who"]] = counts.get(one["who"], 0) + one["labels"]
        assert counts == {"ann": 3, "ben": 1}
    assert client.get("/api/v1/progress/labels?before=1970-01-01T00:00:00Z").json["given"] == []
    assert client.get("/api/v1/progress/labels?bin=year").status_code == 422


def test_coverage_counts_what_is_named_and_what_is_proposed(client: FlaskClient, web: Web) -> None:
    ids = web.add([image(n, camera=f"cam-{n % 2}") for n in range(5)])
    label(web, ids[:2])
    vote = Prediction(
        image_id=ids[4], taxon="copepod", score=0.75, margin=0.5, nearest=0.1, crowd=1.0,
        evidence=(), encoder="test-encoder", voted_at=START,
    )  # fmt: skip
    web.catalog.predictions.put([vote])
    answer = client.get("/api/v1/progress/coverage").json
    assert answer["images"] == 5
    assert answer["states"] == {"validated": 2, "unlabelled": 3}
    (copepods,) = answer["taxa"]
    assert (copepods["validated"], copepods["proposed"], copepods["expected"]) == (2, 1, 0.75)
    assert [(one["camera"], one["images"]) for one in answer["cameras"]] == [
        ("cam-0", 3), ("cam-1", 2),
    ]  # fmt: skip


def test_a_taxon_is_spread_with_those_below_it(client: FlaskClient, web: Web) -> None:
    web.catalog.taxa.add(Taxon(key="my-copepod", name="My copepod", parent="copepod"))
    ids = web.add([image(n, depth_m=5.0) for n in range(3)])
    label(web, ids[:2])
    label(web, ids[2:], taxon="my-copepod")
    answer = client.get("/api/v1/progress/spread?taxon=copepod").json
    assert {"copepod", "my-copepod"} <= set(answer["taxa"])
    assert sum(cell["images"] for cell in answer["cells"]) == 3
    elsewhere = client.get("/api/v1/progress/spread?taxon=copepod&camera=cam-9").json
    assert (elsewhere["cells"], elsewhere["start"]) == ([], None)
    assert client.get("/api/v1/progress/spread?taxon=nonsense").status_code == 422
    assert client.get("/api/v1/progress/spread").status_code == 422


def test_what_took_long_is_kept_longer() -> None:
    clock_s, made = [0.0], []

    def make(takes_s: float) -> int:
        clock_s[0] += takes_s
        made.append(takes_s)
        return len(made)

    kept = Kept(clock_s=lambda: clock_s[0])
    assert kept.get("slow", lambda: make(1.0)) == 1
    clock_s[0] += 19.0
    assert kept.get("slow", lambda: make(1.0)) == 1
    assert kept.get("other", lambda: make(0.0)) == 2
    clock_s[0] += 2.0
    assert kept.get("slow", lambda: make(1.0)) == 3
    assert kept.get("other", lambda: make(0.0)) == 4


def test_several_who_wait_cost_as_one() -> None:
    kept, made, go = Kept(), [], threading.Event()

    def make() -> int:
        go.wait(30)
        made.append(1)
        return 7

    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(kept.get("k", make))) for _ in range(4)]
    for thread in threads:
        thread.start()
    go.set()
    for thread in threads:
        thread.join(30)
    assert (found, made) == ([7] * 4, [1])


def test_a_failure_is_not_kept() -> None:
    kept = Kept()
    answers = iter([ValueError("away"), 5])

    def make() -> int:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    with pytest.raises(ValueError, match="away"):
        kept.get("k", make)
    assert kept.get("k", make) == 5
