"""Alibaba Cloud Function Compute 2.0, API versions 2016-08-15 and 2021-04-06."""
