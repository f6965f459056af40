"""From candidates to trustworthy scores: tasks, training, rejection, executors."""
