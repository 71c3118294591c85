"""OData as the cloud ERPs speak it: V2 (SAP) and V4 (SAP, Dynamics). Pure codecs; they send nothing."""
