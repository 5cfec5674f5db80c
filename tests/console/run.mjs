// SPDX-License-Identifier: Apache-2.0
// Called by run.sh: starts what the tests need, runs them one after the other, counts.
import { appendFileSync } from "node:fs";
import { Stage } from "./stage.mjs";

const files = ["units", "compose", "run", "results", "hostile", "keyboard", "looks", "live"];
const wanted = process.argv.slice(2);

function record(isGood, name) {
  if (process.env.GATHERD_RESULTS)
    appendFileSync(process.env.GATHERD_RESULTS + "/checks", `${isGood ? "passed" : "failed"}\tconsole\t${name}\n`);
}

const stage = await Stage.start();
const counts = { passed: 0, failed: 0 };
try {
  for (const file of files) {
    const { tests } = await import(`./test_${file}.mjs`);
    for (const [name, test] of Object.entries(tests)) {
      if (wanted.length && !wanted.some((part) => name.includes(part))) continue;
      const began = Date.now();
      let fault = null;
      try {
        await stage.run(test);
      } catch (error) {
        fault = error;
      }
      counts[fault ? "failed" : "passed"]++;
      record(!fault, name);
      console.log(`${fault ? "FAILED " : "ok     "} ${name} (${Date.now() - began} ms)`);
      if (fault) console.log(String(fault.stack ?? fault).split("\n").slice(0, 12).map((line) => "        " + line).join("\n"));
    }
  }
} finally {
  for (const fault of await stage.stop()) {
    counts.failed++;
    record(false, fault);
    console.log("FAILED  " + fault);
  }
}
console.log(`${counts.passed} passed, ${counts.failed} failed`);
process.exit(counts.failed ? 1 : 0);
