"""The core: value types, contracts, hook specifications and the plugin manager."""
