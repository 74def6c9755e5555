// The page's own few lines; no library, nothing fetched. `moreTabs` is set before them.

// Gradio's page closes its stream of answers once none is due and opens one with its next request.
// A request that set out before it heard of the close gets none, and its answer would lie unread
// on the server until the next press: where that may be so, a request that does nothing follows.
let stream = { open: false, asked: false };
const listen = (signal) => {
  const mine = (stream = { open: true, asked: false });
  signal?.addEventListener("abort", () => {
    mine.open = false;
    if (mine.asked) setTimeout(() => stream === mine && document.getElementById("wake")?.click(), 200);
  });
};
const send = window.fetch;
window.fetch = async (resource, options) => {
  const { pathname } = new URL(resource.url ?? resource, window.location);
  if (pathname.endsWith("/queue/data")) listen(resource.signal ?? options?.signal);
  const answer = await send(resource, options);
  if (stream.open && pathname.endsWith("/queue/join")) stream.asked = true;
  return answer;
};

// The address carries ids only, so that it can be sent on and a reload opens the same view.
window.lawuiAddress = (view) => {
  const address = new URL(window.location);
  for (const [name, id] of Object.entries(view)) {
    if (id) address.searchParams.set(name, id);
    else address.searchParams.delete(name);
  }
  window.history.replaceState(null, "", address);
};

// The tab in sight, read from the tab itself: Gradio's own event comes seconds later on a busy page.
new MutationObserver((changes) => {
  for (const { target } of changes) {
    const [, tab] = /^tab-(.+)-button$/.exec(target.id) ?? [];
    if (tab && target.ariaSelected === "true") {
      lawuiAddress({ tab });
      setTimeout(look, 100, tab);
    }
  }
}).observe(document.documentElement, { attributeFilter: ["aria-selected"], subtree: true });

// What a tab shows is looked at each time it was opened: once it is drawn, and built at the first time.
const look = (tab) => {
  if (document.getElementById(`tab-${tab}-button`).ariaSelected !== "true") return;
  const opened = document.querySelector(`#tab-${tab} .lw-opened`);
  if (!opened) return void setTimeout(look, 100, tab);
  opened.click();
  beat(0);
};

// What lives on the tab in sight is looked at again: each second where something is at work.
const beat = (second) => {
  if (document.hidden) return;
  for (const pulse of document.querySelectorAll(second % 4 ? ".lw-pulse.lw-quick" : ".lw-pulse"))
    if (pulse.closest("[role=tabpanel]")?.offsetParent) pulse.click();
};
let seconds = 0;
setInterval(() => beat(++seconds), 1000);

// Next and previous question (j, k), and where columns differ (n, p), by key, unless somebody is typing or choosing.
document.addEventListener("keydown", (event) => {
  const busy = event.target.closest("input, textarea, select, [contenteditable], [role=listbox]");
  if (busy || event.ctrlKey || event.metaKey || event.altKey) return;
  const way = { j: "next", k: "previous", n: "differ-next", p: "differ-previous" }[event.key];
  const tab = ["ask", "adapters"].find((t) => document.getElementById(`${t}-item`)?.offsetParent);
  if (way && tab) document.getElementById(`${tab}-${way}`)?.click();
});

// Gradio opens a list at every key but Escape, also at the Tab that leaves it; and it tells of an
// input where a list is left as it was (page.py: `on_choice`).
const list = "input[role=combobox]";
let chosenIn = null;
document.addEventListener("focusin", ({ target }) => {
  if (target.matches(list)) chosenIn = null;
});
document.addEventListener("mousedown", ({ target }) => {
  if (target.closest("[role=option]")) chosenIn = document.activeElement;
}, true);
document.addEventListener("keydown", (event) => {
  if (!event.target.matches(list)) return;
  if (event.key === "Enter") chosenIn = event.target;
  if (event.key === "Tab") event.stopPropagation();
}, true);
window.lawuiChose = (id) => Boolean(chosenIn?.closest(`#${id}`));

// A browser's first visit starts the tour, once the view stands; an address that names a
// question or a tab is somebody's link and not a first look around. Escape closes it.
const { searchParams } = new URL(window.location);
const sentTo = ["q", "item", "tab"].some((name) => searchParams.has(name));
const welcome = () => {
  if (!window.lawuiOpened) return void setTimeout(welcome, 200);
  try {
    if (localStorage.getItem("lawui.tour") || sentTo) return;
    localStorage.setItem("lawui.tour", "seen");
  } catch {
    return; // a browser that keeps nothing would show it at every visit
  }
  document.getElementById("tour-call")?.click();
};
welcome();
document.addEventListener("keydown", (event) => {
  const close = document.querySelector("#tour [data-open=close]");
  if (!close || event.key !== "Escape" || event.target.closest("[role=listbox], [aria-expanded=true]")) return;
  close.click();
  close.closest("section").remove(); // gone at once; the server's word follows
  document.getElementById("tour-call").focus();
});

// Gradio names its overflow menu in English and shows a choice's key as its tooltip.
const tidy = () => {
  for (const button of document.querySelectorAll(".overflow-menu > button"))
    button.setAttribute("aria-label", moreTabs[document.documentElement.lang]);
  for (const box of document.querySelectorAll("input[type=checkbox][title]"))
    box.removeAttribute("title");
};
new MutationObserver(tidy).observe(document.documentElement, {
  attributes: true, attributeFilter: ["lang", "title"], childList: true, subtree: true,
});

// A file that was just made: its button is pressed once it holds the new address.
window.lawuiSave = (id) => {
  const held = document.getElementById(id);
  if (held) setTimeout(() => (held.querySelector("button, a") ?? held).click(), 150);
};

// Copy what an element holds, also where the page is not on a secure address.
window.lawuiCopy = async (text) => {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const box = Object.assign(document.createElement("textarea"), { value: text });
    document.body.append(box);
    box.select();
    document.execCommand("copy");
    box.remove();
  }
};
