"""A server with log-in and MCP: roles hold for clients and tools alike, and a class joins."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from anyio.from_thread import start_blocking_portal
from gradio_client import Client
from gradio_client.exceptions import AppError
from playwright.sync_api import Browser, expect

from lawui.readers.people import Failures, line

from .conftest import Site, serve

TOOLS = {"ask", "search", "score", "compare"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Iterator[Site]:
    """app.py with users of each role, and MCP."""
    home = tmp_path_factory.mktemp("home")
    users = home / "users"
    roles = ("reader", "reviewer", "trainer")
    users.write_text("\n".join(line(f"a-{role}", role, "pw") for role in roles), "utf-8")
    with serve(home, environment, "--auth-file", str(users), "--mcp") as running:
        yield running


def client(site: Site, name: str) -> Client:
    return Client(site.url, auth=(name, "pw"), verbose=False, analytics_enabled=False)


def test_roles_hold_for_clients_and_nobody_sees_anothers(site: Site) -> None:
    reader, reviewer = client(site, "a-reader"), client(site, "a-reviewer")
    assert reader.predict(id="sample-000-0", api_name="/ask")["choice"] in "abcd"
    for name, values in (
        ("/score_start", {"limit": 1}),
        ("/train_start", {}),
        ("/mark", {"run": "x", "item": "y", "mark": "agree"}),
        ("/class_open", {}),
    ):
        with pytest.raises(AppError, match=r"people\.role|scoring"):
            reader.predict(**values, api_name=name)
    with pytest.raises(AppError, match=r"people\.role"):
        reviewer.predict(api_name="/train_start")
    run = reviewer.predict(set="sample_dev", limit=1, api_name="/score_start")[0]
    while reviewer.predict(run=run, api_name="/score_status")["state"] != "done":
        pass
    item = reviewer.predict(run=run, api_name="/score_table")[0]["id"]
    reviewer.predict(run=run, item=item, mark="agree", comment="mine", api_name="/mark")
    assert [m["comment"] for m in reviewer.predict(api_name="/marks")] == ["mine"]
    assert reader.predict(api_name="/marks") == []
    for other in (reader, reviewer):
        other.close()


def test_without_a_log_in_nothing_answers(site: Site) -> None:
    for path in ("config", "gradio_api/info", "gradio_api/openapi.json", "gradio_api/mcp/"):
        assert httpx.get(site.url + path).status_code == 401, path
    for path in ("docs", "openapi.json", "redoc"):
        assert "/class/" not in httpx.get(site.url + path).text
    moved = httpx.get(site.url + "class/teach")
    assert moved.status_code == 307 and moved.headers["location"] == "../"
    opened = httpx.post(site.url + "class/do/open", json={})
    assert opened.status_code == 400 and opened.json()["error"] == "people.role"


def test_guessing_passwords_is_slowed_down(site: Site) -> None:
    told = [
        httpx.post(site.url + "login", data={"username": "a-guest", "password": str(n)})
        for n in range(Failures.FEW + 1)
    ]
    assert [answer.status_code for answer in told] == [400] * Failures.FEW + [429]


async def through_mcp(site: Site, name: str, calls: list[tuple[str, dict[str, Any]]]) -> Any:
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    basic = base64.b64encode(f"{name}:pw".encode()).decode()
    headers = {"Authorization": f"Basic {basic}"}
    async with (
        httpx.AsyncClient(headers=headers, timeout=120) as http,
        streamable_http_client(site.url + "gradio_api/mcp/", http_client=http) as (read, write, _),
        ClientSession(read, write) as session,
    ):
        await session.initialize()
        tools = (await session.list_tools()).tools
        return tools, [await session.call_tool(tool, values) for tool, values in calls]


def _tools(site: Site, name: str, calls: list[tuple[str, dict[str, Any]]]) -> Any:
    """`through_mcp` on a loop of its own: the browser's already runs in this thread."""
    with start_blocking_portal() as portal:
        return portal.call(through_mcp, site, name, calls)


def test_an_assistant_finds_four_tools_and_their_words(site: Site) -> None:
    calls: list[tuple[str, dict[str, Any]]] = [
        ("ask", {"id": "sample-000-0", "evidence": "given"}),
        ("search", {"text": "灯舟の許可", "k": 2}),
        ("score", {"set": "sample_dev", "limit": 4}),
        ("score", {"set": "sample_dev", "limit": 4, "evidence": "given"}),
        ("compare", {"run_a": "../../x", "run_b": "y"}),
    ]
    tools, answers = _tools(site, "a-reviewer", calls)
    assert {tool.name for tool in tools} == TOOLS and len(tools) == len(TOOLS)
    words = {tool.name: tool.description for tool in tools}
    assert "never legal advice" in words["ask"] and "citation" in words["search"]
    assert "interval" in words["score"] and "McNemar" in words["compare"]
    for tool in tools:
        for name, told in tool.inputSchema["properties"].items():
            assert told.get("description"), (tool.name, name)
    asked, found, one, other, refused = answers
    assert not (asked.isError or found.isError or one.isError or other.isError)
    assert json.loads(asked.content[0].text)["choice"] in "abcd"
    assert "条例第" in found.content[0].text
    runs = [json.loads(score.content[0].text)["run"] for score in (one, other)]
    assert refused.isError and "scoring" in refused.content[0].text
    assert "Traceback" not in refused.content[0].text
    both = [("compare", {"run_a": runs[0], "run_b": runs[1]})]
    _, (compared,) = _tools(site, "a-reader", both)
    assert json.loads(compared.content[0].text)["n"] > 0


