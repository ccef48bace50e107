"""EcoTaxa imports: a zip or folder with `ecotaxa*.tsv` tables and the images that they name."""
