"""The ladder's upper rungs: survivors of a search are tuned on a real task, then trained on fresh seeds."""
