"""X12 as a format: interchanges in, interchanges and acknowledgments out."""
