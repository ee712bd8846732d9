"""Adversarial attacks on both senses."""
