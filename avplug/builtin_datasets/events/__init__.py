"""The embedded data set ``events``: moving things and the sounds that they make."""
