"""A trading partner's SFTP server: a real OpenSSH server on loopback, and a proxy that spoils its network."""