def test_a_tool_knows_who_calls(site: Site) -> None:
    _, (refused,) = _tools(site, "a-reader", [("score", {"limit": 1})])
    assert refused.isError and "people.role" in refused.content[0].text


@pytest.fixture
def pages(browser: Browser, site: Site) -> Iterator[Any]:
    contexts: list[Any] = []
    complaints: list[str] = []

    def open_page(width: int, user: str = "", lang: str = "ja-JP") -> Any:
        context = browser.new_context(locale=lang, viewport={"width": width, "height": 800})
        context.add_init_script("localStorage.setItem('lawui.tour', 'seen')")
        contexts.append(context)
        if user:
            context.request.post(site.url + "login", form={"username": user, "password": "pw"})
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def test_a_class_votes_on_its_phones_and_sees_itself_beside_the_model(
    site: Site, pages: Any
) -> None:
    teacher = pages(1440, "a-reviewer")
    teacher.goto(site.url + "class/teach")
    teacher.get_by_role("button", name="教室を開く").click()
    code = teacher.inner_text("#code-shown").replace(" ", "")
    expect(teacher.locator(".code img")).to_have_js_property("complete", True)
    assert teacher.locator(".code img").evaluate("image => image.naturalWidth") > 200
    expect(teacher.locator("#item option").first).to_be_attached()

    phones = []
    for name in ("はなこ", "<b>たろう</b>"):
        phone = pages(375)
        phone.goto(f"{site.url}class?c={code}")  # what the QR code holds
        phone.get_by_label("呼び名").fill(name)
        phone.get_by_role("button", name="参加する").click()
        expect(phone.get_by_text("先生が問題を出すまで")).to_be_visible()
        phones.append(phone)
    expect(teacher.locator("#joined")).to_have_text("参加 2 人")

    teacher.get_by_role("button", name="この問題を出す").click()
    hanako, taro = phones
    hanako.locator("button.choice").nth(0).click()
    expect(hanako.get_by_text("a と答えました。")).to_be_visible()
    last = hanako.locator("button.choice").nth(3).element_handle()
    place = last.bounding_box()
    hanako.locator("button.choice").nth(1).click()
    expect(hanako.get_by_text("b と答えました。")).to_be_visible()
    # Nothing moves below the finger, and what it is on stays the same element.
    assert last.bounding_box() == place
    assert hanako.locator("button.choice").nth(3).evaluate("(e, last) => e === last", last)
    taro.locator("button.choice").nth(2).click()
    expect(hanako.locator("button[aria-pressed=true] .letter")).to_have_text("b")
    expect(teacher.locator("#voted")).to_have_text("回答 2 人")
    assert teacher.locator(".bar").count() == 0
    assert "公式の正解" not in hanako.inner_text("main")

    teacher.get_by_role("button", name="締め切って").click()
    expect(hanako.locator(".bar .votes")).to_have_count(4)
    assert hanako.locator("li.official").count() == 0
    teacher.get_by_role("button", name="公式の正解を見せる").click()
    expect(taro.locator("li.official")).to_have_count(1)
    teacher.get_by_role("button", name="条文を見せたときの答え").click()
    teacher.get_by_role("button", name="次の問題を選ぶ").click()
    expect(teacher.locator("#item")).to_be_focused()
    expect(taro.locator(".passages cite").first).to_contain_text("条例第")
    assert taro.evaluate("document.documentElement.scrollWidth") <= 375
    teacher.locator("summary").click()
    assert "<b>たろう</b>" in teacher.inner_text("#names")

    hanako.once("dialog", lambda dialog: dialog.dismiss())
    hanako.get_by_role("button", name="退出する").click()  # by mistake
    hanako.reload()  # comes back to the same place
    expect(hanako.locator("li.chosen .letter")).to_have_text("b")
    teacher.on("dialog", lambda dialog: dialog.accept())
    teacher.get_by_role("button", name="教室を閉じる").click()
    expect(taro.locator("#notice")).to_contain_text("この参加コードの教室はありません")


def test_a_class_in_english_offers_its_sets_in_english_and_keeps_the_code(
    site: Site, pages: Any
) -> None:
    teacher = pages(1440, "a-reviewer", "en-GB")
    teacher.goto(site.url + "class/teach")
    teacher.get_by_role("button", name="Open a class").click()
    expect(teacher.locator("#set option").first).to_be_attached()
    code = teacher.inner_text("#code-shown").replace(" ", "")
    assert not re.search("[ぁ-ん]", teacher.inner_text("#set") + teacher.inner_text("#adapter"))
    phone = pages(375)
    phone.goto(f"{site.url}class/?c={code}")
    phone.get_by_role("link", name="English").click()
    expect(phone.get_by_label("Join code")).to_have_value(code)


