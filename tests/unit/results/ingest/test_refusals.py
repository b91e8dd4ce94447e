"""What cannot be read is refused by name, with the first byte that breaks it."""

import gzip
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from tests.storing import DATA, host, ingested, item, output, report, stored

from nessus_operator.results.ingest.run import ingest
from nessus_operator.results.ingest.source import Source
from nessus_operator.results.limits import Limits
from nessus_operator.results.manifest import FILE
from nessus_operator.results.refusals import (
    REFUSALS,
    Compressed,
    DoctypeRefused,
    FileTooLarge,
    Malformed,
    NotNessus,
    NotXML,
    Position,
    Refused,
    TextTooLong,
    TooDeep,
    TooManyItems,
    Truncated,
)

WHOLE = report(host(item(output("a")), item(output("b"), port=81)))
LINES = b"<NessusClientData_v2>\n<Report>\n"


def _declared(encoding: str) -> bytes:
    return f'<?xml version="1.0" encoding="{encoding}"?>'.encode()


def _zip() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("report.nessus", WHOLE)
    return made.getvalue()


# The file, what it is refused as, and the offset of the byte to blame.
CASES: dict[str, tuple[bytes, type[Refused], int]] = {
    "an empty file": (b"", Truncated, 0),
    "blanks alone": (b" \n\n", Truncated, 3),
    "plain text": (b"Nessus is busy", NotXML, 0),
    "JSON": (b'{"error": "busy"}', NotXML, 0),
    "a web page": (b"<html><body></body></html>", NotNessus, 0),
    "another root": (b'<?xml version="1.0"?>\n<Report></Report>', NotNessus, 22),
    "a root in a namespace": (b'<NessusClientData_v2 xmlns="urn:x"/>', NotNessus, 0),
    "gzip": (gzip.compress(WHOLE), Compressed, 0),
    "zstd": (zstandard.compress(WHOLE), Compressed, 0),
    "a ZIP archive": (_zip(), Compressed, 0),
    "a DOCTYPE": (b"<!DOCTYPE NessusClientData_v2>" + WHOLE, DoctypeRefused, 0),
    "entities that grow": (
        b'<!-- <!DOCTYPE --><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>' + WHOLE,
        DoctypeRefused,
        18,
    ),
    "an external entity": (
        b'\n<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + WHOLE,
        DoctypeRefused,
        1,
    ),
    "an entity that nobody declared": (LINES + b"&a;", Malformed, len(LINES)),
    "cut in an end tag": (WHOLE[:-3], Truncated, len(WHOLE) - len("</NessusClientData_v2>")),
    "cut between elements": (LINES, Truncated, len(LINES)),
    "cut in an attribute": (LINES + b'<ReportHost name="a', Truncated, len(LINES)),
    "an end tag that fits nothing": (LINES + b"</ReportHost>", Malformed, len(LINES) + 2),
    "two signs in a row": (LINES + b"<<tag>", Malformed, len(LINES) + 1),
    "a control character": (LINES + b"a\x01b", Malformed, len(LINES) + 1),
    "a byte that is no UTF-8": (LINES + b"ab\xffc", Malformed, len(LINES) + 2),
    "an attribute twice": (LINES + b'<a x="1" x="2"/>', Malformed, len(LINES) + len('<a x="1" ')),
    "something behind the root": (WHOLE + b"<more/>", Malformed, len(WHOLE)),
    "300 elements one in the other": (LINES + b"<a>" * 300, TooDeep, len(LINES) + 254 * 3),
    "a text of 11 MB": (LINES + b"x" * 11_000_000, TextTooLong, len(LINES) - 1),
    "an output of 11 MB": (
        LINES + host(item(output("x" * 11_000_000))).encode(),
        TextTooLong,
        (LINES + host(item(output("x"))).encode()).index(b">x<") + 1,
    ),
    "an attribute of 11 MB": (
        LINES + b'<a b="' + b"x" * 11_000_000 + b'"/></Report></NessusClientData_v2>',
        TextTooLong,
        len(LINES),
    ),
    "a comment of 11 MB": (
        LINES + b"<!--" + b"x" * 11_000_000 + b"--></Report></NessusClientData_v2>",
        TextTooLong,
        len(LINES),
    ),
    "an attribute that does not end": (
        LINES + b'<a b="' + b">" * 50_000_000,
        TextTooLong,
        len(LINES),
    ),
    "an entity in another encoding": (_declared("latin1") + b"<a>&x;", Malformed, 39 + 3),
    "a byte of Latin 1 in a tag": (_declared("ISO-8859-1") + b"<a>\xe9</\xd7a>", Malformed, 43 + 6),
    "a comment that does not end": (LINES + b"<!--" + b"<a>" * 16_000_000, TextTooLong, len(LINES)),
}


