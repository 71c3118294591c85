"""Prices as SAP keeps them: an amount with the currency's decimals, per a whole number of units. Pure.

A price finer than the currency is written per 10, 100, 1000 ... units: 0.0375 USD each is 3.75 USD per
100. Not one digit is rounded; what cannot be said so is nothing to guess about.
Source: SAP PurchaseOrderItem NetPriceAmount (11 digits, decimals of the currency), NetPriceQuantity (5).
"""

from __future__ import annotations

from decimal import Decimal

from gateway.erp.connector.rendering import fits

DIGITS = 11
PER_MAX = 99_999


def sap_price(
    amount: Decimal, base: Decimal, decimals: int, digits: int = DIGITS
) -> tuple[Decimal, Decimal] | None:
    """Give (amount, per) with `amount / per` equal to the price, None where SAP has no room for it."""
    for power in range(6):
        factor = Decimal(10) ** power
        scaled, per = amount * factor, base * factor
        if per > PER_MAX:
            return None
        if per == per.to_integral_value() and fits(scaled, digits, decimals):
            return scaled, per.quantize(Decimal(1))
    return None
