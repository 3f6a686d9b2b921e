"""The folder that goes on the worker's import path; it holds one package and nothing else."""
