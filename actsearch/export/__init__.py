"""What leaves: an activation as a file that needs nothing of ours."""
