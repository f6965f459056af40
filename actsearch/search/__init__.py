"""The search: strategies propose, the funnel rejects, workers score, the journal remembers."""
