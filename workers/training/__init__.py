"""Training of the compact encoder: `python -m workers.training FOLDER --out FILE`."""
