"""Charsets: which one a document is taken to be in, and what becomes of bytes that are no characters."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trioscrape._parse.charset import Utf8, in_utf_8

RUSSIAN = "Новости дня: ёж"
WARNING = "<br /><b>Warning</b>: foo() in /var/www/x.php on line 3<br />\n"
LABELS = ["utf-8", "utf-16", "euc-jp", "iso-2022-jp", "gb18030", "cp932", "big5", "bogus", "x-user-defined"]
MARKS = {
    "utf-8": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE,
    "utf-32-be": codecs.BOM_UTF32_BE,
}


def declared(label: str, text: str = RUSSIAN) -> str:
    return f"<?xml version='1.0' encoding='{label}'?><t>{text}</t>"


def read(text: str, charset: str, content_type: str | None = None) -> str:
    data, replaced = in_utf_8(text.encode(charset), content_type)
    assert replaced == ("\ufffd" in data.decode())
    return data.decode()


@pytest.mark.parametrize("beginning", ["<t>", "<?xml version='1.0' encoding='utf-8'?>", '{"a": "', "\n <t>"])
@pytest.mark.parametrize("mark", ["one", "two", "none"])
@pytest.mark.parametrize("charset", MARKS)
def test_the_first_bytes_say_that_it_is_unicode(charset: str, mark: str, beginning: str) -> None:
    marks = MARKS[charset] * {"one": 1, "two": 2, "none": 0}[mark]
    text = beginning + RUSSIAN

    found = in_utf_8(marks + text.encode(charset), "text/xml; charset=windows-1252")

    assert found == Utf8(text.encode(), replaced=False)


@pytest.mark.parametrize("mark", [codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE + codecs.BOM_UTF8])
@pytest.mark.parametrize("charset", ["utf-8", "utf-16", "ucs-2", "utf-32"])
def test_what_has_no_nuls_is_neither_utf_16_nor_utf_32(charset: str, mark: bytes) -> None:
    text = declared(charset)

    assert in_utf_8(mark + text.encode(), f"text/xml; charset={charset}") == (text.encode(), False)


def test_the_server_is_asked_before_the_document() -> None:
    text = declared("windows-1252")

    assert read(text, "koi8-r", "text/xml; charset=KOI8-R") == text
    assert read(text, "koi8-r", 'text/xml;x=y; charset = "koi8-r"; z') == text
    assert read(declared("koi8-r"), "koi8-r", "text/xml; charset=utf-8") == declared("koi8-r")
    assert read(declared("koi8-r"), "koi8-r", "text/xml; charset=bogus") == declared("koi8-r")


@pytest.mark.parametrize(
    "before",
    ["", "\n\n ", " " * 9000, "<!-- a comment -->\n", f"<!-- {'x' * 3000} -->", WARNING],
)
def test_a_declaration_is_found_behind_other_things(before: str) -> None:
    text = before + declared("windows-1251")

    assert read(text, "windows-1251") == text


@pytest.mark.parametrize(
    "declaration",
    [
        "<?xml version=1.0 encoding=windows-1251?>",
        "<?xml encoding = 'windows-1251' version='1.0'>",
        "<?XML VERSION='1.0' ENCODING='WINDOWS-1251'?>",
        "<?xml\nversion='1.0'\nencoding=' windows-1251 '\n?>",
        "<?xml version='1.0'?><?xml version='1.0' encoding='windows-1251'?>",
    ],
)
def test_a_declaration_is_read_however_it_is_written(declaration: str) -> None:
    assert read(declaration + RUSSIAN, "windows-1251") == declaration + RUSSIAN


def test_of_several_charsets_of_a_server_the_first_that_says_something_counts() -> None:
    assert read(RUSSIAN, "windows-1251", "text/xml; charset=utf-8; charset=windows-1251") == RUSSIAN


@pytest.mark.parametrize(
    ("label", "codec"), [("cp932", "cp932"), ("CP936", "gbk"), ("cp949", "cp949"), ("cp950", "big5")]
)
def test_code_pages_by_their_numbers(label: str, codec: str) -> None:
    text = {"cp949": "똠방각하"}.get(codec, "日本中文")

    assert read(declared(label, text), codec) == declared(label, text)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\xed\xa0\xbd\xed\xb8\x80", "\U0001f600"),
        ("ж".encode() * 9 + b"\xed\xa0\xbd", "ж" * 9 + "\ufffd"),
        ("ж".encode() * 9 + b"\xed\xa0\xbd\xed\xb8\x80\xff", "ж" * 9 + "\ufffd" * 7),
    ],
)
def test_a_character_in_two_halves_is_one(data: bytes, text: str) -> None:
    """CESU-8 (Unicode Technical Report #26)."""
    assert in_utf_8(data).data.decode() == text


@pytest.mark.parametrize("label", ["cp-1251", "win-1251", "win1251", "CP1251", "windows1251", "windows_1251"])
def test_labels_that_are_in_no_standard(label: str) -> None:
    assert read(declared(label), "windows-1251") == declared(label)


@pytest.mark.parametrize(
    ("label", "text", "data"),
    [
        ("Shift_JIS", "第①回 ㈱テスト", "第①回 ㈱テスト".encode("cp932")),
        ("EUC-JP", "日本語の記事", "日本語の記事".encode("euc_jp")),
        ("EUC-JP", "第①回～ｱ丂", b"\xc2\xe8\xad\xa1\xb2\xf3\xa1\xc1\x8e\xb1\x8f\xb0\xa1"),
        ("x-euc-jp", "髙﨑", b"\xfc\xe2\xf9\xf5"),
        ("EUC-KR", "똠방각하", "똠방각하".encode("cp949")),
        ("GB2312", "镕基€", "镕基€".encode("gb18030")),
        ("GBK", "中文𠀀", "中文𠀀".encode("gb18030")),
        ("Big5", "香港嘅", "香港嘅".encode("big5hkscs")),
        ("ISO-8859-1", "“naïve” – €", "“naïve” – €".encode("cp1252")),
        ("us-ascii", "“naïve”", "“naïve”".encode("cp1252")),
        ("ISO-8859-9", "ğış", "ğış".encode("cp1254")),
        ("tis-620", "ข่าว", "ข่าว".encode("cp874")),
        ("ISO-2022-JP", "日本語", "日本語".encode("iso2022_jp")),
    ],
)
def test_labels_mean_what_they_mean_in_browsers(label: str, text: str, data: bytes) -> None:
    body = declared(label, "!").encode().replace(b"!", data)

    assert in_utf_8(body).data.decode() == declared(label, text)


@pytest.mark.parametrize(
    "label", ["utf-8", "windows-1251", "iso-8859-1", "shift_jis", "bogus", "x-user-defined"]
)
def test_valid_utf_8_is_that_whatever_the_label_says(label: str) -> None:
    body = declared(label).encode()

    assert in_utf_8(body, f"text/xml; charset={label}") == (body, False)


@pytest.mark.parametrize("label", ["utf-8", "windows-1252", "gbk"])
@pytest.mark.parametrize(
    ("bad", "shown"),
    [
        (b"\xd0", "\ufffd"),
        (b"caf\xe9", "caf\ufffd"),
        (b"\xe2\x80", "\ufffd"),
        (b"\x93q\x94", "\ufffdq\ufffd"),
    ],
)
def test_a_few_bad_bytes_in_utf_8_cost_only_themselves(bad: bytes, shown: str, label: str) -> None:
    body = declared(label).encode() + b" " + bad + b" <"

    assert in_utf_8(body) == (f"{declared(label)} {shown} <".encode(), True)


def test_a_few_bad_bytes_in_another_charset_cost_only_themselves() -> None:
    body = declared("gbk", "镕基新闻").encode("gbk") + b"\xff"

    assert in_utf_8(body) == (f"{declared('gbk', '镕基新闻')}\ufffd".encode(), True)


def test_what_is_not_mostly_utf_8_is_windows_1252() -> None:
    german = "Größe – „Übermut“"

    assert read(german, "cp1252") == german
    assert read(declared("utf-8", german), "cp1252", "text/xml; charset=utf-8") == declared("utf-8", german)
    assert in_utf_8(b"caf\xe9") == ("café".encode(), False)


def test_a_mixture_of_windows_1252_and_utf_8_is_read_as_both() -> None:
    assert (
        in_utf_8("Größe Übermut café".encode("cp1252") + "café".encode()).data.decode()
        == "Größe Übermut cafécafé"
    )


@given(st.binary(max_size=60) | st.binary(max_size=20).map(lambda data: b"\xff\xfe" + data))
@pytest.mark.parametrize(
    "label", ["utf-8", "utf-16", "euc-jp", "iso-2022-jp", "gb18030", "cp932", "big5", "\udcff"]
)
def test_any_bytes_become_utf_8(label: str, body: bytes) -> None:
    data, _ = in_utf_8(declared(label).encode("utf-8", "replace") + body, f"text/xml; charset={label}")
    assert data.decode()

    data, _ = in_utf_8(body, f"charset={label}")
    assert data.decode().encode() == data


@given(st.text("aé—жя語😀", min_size=20, max_size=60), st.data())
def test_a_few_bad_bytes_planted_in_any_text_are_the_only_difference(text: str, data: st.DataObject) -> None:
    characters = [character.encode() for character in text + "жя"]
    few = sum(len(character) > 1 for character in characters)
    for _ in range(data.draw(st.integers(1, few))):
        at = data.draw(st.integers(0, len(characters)))
        characters.insert(at, data.draw(st.sampled_from([b"\xff", b"\xc0", b"\xf8", b"\x80"])))

    found = in_utf_8(b"".join(characters))

    assert found.replaced
    assert found.data.decode().replace("\ufffd", "") == text + "жя"


@pytest.mark.parametrize("pattern", [b"\xe9", b"\xe2\x80", b"<?xml ", b"<?xml encoding='", *MARKS.values()])
def test_no_pattern_takes_quadratic_time(pattern: bytes) -> None:
    """It would be an hour."""
    assert in_utf_8(b"\x80" + pattern * 1_000_000, "text/xml; " + "charset" * 100_000)
    assert in_utf_8(pattern * 1_000_000)
