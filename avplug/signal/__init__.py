"""Signal processing shared by models and corruptions."""