@pytest.mark.parametrize(("xml", "kind", "offset"), CASES.values(), ids=CASES)
@pytest.mark.parametrize("shortcut", [True, False], ids=["recognising", "parsing"])
def test_it_is_refused_where_it_breaks(
    xml: bytes, kind: type[Refused], offset: int, shortcut: bool, tmp_path: Path
) -> None:
    with pytest.raises(Refused) as refused:
        ingested(tmp_path, xml, shortcut=shortcut)
    assert type(refused.value) is kind
    line = xml[:offset].count(b"\n") + 1
    column = offset - (xml[:offset].rfind(b"\n") + 1) + 1
    assert refused.value.position == Position(line, column, offset)
    assert [path.name for path in tmp_path.iterdir()] == ["report.nessus"]


# Names that are no encoding, no text encoding, of several bytes a character, or of none that
# begins like ASCII; libxml2 reads some of them, and Python's codecs fail in different ways.
ENCODINGS = (
    "iso-", "a.b", "aliases", "mbcs", "hex", "rot13", "zlib", "idna", "undefined", "punycode",
    "unicode_escape", "raw_unicode_escape", "big5", "shift_jis", "gb18030", "euc-jp", "utf-7",
    "utf-32", "ucs-4", "utf-16", "cp037", "iso-2022-jp", "hz", "utf-8-sig", "C99", "x" * 5_000,
)  # fmt: skip


@pytest.mark.parametrize("name", ENCODINGS)
@pytest.mark.parametrize("body", [WHOLE, b"<Nessus", b"<a>\xe9</a>"], ids=["whole", "cut", "é"])
def test_an_encoding_that_is_not_read_is_refused_by_its_name(
    name: str, body: bytes, tmp_path: Path
) -> None:
    with pytest.raises(NotXML, match="convert it") as refused:
        ingested(tmp_path, _declared(name) + body)
    assert refused.value.position == Position(1, 31, 30)


