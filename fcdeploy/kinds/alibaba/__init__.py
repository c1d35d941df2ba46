"""Kinds of Alibaba Cloud Function Compute 2.0."""
