"""An expert who knows the truth, and the ways in which he may work."""
