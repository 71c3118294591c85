"""The page about mappings: its example works, and it explains every key and every code there is."""

import json
import re
from pathlib import Path

from adapters.mapping import Mapping, MappingContext, spec

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "mapping.md").read_text(encoding="utf-8")
CODE = Path(spec.__file__).parent


def test_the_example_of_the_page_reads_its_record_and_writes_it_back() -> None:
    made = Mapping.load(_block("yaml"), "docs/mapping.md")
    record = json.loads(_block("json"))

    document, findings = made.read_document(record, MappingContext("docs/mapping.md"))

    assert findings == ()
    assert document is not None
    assert not made.losses
    assert made.write(document, MappingContext("docs/mapping.md")) == (record, ())


def test_the_page_explains_every_key() -> None:
    models = (
        spec.MappingSpec,
        spec.FieldSpec,
        spec.DecimalSpec,
        spec.PartSpec,
        spec.PadSpec,
        spec.SourceSpec,
    )
    keys = {info.alias or name for model in models for name, info in model.model_fields.items()}

    assert sorted(key for key in keys if not re.search(rf"`[^`\n]*\b{key}\b[^`\n]*`", PAGE)) == []


def test_the_page_explains_every_code() -> None:
    used = {code for file in CODE.glob("*.py") for code in re.findall(r'"(MAP-[A-Z]+)"', file.read_text())}

    assert used
    assert sorted(used - set(re.findall(r"MAP-[A-Z]+", PAGE))) == []


def _block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]
