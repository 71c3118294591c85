"""Record layouts: one description by which files of records are read and written.

Fixed width, delimited and COBOL copybooks compile to the same ``Layout``. Readers and writers are
generated from it, record by record; what is not as the layout says goes the slow, exact way, which
explains it. Pure: bytes and texts come in, bytes and values go out.
"""

from adapters.layouts.build import LayoutError, compile_layout
from adapters.layouts.fields import source_fields
from adapters.layouts.groups import Grouped, Grouper
from adapters.layouts.model import Layout, Row
from adapters.layouts.reader import Reader
from adapters.layouts.unfold import rows_of
from adapters.layouts.writer import Writer

__all__ = [
    "Grouped",
    "Grouper",
    "Layout",
    "LayoutError",
    "Reader",
    "Row",
    "Writer",
    "compile_layout",
    "rows_of",
    "source_fields",
]
