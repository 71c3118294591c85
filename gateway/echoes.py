"""How a document that comes back from an ERP is known to have come from us. Pure.

Connectors write a reference into a business field (`erp.connector.references`): 12 to 26 characters,
A-Z and 2-7, beginning with those of ``Delivery.reference``. A mapping of what the ERP's API gives puts that
field into ``references[kind=internal]``.
"""

from __future__ import annotations

import re

from canonical.document import CanonicalDocument

ORIGIN = "bridge_origin"  # the extension of what the gateway itself made: a copy, a remainder
_TOKEN = re.compile(r"(?<![A-Za-z0-9])[A-Z2-7]{12,26}(?![A-Za-z0-9])")


def carries_our_reference(document: CanonicalDocument) -> bool:
    """Tell whether a document carries what looks like a reference of ours.

    A buyer's own word of twelve capitals looks like one, too: such an order waits for a person, which is
    the lesser harm.
    """
    return any(
        each.kind == "internal" and _TOKEN.search(each.number) is not None for each in document.references
    )
