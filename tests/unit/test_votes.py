"""Votes of neighbours, and growing a group."""

import numpy as np
import pytest

from plankton_stream.growing import grown
from plankton_stream.votes import EVIDENCE, VOTERS, Voter, crowd, vote
from tests.contract.conftest import an_image

NAMES = [an_image(n).image_id for n in range(60)]


def voters(*named: tuple[str, float]) -> list[Voter]:
    return [
        Voter(image_id=NAMES[n], taxon=taxon, distance=distance)
        for n, (taxon, distance) in enumerate(named)
    ]


def test_near_neighbours_outvote_many_far_ones() -> None:
    said = vote(voters(("egg", 0.01), ("copepod", 0.10), ("copepod", 0.11), ("copepod", 0.12)), [])
    assert said is not None
    assert said.taxon == "egg"
    assert 0.5 < said.score < 1
    assert 0 < said.margin < said.score


def test_its_evidence_are_the_nearest_that_speak_for_it() -> None:
    said = vote(voters(*[("egg", 0.01), ("copepod", 0.02)] * 5), [])
    assert said is not None
    assert [voter.image_id for voter in said.evidence] == NAMES[0 : 2 * EVIDENCE : 2]


def test_what_is_far_from_all_that_is_named_is_not_believed() -> None:
    near, far = vote(voters(("egg", 0.01)), []), vote(voters(("egg", 0.4)), [])
    assert near is not None
    assert far is not None
    assert near.score > 0.8
    assert far.score < 0.01


def test_unlabelled_neighbours_are_doubt_only_where_they_are_nearer() -> None:
    alone = vote(voters(("egg", 0.05)), [])
    crowded = vote(voters(("egg", 0.05)), [0.01] * 10)
    beyond = vote(voters(*[("egg", 0.05)] * VOTERS), [0.06] * 10)
    assert alone is not None
    assert crowded is not None
    assert crowded.score < alone.score / 3
    assert beyond == vote(voters(*[("egg", 0.05)] * VOTERS), [])


def test_a_rejected_taxon_is_not_proposed_and_still_counts_as_doubt() -> None:
    several = voters(("egg", 0.01), ("copepod", 0.02))
    said = vote(several, [], rejected={"egg"})
    assert said is not None
    assert said.taxon == "copepod"
    assert said.score < 0.5
    assert said.margin == said.score
    assert vote(several, [], rejected={"egg", "copepod"}) is None
    assert vote([], [0.1]) is None


def test_a_crowd_is_denser_the_nearer_it_is() -> None:
    assert crowd([]) == 0
    assert crowd([0.01] * 5) > crowd([0.1] * 5) > crowd([0.1] * 4)


def test_a_group_follows_its_own_variety_before_it_jumps_to_others() -> None:
    # A bow of images that starts at the seed, and a distant clump as near as the end of the bow.
    def at(*angles: float) -> list[list[float]]:
        return [[np.cos(a), np.sin(a)] for a in angles]

    bow, clump = at(*np.arange(0.02, 0.6, 0.02)), at(*np.arange(-0.42, -0.40, 0.002))
    order = grown(np.float32([1, 0]), np.array(bow + clump, np.float32), 20)
    assert sorted(order) == list(range(20))
    assert list(order[:5]) == [0, 1, 2, 3, 4]


def test_a_group_does_not_run_along_a_chain_into_something_else() -> None:
    random = np.random.default_rng(0)
    own = np.array([1, 0, 0, 0, 0, 0]) + np.c_[np.zeros((20, 2)), random.normal(0, 0.1, (20, 4))]
    chain = [[np.cos(a), np.sin(a), 0, 0, 0, 0] for a in np.arange(0.1, 3.1, 0.1)]
    every = np.concatenate([own, chain]).astype(np.float32)
    every /= np.linalg.norm(every, axis=1, keepdims=True)
    order = grown(np.eye(6, dtype=np.float32)[0], every, 28)
    assert set(range(20)) <= set(order.tolist())


@pytest.mark.parametrize("count", [1, 3, 7])
def test_small_groups_are_what_there_is(count: int) -> None:
    vectors = np.eye(4, dtype=np.float32)[:3]
    order = grown(np.eye(4, dtype=np.float32)[0], vectors, count)
    assert len(order) == min(count, 3)
    assert len(set(order.tolist())) == len(order)
    assert len(grown(vectors[0], np.empty((0, 4), np.float32), count)) == 0
