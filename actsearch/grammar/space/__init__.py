"""Search spaces: what may be searched, read from YAML files."""

from actsearch.grammar.space.file import lasting_name, names_of, open_space, read_space
from actsearch.grammar.space.protocol import Genome, Move, Size, Space

__all__ = ["Genome", "Move", "Size", "Space", "lasting_name", "names_of", "open_space", "read_space"]
