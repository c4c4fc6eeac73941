// What is live on a page, copying, and keys. Every page works without this file.
"use strict";

// Server-sent events. The server renders and escapes; this puts the parts into their places.
for (const place of document.querySelectorAll("[data-live]")) {
  const pause = document.querySelector("[data-pause]");
  const state = document.querySelector(".live-state");
  const most = Number(place.dataset.most) || 0;
  let stream = null;
  let last = null;
  let paused = false;

  const say = (text) => {
    if (state && state.textContent !== text) state.textContent = text;
  };
  const parsed = (html) => {
    const template = document.createElement("template");
    template.innerHTML = html;
    return template.content;
  };
  const open = () => {
    if (stream || paused || document.hidden) return;
    const url = new URL(place.dataset.live, location.href);
    if (last !== null) url.searchParams.set("after", last);
    stream = new EventSource(url);
    stream.onopen = () => {
      document.documentElement.dataset.connected = "true";
      say("Live");
    };
    stream.onerror = () => say(stream.readyState === EventSource.CLOSED ? "Not live: reload the page" : "Connecting…");
    stream.addEventListener("rows", (event) => {
      last = event.lastEventId || last;
      const body = place.tBodies[0];
      const rows = parsed(event.data);
      for (const row of rows.children) row.className += " fresh";
      body.prepend(rows);
      while (most && body.rows.length > most) body.deleteRow(-1);
      document.querySelector(".empty")?.remove();
    });
    stream.addEventListener("replace", (event) => {
      for (const part of [...parsed(event.data).children]) {
        document.getElementById(part.id)?.replaceWith(part);
      }
    });
  };
  const close = () => {
    stream?.close();
    stream = null;
    delete document.documentElement.dataset.connected;
  };
  if (pause) {
    pause.hidden = false;
    pause.addEventListener("click", () => {
      paused = !paused;
      pause.textContent = paused ? "Continue" : "Pause";
      if (paused) {
        close();
        say("Paused");
      } else {
        open();
      }
    });
  }
  // A hidden page needs no updates, and browsers open only a few connections to one host.
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  addEventListener("pagehide", close);
  addEventListener("pageshow", open);
  open();
}

for (const button of document.querySelectorAll("[data-copy]")) {
  const label = button.firstChild;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const text = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(text.textContent);
      label.textContent = "Copied";
    } catch {
      // Without permission, the text is selected, so that it can be copied with a key.
      getSelection().selectAllChildren(text);
      label.textContent = "Selected";
    }
    setTimeout(() => (label.textContent = "Copy"), 2000);
  });
}

// "/" goes to the first field of a search; "j" and "k" go to the next and the previous row.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
  if (event.key === "/") {
    const field = document.querySelector("[role=search] input[type=search]");
    if (field) {
      event.preventDefault();
      field.focus();
    }
  } else if (event.key === "j" || event.key === "k") {
    const links = [...document.querySelectorAll("tbody tr a:first-of-type")];
    const at = links.indexOf(document.activeElement);
    const next = links[event.key === "j" ? at + 1 : Math.max(at - 1, 0)];
    next?.focus();
  }
});
