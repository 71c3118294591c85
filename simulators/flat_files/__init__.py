"""The satellite clinics' materials system: orders as fixed-width files, acknowledgments as it takes them."""
