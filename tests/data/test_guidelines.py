"""Guidelines: pages of PDF and text become articles that are cited by page."""

from __future__ import annotations

import json
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from pypdf import PdfReader, PdfWriter

from lawui.data import guidelines
from lawui.data.guidelines import read_guideline, read_guidelines
from lawui.data.statutes import has_library, read_folder, read_library
from lawui.errors import DataError
from lawui.types import Passage

FIRST = "広告は、虚偽であってはならない。"
SECOND = "医師の推せんを示す広告は、行わないものとする。"


def pdf(pages: list[list[str]], encoding: str = "UniJIS-UTF16-H") -> bytes:
    """A PDF by hand: a line of text a string, in a font of the reader's own."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Count {len(pages)} /Kids [".encode()
        + b" ".join(f"{5 + 2 * n} 0 R".encode() for n in range(len(pages)))
        + b"] >>",
        b"<< /Type /Font /Subtype /Type0 /BaseFont /HeiseiMin-W3 /Encoding /"
        + encoding.encode()
        + b" /DescendantFonts [4 0 R] >>",
        b"<< /Type /Font /Subtype /CIDFontType0 /BaseFont /HeiseiMin-W3 /CIDSystemInfo "
        b"<< /Registry (Adobe) /Ordering (Japan1) /Supplement 2 >> >>",
    ]
    for number, lines in enumerate(pages):
        text = "".join(f"<{line.encode('utf-16-be').hex()}> Tj 0 -20 Td\n" for line in lines)
        stream = f"BT /F1 12 Tf 50 800 Td\n{text}ET".encode() if lines else b""
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources "
            b"<< /Font << /F1 3 0 R >> >> /Contents " + f"{6 + 2 * number} 0 R >>".encode()
        )
        objects.append(f"<< /Length {len(stream)} >>\nstream\n".encode() + stream + b"\nendstream")
    body, places = b"%PDF-1.5\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(body))
        body += f"{number} 0 obj\n".encode() + content + b"\nendobj\n"
    table = b"".join(f"{place:010d} 00000 n \n".encode() for place in places)
    head = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    tail = f"trailer << /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{len(body)}\n%%EOF\n"
    return body + head + table + tail.encode()


def locked(path: Path, user: str) -> None:
    """Encrypts a PDF in place, to be opened by the password `user`."""
    writer = PdfWriter(clone_from=PdfReader(path))
    writer.encrypt(user_password=user, owner_password="owner", algorithm="RC4-128")
    writer.write(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "guidelines").mkdir()
    return tmp_path


def put(folder: Path, name: str, content: bytes | str) -> Path:
    path = folder / "guidelines" / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_a_pdf_becomes_pages_that_are_cited_and_opened_by_number(folder: Path) -> None:
    path = put(folder, "広告ガイドライン.pdf", pdf([["目次", FIRST, "- 1 -"], [], [SECOND]]))
    pages = read_guideline(path)
    assert [(a.label, a.paragraphs) for a in pages] == [
        ("1頁", (f"目次\n{FIRST}",)),
        ("3頁", (SECOND,)),
    ]
    assert {a.law for a in pages} == {"広告ガイドライン"}
    assert {a.law_id for a in pages} == {"guideline-広告ガイドライン"}
    assert [a.url for a in pages] == ["広告ガイドライン.pdf#page=1", "広告ガイドライン.pdf#page=3"]
    assert [a.anchor for a in pages] == ["page=1", "page=3"]
    assert {a.article for a in pages} == {""}


@pytest.mark.parametrize("name", ["手引.url", "手引.pdf.url"])
@pytest.mark.parametrize(
    "content",
    [
        "https://www.example.go.jp/guide.pdf\n",
        "[InternetShortcut]\r\nURL=https://www.example.go.jp/guide.pdf#page=2\r\n",
    ],
)
def test_a_url_file_gives_the_public_address(folder: Path, name: str, content: str) -> None:
    put(folder, "手引.pdf", pdf([[FIRST], [SECOND]]))
    put(folder, name, content)
    pages, problems = read_guidelines(folder)
    assert not problems
    assert [a.url for a in pages] == [
        "https://www.example.go.jp/guide.pdf#page=1",
        "https://www.example.go.jp/guide.pdf#page=2",
    ]


def test_a_url_file_without_an_address_costs_the_address_only(folder: Path) -> None:
    put(folder, "手引.pdf", pdf([[FIRST]]))
    put(folder, "手引.url", "javascript:alert(1)")
    pages, problems = read_guidelines(folder)
    assert [p.key for p in problems] == ["data.no_address"]
    assert "手引.url" in problems[0].text("ja")
    assert [a.url for a in pages] == ["手引.pdf#page=1"]


def test_what_the_questions_list_is_known_by_its_file_name(folder: Path) -> None:
    address = "https://www.example.go.jp/content/000123.pdf"
    listed = [
        {"title": "広告基準", "url": address},
        {"title": "甲法", "url": "https://e-gov/law/1"},
    ]
    (folder / "lawqa_jp").mkdir()
    (folder / "lawqa_jp" / "law_list.json").write_text(json.dumps(listed), encoding="utf-8")
    put(folder, "000123.pdf", pdf([[FIRST]]))
    (page,) = read_guidelines(folder)[0]
    assert (page.law, page.url) == ("広告基準", f"{address}#page=1")


def test_a_name_that_says_nothing_gives_way_to_the_first_line(folder: Path) -> None:
    path = put(folder, "000731129.pdf", pdf([["法令遵守の手引", FIRST]]))
    assert read_guideline(path)[0].law == "法令遵守の手引"
    path = put(folder, "guide2.txt", f"{'長' * 81}\n{FIRST}")
    assert read_guideline(path)[0].law == "guide2"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932", "utf-16"])
def test_text_in_any_usual_encoding_with_pages(folder: Path, encoding: str) -> None:
    path = put(folder, "手引.txt", f"{FIRST}\n1\n\f{SECOND}\n2\n".encode(encoding))
    pages = read_guideline(path)
    assert [(a.label, a.paragraphs, a.url) for a in pages] == [
        ("1頁", (FIRST,), "手引.txt#page=1"),
        ("2頁", (SECOND,), "手引.txt#page=2"),
    ]


def test_a_text_without_pages_is_cut_at_its_headings(folder: Path) -> None:
    text = f"# 手引\nはじめに。\n## 第1 広告\n{FIRST}\n" + f"{SECOND}\n" * 100
    sections = read_guideline(put(folder, "手引.md", text))
    assert [a.label for a in sections[:2]] == ["手引", "第1 広告"]
    assert {a.label for a in sections[2:]} == {"第1 広告"}
    assert len({a.anchor for a in sections}) == len(sections) > 2
    assert {a.url for a in sections} == {"手引.md"}
    assert "\n".join(p for a in sections for p in a.paragraphs) == text.strip()
    assert max(len(p) for a in sections for p in a.paragraphs) < 2 * guidelines.PIECE


def test_text_beside_a_pdf_stands_in_for_it(folder: Path) -> None:
    put(folder, "手引.pdf", pdf([[], []]))
    put(folder, "手引.txt", f"{FIRST}\f{SECOND}")
    pages, problems = read_guidelines(folder)
    assert not problems
    assert [a.url for a in pages] == ["手引.pdf#page=1", "手引.pdf#page=2"]


def test_lines_broken_by_print_are_joined_and_items_are_not(folder: Path) -> None:
    wide = "広告を行う者は次に掲げる事項のいずれに該当する場合であつても"
    path = put(folder, "手引.pdf", pdf([[wide, "届け出る。", wide[:-3] + "する。", "(1) 表示"]]))
    assert read_guideline(path)[0].paragraphs == (f"{wide}届け出る。\n{wide[:-3]}する。\n(1) 表示",)


def test_letters_that_print_names_otherwise_are_those_that_people_type(folder: Path) -> None:
    path = put(folder, "手引.pdf", pdf([["１\u2003⽤法を⺠間の⾏事に⽰す oﬃce"]]))
    assert read_guideline(path)[0].paragraphs == ("１　用法を民間の行事に示す office",)


def test_a_bomb_of_compressed_text_is_refused(folder: Path) -> None:
    packed = zlib.compress(b"BT " + b" " * 200_000_000 + b"ET", 9)
    sound = pdf([[FIRST]])
    start = sound.index(b"<< /Length")
    end = sound.index(b"endstream", start)
    head = f"<< /Length {len(packed)} /Filter /FlateDecode >>\nstream\n".encode()
    path = put(folder, "爆.pdf", sound[:start] + head + packed + b"\n" + sound[end:])
    with pytest.raises(DataError) as caught:
        read_guideline(path)
    assert caught.value.key == "data.guideline_broken"


def test_a_long_page_is_cut_at_line_ends_and_keeps_every_line(folder: Path) -> None:
    lines = [f"{number}　{SECOND}" for number in range(60)]
    (page,) = read_guideline(put(folder, "手引.pdf", pdf([lines])))
    assert len(page.paragraphs) > 2
    assert "\n".join(page.paragraphs).split("\n") == lines


def test_same_names_stay_apart(folder: Path) -> None:
    put(folder, "手引 (1).pdf", pdf([[FIRST]]))
    put(folder, "手引-1.pdf", pdf([[SECOND]]))
    pages, _ = read_guidelines(folder)
    assert sorted(a.law_id for a in pages) == ["guideline-手引-1", "guideline-手引-1-2"]


def broken_files(folder: Path) -> dict[str, Path]:
    """A file for each way to fail, by the key of its error."""
    sound = pdf([[FIRST]])
    files = {
        "data.guideline_broken": put(folder, "壊.pdf", sound[: len(sound) // 3]),
        "data.guideline_no_text": put(folder, "画像.pdf", pdf([[], []])),
        "data.guideline_locked": put(folder, "鍵.pdf", sound),
        "data.not_utf8": put(folder, "謎.txt", b"\x00\x81\xff\xff\x00"),
        "data.guideline_too_large": put(folder, "大.pdf", b"%PDF-1.5"),
    }
    locked(files["data.guideline_locked"], "secret")
    with files["data.guideline_too_large"].open("r+b") as file:
        file.truncate(guidelines.MAX_BYTES + 1)  # sparse: takes no room
    return files


def test_each_fault_is_a_clear_error_that_names_the_file(folder: Path) -> None:
    for key, path in broken_files(folder).items():
        with pytest.raises(DataError) as caught:
            read_guideline(path)
        assert caught.value.key == key
        for lang in ("ja", "en"):
            assert path.name in caught.value.text(lang)
    with pytest.raises(DataError) as caught:
        read_guideline(folder / "guidelines" / "無.pdf")
    assert caught.value.key == "data.missing_file"


@pytest.mark.parametrize(
    "content",
    [b"", b"not a PDF", b"<html><body>404</body></html>", b"%PDF-1.5\n%%EOF\n", b"\x00" * 999],
)
def test_what_is_no_pdf_is_a_clear_error(folder: Path, content: bytes) -> None:
    with pytest.raises(DataError) as caught:
        read_guideline(put(folder, "偽.pdf", content))
    assert caught.value.key == "data.guideline_broken"


def test_any_cut_of_a_pdf_is_read_or_refused_clearly(folder: Path) -> None:
    sound = pdf([[FIRST], [SECOND]])
    for end in range(0, len(sound), 97):
        path = put(folder, "切.pdf", sound[:end] + sound[end + 31 :])
        try:
            assert read_guideline(path)
        except DataError as error:
            assert error.key in ("data.guideline_broken", "data.guideline_no_text")


def test_too_many_pages_or_characters_are_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guidelines, "MAX_PAGES", 2)
    paged = put(folder, "多.pdf", pdf([[FIRST]] * 3))
    text = put(folder, "文.txt", "\f".join([FIRST] * 3))
    for path in (paged, text):
        with pytest.raises(DataError) as caught:
            read_guideline(path)
        assert caught.value.key == "data.guideline_too_large"
        assert "2 pages" in caught.value.text("en")
    monkeypatch.setattr(guidelines, "MAX_PAGES", 3)
    monkeypatch.setattr(guidelines, "MAX_CHARACTERS", 20)
    with pytest.raises(DataError) as caught:
        read_guideline(paged)
    assert caught.value.key == "data.guideline_too_large"


def test_a_pdf_locked_against_changes_only_is_read(folder: Path) -> None:
    path = put(folder, "手引.pdf", pdf([[FIRST]]))
    locked(path, "")
    assert PdfReader(path).is_encrypted
    assert read_guideline(path)[0].paragraphs == (FIRST,)


def test_text_in_unknown_letters_is_taken_for_a_scan(folder: Path) -> None:
    private = "".join(map(chr, range(0xE000, 0xE020)))
    with pytest.raises(DataError) as caught:
        read_guideline(put(folder, "外字.pdf", pdf([[private]])))
    assert caught.value.key == "data.guideline_no_text"


def test_one_bad_file_does_not_lose_the_others(folder: Path) -> None:
    files = broken_files(folder)
    put(folder, "手引.pdf", pdf([[FIRST]]))
    (folder / "statutes").mkdir()
    law = {"law_id": "401AC0000000001", "law": "甲法", "article": "1", "paragraphs": ["文。"]}
    (folder / "statutes" / "a.jsonl").write_text(json.dumps(law), encoding="utf-8")
    (folder / "statutes" / "b.jsonl").write_text(json.dumps(law)[:50], encoding="utf-8")
    (folder / "statutes" / "c.xml").write_text("<Law>", encoding="utf-8")
    found = read_library(folder)
    assert [a.law for a in found.articles] == ["甲法", "手引"]
    assert {p.key for p in found.problems} == {
        *files,
        "data.bad_statute_line",
        "data.broken_xml",
    }
    with pytest.raises(DataError):
        read_folder(folder)


def test_guidelines_alone_are_a_library(folder: Path) -> None:
    assert not has_library(folder)
    with pytest.raises(DataError) as caught:
        read_library(folder)
    assert caught.value.key == "data.no_statutes"
    bad = put(folder, "壊.pdf", b"%PDF")
    assert has_library(folder)
    with pytest.raises(DataError) as caught:
        read_library(folder)
    assert caught.value.key == "data.guideline_broken"
    bad.unlink()
    put(folder, "手引.pdf", pdf([[FIRST]]))
    assert [a.law for a in read_folder(folder)] == ["手引"]


def test_a_page_is_cited_by_title_and_page(folder: Path) -> None:
    (page,) = read_guideline(put(folder, "広告ガイドライン.pdf", pdf([[FIRST]])))
    passage = Passage(
        id="",
        law=page.law,
        article=page.article,
        paragraph="2",
        item="3",
        sub_item="イ",
        part="",
        text=FIRST,
        law_id=page.law_id,
        label=page.division,
    )
    assert passage.citation() == "広告ガイドライン 1頁"
    assert replace(passage, label="").citation() == "広告ガイドライン"
