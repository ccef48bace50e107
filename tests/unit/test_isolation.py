"""Tests never read the settings of whoever runs them."""

import os
import subprocess
import sys
from pathlib import Path

from plankton_stream.settings import Settings, load_settings

_CHILD = "from plankton_stream.settings import load_settings; print(load_settings().kafka)"


def test_all_settings_are_the_defaults() -> None:
    assert load_settings() == Settings.model_construct()
    child = subprocess.run([sys.executable, "-c", _CHILD], capture_output=True, check=True)
    assert child.stdout.strip() == b""


def test_variables_and_an_env_file_of_a_lab_are_not_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PLANKTON_KAFKA=lab:9092\n")
    inner = f"{__file__}::{test_all_settings_are_the_defaults.__name__}"
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", inner],
        env={**os.environ, "PLANKTON_CATALOG": "postgresql://lab/db"}, cwd=tmp_path,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout
