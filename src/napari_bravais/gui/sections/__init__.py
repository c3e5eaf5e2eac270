"""The panel's sections: layout and signals, no logic."""
