"""The data set ``avdigits``: handwritten digits paired with spoken ones."""
