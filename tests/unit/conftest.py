"""What several unit tests start from."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.web_parts import Web, new_web
from tests.worker_parts import House


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.catalog.close()


@pytest.fixture
def web(tmp_path: Path) -> Web:
    return new_web(tmp_path)


@pytest.fixture
def client(web: Web) -> FlaskClient:
    return web.app().test_client()
