"""Decisions about passes: values in, verdict and operations out."""
