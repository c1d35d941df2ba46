"""The engine: pure stages from live state to a plan, and the few modules that read, send and remember."""
