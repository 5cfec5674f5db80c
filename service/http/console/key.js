// SPDX-License-Identifier: Apache-2.0
// The API key: in memory, and on demand in this tab's session; never anywhere else.
import { byId, setText } from "./dom.js";
import { setKey } from "./gateway.js";

let isSet = false;

export const hasKey = () => isSet;

function use(value) {
  isSet = value !== "";
  setKey(value);
  byId("key-button").classList.toggle("is-set", isSet);
  byId("key-button").setAttribute("aria-label", isSet ? "API key, set" : "API key, none");
}

export function askForKey(why) {
  setText(byId("key-why"), why);
  byId("key-dialog").showModal();
}

export function setUpKey() {
  use(sessionStorage.getItem("key") ?? "");
  byId("key-keep").checked = sessionStorage.getItem("key") !== null;
  byId("key-button").addEventListener("click", () => askForKey("Sent as “Authorization: Bearer …” with each batch."));
  byId("key-dialog").addEventListener("close", () => {
    const field = byId("key-field");
    if (byId("key-dialog").returnValue === "use") {
      use(field.value.trim());
      if (byId("key-keep").checked && isSet) sessionStorage.setItem("key", field.value.trim());
      else sessionStorage.removeItem("key");
    }
    field.value = "";
    byId("key-dialog").returnValue = "";
  });
}
