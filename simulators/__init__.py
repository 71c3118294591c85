"""Stand-ins for the systems around the gateway, independent of its code, for demo, tests and rehearsals."""
