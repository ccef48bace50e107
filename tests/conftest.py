"""Fixtures for all tests.

Before anything else, tests are cut off from the settings of whoever runs them: variables, and a
`.env` in the folder where the tests and the processes that they start run, may name a lab's own
Kafka and catalog.
"""

import atexit
import logging
import os
import shutil
import tempfile
from itertools import chain, groupby, zip_longest

import pytest

for _name in [name for name in os.environ if name.upper().startswith("PLANKTON_")]:
    if _name != "PLANKTON_TEST_DATA":
        del os.environ[_name]
_folder = tempfile.mkdtemp(prefix="plankton-tests-")
atexit.register(shutil.rmtree, _folder, ignore_errors=True)

# Requests that are still answered when a test has ended would be written where nothing listens.
logging.getLogger("werkzeug").setLevel(logging.ERROR)

pytest_plugins = ["tests.services", "tests.broker", "tests.stack", "tests.browser"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the checkout, and alternate files that compute with files that wait for servers.

    Two processes share the files: while one waits, the other computes.
    """
    files = [list(tests) for _, tests in groupby(items, key=lambda item: item.path)]
    compute = [file for file in files if "unit" in file[0].path.parts]
    wait = [file for file in files if "unit" not in file[0].path.parts]
    os.chdir(_folder)  # only now: paths on the command line are those of whoever runs the tests
    items[:] = chain.from_iterable(
        file for pair in zip_longest(wait, compute, fillvalue=[]) for file in pair
    )
