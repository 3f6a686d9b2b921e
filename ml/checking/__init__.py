"""Takes a model through build, fit, save, load and serve in seconds, before a job is spent."""
