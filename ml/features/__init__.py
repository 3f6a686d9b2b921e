"""Encoders that a pipeline may begin with: dates and texts as numbers, texts as categories."""

from ml.features.categories import AsCategories
from ml.features.encoders import EncodeColumns

__all__ = ["AsCategories", "EncodeColumns"]
