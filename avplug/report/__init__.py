"""Tables, figures and pages out of a store."""
