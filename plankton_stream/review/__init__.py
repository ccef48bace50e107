"""Second looks at labels: what is disputed, blind opinions, how far people agree."""
