"""fcdeploy: a declarative deployer for serverless functions."""

__version__ = "0.1.0"
