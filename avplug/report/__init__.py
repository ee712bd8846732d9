"""Tables, figures and pages out of a store.

``write_report(folder)`` in :mod:`avplug.report.write` is the one call that does it all.
"""
