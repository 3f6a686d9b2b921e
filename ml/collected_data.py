"""The names under which a deployment's rows are collected.

Scoring writes under them and the drift check reads them.
"""

from __future__ import annotations

from typing import Final

# One collection of what callers sent, one of what the model answered.
INPUTS: Final = "model_inputs"
OUTPUTS: Final = "model_outputs"

# The column of an output that holds the model's answer; no column of the data may have this name.
PREDICTION: Final = "prediction"
