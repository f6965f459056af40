"""The language: operators, expressions, their text and normal form, and the spaces that are searched."""
