"""The executors that avplug brings: where tasks of a run are evaluated."""
