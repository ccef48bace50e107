"""Records that could never succeed: looked at, and sent back when their cause is gone."""
