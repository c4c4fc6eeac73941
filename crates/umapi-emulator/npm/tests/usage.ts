// Code that uses the types of the helper. It is compiled, not run.

import { startEmulator, type Credentials, type Emulator } from "umapi-emulator";

export async function use(): Promise<string> {
  const emulator: Emulator = await startEmulator({ arguments: ["--users", "10"], timeout: 10_000 });
  const credentials: Credentials = emulator.credentials;
  const trusted: string | undefined = emulator.ca;
  await emulator.manage("PUT", "/limits", {});
  await emulator.reset();
  // @ts-expect-error: addresses cannot be changed.
  emulator.umUrl = "http://example.com";
  // @ts-expect-error: options are texts.
  await startEmulator({ arguments: [10] });
  await emulator.stop();
  return emulator.umUrl + credentials.clientId + (trusted ?? "");
}
