"""The models that avplug brings, as a plugin."""
