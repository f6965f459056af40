"""Statistics: who shares a value of one, what a derivative hands on through it, how it is computed pass by pass."""
