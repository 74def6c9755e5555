"""Statutes: every level of e-Gov's XML becomes text, and nothing dangerous is read."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from lawui.data.statutes import (
    read_folder,
    read_jsonl,
    read_xml,
    sample_articles,
    source_folder,
)
from lawui.errors import DataError
from lawui.types import Article, Passage

LEASES = "403AC0000000090"
DRUGS = "335AC0000000145"

LAW = """<?xml version="1.0" encoding="UTF-8"?>
<Law Era="Showa" Lang="ja" LawType="Act" Num="025" Year="23"><LawNum>昭和二十三年法律第二十五号</LawNum>
<LawBody><LawTitle>試験法</LawTitle>
 <TOC><TOCLabel>目次</TOCLabel></TOC>
 <Preamble><Paragraph Num="1"><ParagraphNum/><ParagraphSentence><Sentence>前文である。</Sentence></ParagraphSentence></Paragraph></Preamble>
 <MainProvision>
  <Part Num="1"><PartTitle>第一編　総則</PartTitle>
   <Chapter Num="2_2"><ChapterTitle>第二章の二　届出</ChapterTitle>
    <Section Num="1"><SectionTitle>第一節　通則</SectionTitle>
     <Subsection Num="3"><SubsectionTitle>第三款　細目</SubsectionTitle>
      <Division Num="1"><DivisionTitle>第一目　雑則</DivisionTitle>
       <Article Num="27_2"><ArticleCaption>（届出）</ArticleCaption><ArticleTitle>第二十七条の二</ArticleTitle>
        <Paragraph Num="1"><ParagraphNum/>
         <ParagraphSentence>
           <Sentence Function="main" Num="1">次の者は、<Ruby>貌<Rt>ぼう</Rt></Ruby>を届け出る。</Sentence>
           <Sentence Function="proviso" Num="2">ただし、この限りでない。</Sentence>
         </ParagraphSentence>
         <Item Num="1"><ItemTitle>一</ItemTitle><ItemSentence>
           <Column Num="1"><Sentence>借り手</Sentence></Column><Column Num="2"><Sentence>借りる者をいう。</Sentence></Column>
         </ItemSentence></Item>
         <Item Num="1_2"><ItemTitle>一の二</ItemTitle><ItemSentence><Sentence>次に掲げる者</Sentence></ItemSentence>
          <Subitem1 Num="1"><Subitem1Title>イ</Subitem1Title><Subitem1Sentence><Sentence>貸し手</Sentence></Subitem1Sentence>
           <Subitem2 Num="1"><Subitem2Title>（１）</Subitem2Title><Subitem2Sentence><Sentence>法人</Sentence></Subitem2Sentence>
            <Subitem3 Num="1"><Subitem3Title>（ｉ）</Subitem3Title><Subitem3Sentence><Sentence>株式会社</Sentence></Subitem3Sentence></Subitem3>
           </Subitem2>
          </Subitem1>
         </Item>
        </Paragraph>
        <Paragraph Num="2"><ParagraphNum>２</ParagraphNum>
         <ParagraphSentence><Sentence><Ruby>鍵<Rt>かぎ</Rt></Ruby>は次の表による。</Sentence></ParagraphSentence>
         <TableStruct><Table>
          <TableRow><TableColumn><Sentence>上欄</Sentence></TableColumn><TableColumn><Sentence><Ruby>鍵<Rt>かぎ</Rt></Ruby>の種類</Sentence></TableColumn></TableRow>
          <TableRow><TableColumn><Item Num="1"><ItemTitle>一</ItemTitle><ItemSentence><Sentence>甲</Sentence></ItemSentence></Item></TableColumn><TableColumn><Sentence>乙</Sentence></TableColumn></TableRow>
         </Table><Remarks><RemarksLabel>備考</RemarksLabel><Sentence>丙とする。</Sentence></Remarks></TableStruct>
         <List><ListSentence><Sentence>列記</Sentence></ListSentence></List>
        </Paragraph>
        <SupplNote>（附記）</SupplNote>
       </Article>
      </Division>
     </Subsection>
    </Section>
   </Chapter>
  </Part>
  <Article Num="28:30"><ArticleTitle>第二十八条から第三十条まで</ArticleTitle>
   <Paragraph Num="1"><ParagraphNum/><ParagraphSentence><Sentence>削除</Sentence></ParagraphSentence></Paragraph></Article>
 </MainProvision>
 <SupplProvision><SupplProvisionLabel>附　則</SupplProvisionLabel>
  <Article Num="1"><ArticleTitle>第一条</ArticleTitle><Paragraph Num="1"><ParagraphNum/><ParagraphSentence><Sentence>公布の日から施行する。</Sentence></ParagraphSentence></Paragraph></Article>
  <SupplProvisionAppdxTable><SupplProvisionAppdxTableTitle>附則別表</SupplProvisionAppdxTableTitle><TableStruct><Table><TableRow><TableColumn><Sentence>経過</Sentence></TableColumn></TableRow></Table></TableStruct></SupplProvisionAppdxTable>
 </SupplProvision>
 <SupplProvision AmendLawNum="平成八年六月二六日法律第一一〇号" Extract="true"><SupplProvisionLabel>附　則</SupplProvisionLabel>
  <Paragraph Num="1"><ParagraphCaption>（施行期日）</ParagraphCaption><ParagraphNum>１</ParagraphNum><ParagraphSentence><Sentence>一月から施行する。</Sentence></ParagraphSentence></Paragraph>
  <Paragraph Num="3"><ParagraphNum>３</ParagraphNum><ParagraphSentence><Sentence>従前の例による。</Sentence></ParagraphSentence></Paragraph>
 </SupplProvision>
 <SupplProvision AmendLawNum="令和元年五月七日内閣府令第三号"><SupplProvisionLabel>附　則</SupplProvisionLabel>
  <Paragraph Num="1"><ParagraphNum/><ParagraphSentence><Sentence>府令附則。</Sentence></ParagraphSentence></Paragraph>
 </SupplProvision>
 <AppdxTable Num="1"><AppdxTableTitle>別表第一</AppdxTableTitle><RelatedArticleNum>（第二十七条の二関係）</RelatedArticleNum>
  <TableStruct><Table><TableRow><TableColumn><Sentence>品目</Sentence></TableColumn><TableColumn><Sentence>数量</Sentence></TableColumn></TableRow></Table></TableStruct></AppdxTable>
 <AppdxStyle Num="1"><AppdxStyleTitle>様式第一</AppdxStyleTitle><StyleStruct><Style><Fig src="./pict/001.jpg"/></Style></StyleStruct></AppdxStyle>
