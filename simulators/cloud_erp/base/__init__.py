"""What the simulated cloud ERPs share: documents with a ledger, field rules, access, faults, and HTTP.

An ERP of its own is a subclass of `erp.SimulatedErp` beside these. All are independent witnesses: they share
no code with the gateway.
"""
