"""The data set ``folder``: a user's own clips, named by a csv or a json list."""
