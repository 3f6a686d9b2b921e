"""Every estimator of scikit-learn's public list, arranged as part of a model and taken through."""
