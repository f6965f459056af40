"""The journal: the one truth about every search, from which MLflow and the reports are fed."""
