"""Every attack of our list against the one parser, with lxml's default beside it as the control."""

import subprocess
import sys
import textwrap
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from adapters.base.findings import DecodeError, Finding
from adapters.xml import Keep, XmlBounds, element_path, parse_xml

INTERNAL_ENTITY = '<!DOCTYPE a [<!ENTITY x "hidden">]><a>before &x; after</a>'
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


def test_a_document_gives_its_root() -> None:
    root = parse_xml(b"<order xmlns='urn:x'><line>1</line></order>", "order.xml")

    assert root.tag == "{urn:x}order"
    assert root.findtext("{urn:x}line") == "1"


@pytest.mark.parametrize(
    "document",
    [
        '<!DOCTYPE a SYSTEM "http://127.0.0.1:{port}/a.dtd"><a/>',
        '<!DOCTYPE a [<!ENTITY x SYSTEM "http://127.0.0.1:{port}/x">]><a>&x;</a>',
        '<!DOCTYPE a [<!ENTITY % p SYSTEM "http://127.0.0.1:{port}/p">%p;]><a/>',
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file://{file}">]><a>&x;</a>',
        '<!DOCTYPE a [<!ENTITY l0 "ha">' + LAUGHS.replace("{", "{{") + "]><a>&l9;</a>",
        '<!DOCTYPE a [<!ENTITY q "' + "q" * 50_000 + '">]><a>' + "&q;" * 50_000 + "</a>",
        '<?xml version="1.0"?>\n<!-- <!DOCTYPE no> -->\n<?pi <a/>?><!DOCTYPE a><a/>',
        INTERNAL_ENTITY,
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("keep", Keep)
def test_a_document_type_is_refused_in_every_encoding_and_fetches_nothing(
    document: str, encoding: str, keep: Keep, tmp_path: Path, witness: "Witness"
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hidden")
    body = document.format(port=witness.port, file=secret).encode(encoding)

    assert refusal(body, keep=keep).code == "XML-DTD"
    assert witness.asked == []


def test_the_document_type_is_shown_with_its_place() -> None:
    assert str(refusal(b'<?xml version="1.0"?>\n  <!DOCTYPE a><a/>').at) == "t.xml:2:3"


def test_control_lxml_by_default_expands_an_internal_entity_in_utf_16() -> None:
    root = etree.fromstring(INTERNAL_ENTITY.encode("utf-16"))

    assert root.text == "before hidden after"


def test_control_lxml_as_often_configured_reads_a_local_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hidden")
    parser = etree.XMLParser(resolve_entities=True, load_dtd=True, no_network=False)

    body = f'<!DOCTYPE a [<!ENTITY x SYSTEM "file://{secret}">]><a>&x;</a>'.encode()

    assert etree.fromstring(body, parser).text == "hidden"


def test_the_word_doctype_inside_content_is_no_document_type() -> None:
    body = b"<!-- <!DOCTYPE x> --><a><![CDATA[<!DOCTYPE a [<!ENTITY x 'y'>]>]]></a>"

    assert parse_xml(body, "t.xml").text == "<!DOCTYPE a [<!ENTITY x 'y'>]>"


def test_an_entity_without_a_declaration_is_a_syntax_finding_with_line_and_column() -> None:
    finding = refusal(b"<a>\n  &amp; &nbsp;</a>")

    assert (finding.code, finding.at.line, finding.at.column) == ("XML-SYNTAX", 2, 15)
    assert "nbsp" in finding.text


@pytest.mark.parametrize("depth", [65, 256, 300, 10_000])
def test_deep_nesting_is_refused(depth: int) -> None:
    assert refusal(b"<a>" * depth + b"</a>" * depth).code == "XML-DEPTH"


def test_nesting_up_to_the_bound_is_read() -> None:
    assert parse_xml(b"<a>" * 64 + b"</a>" * 64, "t.xml").tag == "a"


def test_control_a_recovering_parser_cuts_deep_nesting_without_a_word() -> None:
    parser = etree.XMLParser(recover=True)

    root = etree.fromstring(b"<a>" * 300 + b"</a>" * 300, parser)

    assert sum(1 for _ in root.iter()) < 300


def test_eleven_megabytes_of_text_are_refused_by_our_bound_and_by_the_parser_s_own() -> None:
    body = b"<a>" + b"x" * 11_000_000 + b"</a>"

    assert refusal(body).code == "XML-SIZE"
    assert refusal(body, XmlBounds(size_bytes_max=20_000_000)).code == "XML-SIZE"


def test_too_many_attributes_on_one_element_are_refused_with_its_path() -> None:
    body = b"<a><b/><b " + b" ".join(b"n%d='1'" % n for n in range(60_000)) + b"/></a>"

    finding = refusal(body)

    assert (finding.code, finding.at.path) == ("XML-ATTRS", "/a/b[2]")
    assert len(etree.fromstring(body)[1].attrib) == 60_000  # control: lxml takes them


@given(
    st.lists(st.integers(0, 6), min_size=1, max_size=30),
    st.sampled_from(["", "x", "&lt;", " &amp;=", "\u3c3c"]),
    st.sampled_from(["utf-8", "utf-16", "utf-16-le", "utf-16-be"]),
)
def test_whatever_else_a_document_holds_an_element_with_too_many_attributes_is_found(
    counts: list[int], value: str, encoding: str
) -> None:
    """The shortest attributes there are, and characters whose bytes look like a tag in UTF-16."""
    body = f"<a>{''.join(tag_of(each, value) for each in counts)}</a>".encode(encoding)
    bounds = XmlBounds(element_attributes_max=4)

    if max(counts) > 4:
        finding = refusal(body, bounds)
        first = next(at for at, each in enumerate(counts, start=1) if each > 4)
        assert finding.code == "XML-ATTRS"
        assert finding.at.path == (f"/a/b[{first}]" if len(counts) > 1 else "/a/b")
    else:
        assert len(parse_xml(body, "t.xml", bounds)) == len(counts)


def test_control_a_tag_is_no_stretch_of_bytes_without_a_mark_in_utf_16() -> None:
    """Why UTF-16 is always counted: there the byte of '<' is half of other characters."""
    tag = tag_of(3, "\u3c3c")

    assert tag.encode("utf-16-le").count(b"<") > tag.count("<")


def tag_of(attributes: int, value: str) -> str:
    written = "".join(f' {chr(97 + n)}="{value}"' for n in range(attributes))
    return f"<b{written}/>"


def test_too_many_attributes_in_all_are_refused() -> None:
    body = b"<a>" + b"<b c='1' d='2'/>" * 200 + b"</a>"

    assert refusal(body, XmlBounds(attributes_max=399)).code == "XML-ATTRS"
    assert refusal(body, XmlBounds(attributes_max=100)).code == "XML-ATTRS"
    assert len(parse_xml(body, "t.xml", XmlBounds(attributes_max=400))) == 200


def test_too_many_elements_are_refused_exactly_and_end_tags_do_not_count() -> None:
    body = b"<a>" + b"<b></b>" * 99 + b"</a>"

    assert len(parse_xml(body, "t.xml", XmlBounds(elements_max=100))) == 99
    assert refusal(body, XmlBounds(elements_max=99)).code == "XML-ELEMENTS"


MEMORY_PROBE = """
    import re, resource, sys
    from pathlib import Path
    from lxml import etree
    from adapters.base.findings import DecodeError
    from adapters.xml import parse_xml

    def peak_kib():  # ru_maxrss would be that of the process which started this one
        return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
    bomb = eval(sys.argv[2])
    before = peak_kib()
    try:
        root = parse_xml(bomb, "t.xml") if sys.argv[1] == "ours" else etree.fromstring(bomb)
        said = "parsed"
    except DecodeError as error:
        said = error.finding.code
    print(said, (peak_kib() - before) // 1024)
"""


@pytest.mark.parametrize(
    "bomb, code",
    [
        ("b'<a>' + b'<b/>' * 1_000_000 + b'</a>'", "XML-ELEMENTS"),
        ("b'<a>' + b'<b c=\"\"/>' * 800_000 + b'</a>'", "XML-ELEMENTS"),
    ],
)
def test_a_small_body_that_would_fill_the_memory_is_refused_before_a_tree_is_built(
    bomb: str, code: str
) -> None:
    ours, ours_mib = probe("ours", bomb)
    plain, plain_mib = probe("lxml", bomb)

    assert (ours, plain) == (code, "parsed")
    assert ours_mib < 16
    assert plain_mib > 64  # control


def test_a_body_over_the_cap_is_refused_unread() -> None:
    finding = refusal(b"<" * 1001, XmlBounds(size_bytes_max=1000))

    assert finding.code == "XML-SIZE"
    assert "1001 bytes" in finding.text


@pytest.mark.parametrize(
    "body",
    [
        b"<?xml version='1.0' encoding='utf-7'?><a>+ADw-b/+AD4-</a>",
        b"<?xml version='1.0'" + b" " * 300 + b"encoding='utf-7'?><a>+ADw-b/+AD4-</a>",
        "<?xml version='1.0' encoding='IBM037'?><a/>".encode("cp037"),
        "<a/>".encode("utf-32"),
        "<a/>".encode("utf-32-be"),
        b"<?xml version='1.0' encoding='utf-16'?><a/>",
        b"<a>\xe4</a>",
    ],
)
def test_an_encoding_that_hides_or_contradicts_the_content_is_refused(body: bytes) -> None:
    assert refusal(body).code == "XML-ENCODING"


def test_control_lxml_by_default_reads_markup_hidden_in_utf_7() -> None:
    root = etree.fromstring(b"<?xml version='1.0' encoding='utf-7'?><a>+ADw-b/+AD4-</a>")

    assert root[0].tag == "b"


@pytest.mark.parametrize(
    "body, charset",
    [
        ("<a>Grün</a>".encode(), None),
        ("<a>Grün</a>".encode("utf-8-sig"), "iso-8859-1"),  # the byte order mark outranks the transport
        ("<a>Grün</a>".encode("utf-16"), None),
        ("<a>Grün</a>".encode("utf-16-le"), None),
        ("<?xml version='1.0' encoding='utf-8'?><a>Grün</a>".encode("utf-16-be"), None),
        ("<?xml version='1.0' encoding='ISO-8859-1'?><a>Grün</a>".encode("latin-1"), None),
        ("<a>Grün</a>".encode("latin-1"), "iso-8859-1"),
        ("<?xml version='1.0' encoding='utf-8'?><a>Grün</a>".encode("latin-1"), "iso-8859-1"),
    ],
)
def test_declared_encodings_are_read(body: bytes, charset: str | None) -> None:
    assert parse_xml(body, "t.xml", charset=charset).text == "Grün"


def test_content_mode_joins_a_text_that_a_comment_would_cut() -> None:
    body = b"<a>PO-<!-- x -->7<?p q?>8</a>"

    assert parse_xml(body, "t.xml").text == "PO-78"
    kept = parse_xml(body, "t.xml", keep=Keep.EVERYTHING)
    assert etree.tostring(kept) == body
    assert kept.text == "PO-"  # control: what a signature-keeping tree would give a careless reader


@pytest.mark.parametrize(
    "body", [b"", b"  ", b"<a", b"<a></b>", b"<a/><b/>", b"<a>\x00</a>", b"{}", b"<a x='1' x='2'/>"]
)
def test_what_is_not_well_formed_is_a_finding(body: bytes) -> None:
    finding = refusal(body)

    assert finding.code == "XML-SYNTAX"
    assert str(finding.at).startswith("t.xml:1:")


def test_a_half_received_message_is_refused() -> None:
    whole = b"<order>" + b"<line>1</line>" * 10 + b"</order>"

    assert all(refusal(whole[:cut]).code == "XML-SYNTAX" for cut in range(len(whole)))


def test_schema_hints_and_includes_are_never_followed(witness: "Witness") -> None:
    url = f"http://127.0.0.1:{witness.port}/x"
    body = f"""<a xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:a {url}">
        <?xml-stylesheet href="{url}"?>
        <xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{url}"/></a>"""

    assert len(parse_xml(body.encode(), "t.xml")) == 1
    assert witness.asked == []


def test_an_element_s_path_counts_only_where_there_are_several() -> None:
    root = parse_xml(b"<s:e xmlns:s='urn:s'><h/><line/><line><q/></line></s:e>", "t.xml")

    assert [element_path(each) for each in root.iter()] == [
        "/e",
        "/e/h",
        "/e/line[1]",
        "/e/line[2]",
        "/e/line[2]/q",
    ]


@given(st.binary(max_size=60) | st.text("<>!&;/ax='\"?- DOCTYPE[]\ufeff", max_size=60).map(str.encode))
def test_any_bytes_give_a_tree_or_a_finding(body: bytes) -> None:
    try:
        parse_xml(body, "t.xml")
    except DecodeError as error:
        told = error.finding.code
    else:
        told = "XML-"
    assert told.startswith("XML-")


class Witness:
    """A web server on loopback that notes what it was asked for."""

    def __init__(self) -> None:
        asked: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                self.send_error(404)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.asked = asked
        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port


@pytest.fixture(scope="module")
def witness():
    made = Witness()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


def refusal(body: bytes, bounds: XmlBounds | None = None, keep: Keep = Keep.CONTENT) -> Finding:
    with pytest.raises(DecodeError) as caught:
        parse_xml(body, "t.xml", bounds or XmlBounds(), keep)
    return caught.value.finding


def probe(which: str, bomb: str) -> tuple[str, int]:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(MEMORY_PROBE), which, bomb],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
        timeout=30,
    )
    said, mib = done.stdout.split()
    return said, int(mib)
