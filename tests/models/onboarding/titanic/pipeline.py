"""Gradient boosting, which takes missing ages as they are."""

from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder


def build(params):
    columns = ColumnTransformer(
        [("words", OneHotEncoder(sparse_output=False), ["Sex", "Embarked"])],
        remainder="passthrough",
    )
    return Pipeline([("columns", columns), ("boost", HistGradientBoostingClassifier(**params))])
