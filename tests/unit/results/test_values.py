import pytest

from nessus_operator.results.ingest.escapes import plain
from nessus_operator.results.values import boolean, moment, number, whole

NUMBERS = {
    "10": 10.0,
    " 7.5 ": 7.5,
    "-1": -1.0,
    "1e-3": 0.001,
    "9.": 9.0,
    "": "",
    "high": "high",
    "nan": "nan",
    "inf": "inf",
    "1_000": "1_000",
    "٣": "٣",
    "7.5 (CVSS2)": "7.5 (CVSS2)",
    "1e999": "1e999",
}


@pytest.mark.parametrize(("text", "value"), NUMBERS.items())
def test_a_number_is_one_only_if_written_plainly(text: str, value: float | str) -> None:
    assert number(text) == value
    assert type(number(text)) is type(value)


FLAGS = {"true": 1, "True": 1, " yes": 1, "1": 1, "false": 0, "": 0, "No": 0, "0": 0, "d2": "d2"}


@pytest.mark.parametrize(("text", "value"), FLAGS.items())
def test_a_flag_is_true_false_or_its_text(text: str, value: int | str) -> None:
    assert boolean(text) == value


WHOLES = {"0": 0, "65535": 65535, "65536": None, "-1": None, "": None, "1.0": None, " 1": None,
          "٣": None, "9" * 5000: None}  # fmt: skip


@pytest.mark.parametrize(("text", "value"), WHOLES.items(), ids=[text[:6] for text in WHOLES])
def test_a_port_is_a_plain_number_in_range(text: str, value: int | None) -> None:
    assert whole(text, 65535) == value


def test_an_absent_attribute_is_no_number() -> None:
    assert whole(None, 4) is None


MOMENTS = {
    "1762522089": "2025-11-07T13:28:09Z",
    "Fri Nov  7 13:28:09 2025": "2025-11-07T13:28:09",
    "2026-02-10T12:00:00Z": "2026-02-10T12:00:00Z",
    "2026-02-10T12:00:00+02:00": "2026-02-10T10:00:00Z",
    "2026-02-10T12:00:00": "2026-02-10T12:00:00",
    "yesterday": None,
    "": None,
    "0001-01-01T00:00:00+14:00": None,
    "99999999999999999999": None,
}


@pytest.mark.parametrize(("text", "value"), MOMENTS.items())
def test_a_moment_has_a_zone_only_where_it_is_known(text: str, value: str | None) -> None:
    assert moment(text) == value


ESCAPED = {
    "plain": (b"a > b", "a > b"),
    "named": (b"&lt;&gt;&amp;&quot;&apos;", "<>&\"'"),
    "once only": (b"&amp;lt;&amp;#65;&#38;lt;", "&lt;&#65;&lt;"),
    "numbers": (b"&#65;&#x41;&#x1F512;&#13;", "AA\U0001f512\r"),
    "line ends": (b"a\r\nb\rc\n\r\n", "a\nb\nc\n\n"),
    "a written line end stays": (b"a&#13;\nb&#xd;&#10;", "a\r\nb\r\n"),
}


@pytest.mark.parametrize(("data", "text"), ESCAPED.values(), ids=ESCAPED)
def test_character_data_is_read_as_a_parser_does(data: bytes, text: str) -> None:
    from lxml import etree

    assert plain(data).decode() == text
    assert etree.fromstring(b"<a>" + data + b"</a>").text == text
