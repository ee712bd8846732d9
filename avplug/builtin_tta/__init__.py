"""The test-time adaptation methods that avplug brings, as a plugin."""
