"""The catalog: encoder versions; one suite over SQLite and PostgreSQL."""

import contextlib
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from plankton_stream.adapters import sql
from plankton_stream.adapters.sql import Catalog, upgrade
from plankton_stream.domain import (
    Image,
)
from plankton_stream.errors import ConfigError
from plankton_stream.versions import EncoderSpec, EncoderVersion
from tests.contract.conftest import together


def test_the_first_encoder_is_the_live_one(catalog: Catalog) -> None:
    assert catalog.encoders.live() is None
    assert catalog.encoders.claim("enc-1", 256).file == ""
    assert catalog.encoders.claim("enc-1", 256, spec("enc-1")).file == "enc-1.weights.h5"
    assert catalog.encoders.claim("enc-2", 128, spec("enc-2")).encoder == "enc-1"
    assert catalog.encoders.live() == ("enc-1", 256)
    assert [v.encoder for v in catalog.encoders.all()] == ["enc-1"]


def test_of_encoders_that_start_together_one_is_live(catalog: Catalog) -> None:
    winners = together(6, lambda n: catalog.encoders.claim(f"enc-{n}", 16).encoder)
    assert len(set(winners)) == 1
    assert catalog.encoders.live() == (winners[0], 16)


def spec(encoder: str) -> EncoderSpec:
    return EncoderSpec(name="net", file=f"{encoder}.weights.h5", source="x", identity={"a": [1]})


def publish(catalog: Catalog, encoder: str) -> EncoderVersion:
    return catalog.encoders.publish(encoder, 16, spec(encoder), who="ann")


def states(catalog: Catalog) -> dict[str, tuple[str, bool]]:
    return {v.encoder: (str(v.state), v.filling) for v in catalog.encoders.all()}


def test_a_version_is_filled_goes_live_and_can_be_rolled_back(catalog: Catalog) -> None:
    encoders = catalog.encoders
    encoders.claim("enc-1", 16, spec("enc-1"))
    new = publish(catalog, "enc-2")
    assert (new.identity, new.who, new.live_since) == ({"a": [1]}, "ann", None)
    assert states(catalog) == {"enc-1": ("live", False), "enc-2": ("candidate", True)}
    encoders.finish("enc-2")
    assert states(catalog) == {"enc-1": ("previous", False), "enc-2": ("live", False)}
    assert encoders.roll_back(at_once=False).encoder == "enc-1"
    assert states(catalog) == {"enc-1": ("previous", True), "enc-2": ("live", False)}
    encoders.finish("enc-1")
    assert states(catalog) == {"enc-1": ("live", False), "enc-2": ("previous", False)}
    assert encoders.roll_back(at_once=True).live_since is not None
    assert states(catalog) == {"enc-1": ("previous", False), "enc-2": ("live", True)}
    encoders.finish("enc-2")
    publish(catalog, "enc-3")
    encoders.finish("enc-3")
    assert states(catalog)["enc-1"] == ("retired", False)
    assert {v.encoder for v in encoders.kept()} == {"enc-2", "enc-3"}
    assert [v.encoder for v in encoders.to_drop()] == ["enc-1"]
    encoders.mark_dropped("enc-1")
    assert encoders.to_drop() == []


def test_a_version_that_is_not_filled_any_more_does_not_go_live(catalog: Catalog) -> None:
    catalog.encoders.claim("enc-1", 16)
    publish(catalog, "enc-2")
    catalog.encoders.abandon("no")
    catalog.encoders.finish("enc-2")
    catalog.encoders.fail("enc-2", "late")
    assert states(catalog) == {"enc-1": ("live", False), "enc-2": ("abandoned", False)}
    catalog.encoders.mark_dropped("enc-2")
    publish(catalog, "enc-2")
    catalog.encoders.fail("enc-2", "no pixels")
    assert states(catalog)["enc-2"] == ("failed", False)
    assert catalog.encoders.all()[0].reason == "no pixels"


def test_what_can_not_be_published_or_rolled_back_is_said(catalog: Catalog) -> None:
    encoders = catalog.encoders
    for change in (lambda: publish(catalog, "enc-1"), encoders.repair):
        with pytest.raises(ConfigError, match="no version is live"):
            change()
    encoders.claim("enc-1", 16)
    with pytest.raises(ConfigError, match="no previous version"):
        encoders.roll_back(at_once=False)
    with pytest.raises(ConfigError, match="no version is being filled"):
        encoders.abandon("why")
    with pytest.raises(ConfigError, match="live already"):
        publish(catalog, "enc-1")
    publish(catalog, "enc-2")
    with pytest.raises(ConfigError, match=r"enc-2.*abandon"):
        publish(catalog, "enc-3")
    encoders.finish("enc-2")
    publish(catalog, "enc-3")
    with pytest.raises(ConfigError, match=r"enc-3.*abandon"):
        encoders.roll_back(at_once=True)
    with pytest.raises(ConfigError, match=r"enc-3.*abandon"):
        encoders.require_idle()
    encoders.abandon("why")
    encoders.require_idle()