READ: dict[str, tuple[bytes, str]] = {
    "none is declared": (b"", "utf-8"),
    "the name that Python writes": (_declared("utf8"), "utf-8"),
    "in apostrophes and capitals": (b"<?xml version='1.0' encoding='UTF-8' ?>", "utf-8"),
    "a mark, whatever is declared": (b"\xef\xbb\xbf" + _declared("iso-8859-1"), "utf-8"),
    "Latin 1": (_declared("iso-8859-1"), "iso-8859-1"),
    "Latin 9": (_declared("ISO-8859-15"), "iso-8859-15"),
    "of Windows": (_declared("windows-1252"), "windows-1252"),
    "UTF-16": ("\ufeff".encode("utf-16-le"), "utf-16-le"),
    "UTF-16 the other way around": ("\ufeff".encode("utf-16-be"), "utf-16-be"),
    "behind more blanks than are read at once": (
        b'<?xml version="1.0"' + b" " * 300_000 + b'encoding="iso-8859-1"?>', "iso-8859-1",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("begin", "encoding"), READ.values(), ids=READ)
def test_a_report_is_read_by_the_encoding_that_it_has(
    begin: bytes, encoding: str, tmp_path: Path
) -> None:
    texts = [f"{n} é ÿ" for n in range(3)]
    xml = report(host(*map(item, map(output, texts)))).decode().encode(encoding)
    found = stored(tmp_path, begin + xml)
    assert sorted(row["plugin_output"] for row in found["findings"]) == texts


def test_a_report_in_utf_16_is_refused_where_it_is_cut(tmp_path: Path) -> None:
    xml = LINES.decode().encode("utf-16")
    with pytest.raises(Truncated) as refused:
        ingested(tmp_path, xml)
    assert refused.value.position == Position(3, 1, len(xml))


def test_more_items_than_the_limit_are_refused_at_the_first_too_many(tmp_path: Path) -> None:
    xml = report(host(*(item(output(f"{n}"), port=n) for n in range(20))))
    for shortcut in (True, False):
        with pytest.raises(TooManyItems) as refused:
            ingested(tmp_path, xml, limits=Limits(items=12), shortcut=shortcut)
        assert refused.value.position is not None
        assert xml[refused.value.position.offset :].startswith(b'<ReportItem port="12"')
    assert ingested(tmp_path, xml, limits=Limits(items=20)).findings == 20


def test_more_bytes_than_the_limit_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileTooLarge) as refused:
        ingested(tmp_path, WHOLE + b"\n" * 100, limits=Limits(file_bytes=len(WHOLE) + 99))
    assert refused.value.position == Position(WHOLE.count(b"\n") + 100, 1, len(WHOLE) + 99)
    assert ingested(tmp_path, WHOLE, limits=Limits(file_bytes=len(WHOLE))).findings == 2


@pytest.mark.parametrize("name", [path.name for path in sorted(DATA.glob("*.nessus"))])
def test_a_report_cut_anywhere_is_refused(name: str, tmp_path: Path) -> None:
    xml = (DATA / name).read_bytes().rstrip()
    for length in range(0, len(xml) - 1, max(1, len(xml) // 60)):
        with pytest.raises(Refused) as refused:
            ingested(tmp_path, xml[:length])
        assert isinstance(refused.value, (Truncated, Malformed, NotXML)), length


def test_the_reasons_are_those_of_the_api() -> None:
    from nessus_operator.api.reasons import Reason

    assert {kind.__name__ for kind in REFUSALS} <= {str(reason) for reason in Reason}


def test_a_damaged_copy_is_malformed(tmp_path: Path) -> None:
    path = tmp_path / "report.nessus.zst"
    path.write_bytes(zstandard.compress(WHOLE * 50)[:-20] + b"damaged, so it cannot be")
    with pytest.raises(Malformed):
        ingest(Source(path, kept=True), tmp_path)


def test_what_is_complete_of_a_damaged_copy_can_be_kept(tmp_path: Path) -> None:
    frames = zstandard.ZstdCompressor(write_content_size=True)
    path = tmp_path / "report.nessus.zst"
    whole = report(host(*(item(output(f"{n:x}" * 40), port=n) for n in range(9_000))))
    copy = frames.compress(whole)
    path.write_bytes(copy[: len(copy) // 2] + b"damaged" + copy[len(copy) // 2 + 7 :])
    summary = ingest(Source(path, kept=True), tmp_path, salvage=True)
    assert 0 < summary.findings < 9_000
    assert summary.truncated == {"reason": "Malformed"}


def test_earlier_results_stay_when_the_next_report_is_refused(tmp_path: Path) -> None:
    ingested(tmp_path, WHOLE)
    before = (tmp_path / FILE).read_bytes()
    with pytest.raises(Truncated):
        ingested(tmp_path, WHOLE[:-1])
    assert (tmp_path / FILE).read_bytes() == before


def describe(make: Callable[[], Refused]) -> str:
    return str(make())


def test_a_refusal_says_what_and_where() -> None:
    told = describe(lambda: Malformed("The file is not well-formed XML", Position(3, 7, 91)))
    assert told == "The file is not well-formed XML (line 3, column 7, byte 91)"
    assert describe(lambda: Malformed("Damaged", None)) == "Damaged"
