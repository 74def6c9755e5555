"""lawui: a lab for four-choice questions on Japanese statutes."""

import os

__version__ = "0.1.0"

# Libraries read these when they are first imported. Nothing leaves the machine unasked.
for _name, _value in {
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "ANONYMIZED_TELEMETRY": "False",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "TOKENIZERS_PARALLELISM": "false",
    # Threads that wait asleep: else a page, a training and a browser on two cores fight.
    "OMP_WAIT_POLICY": "PASSIVE",
}.items():
    os.environ.setdefault(_name, _value)
