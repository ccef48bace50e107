"""Fixtures for all tests.

Before anything else, tests are cut off from the settings of whoever runs them: variables, and a
`.env` in the folder where the tests and the processes that they start run, may name a lab's own
Kafka and catalog.
"""

import atexit
import os
import shutil
import tempfile

for _name in [name for name in os.environ if name.upper().startswith("PLANKTON_")]:
    if _name != "PLANKTON_TEST_DATA":
        del os.environ[_name]
_folder = tempfile.mkdtemp(prefix="plankton-tests-")
atexit.register(shutil.rmtree, _folder, ignore_errors=True)
os.chdir(_folder)

pytest_plugins = ["tests.services", "tests.stack", "tests.browser"]
