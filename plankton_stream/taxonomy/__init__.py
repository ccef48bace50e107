"""The tree of names: what may be done to it, its history, and how it is read from files."""
