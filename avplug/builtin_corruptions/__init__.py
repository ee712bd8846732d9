"""The corruptions that avplug brings, as a plugin."""
