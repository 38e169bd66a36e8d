"""``--report FILE``: what a run was like, as one web page that needs nothing else."""
