"""Reserved for the SOAP facade and client; this adapter is not built yet."""
