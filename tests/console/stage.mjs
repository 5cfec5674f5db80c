// SPDX-License-Identifier: Apache-2.0
// What the tests act on: a gatherd, its demo upstream, a hostile one, and Chromium. After
// every test the page must have had no error, no violation of its policy, and no request
// to anywhere but its own gatherd.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { startHostile } from "./hostile_upstream.mjs";

const ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync"];
const DESK = { width: 1360, height: 820 };

/** One below those from which the kernel takes ports for connections, and the other tests theirs. */
async function freePort() {
  for (;;) {
    const port = 10000 + Math.floor(Math.random() * 1000);
    const isFree = await new Promise((resolve) => {
      const server = createServer().on("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
    });
    if (isFree) return port;
  }
}

function configuration(port, more) {
  return `server: {listen: ["127.0.0.1:${port}"], workers: 2}
batch: {max_items: 20000}
egress: {private_addresses: allow, ports: ["1-65535"], deny_ports: []}
log: {level: error}
${more}`;
}

export class Stage {
  static async start() {
    const stage = new Stage();
    stage.folder = mkdtempSync(join(tmpdir(), "gatherd-console-"));
    stage.children = [];
    stage.demo = await freePort();
    stage.spawn("demo", "--listen", `127.0.0.1:${stage.demo}`);
    stage.origin = await stage.gatherd('webhooks: {secrets: [{name: orders, secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}]}');
    stage.hostile = await startHostile();
    stage.browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ARGUMENTS });
    return stage;
  }

  spawn(...words) {
    const child = spawn(process.env.GATHERD, words, { stdio: ["ignore", "ignore", "pipe"] });
    child.errors = "";
    child.stderr.on("data", (data) => (child.errors += data));
    this.children.push(child);
    return child;
  }

  /** Starts one more gatherd with these lines of YAML; its origin. */
  async gatherd(more) {
    const port = await freePort();
    const path = join(this.folder, `gatherd-${port}.yaml`);
    writeFileSync(path, configuration(port, more));
    const child = this.spawn("serve", "--config", path);
    const origin = `http://127.0.0.1:${port}`;
    for (let tries = 0; ; tries++) {
      if (child.exitCode !== null || tries > 200) throw new Error("gatherd does not start: " + child.errors);
      try {
        if ((await fetch(origin + "/readyz")).ok) return origin;
      } catch {
        // Not yet.
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  get upstream() {
    return `http://127.0.0.1:${this.demo}`;
  }

  /** A test gets (page, stage); its page is opened, watched and closed here. */
  async run(test) {
    if (test.shared) {
      await this.runShared(test);
      return;
    }
    const page = await this.open(test.options ?? {});
    try {
      await (test.act ?? test)(page, this);
      page.assertClean();
    } finally {
      await page.context().close();
    }
  }

  /** Tests that leave the page as they found it share one: opening it is most of their time. */
  async runShared(test) {
    this.sharedPage ??= await this.open();
    try {
      await test.act(this.sharedPage, this);
      this.sharedPage.assertClean();
    } catch (error) {
      await this.sharedPage.context().close();
      this.sharedPage = null;
      throw error;
    }
  }

  async open({ origin = this.origin, path = "/console", upstream = this.upstream, allowed = [], ...options } = {}) {
    const context = await this.browser.newContext({ viewport: DESK, ...options });
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    await context.addInitScript((address) => {
      sessionStorage.getItem("upstream") ?? sessionStorage.setItem("upstream", address);
      addEventListener("securitypolicyviolation", (event) => console.error("policy violated: " + event.violatedDirective));
    }, upstream);
    const page = await context.newPage();
    page.setDefaultTimeout(8000);
    const faults = [];
    page.on("pageerror", (error) => faults.push(error.stack));
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) faults.push(`${message.text()} ${message.location().url}`);
    });
    page.on("request", (request) => {
      const url = request.url();
      if (!url.startsWith(origin) && !url.startsWith("blob:" + origin)) faults.push("a request to " + url);
    });
    page.assertClean = () => assert.deepEqual(faults.filter((fault) => !allowed.some((each) => fault.includes(each))), []);
    await page.goto(origin + path);
    await page.waitForSelector("html[data-ready]");
    return page;
  }

  async shot(page, name) {
    const folder = process.env.CONSOLE_SHOTS;
    if (!folder) return;
    mkdirSync(folder, { recursive: true });
    await page.screenshot({ path: join(folder, name + ".png") });
  }

  async stop() {
    const faults = [];
    await this.browser?.close();
    this.hostile?.close();
    for (const child of this.children) {
      const ended = new Promise((resolve) => child.on("exit", resolve));
      if (child.exitCode === null) child.kill("SIGTERM");
      const status = child.exitCode ?? (await ended);
      if (status !== 0) faults.push(`${child.spawnargs[1]} ended with ${status}: ${child.errors.slice(-500)}`);
    }
    rmSync(this.folder, { recursive: true });
    return faults;
  }
}

// ------------------------------------------------------------------ what tests do

/** What check() returns once it does not throw: the page draws when it gets its turn. */
export async function eventually(check, ms = 6000) {
  for (const end = Date.now() + ms; ;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > end) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Writes a batch into the editor. */
export async function compose(page, batch) {
  await page.fill("#document", typeof batch === "string" ? batch : JSON.stringify(batch));
}

export async function ended(page) {
  await page.waitForFunction(() => document.querySelector("#cancel").hidden &&
    ["complete", "incomplete"].includes(document.querySelector("#results").dataset.state), null, { timeout: 30000 });
}

/** Runs what is composed, to its end. */
export async function run(page) {
  await page.click("#run");
  await ended(page);
}

/** The rows that are in the document, as the reader sees them. */
export function rows(page) {
  return page.$$eval(".waterfall .grid-rows .grid-row:not([hidden])", (list) => list
    .sort((a, b) => a.getAttribute("aria-rowindex") - b.getAttribute("aria-rowindex"))
    .map((row) => ({
      outcome: row.dataset.outcome, depth: row.dataset.depth,
      id: row.querySelector(".id").textContent, path: row.querySelector(".path").textContent,
      result: row.querySelector(".c-status").textContent, time: row.querySelector(".c-time").textContent,
      bars: [...row.querySelectorAll(".c-bar i:not(.p-none)")].map((piece) => ({ name: piece.className.slice(2),
        left: piece.offsetLeft, width: piece.getBoundingClientRect().width })),
    })));
}

export async function openRow(page, number) {
  await page.click(`.waterfall .grid-row[aria-rowindex="${number + 2}"]`);
  return page.locator("#details-body");
}

export const verdict = (page) => page.textContent("#verdict");

export const clipboard = (page) => page.evaluate(() => navigator.clipboard.readText());

/** Two batches are not needed for most tests: this one has every outcome quickly. */
export const mixed = (at) => ({ requests: [`${at}/json`, `${at}/text`, `${at}/image`, { id: "missing", url: `${at}/status/404` },
  { id: "down", url: `${at}/status/503` }, { id: "broken", url: `${at}/fail/close` },
  { id: "backed", url: `${at}/fail/close`, fallback: { body: { a: 1 } } }] });
