"""What ``avplug new`` writes: templates of a plugin of each kind."""
