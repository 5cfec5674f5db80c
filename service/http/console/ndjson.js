// SPDX-License-Identifier: Apache-2.0
// Cuts a stream of text into its lines, whatever the pieces it comes in.

export class Lines {
  #rest = "";

  /** The lines that `piece` completes, without the empty ones. */
  push(piece) {
    const parts = (this.#rest + piece).split("\n");
    this.#rest = parts.pop();
    return parts.filter((line) => line.trim() !== "");
  }

  /** What came behind the last line feed; not empty: the stream was cut. */
  get rest() {
    return this.#rest;
  }
}
