"""Turns claimed items into files: drives Chromium, stores the results, reports them."""

import os

# The algebra of numpy, which nothing here uses, would start a thread for every core as soon as it is there.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
