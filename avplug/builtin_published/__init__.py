"""Numbers of the papers, with their sources, as a plugin."""
