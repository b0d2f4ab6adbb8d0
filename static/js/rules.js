// The rule form, without a new page for each press: the server still draws every row. Without script the same buttons work.
(() => {
  "use strict";

  const PAGE = "#rule-page";
  const one = (selector, within = document) => within.querySelector(selector);
  let asked = 0;

  /** Ask for the form anew as it is filled in, and put it in the place of this one. */
  async function redraw(form, what, focus) {
    const mine = ++asked;
    const body = new FormData(form);
    body.set("do", what);
    const answer = await fetch(form.action, { method: "POST", body });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = one(PAGE, page);
    if (mine !== asked) return;
    if (!fresh) throw new Error("no form in the answer");
    const typing = typedSince(form, body, fresh);
    one(PAGE).replaceWith(document.adoptNode(fresh));
    const next = typing ? document.getElementById(typing) : one(`${PAGE} [autofocus]`);
    (next ?? (focus && document.getElementById(focus)) ?? one(".err"))?.focus();
  }

  /** What was typed while the answer was on its way is not lost; the id of the field that is being typed in. */
  function typedSince(form, sent, fresh) {
    for (const control of form.querySelectorAll("input:not([type]), input[type=text], input[type=search], textarea")) {
      const same = control.id && one(`#${CSS.escape(control.id)}`, fresh);
      if (same && control.value !== (sent.get(control.name) ?? "")) same.value = control.value;
    }
    const active = document.activeElement;
    return form.contains(active) && active.matches("input, textarea") ? active.id : null;
  }

  document.addEventListener("change", (event) => {
    const control = event.target;
    if (control.matches(`${PAGE} [data-redraw]`)) redraw(control.form, "refresh", control.id).catch(() => {});
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest(`${PAGE} button[name="do"]`);
    if (!button || button.value === "save" || event.defaultPrevented) return;
    event.preventDefault();
    redraw(button.form, button.value, button.id).catch(() => button.form.requestSubmit(button));
  });

  // Narrow a short list of names as they are typed; a long one is searched by the server.
  document.addEventListener("input", (event) => {
    const target = event.target.dataset?.filter;
    if (!target) return;
    const words = event.target.value.trim().toLowerCase();
    for (const chip of document.querySelectorAll(`${target} .pick-chip`)) {
      const off = !one("input", chip).checked && !chip.textContent.toLowerCase().includes(words);
      chip.hidden = off;
    }
  });
})();
