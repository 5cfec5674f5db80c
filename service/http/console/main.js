// SPDX-License-Identifier: Apache-2.0
// Puts the page together: its two views, the head above them, and the keyboard.
import { BatchView } from "./batch_view.js";
import { announce, byId, setText } from "./dom.js";
import { look } from "./gateway.js";
import { askForKey, setUpKey } from "./key.js";
import { LiveView } from "./live_view.js";
import { setUpShortcuts } from "./shortcuts.js";
import { nextTheme, theme } from "./theme.js";

const STATE_EVERY_MS = 5000;

function showInstance(state, version) {
  const pill = byId("instance");
  pill.dataset.state = state;
  if (version) pill.dataset.version = version;
  setText(pill, [pill.dataset.version, state].filter(Boolean).join(" · "));
}

async function watchInstance() {
  if (!document.hidden && location.hash !== "#live") {
    try {
      const now = await look("/-/live");
      showInstance(now.state, now.version);
    } catch {
      showInstance("unknown");
    }
  }
  setTimeout(watchInstance, STATE_EVERY_MS);
}

function showTheme() {
  const label = { auto: "as the system", light: "light", dark: "dark" }[theme()];
  setText(byId("theme-button"), { auto: "◐", light: "☀", dark: "☾" }[theme()]);
  byId("theme-button").setAttribute("aria-label", `Colours: ${label}`);
  byId("theme-button").title = `Colours: ${label}`;
}

function changeTheme() {
  nextTheme();
  showTheme();
  announce(byId("theme-button").title);
}

setUpKey();
const batch = new BatchView();
const live = new LiveView((now) => showInstance(now.state, now.version));

function showView() {
  const name = location.hash === "#live" ? "live" : "batch";
  for (const each of ["batch", "live"]) {
    byId(each).hidden = each !== name;
    if (each === name) byId("to-" + each).setAttribute("aria-current", "page");
    else byId("to-" + each).removeAttribute("aria-current");
  }
  document.title = (name === "live" ? "Live" : "Batch") + " · gatherd console";
  live.show(name === "live");
}

const inBatch = (f) => () => {
  if (byId("batch").hidden) location.hash = "";
  f();
};

const help = () => byId("help-dialog").showModal();
showTheme();
byId("theme-button").addEventListener("click", changeTheme);
byId("help-button").addEventListener("click", help);
byId("help-close").addEventListener("click", () => byId("help-dialog").close());
window.addEventListener("hashchange", showView);
setUpShortcuts([
  { keys: "Ctrl+Enter", label: "run the batch", run: inBatch(() => batch.run()), inText: true },
  { keys: "Esc", label: "cancel the run, close the details", inText: true,
    run: (event) => (batch.isRunning || event.target === byId("document") ? batch.cancel() : batch.results.close()) },
  { keys: "e", label: "edit the batch", run: inBatch(() => byId("document").focus()) },
  { keys: "t", label: "choose a template", run: inBatch(() => byId("template").focus()) },
  { keys: "x", label: "explain the batch, send nothing", run: inBatch(() => batch.explain()) },
  { keys: "r", label: "go to the rows: ↑ ↓ move, Enter opens", run: inBatch(() => byId("grid-place").firstElementChild?.focus()) },
  { keys: "/", label: "filter the rows", run: inBatch(() => byId("filter").focus()) },
  { keys: "c", label: "copy the batch as curl", run: inBatch(() => batch.copy()) },
  { keys: "h", label: "save the run as HAR", run: inBatch(() => batch.results.saveHar()) },
  { keys: "b", label: "the batch page", run: () => (location.hash = "") },
  { keys: "l", label: "the live page", run: () => (location.hash = "live") },
  { keys: "k", label: "set the API key", run: () => askForKey("Sent as “Authorization: Bearer …” with each batch.") },
  { keys: "d", label: "light, dark, or as the system", run: changeTheme },
  { keys: "?", label: "this list", run: help },
  { keys: "Esc+Tab", label: "leave the editor, where Tab indents" },
]);
showView();
watchInstance();
document.documentElement.dataset.ready = "";
