"""`make install` on a machine that lacks something."""

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]

# As on Debian without python3.11-venv: the folder is made, with a Python but no pip, and it fails.
_PYTHON = """#!/bin/sh
[ "$1" = -c ] && exit 0
mkdir -p .venv/bin && cp "$0" .venv/bin/python
exit 1
"""


def test_a_venv_that_could_not_be_made_says_what_to_install_each_time(tmp_path: Path) -> None:
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "python3.11").write_text(_PYTHON)
    (programs / "python3.11").chmod(0o755)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)  # as an earlier version left it
    shutil.copy(programs / "python3.11", tmp_path / ".venv" / "bin" / "python")
    for _ in range(2):
        made = subprocess.run(
            ["make", "install"], cwd=tmp_path, capture_output=True, text=True, check=False,
            env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"},
        )  # fmt: skip
        assert made.returncode != 0
        assert "apt install python3.11-venv" in made.stderr
        assert not (tmp_path / ".venv").exists()
