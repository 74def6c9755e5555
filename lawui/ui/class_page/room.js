// The class pages: draws the state that the server tells. Text is always set as text.
"use strict";

const settings = JSON.parse(document.getElementById("settings").textContent);
const presenter = settings.role === "presenter";
const room = document.getElementById("room");
const noticeLine = document.getElementById("notice");
const LETTERS = ["a", "b", "c", "d"];
const KEPT = "lawui.class." + settings.role;
const POLL = presenter ? 1000 : 1500; // milliseconds, and up to a third more: not all at once
let me = recall();
let state = null;
let timer = 0;

function recall() {
  try { return JSON.parse(sessionStorage.getItem(KEPT)) || null; } catch { return null; }
}
function remember(value) {
  me = value;
  if (value) sessionStorage.setItem(KEPT, JSON.stringify(value));
  else sessionStorage.removeItem(KEPT);
}
function say(key, values = {}) {
  let words = settings.words[key];
  for (const [name, value] of Object.entries(values)) words = words.replace(`{${name}}`, value);
  return words;
}
function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "onclick" || key === "onsubmit" || key === "onchange") made[key] = value;
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== null) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== ""));
  return made;
}
// Make `old` what `fresh` is and keep every part that stays: a press that began on it is not lost.
function renew(old, fresh) {
  if (old.nodeName !== fresh.nodeName) return void old.replaceWith(fresh);
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes)
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  for (const event of ["onclick", "onsubmit", "onchange"]) old[event] = fresh[event];
  const [before, after] = [[...old.childNodes], [...fresh.childNodes]];
  after.forEach((child, n) => before[n] ? renew(before[n], child) : old.append(child));
  for (const gone of before.slice(after.length)) gone.remove();
}
function tell(text) { noticeLine.textContent = text; }

const joinCode = new URLSearchParams(location.search).get("c") || "";
if (joinCode) document.getElementById("language").search += `&c=${encodeURIComponent(joinCode)}`;

