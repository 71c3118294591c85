"""What would become of recorded traffic under another configuration: ``legacy-bridge plan``.

The traffic is taken from the journal and run twice through the gateway's own pipeline, on a journal in
memory: as configured now, and as proposed. Nothing outside is contacted, and nothing is kept.
"""
