// Starts the emulator of Adobe's User Management API for tests.

import { spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { findBinary } from "./binary.js";

const STOP_TIMEOUT = 30_000;

/** Starts an emulator with free ports. See `index.d.ts`. */
export async function startEmulator({ arguments: options = [], executable, timeout = 60_000 } = {}) {
  const command = executable ?? findBinary();
  const log = new Log();
  const child = spawn(command, [...options, "--exit-on-eof"], {
    stdio: ["pipe", "pipe", log.file],
    env: { UMAPI_EMULATOR_LOG: "warn", ...process.env },
  });
  const end = new Promise((resolve) => {
    child.once("error", (error) => resolve({ error }));
    child.once("exit", (code, signal) => resolve({ status: code ?? signal }));
  });
  // Its input may be closed already when it is stopped.
  child.stdin.on("error", () => {});
  try {
    const ready = await readyLine(child, command, end, log, timeout);
    // A test that forgets to stop the emulator ends all the same: its input is closed with this process.
    for (const handle of [child, child.stdin, child.stdout]) {
      handle.unref();
    }
    return new Emulator(child, ready, end, log);
  } catch (error) {
    child.kill("SIGKILL");
    await end;
    log.remove();
    throw error;
  }
}

/** A running emulator. */
class Emulator {
  #child;
  #end;
  #log;
  #stopped;

  constructor(child, ready, end, log) {
    this.#child = child;
    this.#end = end;
    this.#log = log;
    this.umUrl = ready.umUrl;
    this.imsUrl = ready.imsUrl;
    this.umHttpsUrl = ready.umHttpsUrl;
    this.imsHttpsUrl = ready.imsHttpsUrl;
    this.managementUrl = ready.managementUrl;
    this.consoleUrl = ready.consoleUrl;
    this.organization = ready.organization;
    this.credentials = ready.credentials;
    this.caFile = ready.caPath;
    this.ca = ready.caPath === undefined ? undefined : readFileSync(ready.caPath, "utf8");
    this.pid = child.pid;
  }

  async manage(method, path, body) {
    if (this.managementUrl === undefined) {
      throw new Error("the emulator has no management API: start it without --no-management");
    }
    const response = await fetch(this.managementUrl + path, {
      method,
      headers: { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) {
      throw new Error(`${method} ${path} was rejected with ${response.status}: ${text}`);
    }
    return text === "" ? undefined : JSON.parse(text);
  }

  async reset() {
    await this.manage("POST", "/reset");
  }

  log() {
    return this.#log.text();
  }

  stop() {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop() {
    this.#child.ref();
    // The emulator stops when its input ends, on every system.
    this.#child.stdin.end();
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#child.kill("SIGKILL");
    }, STOP_TIMEOUT);
    const { status } = await this.#end;
    clearTimeout(timer);
    const text = this.#log.text();
    this.#log.remove();
    if (late) {
      throw new Error(`the emulator did not stop within ${STOP_TIMEOUT / 1000} seconds and was killed\n${text}`);
    }
    if (status !== 0) {
      throw new Error(`the emulator ended with ${status}\n${text}`);
    }
  }

  async [Symbol.asyncDispose]() {
    await this.stop();
  }
}

/** Reads the line that the emulator prints when it is ready. */
async function readyLine(child, command, end, log, timeout) {
  const lines = createInterface({ input: child.stdout });
  let timer;
  const late = new Promise((resolve) => {
    timer = setTimeout(() => resolve({ late: true }), timeout);
  });
  const line = new Promise((resolve) => {
    lines.once("line", (text) => resolve({ text }));
  });
  // The output can be read completely before or after the end of the process is known.
  const closed = new Promise((resolve) => lines.once("close", resolve)).then(() => end);
  const first = await Promise.race([line, closed, late, end.then((ended) => (ended.error ? ended : closed))]);
  clearTimeout(timer);
  lines.close();
  if (first.late) {
    throw new Error(`the emulator was not ready after ${timeout / 1000} seconds\n${log.text()}`);
  }
  if (first.error) {
    throw new Error(`cannot start ${command}: ${first.error.message}`, { cause: first.error });
  }
  if (first.text === undefined) {
    throw new Error(`the emulator ended with ${first.status}\n${log.text()}`);
  }
  let ready;
  try {
    ready = JSON.parse(first.text);
  } catch {
    // Reported below.
  }
  if (ready?.status !== "ready") {
    throw new Error(`${command} is not the emulator: it printed ${JSON.stringify(first.text)}`);
  }
  return ready;
}

/** What the emulator logs. A file, because an emulator that logs into a full pipe would wait for this process. */
class Log {
  #folder;

  constructor() {
    this.#folder = mkdtempSync(join(tmpdir(), "umapi-emulator-log-"));
    this.file = openSync(join(this.#folder, "log"), "w");
    process.once("exit", this.remove);
  }

  text() {
    try {
      return readFileSync(join(this.#folder, "log"), "utf8").trimEnd();
    } catch {
      return "";
    }
  }

  remove = () => {
    if (this.file !== undefined) {
      closeSync(this.file);
      this.file = undefined;
      process.off("exit", this.remove);
      rmSync(this.#folder, { recursive: true, force: true });
    }
  };
}
