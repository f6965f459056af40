"""Rejection protocols, one a file: each turns a candidate away with a stage, a reason and the measured number."""
