"""The data sets of the papers, read as their owners publish them."""
