"""One pattern to the probabilities of the lattices, and to what the network looked at."""

import os

# TensorFlow reads these when it is first imported, and is talkative otherwise.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
