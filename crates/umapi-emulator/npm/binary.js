// Finds the emulator's command: each platform has a package of its own, which npm installs as an optional dependency.

import { createRequire } from "node:module";

/** Returns the path of the command: the one that UMAPI_EMULATOR_BINARY names, or the one for this platform. */
export function findBinary() {
  const named = process.env.UMAPI_EMULATOR_BINARY;
  if (named) {
    return named;
  }
  const name = `umapi-emulator-${process.platform}-${process.arch}`;
  const file = process.platform === "win32" ? "umapi-emulator.exe" : "umapi-emulator";
  try {
    return createRequire(import.meta.url).resolve(`${name}/${file}`);
  } catch {
    throw new Error(
      `the package ${name} is not installed: install umapi-emulator without --omit=optional; if there is no such ` +
        `package for this platform, run "cargo install umapi-emulator" and set UMAPI_EMULATOR_BINARY to its path`,
    );
  }
}
