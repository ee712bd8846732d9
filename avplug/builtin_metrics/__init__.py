"""The metrics that avplug brings, as a plugin."""
