"""The clouds' HTTP APIs: credentials, hosts, signatures, repetition, and the client that sends calls."""