async function post(name, body) {
  const query = `?lang=${settings.lang}`;
  const answer = await fetch(`do/${name}${query}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const told = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(told.text), { key: told.error });
  return told;
}
async function act(name, body, button = null) {
  if (button) button.disabled = true;
  try {
    const told = await post(name, body);
    tell("");
    return told;
  } catch (error) {
    tell(error.key ? error.message : say("class.lost"));
    if (["class.unknown", "class.unknown_student"].includes(error.key)) leave();
    return null;
  } finally {
    if (button) button.disabled = false;
  }
}

// -- being in a room

async function poll() {
  clearTimeout(timer);
  if (!me) return;
  const who = presenter ? { code: me.code, key: me.key } : { code: me.code, token: me.token };
  try {
    const told = await post("state", { ...who, seen: state ? state.version : "" });
    if (!me) return;
    if (noticeLine.dataset.lost) { tell(""); delete noticeLine.dataset.lost; }
    if (told.version) show(told);
  } catch (error) {
    if (["class.unknown", "class.unknown_student"].includes(error.key)) {
      leave();
      tell(error.message);
      return;
    }
    tell(say("class.lost"));
    noticeLine.dataset.lost = "1";
  }
  const slow = document.hidden ? 4 : 1;
  timer = setTimeout(poll, slow * POLL * (1 + Math.random() / 3));
}
function show(told) {
  const focused = document.activeElement && document.activeElement.dataset.focus;
  state = told;
  draw();
  if (asking) tell(asked());
  if (focused) room.querySelector(`[data-focus="${focused}"]`)?.focus();
}
function leave() {
  clearTimeout(timer);
  remember(null);
  state = null;
  draw();
}

// -- what both see

function bar(kind, label, share, figure) {
  const fill = el("i", { class: kind });
  fill.style.width = `${100 * share}%`;
  return el("div", { class: "bar" },
    el("span", { class: "what" }, label),
    el("span", { class: "track", "aria-hidden": "true" }, fill),
    el("span", { class: "figure" }, figure));
}
function percent(share) { return `${Math.round(100 * share)} %`; }
function bars(letter) {
  const found = [];
  if (state.votes) {
    const all = Object.values(state.votes).reduce((a, b) => a + b, 0);
    const n = state.votes[letter];
    found.push(bar("votes", say("class.votes"), all ? n / all : 0, say("class.people", { n })));
  }
  for (const [kind, answer] of [["without", state.without], ["with", state.with]]) {
    if (!answer) continue;
    const share = answer.probs[letter];
    const label = say(`class.model.${kind}`);
    found.push(bar(kind, label, share, answer.cannot_tell ? "？" : percent(share)));
  }
  return found;
}
function choice(letter) {
  const text = state.question.choices[letter];
  const gold = state.gold === letter;
  const mine = state.letter === letter;
  const badges = [];
  if (gold) badges.push(el("em", { class: "gold" }, say("class.gold")));
  const voting = !presenter && state.step === 1;
  // While letters are pressed nothing may move below the finger.
  if (mine && !voting) badges.push(el("em", { class: "mine" }, say("class.chosen")));
  const body = [
    el("span", { class: "letter" }, letter),
    el("span", { class: "text", lang: "ja" }, text),
    ...badges,
  ];
  const line = voting
    ? el("button", {
        class: "choice", type: "button", "data-focus": letter,
        "aria-pressed": String(mine), onclick: () => vote(letter),
      }, ...body)
    : el("div", { class: "choice" }, ...body);
  const css = (gold ? "official " : "") + (mine ? "chosen" : "");
  return el("li", { class: css }, line, ...bars(letter));
}
function sentences() {
  const lines = [];
  if (!presenter && state.step === 1) lines.push(say("class.choose"));
  if (state.without?.cannot_tell) lines.push(say("class.unsure"));
  if (state.with?.cannot_tell) lines.push(say("class.unsure.law"));
  if (state.step >= 3 && !state.gold) lines.push(say("class.gold.none"));
  if (state.gold && state.letter === state.gold) lines.push(say("class.right"));
  return lines.map((line) => el("p", { class: "line" }, line));
}
function passages() {
  if (state.step < 4) return "";
  const shown = state.passages.map((p) => el("li", {},
    el("cite", { lang: "ja" }, p.citation),
    p.asof ? el("small", {}, say("class.asof", { date: p.asof })) : "",
    p.shortened ? el("small", {}, say("class.shortened")) : "",
    el("p", { lang: "ja" }, p.text)));
  return el("section", { class: "passages" },
    el("h2", {}, say("class.passages")),
    shown.length ? el("ol", {}, ...shown) : el("p", {}, say("class.passages.none")));
}
function display() {
  if (!state || !state.question) {
    return el("p", { class: "empty" }, presenter ? say("class.before") : say("class.wait"));
  }
  return el("article", {},
    el("p", { class: "law", lang: "ja" }, state.question.law),
    state.step ? el("p", { class: "step" }, say(`class.step.${state.step}`)) : "",
    el("p", { class: "stem", lang: "ja" }, state.question.stem),
    ...sentences(),
    el("ol", { class: "choices" }, ...LETTERS.map(choice)),
    !presenter && state.step === 1 && state.letter
      ? el("p", { class: "line" }, say("class.answered", { letter: state.letter })) : "",
    passages());
}
function draw() {
  const waiting = me && !state?.question ? " waiting" : "";
  room.className = presenter ? `presenter${waiting}` : "student";
  if (presenter) drawPresenter(); else drawStudent();
}

// -- the student

function field(id, label, attributes) {
  return el("p", { class: "field" },
    el("label", { for: id }, label), el("input", { id, required: true, ...attributes }));
}
function drawStudent() {
  if (!me) {
    const form = el("form", { class: "card", onsubmit: join },
      el("h2", {}, say("class.join.heading")),
      el("p", {}, say("class.join.help")),
      field("code", say("class.join.code"), {
        value: joinCode, autocomplete: "off", autocapitalize: "characters", maxlength: "12",
        spellcheck: "false",
      }),
      field("name", say("class.join.name"), { autocomplete: "off", maxlength: "20" }),
      el("button", { class: "main" }, say("class.join.button")),
      el("p", { class: "small" }, say("class.kept")));
    room.replaceChildren(form);
    return;
  }
  renew(room, el(room.tagName, { id: room.id, class: room.className },
    el("p", { class: "who" }, say("class.you", { name: me.name }),
      el("button", { type: "button", class: "plain", onclick: goAway }, say("class.leave"))),
    display()));
}
async function join(event) {
  event.preventDefault();
  const code = document.getElementById("code").value;
  const name = document.getElementById("name").value;
  const told = await act("join", { code, name }, event.submitter);
  if (!told) return;
  remember({ code, name: name.trim(), token: told.token });
  state = null;
  draw();
  poll();
}
function goAway() {
  if (window.confirm(say("class.leave.sure"))) leave();
}
async function vote(letter) {
  const told = await act("vote", { code: me.code, token: me.token, letter });
  if (told && told.version) show(told);
}

// -- the presenter

let asking = false; // whether the model is, for the step that was pressed
let side = null; // stays as it is while the room goes on
let offered = { sets: [], questions: [], adapters: [], set: "" };

function drawPresenter() {
  if (!me) {
    side = null;
    const body = settings.may
      ? [el("p", {}, say("class.open.help")),
         el("button", { class: "main", onclick: open }, say("class.open.button"))]
      : [el("p", {}, say("class.not_allowed"))];
    room.replaceChildren(el("section", { class: "card" }, ...body));
    return;
  }
  side = side || buildSide();
  const next = (state ? state.step : 0) + 1;
  const going = state?.question && next <= 4;
  const forth = el("button", {
    class: "main", "data-focus": "next", disabled: asking,
    onclick: (event) => going ? go(next, event.currentTarget) : side.querySelector("#item").focus(),
  }, say(`class.next.${next}`));
  const back = next < 3 ? "" : el("button", {
    class: "plain", "data-focus": "back", disabled: asking,
    onclick: (event) => go(next - 2, event.currentTarget),
  }, say("class.back"));
  const counts = el("span", { class: "counts" });
  if (state) {
    counts.append(el("b", { id: "joined" }, say("class.joined", { n: state.joined })));
    if (state.question) {
      counts.append(el("b", { id: "voted" }, say("class.voted", { n: state.voted })));
    }
    side.querySelector("#names").textContent = state.names.join("、");
  }
  const left = el("div", { class: "wall" }, el("p", { class: "steps" }, forth, back, counts), display());
  if (side.parentNode === room) renew(room.firstChild, left);
  else room.replaceChildren(left, side);
}
function buildSide() {
  const address = new URL("./", location.href);
  const spelled = me.code.replace(/(...)/, "$1 ");
  const select = (id, label, onchange) => el("p", { class: "field" },
    el("label", { for: id }, label), el("select", { id, onchange }));
  const made = el("aside", {},
    el("section", { class: "card code" },
      el("h2", {}, say("class.join.code")),
      el("p", { id: "code-shown" }, spelled),
      el("img", { src: `qr.svg?c=${me.code}`, alt: say("class.qr") }),
      el("p", { class: "small" }, say("class.join.at")),
      el("p", { class: "address" }, address.href.split("?")[0]),
      settings.loopback ? el("p", { class: "warn" }, say("class.loopback")) : "",
      el("details", {}, el("summary", {}, say("class.names")), el("p", { id: "names" }))),
    el("section", { class: "card" },
      el("h2", {}, say("class.pick")),
      select("set", say("class.pick.set"), () => offer()),
      el("p", { class: "field" }, el("label", { for: "words" }, say("class.pick.words")),
        el("input", { id: "words", type: "search", maxlength: "100", onchange: () => offer() })),
      select("item", say("class.pick.item"), evidences),
      select("evidence", say("class.pick.evidence"), null),
      select("adapter", say("class.pick.adapter"), null),
      el("button", { class: "main", onclick: put }, say("class.show"))),
    el("button", { class: "plain", onclick: close }, say("class.close")));
  queueMicrotask(offer);
  return made;
}
function fill(id, options, chosen) {
  const box = side.querySelector(`#${id}`);
  box.replaceChildren(...options.map(([value, words]) =>
    el("option", { value, selected: value === chosen }, words)));
}
async function offer() {
  const set = side.querySelector("#set").value;
  const words = side.querySelector("#words").value;
  const told = await act("choices", { code: me.code, key: me.key, set, words, lang: settings.lang });
  if (!told || !side) return;
  offered = told;
  fill("set", told.sets.map((s) => [s.name, s.words]), told.set);
  fill("item", told.questions.map((q) => [q.id, `${q.number} ${q.law} ${q.stem}`]), "");
  if (!side.querySelector("#adapter").options.length) {
    fill("adapter", [["base", say("class.pick.base")], ...told.adapters.map((a) => [a, a])], "base");
  }
  evidences();
}
function evidences() {
  const id = side.querySelector("#item").value;
  const given = offered.questions.find((q) => q.id === id)?.given;
  const kinds = [["retrieved", say("class.pick.retrieved")]];
  if (given) kinds.push(["given", say("class.pick.given")]);
  fill("evidence", kinds, side.querySelector("#evidence").value);
}
async function open(event) {
  const told = await act("open", {}, event.currentTarget);
  if (!told) return;
  remember(told);
  state = null;
  draw();
  poll();
}
async function put(event) {
  const value = (id) => side.querySelector(`#${id}`).value;
  const told = await act("show", {
    code: me.code, key: me.key, id: value("item"), set: value("set"),
    evidence: value("evidence"), adapter: value("adapter"),
  }, event.currentTarget);
  if (!told) return;
  show(told);
  window.scrollTo(0, 0);
}
function asked() {
  if (!state.asking) return say("class.busy");
  const n = state.left;
  const left = n === null ? "unknown" : n < 1 ? "soon" : "left";
  return `${say("class.busy")} ${say(`wait.${left}`, { time: say("word.seconds", { n }) })}`;
}
async function go(step, button) {
  asking = true;
  tell(say("class.busy"));
  const told = await act("go", { code: me.code, key: me.key, step }, button);
  asking = false;
  if (told) show(told); else draw();
}
async function close(event) {
  if (!window.confirm(say("class.close.sure"))) return;
  const told = await act("close", { code: me.code, key: me.key }, event.currentTarget);
  if (told === null) return;
  leave();
  tell(say("class.closed"));
}

draw();
poll();
