"""Logistic regression on one-hot categories and scaled numbers."""

from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler


def build(params):
    categories = ["workclass", "education", "occupation", "sex", "native-country"]
    columns = ColumnTransformer(
        [("categories", OneHotEncoder(handle_unknown="ignore"), categories)],
        remainder=make_pipeline(SimpleImputer(strategy="median"), StandardScaler()),
    )
    return Pipeline([("columns", columns), ("logistic", LogisticRegression(**params))])
