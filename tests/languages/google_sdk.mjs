// Reads the fake of Google Workspace with Google's own SDK: a fake that the SDK cannot read is wrong.
//
// The argument is the path of the program `fake_directories`.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline/promises";

import { admin } from "@googleapis/admin";
import { JWT } from "google-auth-library";

const fakes = spawn(process.argv[2], { stdio: ["pipe", "pipe", "inherit"] });
const line = await new Promise((resolve) => createInterface(fakes.stdout).once("line", resolve));
const { google: fake } = JSON.parse(line);
const scope = (name) => `https://www.googleapis.com/auth/admin.directory.${name}.readonly`;
const login = (subject, scopes) => {
  const { client_email: email, private_key: key, private_key_id: keyId } = fake.key;
  const auth = new JWT({ email, key, keyId, subject, scopes });
  // The address of the login server is fixed in the SDK.
  auth.transporter.interceptors.request.add({
    resolved: async (request) => {
      if (String(request.url) === "https://oauth2.googleapis.com/token") request.url = new URL(fake.key.token_uri);
      return request;
    },
  });
  return auth;
};
const directory = (auth) => admin({ version: "directory_v1", auth, rootUrl: fake.url + "/" });
const all = async (list, entries, parameters) => {
  const found = [];
  let pages = 0;
  let pageToken;
  do {
    const { data } = await list({ ...parameters, pageToken });
    found.push(...(data[entries] ?? []));
    pages += 1;
    pageToken = data.nextPageToken;
  } while (pageToken);
  return { found, pages };
};

const auth = login(fake.subject, ["user", "group", "orgunit"].map(scope));
const { users, groups, members, orgunits } = directory(auth);
const customer = "my_customer";

const people = await all((p) => users.list(p), "users", { customer });
assert.deepEqual([people.found.length, people.pages], [10, 5]);
assert.equal(people.found[0].primaryEmail, "p0@example.com");
assert.equal(people.found[0].name.givenName, "Pat0");
assert.equal(people.found[0].customSchemas, undefined);
const some = await all((p) => users.list(p), "users", {
  customer,
  projection: "custom",
  customFieldMask: "Adobe",
  fields: "kind,nextPageToken,users(id,primaryEmail,suspended,customSchemas)",
});
assert.deepEqual(Object.keys(some.found[3]).sort(), ["customSchemas", "id", "primaryEmail", "suspended"]);
assert.equal(some.found[3].customSchemas.Adobe.login, "L3");

const { found, pages } = await all((p) => groups.list(p), "groups", { customer });
assert.deepEqual([found.map((group) => group.name).sort(), pages], [["Design", "Film", "Interns", "Nobody"], 2]);
const sizes = {};
for (const group of found) {
  const list = await all((p) => members.list({ ...p, groupKey: group.id }), "members", {});
  sizes[group.name] = list.found.map((member) => member.type).sort().join(" ");
}
assert.deepEqual(sizes, { Design: "GROUP USER USER", Film: "USER USER USER USER USER", Interns: "GROUP USER USER", Nobody: "" });

const units = await orgunits.list({ customerId: customer, type: "all" });
assert.equal(units.data.kind, "admin#directory#orgUnits");
assert.deepEqual(
  units.data.organizationUnits.map((unit) => unit.orgUnitPath).sort(),
  ["/Empty", "/Sales", "/Sales/EMEA", "/Salesforce"],
);

const refused = async (call, status, reason) => {
  const error = await call().then(() => assert.fail("it was not refused"), (error) => error);
  assert.equal(error.status ?? error.response?.status, status, error);
  assert.match(JSON.stringify(error.response?.data), reason);
};
await refused(() => members.list({ groupKey: "gone" }), 404, /notFound/);
await refused(() => users.list({ customer, fields: "users(nonsense)" }), 400, /invalidParameter/);
await refused(() => directory(login(fake.subject, [scope("group")])).users.list({ customer }), 403, /SCOPE_INSUFFICIENT/);
await refused(() => directory(login("eve@example.com", [scope("user")])).users.list({ customer }), 400, /invalid_grant/);
await refused(() => directory(login(fake.subject, [scope("domain")])).users.list({ customer }), 401, /unauthorized_client/);
console.log("the SDK of Google reads the fake: users, groups, members, units, partial responses, and refusals");
fakes.stdin.end();
