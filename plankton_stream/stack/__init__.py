"""The local stack: everything on one machine, started by `plankton up`."""
