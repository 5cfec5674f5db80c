// SPDX-License-Identifier: Apache-2.0
// The batch page: from what was composed to a run and its results.
import { requestsOf } from "./batch_document.js";
import { Composer } from "./composer.js";
import { byId } from "./dom.js";
import { explain, Refusal, stream } from "./gateway.js";
import { askForKey, hasKey } from "./key.js";
import { Results } from "./results.js";
import { Run } from "./run.js";
import { copy } from "./save.js";
import { batchCommand } from "./shell.js";
import { WorkQueue } from "./work_queue.js";

export class BatchView {
  constructor() {
    this.composer = new Composer();
    this.results = new Results();
    this.control = null;
    byId("run").addEventListener("click", () => this.run());
    byId("cancel").addEventListener("click", () => this.cancel());
    byId("explain").addEventListener("click", () => this.explain());
    byId("copy-batch").addEventListener("click", () => this.copy());
    byId("run-example").addEventListener("click", () => {
      this.composer.useTemplate("example");
      this.run();
    });
  }

  async run() {
    if (this.control) return;
    const batch = this.composer.take();
    if (!batch) return;
    const run = new Run(batch.text);
    this.control = new AbortController();
    this.#setRunning(true);
    const queue = new WorkQueue((line) => {
      run.add(line);
      this.results.changed();
    });
    let isShown = false;
    const begin = () => {
      if (!isShown) this.results.add(run);
      isShown = true;
    };
    try {
      const slow = setTimeout(begin, 150); // a refusal leaves what is shown in peace
      const onLines = (lines) => {
        begin();
        queue.push(lines);
      };
      const isWhole = await stream(batch.text, onLines, this.control.signal).finally(() => clearTimeout(slow));
      await queue.settled();
      begin();
      run.finish(isWhole && run.summary ? "done" : "cut");
    } catch (error) {
      await queue.settled();
      run.finish(error.name === "AbortError" ? "cancelled" : "cut");
      if (error.name !== "AbortError") this.#fail(error, batch.prefix);
    }
    this.control = null;
    this.#setRunning(false);
    if (isShown) this.results.finished(run);
  }

  get isRunning() {
    return this.control !== null;
  }

  cancel() {
    this.control?.abort();
  }

  async explain() {
    const batch = this.composer.take();
    if (!batch) return;
    try {
      this.results.explain(await explain(batch.text), requestsOf(JSON.parse(batch.text)));
    } catch (error) {
      this.#fail(error, batch.prefix);
    }
  }

  copy() {
    const batch = this.composer.take();
    if (batch) copy(batchCommand(location.origin, batch.text, { hasKey: hasKey() }), "Command");
  }

  #fail(error, prefix) {
    if (error instanceof Refusal) {
      this.composer.refuse(error, prefix);
      if (error.status === 401) askForKey("The service asks for a key.");
    } else {
      this.composer.fail(`The service cannot be reached: ${error.message}`);
    }
  }

  #setRunning(isRunning) {
    byId("run").hidden = isRunning;
    byId("cancel").hidden = !isRunning;
    if (document.activeElement === document.body) byId(isRunning ? "cancel" : "run").focus();
  }
}
