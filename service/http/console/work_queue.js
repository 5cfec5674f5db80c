// SPDX-License-Identifier: Apache-2.0
// Work in pieces of a few milliseconds, so that the page is drawn in between, however much
// comes at once.

const SLICE_MS = 8;

export class WorkQueue {
  #items = [];
  #next = 0;
  #timer = null;
  #idle = [];
  #channel = new MessageChannel();

  constructor(work) {
    this.work = work;
    this.#channel.port1.onmessage = () => this.#run();
  }

  push(items) {
    for (const item of items) this.#items.push(item);
    if (this.#timer === null) this.#later();
  }

  /** Resolves when all of it is done. */
  settled() {
    return this.#items.length ? new Promise((resolve) => this.#idle.push(resolve)) : Promise.resolve();
  }

  clear() {
    this.#items = [];
    this.#next = 0;
  }

  // A task of its own after the next frame; a hidden page has no frames.
  #later() {
    this.#timer = document.hidden ? setTimeout(() => this.#run(), 0)
      : requestAnimationFrame(() => this.#channel.port2.postMessage(0));
  }

  #run() {
    const until = performance.now() + SLICE_MS;
    while (this.#next < this.#items.length && performance.now() < until)
      this.work(this.#items[this.#next++]);
    this.#timer = null;
    if (this.#next < this.#items.length) {
      this.#later();
      return;
    }
    this.clear();
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}
