"""Whether an ERP still is what its connector was written for: its published fields against those in use.

Vendors publish no list of what a release changes in their fields (Oracle and Dynamics about four times a
year, SAP twice), so what they publish about themselves is compared: `$metadata`, or `describe` at Oracle.
"""