</LawBody></Law>"""  # noqa: E501


def wrapped(law: str) -> bytes:
    inner = law.split("?>", 1)[1]
    return (
        '<?xml version="1.0" encoding="UTF-8"?><law_data_response><law_info><law_id>'
        "323AC0000000025</law_id></law_info><revision_info><law_revision_id>"
        "323AC0000000025_20241101_506AC0000000032</law_revision_id></revision_info>"
        f"<law_full_text>{inner}</law_full_text></law_data_response>"
    ).encode()


@pytest.fixture(scope="module")
def articles() -> list[Article]:
    return read_xml(wrapped(LAW), asof="2024-12-31")


def one(articles: list[Article], **wanted: object) -> Article:
    found = [a for a in articles if all(getattr(a, k) == v for k, v in wanted.items())]
    assert len(found) == 1, found
    return found[0]


def test_all_levels_of_an_article(articles: list[Article]) -> None:
    article = one(articles, article="27_2")
    assert (article.law_id, article.law) == ("323AC0000000025", "試験法")
    assert (article.label, article.caption) == ("第二十七条の二", "届出")
    assert article.headings == (
        "第一編　総則",
        "第二章の二　届出",
        "第一節　通則",
        "第三款　細目",
        "第一目　雑則",
    )
    assert article.anchor == "Mp-Pa_1-Ch_2_2-Se_1-Ss_3-Di_1-At_27_2"
    assert article.url == (
        "https://laws.e-gov.go.jp/law/323AC0000000025/20241101_506AC0000000032"
        "#Mp-Pa_1-Ch_2_2-Se_1-Ss_3-Di_1-At_27_2"
    )
    assert article.asof == "2024-12-31"
    assert article.paragraphs == (
        "次の者は、貌を届け出る。ただし、この限りでない。\n"
        "一　借り手　借りる者をいう。\n"
        "一の二　次に掲げる者\n"
        "  イ　貸し手\n"
        "    （１）　法人\n"
        "      （ｉ）　株式会社",
        "鍵は次の表による。\n上欄　鍵の種類\n一　甲　乙\n備考\n丙とする。\n列記\n（附記）",
    )


def test_a_range_of_deleted_articles(articles: list[Article]) -> None:
    deleted = one(articles, article="28")
    assert deleted.label == "第二十八条から第三十条まで"
    assert deleted.paragraphs == ("削除",)
    assert deleted.anchor == "Mp-At_28:30"


def test_supplementary_provisions_are_marked_and_told_apart(articles: list[Article]) -> None:
    own = one(articles, article="1")
    assert own.supplementary
    assert own.headings == ("附則",)
    assert own.url.endswith("#323AC0000000025-Sp-At_1")
    amending = one(articles, anchor="408AC0000000110-Sp")
    assert amending.supplementary
    assert amending.article == ""
    assert amending.headings == ("附則（平成八年六月二六日法律第一一〇号）",)
    # 第二項 is left out of the excerpt: 第三項 must stay the third.
    assert amending.paragraphs == ("（施行期日）一月から施行する。", "（略）", "従前の例による。")
    ordinance = one(articles, paragraphs=("府令附則。",))
    assert "#" not in ordinance.url  # its anchor cannot be told from its number
    assert one(articles, label="附則別表").supplementary


def test_appendices_and_preamble(articles: list[Article]) -> None:
    table = one(articles, label="別表第一")
    assert (table.article, table.anchor, table.supplementary) == ("", "Mpat_1", False)
    assert table.caption == "第二十七条の二関係"
    assert table.paragraphs == ("品目　数量",)
    assert one(articles, label="前文").paragraphs == ("前文である。",)
    assert not [a for a in articles if a.label == "様式第一"]  # a picture, no text


def test_anchors_are_unique_in_a_law(articles: list[Article]) -> None:
    assert len({a.anchor for a in articles}) == len(articles)


def test_the_law_id_comes_from_the_file_name_or_the_laws_number(tmp_path: Path) -> None:
    assert read_xml(LAW.encode())[0].law_id == "323AC0000000025"
    ordinance = LAW.replace('LawType="Act"', 'LawType="MinisterialOrdinance"').encode()
    with pytest.raises(DataError) as caught:
        read_xml(ordinance)
    assert caught.value.key == "data.no_law_id"
    path = tmp_path / "419M60000002052_20241101_506M60000002001.xml"
    path.write_bytes(ordinance)
    article = read_xml(path)[0]
    assert article.law_id == "419M60000002052"
    assert "/419M60000002052/20241101_506M60000002001" in article.url


ENTITIES = """<?xml version="1.0"?><!DOCTYPE l [
<!ENTITY a "ああああああああああ"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<Law><LawBody><LawTitle>&b;</LawTitle></LawBody></Law>"""
EXTERNAL = """<?xml version="1.0"?><!DOCTYPE l [<!ENTITY x SYSTEM "file:///etc/passwd">]>
<Law><LawBody><LawTitle>&x;</LawTitle></LawBody></Law>"""
DTD = """<?xml version="1.0"?><!DOCTYPE Law SYSTEM "http://127.0.0.1:9/law.dtd">
<Law><LawBody><LawTitle>法</LawTitle></LawBody></Law>"""


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (ENTITIES, "data.unsafe_xml"),
        (EXTERNAL, "data.unsafe_xml"),
        (DTD, "data.unsafe_xml"),
        (LAW[: len(LAW) // 2], "data.broken_xml"),
        ("", "data.broken_xml"),
        ("<html/>", "data.not_a_law"),
        ("<Law><LawBody><LawTitle/></LawBody></Law>", "data.not_a_law"),
        (
            '<Law Era="Showa" LawType="Act" Num="1" Year="23"><LawBody><LawTitle>空法</LawTitle>'
            "<MainProvision/></LawBody></Law>",
            "data.empty_law",
        ),
    ],
)
def test_dangerous_and_broken_xml_is_refused(tmp_path: Path, text: str, key: str) -> None:
    path = tmp_path / "law.xml"
    path.write_text(text)
    with pytest.raises(DataError) as caught:
        read_xml(path)
    assert caught.value.key == key
    assert "law.xml" in caught.value.text("ja")


def line(**changes: object) -> str:
    record = {
        "law_id": "S1",
        "law": "条例",
        "article": "1",
        "label": "第一条",
        "caption": "",
        "headings": [],
        "anchor": "Mp-At_1",
        "url": "",
        "paragraphs": ["本文"],
    }
    return json.dumps(record | changes, ensure_ascii=False) + "\n"


def test_json_lines_plain_and_packed(tmp_path: Path) -> None:
    text = line() + "\n" + line(article="2", supplementary=True)
    (tmp_path / "a.jsonl").write_text(text)
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    plain = list(read_jsonl(tmp_path / "a.jsonl"))
    assert [a.article for a in plain] == ["1", "2"]
    assert [a.supplementary for a in plain] == [False, True]
    assert list(read_jsonl(tmp_path / "a.jsonl.gz")) == plain


def test_tables_of_json_lines_read_as_those_of_xml(tmp_path: Path) -> None:
    """Known fault of the JSON lines: a table stands there twice, once run together."""
    marked = "次の表による。上下甲乙\n| 上 | 下 |\n| --- | --- |\n| 甲 | 乙 |\n一　次の号"
    path = tmp_path / "laws.jsonl"
    path.write_text(line(paragraphs=[marked, "a | b"]))
    first, second = next(read_jsonl(path)).paragraphs
    assert first == "次の表による。\n上　下\n甲　乙\n一　次の号"
    assert second == "a | b"


@pytest.mark.parametrize(
    "bad", ['{"law_id": "S1"', '{"law_id": "S1"}', "[]", line(paragraphs="本文"), line(law="")]
)
def test_a_bad_line_is_named(tmp_path: Path, bad: str) -> None:
    path = tmp_path / "laws.jsonl"
    path.write_text(line() + bad)
    with pytest.raises(DataError) as caught:
        list(read_jsonl(path))
    assert caught.value.key == "data.bad_statute_line"
    assert caught.value.params["line"] == 2


def test_a_cut_off_archive_is_an_error(tmp_path: Path) -> None:
    packed = gzip.compress("".join(line(article=str(n)) for n in range(500)).encode())
    path = tmp_path / "laws.jsonl.gz"
    path.write_bytes(packed[: len(packed) // 2])
    with pytest.raises(DataError) as caught:
        list(read_jsonl(path))
    assert caught.value.key == "data.bad_statute_line"


def test_a_folder_prefers_xml_and_its_statutes_subfolder(tmp_path: Path) -> None:
    inner = tmp_path / "statutes"
    inner.mkdir()
    (tmp_path / "more.jsonl").write_text(line(law_id="OTHER"))
    (inner / "laws.jsonl").write_text(line() + line(law_id="323AC0000000025", law="古い"))
    (inner / "323AC0000000025.xml").write_text(LAW)
    found = read_folder(tmp_path)
    assert {a.law for a in found} == {"試験法", "条例"}
    assert source_folder(tmp_path) == inner


def test_an_empty_or_missing_folder_says_what_to_do(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(DataError) as caught:
            read_folder(folder)
        assert caught.value.key == "data.no_statutes"
        assert "fetch" in caught.value.text("ja")


def test_without_a_data_folder_the_sample_serves() -> None:
    articles = sample_articles()
    assert len(articles) >= 30
    assert read_folder(source_folder(None)) == articles


# -- the real laws


def squeeze(text: str) -> str:
    return re.sub(r"\s", "", text)


def test_leases_from_xml_give_the_same_61_articles(lawui_data: Path) -> None:
    """Known fault of the JSON lines: a term and its definition run together."""
    from_xml = read_xml(lawui_data / "egov_xml" / f"{LEASES}.xml")
    main = [a for a in from_xml if not a.supplementary]
    lines = list(read_jsonl(lawui_data / "statutes" / f"{LEASES}.jsonl"))
    assert len(main) == len(lines) == 61
    for one_way, other in zip(main, lines, strict=True):
        for field in ("law_id", "law", "article", "label", "caption", "headings", "anchor", "url"):
            assert getattr(one_way, field) == getattr(other, field)
        assert [*map(squeeze, one_way.paragraphs)] == [*map(squeeze, other.paragraphs)]
    own = [a for a in from_xml if a.headings == ("附則",)]
    assert [a.article for a in own] == [str(n) for n in range(1, 15)]
    assert "なお従前の例による" in own[5].paragraphs[0]


@pytest.mark.parametrize("law_id", [LEASES, DRUGS])
def test_no_sentence_of_a_real_law_is_lost(lawui_data: Path, law_id: str) -> None:
    path = lawui_data / "egov_xml" / f"{law_id}.xml"
    text = Counter(squeeze("".join(p for a in read_xml(path) for p in a.paragraphs)))
    for sentence in ElementTree.parse(path).iter("Sentence"):
        for reading in sentence.iter("Rt"):
            reading.text = ""
        text.subtract(squeeze("".join(sentence.itertext())))
    assert min(text.values()) >= 0


def test_drugs_law_has_the_anchors_and_headings_of_the_json_lines(lawui_data: Path) -> None:
    lines = {a.article: a for a in read_jsonl(lawui_data / "statutes" / f"{DRUGS}.jsonl")}
    articles = read_xml(lawui_data / "egov_xml" / f"{DRUGS}.xml")
    main = {a.article: a for a in articles if not a.supplementary and a.article in lines}
    assert set(main) == set(lines)
    assert main["12"].paragraphs == lines["12"].paragraphs  # it has a table
    for number, article in main.items():
        assert article.anchor == lines[number].anchor
        assert article.headings == lines[number].headings
    assert len({a.anchor for a in articles}) == len(articles)


def test_the_thirteen_laws(lawui_data: Path) -> None:
    articles = read_folder(lawui_data)
    assert len(articles) == 3640
    assert len({a.law_id for a in articles}) == 13
    assert len({(a.law_id, a.article) for a in articles}) == 3640
    assert not [a for a in articles for p in a.paragraphs if "| ---" in p]


@pytest.mark.parametrize(
    ("anchor", "place", "citation"),
    [
        ("Mp-Pre", {}, "試験法前文"),
        ("Mpat_1", {"paragraph": "1", "item": "2"}, "試験法別表第一"),
        ("323AC0000000025-Sp-At_1", {}, "試験法附則第1条"),
        ("323AC0000000025-Sp-Mpat_1", {"item": "1"}, "試験法附則別表"),
        (
            "408AC0000000110-Sp",
            {"paragraph": "3", "item": "1_2"},
            "試験法附則（平成八年六月二六日法律第一一〇号）第3項第1号の2",
        ),
        ("Mp-Pa_1-Ch_2_2-Se_1-Ss_3-Di_1-At_27_2", {"paragraph": "2"}, "試験法第27条の2第2項"),
    ],
)
def test_every_text_is_cited_by_its_place_or_its_name(
    anchor: str, place: dict[str, str], citation: str
) -> None:
    article = next(a for a in read_xml(LAW.encode()) if a.anchor == anchor)
    passage = Passage(
        id="",
        law=article.law,
        article=article.article,
        part="",
        text="",
        law_id=article.law_id,
        supplementary=article.supplementary,
        label=article.division,
        **({"paragraph": "", "item": "", "sub_item": ""} | place),
    )
    assert passage.citation() == citation


def test_an_appendix_of_an_amending_acts_provision_names_that_act() -> None:
    added = "附則（令和元年五月七日内閣府令第三号）"
    own = next(a for a in read_xml(LAW.encode()) if a.anchor == "323AC0000000025-Sp-Mpat_1")
    assert replace(own, headings=(added,)).division == f"{added}別表"
    assert replace(own, headings=(added,), article="2").division == added
