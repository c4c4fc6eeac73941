// Example: tests of Node programs that call Adobe's User Management API.

import assert from "node:assert/strict";
import { request } from "node:https";
import { after, before, beforeEach, test } from "node:test";

import { startEmulator } from "umapi-emulator";

let emulator;
before(async () => {
  emulator = await startEmulator({ arguments: ["--users", "50"] });
});
beforeEach(() => emulator.reset());
after(() => emulator.stop());

async function logIn() {
  const { clientId, clientSecret, scopes } = emulator.credentials;
  const form = { grant_type: "client_credentials", client_id: clientId, client_secret: clientSecret, scope: scopes };
  const response = await fetch(`${emulator.imsUrl}/ims/token/v3`, { method: "POST", body: new URLSearchParams(form) });
  assert.equal(response.status, 200);
  const { access_token: token } = await response.json();
  return { Authorization: `Bearer ${token}`, "X-Api-Key": clientId };
}

test("users are listed", async () => {
  const url = `${emulator.umUrl}/users/${emulator.organization}/0`;
  const page = await (await fetch(url, { headers: await logIn() })).json();
  assert.equal(page.result, "success");
  assert.ok(page.users.length > 0);
  const journal = await emulator.manage("GET", "/journal?operation=listUsers");
  assert.equal(journal.exchanges.length, 1);
});

test("a fault is seen by the program", async () => {
  await emulator.manage("POST", "/faults", {
    operation: "listUsers",
    outcome: { type: "reset", applied: false },
    when: { times: 1 },
  });
  const list = async () => fetch(`${emulator.umUrl}/users/${emulator.organization}/0`, { headers: await logIn() });
  await assert.rejects(list());
  assert.equal((await list()).status, 200);
});

test("the certificate of the emulator is trusted over TLS", async () => {
  const headers = await logIn();
  const status = await new Promise((resolve, reject) => {
    const url = `${emulator.umHttpsUrl}/groups/${emulator.organization}/0`;
    request(url, { ca: emulator.ca, headers }, (response) => resolve(response.resume().statusCode))
      .on("error", reject)
      .end();
  });
  assert.equal(status, 200);
});
