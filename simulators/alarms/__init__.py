"""Whoever is woken by an alarm: a webhook receiver and a mail server that keep what they get."""

from simulators.alarms.receivers import Mailbox, Pager

__all__ = ["Mailbox", "Pager"]