def test_a_reader_keeps_a_question_once_and_has_all_data_deleted(site: Site, pages: Any) -> None:
    page = pages(1440, "a-reader")
    page.goto(site.url)
    page.wait_for_function("window.lawuiOpened")  # the opening chooses a source, too
    page.get_by_label("自分で書く").check()
    page.fill("#ask-stem textarea", "灯台の番人は誰か。")
    for letter, words in zip("abcd", ("一人", "二人", "三人", "四人"), strict=True):
        page.fill(f"#ask-choice-{letter} :is(textarea, input)", words)
    page.click("#own-save")
    expect(page.locator("#own-notice")).to_contain_text("保存しました")
    expect(page.locator("#own-kept input")).to_have_value(re.compile("灯台の番人"))
    page.wait_for_timeout(1500)  # the view is kept
    page.reload()
    expect(page.locator("#ask-stem textarea")).to_have_value("灯台の番人は誰か。")
    expect(page.locator("#own-kept input")).to_have_value(re.compile("灯台の番人"))
    page.fill("#ask-stem textarea", "灯台の番人は何人か。")
    page.click("#own-save")
    expect(page.locator("#own-notice")).to_contain_text("保存しました")
    reader = client(site, "a-reader")
    assert [q["stem"] for q in reader.predict(api_name="/own_list")] == ["灯台の番人は何人か。"]

    page.get_by_text("自分のデータ", exact=True).click()
    expect(page.locator("#mine")).to_contain_text("90日で消えます")
    page.click("#mine-ask")
    expect(page.locator("#mine-notice")).to_contain_text("自作の問題 1 問")
    page.click("#mine-no")
    expect(page.locator("#mine-yes")).to_be_hidden()
    assert reader.predict(api_name="/my_data")["questions"] == 1
    page.click("#mine-ask")
    page.click("#mine-yes")
    expect(page.locator("#mine-notice")).to_contain_text("消しました")
    assert reader.predict(api_name="/my_data")["total"] == 0
    reader.close()


def test_a_tool_finds_nothing_of_anothers(site: Site, pages: Any) -> None:
    reviewer = client(site, "a-reviewer")
    kept = reviewer.predict(
        stem="秘密の問い", choices=["一", "二", "三", "四"], gold="a", api_name="/own_add"
    )
    own = reviewer.predict(api_name="/own_list")[0]["set"]
    run = reviewer.predict(set=own, api_name="/score_start")[0]
    while reviewer.predict(run=run, api_name="/score_status")["state"] != "done":
        pass
    calls: list[tuple[str, dict[str, Any]]] = [
        ("score", {"run": run}),
        ("ask", {"id": kept["id"]}),
        ("compare", {"run_a": run, "run_b": run}),
    ]
    _, mine = _tools(site, "a-reviewer", calls)
    assert not any(answer.isError for answer in mine[:2])
    _, others = _tools(site, "a-trainer", calls)
    for answer in others:
        assert answer.isError and "unknown" in answer.content[0].text, answer
    page = pages(1440, "a-reviewer")  # who may delete what is made of own questions
    page.goto(site.url)
    page.wait_for_function("window.lawuiOpened")
    page.click("#tab-score-button")
    expect(page.locator("#score-run input")).to_have_value(re.compile("自分の問題集|own"))
    page.click("#score-remove")
    expect(page.locator("#score-notice")).to_contain_text("採点1件を消します")
    page.click("#score-remove-yes")
    expect(page.locator("#score-notice")).to_contain_text("消しました")
    assert run not in [known["id"] for known in reviewer.predict(api_name="/score_runs")]
    reviewer.close()


def test_a_reader_opens_no_class_and_is_told_so(site: Site, pages: Any) -> None:
    reader = pages(375, "a-reader", "en-GB")
    reader.goto(site.url + "class/teach")
    expect(reader.get_by_text("opened by a reviewer or a trainer")).to_be_visible()
    assert reader.locator("button").count() == 0


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("join", b"not json"),
        ("join", b"[" * 10_000),
        ("join", b'["a"]'),
        ("join", b'{"code": 1, "name": "x"}'),
        ("join", b'{"code": "x"}'),
        ("join", b'{"code": "x", "name": "y", "more": 1}'),
        ("go", b'{"code": "x", "key": "y", "step": true}'),
        ("nothing", b"{}"),
        ("join", b'{"code": "' + b"x" * 30_000 + b'", "name": "y"}'),
    ],
)
def test_odd_requests_are_refused_in_words(site: Site, name: str, body: bytes) -> None:
    json_type = {"content-type": "application/json"}
    told = httpx.post(site.url + f"class/do/{name}?lang=ja", content=body, headers=json_type)
    assert told.status_code == 400 and told.json()["error"] == "class.request"
    form = httpx.post(site.url + "class/do/join", data={"code": "x", "name": "y"})
    assert form.status_code == 400  # another site's form
