"""A simulated underwater camera: it draws plankton that a biologist would recognise."""
