"""Two sides of one document, compared by meaning. Pure: what is read comes in as an argument.

``documents`` compares canonical documents, ``requests`` what would be sent to the ERP, ``rules`` says
what counts, ``noise`` and ``groups`` make sense of many differences, ``bound`` says what a count proves.
"""

from gateway.compare.bound import clean_needed, upper_bound
from gateway.compare.documents import compare_documents
from gateway.compare.groups import excused, group_id, with_group
from gateway.compare.noise import learned
from gateway.compare.requests import compare_requests
from gateway.compare.rules import CompareRules, Ignored, Tolerance, Unordered

__all__ = [
    "CompareRules",
    "Ignored",
    "Tolerance",
    "Unordered",
    "clean_needed",
    "compare_documents",
    "compare_requests",
    "excused",
    "group_id",
    "learned",
    "upper_bound",
    "with_group",
]
