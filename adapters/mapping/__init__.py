"""Declarative, two-way mapping between source records and canonical documents.

One language for soap, flat files and database rows (docs/mapping.md). A mapping file is compiled
once, against the document's model and the source's schema, to closures for both directions.
"""

from adapters.mapping.check import check_mapping
from adapters.mapping.compiled import Mapping, MappingError
from adapters.mapping.records import Record, SourceField
from adapters.mapping.run import Crosswalk, MappingContext
from adapters.mapping.spec import crosswalk_words

__all__ = [
    "Crosswalk",
    "Mapping",
    "MappingContext",
    "MappingError",
    "Record",
    "SourceField",
    "check_mapping",
    "crosswalk_words",
]
