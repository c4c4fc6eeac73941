// Tests of the process: how it ends, and what is reported if it does not start.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { startEmulator } from "umapi-emulator";

const launcher = join(fileURLToPath(import.meta.resolve("umapi-emulator")), "..", "bin", "umapi-emulator.js");

/** Whether the process exists. A zombie of a container without an init process has ended. */
function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)[0] !== "Z";
  } catch {
    return false;
  }
}

/** Waits until the process has ended, for at most ten seconds. */
async function ends(pid) {
  for (let tries = 0; tries < 200 && isRunning(pid); tries++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return !isRunning(pid);
}

test("stop ends the process and removes its files", async () => {
  const emulator = await startEmulator();
  assert.ok(existsSync(emulator.caFile));
  assert.equal(emulator.ca, readFileSync(emulator.caFile, "utf8"));
  await Promise.all([emulator.stop(), emulator.stop()]);
  assert.ok(!existsSync(emulator.caFile));
  assert.ok(await ends(emulator.pid));
});

test("options are passed on", async () => {
  const emulator = await startEmulator({ arguments: ["--no-https", "--no-management"] });
  assert.equal(emulator.ca, undefined);
  assert.equal(emulator.umHttpsUrl, undefined);
  await assert.rejects(emulator.reset(), /no management API/);
  await emulator.stop();
});

test("a rejected call says why", async () => {
  const emulator = await startEmulator();
  await assert.rejects(emulator.manage("PUT", "/limits", { clases: {} }), /PUT \/limits was rejected with 400: .*clases/s);
  await emulator[Symbol.asyncDispose]();
});

test("wrong options are reported with the reason", async () => {
  await assert.rejects(startEmulator({ arguments: ["--limits", "some"] }), /ended with 2\n.*--limits.*documented/s);
  await assert.rejects(startEmulator({ arguments: ["--seed", "/nowhere/seed.yaml"] }), /ended with 2\n.*seed\.yaml/s);
});

test("a missing command is reported", async () => {
  await assert.rejects(startEmulator({ executable: "/nowhere/emulator" }), /cannot start \/nowhere\/emulator: .*ENOENT/);
});

const strangers = {
  "echo hello": /is not the emulator: it printed "hello"/,
  'echo "[1]"': /is not the emulator/,
  "exit 3": /ended with 3/,
  "echo no licenses >&2; exit 3": /ended with 3\nno licenses/,
  "exec sleep 60": /not ready after 0.5 seconds/,
  "head -c 300000 /dev/zero | tr '\\0' x >&2; exit 4": /ended with 4/,
};
for (const [script, problem] of Object.entries(strangers)) {
  test(`another program is not taken for the emulator: ${script}`, async () => {
    const program = join(mkdtempSync(join(tmpdir(), "umapi-test-")), "program");
    writeFileSync(program, `#!/bin/sh\n${script}\n`);
    chmodSync(program, 0o755);
    const timeout = script.includes("sleep") ? 500 : 60_000;
    await assert.rejects(startEmulator({ executable: program, timeout }), problem);
  });
}

test("a killed emulator is an error", async () => {
  const emulator = await startEmulator();
  process.kill(emulator.pid, "SIGKILL");
  await assert.rejects(emulator.stop(), /ended with SIGKILL/);
});

test("an emulator that others stopped is not an error", async () => {
  const emulator = await startEmulator();
  process.kill(emulator.pid, "SIGINT");
  assert.ok(await ends(emulator.pid));
  await emulator.stop();
});

for (const how of ["process.exit(3)", "process.kill(process.pid, 'SIGKILL')", "undefined"]) {
  test(`it ends with the process that started it: ${how}`, async () => {
    const program = `
      import { startEmulator } from "umapi-emulator";
      const emulator = await startEmulator();
      console.log(emulator.pid);
      ${how};
    `;
    const run = promisify(execFile)(process.execPath, ["--input-type=module", "--eval", program], {
      cwd: import.meta.dirname,
    });
    const { stdout } = await run.catch((error) => error);
    assert.match(stdout, /^\d+\n$/);
    assert.ok(await ends(Number(stdout)));
  });
}

test("no log is left behind", async () => {
  const logs = () => readdirSync(tmpdir()).filter((name) => name.startsWith("umapi-emulator-log-")).length;
  const before = logs();
  const emulator = await startEmulator();
  assert.equal(logs(), before + 1);
  assert.equal(emulator.log(), "");
  await emulator.stop();
  assert.equal(logs(), before);
});

test("the command passes on output, status and signals", async () => {
  const run = (...options) => promisify(execFile)(process.execPath, [launcher, ...options]);
  assert.match((await run("--version")).stdout, /^umapi-emulator \d+\.\d+\.\d+/);
  await assert.rejects(run("--limits", "some"), { code: 2 });
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) {
    const child = spawn(process.execPath, [launcher], { stdio: ["ignore", "pipe", "ignore"] });
    const line = await new Promise((resolve) => child.stdout.once("data", resolve));
    child.kill(signal);
    const code = await new Promise((resolve) => child.once("exit", resolve));
    assert.equal(code, 0, signal);
    assert.ok(await ends(JSON.parse(line).pid));
  }
});