def test_filling_the_live_version_can_be_stopped_and_taken_up_again(catalog: Catalog) -> None:
    encoders = catalog.encoders
    encoders.claim("enc-1", 16)
    publish(catalog, "enc-2")
    encoders.finish("enc-2")
    encoders.roll_back(at_once=True)
    with pytest.raises(ConfigError, match=r"enc-1.*live.*abandon"):
        publish(catalog, "enc-3")
    stopped = encoders.abandon("no time")
    assert (stopped.encoder, stopped.reason) == ("enc-1", "no time")
    assert states(catalog) == {"enc-1": ("live", False), "enc-2": ("previous", False)}
    assert encoders.repair().reason is None
    assert states(catalog)["enc-1"] == ("live", True)


def test_a_version_that_has_ended_is_published_again_once_its_vectors_are_gone(
    catalog: Catalog,
) -> None:
    encoders = catalog.encoders
    for name in ("enc-1", "enc-2", "enc-3"):
        if name == "enc-1":
            encoders.claim(name, 16)
        else:
            publish(catalog, name)
            encoders.finish(name)
    with pytest.raises(ConfigError, match=r"enc-1.*retired.*try again in a few seconds"):
        publish(catalog, "enc-1")
    encoders.mark_dropped("enc-1")
    again = publish(catalog, "enc-1")
    assert (again.state, again.live_since, again.dropped) == ("candidate", None, False)
    encoders.mark_dropped("enc-1")  # by a worker that comes late
    assert not next(v for v in encoders.all() if v.encoder == "enc-1").dropped
    encoders.abandon("no")
    assert [v.encoder for v in encoders.to_drop()] == ["enc-1"]
    assert publish(catalog, "enc-2").live_since is not None, "its vectors are there"


def test_a_version_is_given_up_or_goes_live_and_one_is_always_live(catalog: Catalog) -> None:
    catalog.encoders.claim("enc", 16)
    live = "enc"

    def change(number: int) -> None:
        if number % 2:
            catalog.encoders.finish(name)
        else:
            with contextlib.suppress(ConfigError):  # it was finished before
                catalog.encoders.abandon("no")

    for name in (f"enc-{number}" for number in range(12)):
        publish(catalog, name)
        together(4, change)
        found = states(catalog)
        assert found[name] in (("live", False), ("abandoned", False))
        live = name if found[name][0] == "live" else live
        assert [e for e, (state, _) in found.items() if state == "live"] == [live]


def test_workers_that_finish_a_version_at_once_keep_the_one_to_go_back_to(
    catalog: Catalog,
) -> None:
    catalog.encoders.claim("enc", 16)
    before = "enc"
    for name in (f"enc-{number}" for number in range(12)):
        publish(catalog, name)
        together(4, lambda _, name=name: catalog.encoders.finish(name))
        assert states(catalog)[name] == ("live", False)
        assert states(catalog)[before] == ("previous", False)
        before = name


def test_of_versions_that_are_published_together_one_is_filled(catalog: Catalog) -> None:
    catalog.encoders.claim("enc", 16)

    def attempt(number: int) -> str:
        try:
            return publish(catalog, f"enc-{number}").encoder
        except ConfigError:
            return ""

    winners = [name for name in together(6, attempt) if name]
    assert len(winners) == 1
    assert states(catalog) == {"enc": ("live", False), winners[0]: ("candidate", True)}


def test_images_that_a_version_can_not_have_are_remembered_until_it_is_tried_again(
    catalog: Catalog, images: list[Image]
) -> None:
    catalog.encoders.claim("enc-1", 16)
    lost = {image.image_id: "no bytes" for image in images[:2]}
    catalog.encoders.record_failures("enc-1", lost)
    catalog.encoders.record_failures("enc-1", lost)
    catalog.encoders.report("enc-1", done=3, total=5, images_per_s=1.5)
    assert catalog.encoders.failures("enc-1", [image.image_id for image in images]) == lost
    (version,) = catalog.encoders.all()
    assert (version.failed, version.done, version.total, version.images_per_s) == (2, 3, 5, 1.5)
    assert catalog.encoders.repair().filling
    assert catalog.encoders.failures("enc-1", list(lost)) == {}


def test_the_live_encoder_of_the_first_schema_stays_live(empty_url: str) -> None:
    upgrade(empty_url)
    config = Config()
    config.set_main_option("script_location", str(Path(sql.__file__).parent / "migrations"))
    engine = sa.create_engine(empty_url)
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
    with engine.begin() as connection:
        row = "('enc-1', 256, 1, true)"
        connection.execute(sa.text(f"INSERT INTO encoders VALUES {row}"))
    engine.dispose()
    upgrade(empty_url)
    catalog = Catalog(empty_url)
    assert catalog.encoders.live() == ("enc-1", 256)
    assert catalog.encoders.claim("enc-1", 256, spec("enc-1")).name == "net"
    catalog.close()
