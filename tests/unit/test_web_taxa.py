"""The taxonomy over the API."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from plankton_stream.domain import LabelState
from plankton_stream.people import Person, Role
from plankton_stream.ports import ImageFilter
from tests.unit.test_web_labels import detail, label
from tests.web_parts import Web, image


@pytest.fixture
def eggs(web: Web, client: FlaskClient) -> list[str]:
    added = web.add([image(n) for n in range(4)])
    assert label(client, added[:3], taxon="egg").status_code == 201
    return added


def taxa(client: FlaskClient) -> dict[str, Any]:
    return {taxon["key"]: taxon for taxon in client.get("/api/v1/taxa").json["taxa"]}


def test_the_list_has_parents_and_synonyms_and_is_not_sent_twice(client: FlaskClient) -> None:
    first = client.get("/api/v1/taxa")
    assert taxa(client)["appendicularian"] == {
        "key": "appendicularian", "name": "Appendicularia", "rank": "class",
        "parent": "tunicate", "aphia_id": 17446, "kind": "living", "synonyms": ["Larvacea"],
    }  # fmt: skip
    known = {"If-None-Match": first.headers["ETag"]}
    again = client.get("/api/v1/taxa", headers=known)
    assert (again.status_code, again.data) == (304, b"")
    client.patch("/api/v1/taxa/egg", json={"synonyms": ["ovum"]})
    changed = client.get("/api/v1/taxa", headers=known)
    assert (changed.status_code, changed.headers["ETag"] == first.headers["ETag"]) == (200, False)


def test_a_taxon_is_changed_field_by_field(client: FlaskClient) -> None:
    answer = client.patch("/api/v1/taxa/salp", json={"name": "Salps", "parent": None})
    assert answer.status_code == 200
    assert (answer.json["name"], answer.json["parent"], answer.json["rank"]) == (
        "Salps", None, "order",
    )  # fmt: skip
    assert taxa(client)["salp"] == answer.json
    (line, *_) = client.get("/api/v1/taxon-changes?taxon=salp").json["changes"]
    assert (line["who"], line["kind"]) == ("ada", "changed")
    assert line["before"] == {"name": "Salpida", "parent": "tunicate"}


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({"parent": "kraken"}, 422, "add it first"),
        ({"parent": "salp"}, 422, "salp in salp"),
        ({"aphia_id": 0}, 422, "aphia_id"),
        ({"aphia_id": 2**31}, 422, "aphia_id"),
        ({"name": ""}, 422, "name"),
        ({"name": "a\nb"}, 422, "name"),
        ({"name": "x" * 201}, 422, "name"),
        ({"name": "a\0"}, 422, "name"),
        ({"kind": "dead"}, 422, "'living' or 'non-living'"),
        ({"synonyms": ["fiber"]}, 422, "'fiber' is a synonym of taxon 'fibre'"),
        ({"synonyms": ["x"] * 101}, 422, "synonyms"),
        ({"key": "other"}, 422, "key"),
    ],
)
def test_bad_changes(client: FlaskClient, body: dict[str, Any], status: int, says: str) -> None:
    before = taxa(client)
    assert says in detail(client.patch("/api/v1/taxa/salp", json=body), status)
    assert taxa(client) == before


def test_script_in_a_name_is_text(client: FlaskClient) -> None:
    name = "<script>alert(1)</script>"
    assert client.patch("/api/v1/taxa/salp", json={"name": name}).json["name"] == name


def test_what_is_unknown_is_not_found(client: FlaskClient) -> None:
    for answer in (
        client.patch("/api/v1/taxa/kraken", json={"name": "x"}),
        client.delete("/api/v1/taxa/kraken"),
        client.post("/api/v1/taxa/kraken/merge", json={"into": "egg"}),
        client.post("/api/v1/taxa/egg/merge", json={"into": "kraken"}),
        client.delete("/api/v1/taxa/egg/merge"),
    ):
        detail(answer, 404)


@pytest.mark.usefixtures("eggs")
def test_deleting_what_is_in_use_offers_to_merge(client: FlaskClient) -> None:
    assert "3 images are called by it" in detail(client.delete("/api/v1/taxa/egg"), 422)
    assert "Merge" in detail(client.delete("/api/v1/taxa/egg"), 422)
    assert client.delete("/api/v1/taxa/bubble").json["key"] == "bubble"
    assert "bubble" not in taxa(client)


def test_a_merge_and_its_undoing(web: Web, client: FlaskClient, eggs: list[str]) -> None:
    done = client.post("/api/v1/taxa/egg/merge", json={"into": "nauplius"}).json
    assert (done["labelled"], done["left"], done["undone"]) == (3, 0, False)
    listed = client.get("/api/v1/taxa").json
    assert listed["merged"] == {"egg": "nauplius"}
    assert "egg" in taxa(client)["nauplius"]["synonyms"]
    # A page that was opened before still offers it.
    stale = label(client, eggs[3:], taxon="egg", key="k9")
    assert "merged into 'nauplius': use that" in detail(stale, 422)
    assert "use that" in detail(client.get("/api/v1/images?taxon=egg"), 422)
    history = client.get(f"/api/v1/images/{eggs[0]}").json["history"]
    assert [line["taxon"] for line in history] == ["egg", "nauplius"]
    back = client.delete("/api/v1/taxa/egg/merge").json
    assert (back["undone"], back["left"]) == (True, 0)
    assert web.catalog.images.count(ImageFilter(taxon="egg")) == 3


def test_counts_and_filters_roll_up(web: Web, client: FlaskClient) -> None:
    added = web.add([image(n) for n in range(4)])
    label(client, added[:1], taxon="copepod", key="a")
    label(client, added[1:2], taxon="copepod_calanoid", key="b", state="dubious")
    label(client, added[2:3], taxon="salp", key="c")
    named = web.catalog.images.get(added)
    web.index.rename(list(named.values()))
    counts = {one["taxon"]: one for one in client.get("/api/v1/taxon-counts").json["counts"]}
    assert (counts["copepod"]["validated"], counts["copepod"]["dubious"]) == (1, 0)
    assert (counts["crustacean"]["validated_below"], counts["crustacean"]["dubious_below"]) == (
        1,
        1,
    )

    def found(path: str, key: str = "images") -> set[str]:
        answer = client.get(path)
        assert answer.status_code == 200, answer.text
        return {one["image_id"] for one in answer.json[key]}

    assert found("/api/v1/images?taxon=copepod") == {added[0]}
    assert found("/api/v1/images?taxon=copepod&below=true") == set(added[:2])
    assert found("/api/v1/images?taxon=copepod&below=true&state=dubious") == {added[1]}
    assert found("/api/v1/images?below=true") == set(added)
    near = f"/api/v1/images/{added[3]}/neighbours?taxon=crustacean"
    assert found(f"{near}&below=true", "neighbours") == set(added[:2])
    assert found(near, "neighbours") == set()
    assert "kraken" in detail(client.get("/api/v1/images?taxon=kraken&below=true"), 422)
    assert named[added[1]].naming.state is LabelState.DUBIOUS


def test_the_history_of_all(client: FlaskClient) -> None:
    client.patch("/api/v1/taxa/egg", json={"name": "a"})
    client.patch("/api/v1/taxa/salp", json={"name": "b"})
    first = client.get("/api/v1/taxon-changes?limit=1").json["changes"]
    assert [line["taxon"] for line in first] == ["salp"]
    before = first[0]["sequence"]
    rest = client.get(f"/api/v1/taxon-changes?limit=1&before={before}").json["changes"]
    assert [line["taxon"] for line in rest] == ["egg"]


@pytest.mark.parametrize("role", [Role.VIEWER, Role.LABELLER, Role.REVIEWER])
def test_only_admins_edit(client: FlaskClient, monkeypatch: pytest.MonkeyPatch, role: Role) -> None:
    monkeypatch.setattr("web.people.asking", lambda _parts: Person(name="bob", role=role))
    before = taxa(client)
    for answer in (
        client.post("/api/v1/taxa", json={"key": "a", "name": "a"}),
        client.patch("/api/v1/taxa/egg", json={"name": "x"}),
        client.delete("/api/v1/taxa/bubble"),
        client.post("/api/v1/taxa/egg/merge", json={"into": "salp"}),
        client.delete("/api/v1/taxa/egg/merge"),
    ):
        assert "admin" in detail(answer, 403)
    assert taxa(client) == before
    assert client.get("/api/v1/taxon-counts").status_code == 200


def test_the_page_is_served(client: FlaskClient) -> None:
    answer = client.get("/taxa")
    assert answer.status_code == 200
    assert 'role="tree"' in answer.text
