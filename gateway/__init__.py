"""The gateway: accepts messages, decides which side takes them, delivers, and can explain each."""
