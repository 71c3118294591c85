"""What the connectors to cloud ERPs share: a series of journaled steps, what goes in and what comes out.

`target.Connector` is the base of a connector, `series` what it writes its steps in, `engine` what makes
them resumable. Nothing here sends anything.
"""
