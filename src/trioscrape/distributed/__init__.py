"""A list that is larger than one process: the same scrape on a Dask cluster."""
