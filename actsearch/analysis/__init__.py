"""What can be said of a function without training it."""
