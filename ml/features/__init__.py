"""What a pipeline may be made of beside scikit-learn: encoders of columns and of classes."""

from ml.features.categories import AsCategories
from ml.features.classes import NumberedClasses
from ml.features.encoders import EncodeColumns

__all__ = ["AsCategories", "EncodeColumns", "NumberedClasses"]
