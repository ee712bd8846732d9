"""The data sets that avplug brings, as a plugin."""
