"""Training of encoders: `plankton train FOLDER --out FILE.keras`."""
