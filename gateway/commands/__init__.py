"""The commands of ``legacy-bridge``: one file each, with ``add(subparsers)`` and what it runs.

A command reads its arguments, asks ``gateway.operations`` (over the control socket of a running
gateway, or on the journal opened read-only) and words the answer. It decides nothing.
"""
