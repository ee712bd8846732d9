"""Defences against adversarial attacks."""
