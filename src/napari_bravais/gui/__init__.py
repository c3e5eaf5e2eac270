"""The window: the only place that imports napari and Qt, and one that never imports TensorFlow."""
