"""The frozen records that travel through the lanes and out to the caller."""
