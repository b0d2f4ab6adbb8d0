// Fairlead's own script. Every page works without it; with it the lists a partner works through answer in place:
// a form opens under its row, what is saved shows without a new page, and keys move through the rows.
// The server stays the only one who writes HTML: the script asks for the same pages and shows their bodies.
(() => {
  "use strict";

  const root = document.documentElement;
  const LIST = ".wl-list";
  const ROW = ".wl";
  const FIELD = "input, select, textarea, [contenteditable]";
  const CHIP_STAYS_MS = 10000;
  const KEYS_OFF = "fairlead-single-keys-off";
  const FORM_OF_KEY = { l: "log", f: "feedback" };
  const NOT_SENT = "Not saved: the server did not answer. What you typed is still here; save again when you are back online.";

  const live = document.createElement("p");
  live.className = "visually-hidden";
  live.setAttribute("role", "status");
  let busy = false;
  let shownPath = location.pathname;

  const one = (selector, within = document) => within.querySelector(selector);
  const rows = () => [...document.querySelectorAll(`${LIST} ${ROW}`)];
  const rowOf = (id) => rows().find((row) => row.dataset.row === id);
  const plainKey = (event) => !(event.ctrlKey || event.metaKey || event.altKey);

  // ---------- Asking the server and showing its answer ----------

  /** Fetch a page and show it here. `aim` says where the focus goes: {kind: "open" | "close" | "save", row, next}. */
  async function visit(url, options, aim) {
    busy = true;
    one(LIST)?.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(url, options);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      // The address of a refused form is one that only takes a POST, so the page keeps its own.
      show(page, answer.redirected || !options.method ? answer.url : null);
      land(aim);
    } finally {
      busy = false;
      one(LIST)?.removeAttribute("aria-busy");
    }
  }

  /** Put the page's body in place of this one, at the same height where it is the same screen. */
  function show(page, url) {
    const height = window.scrollY;
    const elsewhere = url !== null && new URL(url).pathname !== location.pathname;
    if (elsewhere) history.pushState(null, "", url);
    else if (url !== null) history.replaceState(null, "", url);
    shownPath = location.pathname;
    document.title = page.title;
    document.body.replaceWith(document.adoptNode(page.body));
    window.scrollTo(0, elsewhere ? 0 : height);
    announce();
  }

  /** Say what was done to who cannot see the chip, and keep the chip in sight for a while. */
  function announce() {
    const chips = [...document.querySelectorAll(".flash")];
    const said = chips.map((chip) => chip.textContent.trim()).join(" ");
    for (const chip of chips) {
      chip.removeAttribute("role");
      // What may be undone for a minute stays in sight together with its button.
      const shown = chip.closest(".flash-line") ?? chip;
      shown.classList.add("is-new");
      setTimeout(() => shown.classList.remove("is-new"), CHIP_STAYS_MS);
    }
    live.textContent = "";
    document.body.append(live);
    // A region is read when its words change, not when it arrives with them.
    setTimeout(() => { live.textContent = said; }, 100);
  }

  /** Give the focus to what comes next: what is wrong, the form that opened, the next row, or the page. */
  function land(aim) {
    const wrong = one(".err");
    const row = rowOf(aim.row);
    if (wrong) {
      select(wrong.closest(ROW));
      return wrong.focus();
    }
    if (aim.kind === "open" && row) {
      select(row);
      return (one(".wl-form button, .wl-form input:not([type=hidden]), .wl-form select", row) ?? row).focus();
    }
    if (aim.kind === "close" && row) {
      select(row);
      return (one(".wl-actions .btn:not(.btn-plain)", row) ?? row).focus();
    }
    const next = rowOf(aim.next) ?? row ?? rows()[0];
    return next ? go(next) : one("main")?.focus();
  }

  /** The network did not answer: say so, and let the next try go the browser's own way. */
  function notSent(form) {
    const sentence = document.createElement("p");
    sentence.className = "flash flash-stop is-new";
    sentence.textContent = NOT_SENT;
    one(".not-sent")?.remove();
    sentence.classList.add("not-sent");
    (form.closest(ROW) ?? form.closest(".flash-line"))?.append(sentence);
    live.textContent = NOT_SENT;
    form.dataset.plainly = "yes";
  }

  // ---------- Rows ----------

  /** The row that a key is meant for: the selected one, the one with the focus, the open one, the most urgent. */
  function current() {
    return document.activeElement?.closest(`${LIST} ${ROW}`) ?? one(`${ROW}.is-selected`) ?? one(`${ROW}.is-open`) ?? rows()[0];
  }

  function select(row) {
    for (const other of rows()) other.classList.toggle("is-selected", other === row);
  }

  /** Select a row and give it the focus. */
  function go(row) {
    select(row);
    row.tabIndex = -1;
    row.focus();
    row.scrollIntoView({ block: "nearest" });
  }

  /** One row up or down; the first one where none is selected. */
  function move(step) {
    const all = rows();
    const at = all.indexOf(document.activeElement?.closest(ROW) ?? one(`${ROW}.is-selected`));
    const next = at < 0 ? all[0] : all[Math.min(Math.max(at + step, 0), all.length - 1)];
    if (next) go(next);
  }

  /** The row below the acted one: where work goes on. */
  function following(row) {
    const all = rows();
    return all[all.indexOf(row) + 1]?.dataset.row;
  }

  async function follow(url, row) {
    const target = new URL(url, location.href);
    target.hash = "";
    const kind = target.searchParams.has("open") ? "open" : "close";
    await visit(target.href, {}, { kind, row: row?.dataset.row }).catch(() => location.assign(target.href));
  }

  // ---------- Clicks and forms ----------

  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-dialog]");
    if (opener) return help();
    if (event.target.closest("[data-close]")) return event.target.closest("dialog").close();
    const link = event.target.closest(`${LIST} a[href]`);
    if (!link || event.button !== 0 || event.shiftKey || !plainKey(event)) return;
    const [here, there] = [location.href, link.href].map((href) => href.split("#")[0]);
    // Another page, or a place on this one, is the browser's affair.
    if (link.pathname !== location.pathname || there === here) return;
    event.preventDefault();
    if (!busy) follow(link.href, link.closest(ROW));
  });

  document.addEventListener("submit", (event) => {
    const form = event.target;
    const undo = one(LIST) !== null && form.closest(".flash-line") !== null;
    if ((!form.closest(LIST) && !undo) || form.method !== "post" || form.dataset.plainly) return;
    event.preventDefault();
    if (busy) return;
    const row = form.closest(ROW);
    const body = new FormData(form, event.submitter);
    const aim = undo
      ? { kind: "save", next: new URL(form.action).pathname.split("/").at(-2) }
      : { kind: "save", row: row.dataset.row, next: following(row) };
    visit(form.action, { method: "POST", body }, aim).catch(() => notSent(form));
  });

  // Pages shown in place of others are not kept: going back asks for the page anew.
  window.addEventListener("popstate", () => {
    if (location.pathname !== shownPath) location.reload();
  });

  // ---------- Examples that redraw ----------

  const REDRAW_MS = 350;
  let waiting = 0;
  let asked = 0;

  /** What shows a form's example: each part has an id. */
  const drawn = (form) => [...form.querySelectorAll(form.dataset.redraw)];

  /** Ask the form's own page what it shows for what is typed now, and put its parts in place of these. */
  async function redraw(form) {
    const number = ++asked;
    const body = new URLSearchParams(new FormData(form));
    body.set("do", "example");
    drawn(form).forEach((part) => part.setAttribute("aria-busy", "true"));
    try {
      const answer = await fetch(form.action, { method: "POST", body });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (number !== asked) return;
      for (const part of drawn(form)) {
        const fresh = page.getElementById(part.id);
        if (fresh) part.replaceWith(document.adoptNode(fresh));
      }
    } catch {
      // The button that shows the example still works, and says what is wrong.
    } finally {
      if (number === asked) drawn(form).forEach((part) => part.removeAttribute("aria-busy"));
    }
  }

  for (const kind of ["input", "change"]) {
    document.addEventListener(kind, (event) => {
      const form = event.target.form;
      if (!form?.dataset.redraw) return;
      clearTimeout(waiting);
      waiting = setTimeout(redraw, REDRAW_MS, form);
    });
  }

  // ---------- Keys ----------

  const stored = {
    get: () => { try { return localStorage.getItem(KEYS_OFF); } catch { return null; } },
    set: (off) => { try { off ? localStorage.setItem(KEYS_OFF, "yes") : localStorage.removeItem(KEYS_OFF); } catch { /* kept for this page alone */ } },
  };

  function singleKeys(on) {
    root.classList.toggle("no-keys", !on);
    stored.set(!on);
  }

  function help() {
    one("#keys-on").checked = !root.classList.contains("no-keys");
    one("#keys").showModal();
  }

  /** Press what the row offers for this key; a lead that is held can be logged or judged whatever its row asks. */
  function act(key) {
    const row = current();
    if (!row) return;
    const button = one(`[data-key="${key}"]`, row);
    if (button) return button.click();
    if (key in FORM_OF_KEY && !one('[data-key="a"]', row) && !busy) {
      follow(`${location.pathname}?open=${row.dataset.row}&form=${FORM_OF_KEY[key]}`, row);
    }
  }

  const KEYS = { j: () => move(1), k: () => move(-1), u: () => one('.flash-line [data-key="u"]')?.click(), "?": help };
  for (const key of "adlf12345") KEYS[key] = () => act(key);

  document.addEventListener("change", (event) => {
    if (event.target.id === "keys-on") singleKeys(event.target.checked);
  });

  document.addEventListener("keydown", (event) => {
    // The page with the help is the page with the keys.
    if (!one("#keys") || one("dialog[open]") || event.defaultPrevented || !plainKey(event)) return;
    if (event.key === "Escape") return one(`${ROW}.is-open [data-key="esc"]`)?.click();
    if (event.target.matches(FIELD)) return;
    if (event.key === "Enter") {
      if (event.target.matches(`body, ${ROW}`)) one(`${ROW}.is-open .lead-form`)?.requestSubmit();
    } else if (KEYS[event.key] && !(event.repeat && !"jk".includes(event.key)) && !root.classList.contains("no-keys")) {
      event.preventDefault();
      KEYS[event.key]();
    }
  });

  // ---------- What goes on beside the page ----------

  /** Ask again for the page of something that is under way, and show how far it is; once it has ended, the whole page. */
  async function poll(place) {
    try {
      const answer = await fetch(location.href);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const next = one("[data-poll]", page);
      if (!next || answer.redirected) return location.reload();
      place.replaceChildren(...document.adoptNode(next).childNodes);
    } catch {
      // The server does not answer just now: the next time it may.
    }
    setTimeout(poll, Number(place.dataset.poll), place);
  }

  const underWay = one("[data-poll]");
  if (underWay) setTimeout(poll, Number(underWay.dataset.poll), underWay);

  root.classList.add("has-script");
  if (stored.get()) root.classList.add("no-keys");
  document.body.append(live);
})();
