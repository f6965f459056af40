"""Views of the journal: MLflow runs, the lineage page, and the server that shows them."""
