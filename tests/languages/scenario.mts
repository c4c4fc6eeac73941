// A session with the service, from the login to an exceeded rate limit, with openapi-fetch and the generated types.
// `scenario.py` and `scenario_test.go` do the same in the same order. `emulated.py` starts it.
import assert from "node:assert/strict";
import { createSign } from "node:crypto";
import createClient, { type Client } from "openapi-fetch";
import type { paths as ImsPaths } from "./ims.js";
import type { components, paths } from "./umapi.js";

type ActionResponse = components["schemas"]["ActionResponse"];
type Command = components["schemas"]["Command"];
type User = components["schemas"]["User"];

interface Ready {
  organization: string;
  umHttpsUrl: string;
  imsHttpsUrl: string;
  managementUrl: string;
  credentials: { clientId: string; clientSecret: string; scopes: string; technicalAccountId: string; privateKey: string };
}

const ready: Ready = JSON.parse(process.env["UMAPI_EMULATOR_READY"] ?? "");
const { organization: orgId, credentials } = ready;

function clientWith(token: string): Client<paths> {
  const headers = { Authorization: `Bearer ${token}`, "X-Api-Key": credentials.clientId };
  return createClient<paths>({ baseUrl: ready.umHttpsUrl, headers });
}

function signedJwt(): string {
  const host = new URL(ready.imsHttpsUrl).host;
  const claims = {
    exp: Math.floor(Date.now() / 1000) + 600,
    iss: orgId,
    sub: credentials.technicalAccountId,
    aud: `https://${host}/c/${credentials.clientId}`,
    [`https://${host}/s/ent_user_sdk`]: true,
  };
  const parts = [{ alg: "RS256", typ: "JWT" }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"));
  const unsigned = parts.join(".");
  return `${unsigned}.${createSign("RSA-SHA256").update(unsigned).sign(credentials.privateKey, "base64url")}`;
}

/** The access tokens of an OAuth and of a JWT login. */
async function bothLogins(): Promise<[string, string]> {
  // With this header, openapi-fetch sends bodies as forms.
  const headers = { "Content-Type": "application/x-www-form-urlencoded" };
  const login = createClient<ImsPaths>({ baseUrl: ready.imsHttpsUrl, headers });
  const client = { client_id: credentials.clientId, client_secret: credentials.clientSecret };
  const request = { ...client, grant_type: "client_credentials", scope: credentials.scopes };
  const oauth = await login.POST("/ims/token/v3", { body: request });
  // Seconds here, milliseconds below.
  assert.deepEqual([oauth.response.status, oauth.data?.token_type, oauth.data?.expires_in], [200, "bearer", 86_400]);

  const exchanged = await login.POST("/ims/exchange/jwt", { body: { ...client, jwt_token: signedJwt() } });
  assert.deepEqual([exchanged.response.status, exchanged.data?.expires_in], [200, 86_400_000]);

  const refused = await login.POST("/ims/token/v3", { body: { ...request, client_secret: "wrong" } });
  assert.deepEqual([refused.response.status, refused.error?.error], [401, "invalid_client"]);
  return [oauth.data?.access_token ?? "", exchanged.data?.access_token ?? ""];
}

async function pagesOfUsers(client: Client<paths>): Promise<void> {
  const users: User[] = [];
  for (const [number, size] of [4, 4, 1].entries()) {
    const header = { "X-Request-Id": `page-${number}` };
    const page = await client.GET("/users/{orgId}/{page}", { params: { path: { orgId, page: number }, header } });
    assert.deepEqual([page.response.status, page.data?.result, page.data?.lastPage], [200, "success", number === 2]);
    const names = ["X-Request-Id", "X-Total-Count", "X-Page-Count", "X-Current-Page", "X-Page-Size"];
    const values = names.map((name) => page.response.headers.get(name));
    // Technical accounts are counted, but not listed.
    assert.deepEqual(values, [`page-${number}`, "10", "3", `${number}`, `${size}`]);
    users.push(...(page.data?.users ?? []));
  }
  const bob = users.find((user) => user.email === "bob@enterprise.example");
  assert.deepEqual([users.length, bob?.lastname, bob?.type, bob?.status], [9, "佐藤", "enterpriseID", "active"]);

  const members = await client.GET("/users/{orgId}/{page}/{groupName}", {
    params: { path: { orgId, page: 0, groupName: "R&D / Labs (100 %)" } },
  });
  assert.deepEqual(members.data?.users.map((user) => [user.username, user.domain]), [["lee", "usernames.example"]]);
}

async function run(client: Client<paths>, commands: Command[], testOnly = false): Promise<ActionResponse> {
  const answer = await client.POST("/action/{orgId}", { params: { path: { orgId }, query: { testOnly } }, body: commands });
  assert.ok(answer.data, JSON.stringify(answer.error));
  return answer.data;
}

function counts(answer: ActionResponse): unknown[] {
  return [answer.result, answer.completed, answer.notCompleted, answer.completedInTestMode];
}

async function user(client: Client<paths>, userString: string): Promise<User> {
  const answer = await client.GET("/organizations/{orgId}/users/{userString}", { params: { path: { orgId, userString } } });
  assert.ok(answer.data?.user, JSON.stringify(answer.error));
  return answer.data.user;
}

async function everyKindOfStep(client: Client<paths>): Promise<void> {
  const joined = await run(client, [
    {
      user: "zoe@mail.example",
      useAdobeID: true,
      do: [
        { addAdobeID: { email: "zoe@mail.example", option: "ignoreIfAlreadyExists" } },
        { add: { group: ["Photoshop", "_admin_Design"] } },
      ],
    },
    {
      user: "yan@enterprise.example",
      do: [
        { createEnterpriseID: { email: "yan@enterprise.example", firstname: "Yan", lastname: "Before" } },
        { update: { lastname: "Müller-李" } },
      ],
    },
    {
      user: "xin@federated.example",
      do: [
        { createFederatedID: { email: "xin@federated.example", firstname: "Xin", lastname: "Wang", country: "CN" } },
        { add: { group: ["Sales", "R&D / Labs (100 %)"] } },
        { remove: { group: ["Sales"] } },
      ],
    },
    {
      usergroup: "Layout",
      do: [
        { createUserGroup: { description: "Pages", option: "updateIfAlreadyExists" } },
        { add: { user: ["jdoe@example.com", "jane@example.com"], productConfiguration: ["Photoshop", "All Apps"] } },
        { remove: { user: ["jane@example.com"], productConfiguration: ["All Apps"] } },
      ],
    },
  ]);
  assert.deepEqual([counts(joined), joined.errors, joined.warnings], [["success", 4, 0, 0], undefined, undefined]);
  assert.deepEqual((await user(client, "xin@federated.example")).groups, ["R&D / Labs (100 %)"]);

  const deprecated = await run(client, [
    {
      user: "yan@enterprise.example",
      do: [
        { add: { product: ["Photoshop"], productConfiguration: ["All Apps"], usergroup: ["Design"] } },
        { addRoles: { admin: ["Design", "Sales"], productAdmin: ["Adobe Photoshop"] } },
        { removeRoles: { admin: ["Sales"] } },
        { resetPassword: {} },
      ],
    },
    { user: "xin@federated.example", do: [{ removeFromDomain: { domain: "federated.example" } }] },
    { usergroup: "Layout", do: [{ add: { users: ["jane@example.com"], product: ["All Apps"] } }] },
  ]);
  assert.deepEqual(counts(deprecated), ["success", 3, 0, 0]);
  // One warning per deprecated key: three in the first step, two in the last.
  const warnings = (deprecated.warnings ?? []).map((each) => `${each.index}.${each.step} ${each.warningCode}`);
  const places = ["0.0", "0.0", "0.0", "0.1", "0.2", "0.3", "1.0", "2.0", "2.0"];
  assert.deepEqual(warnings, places.map((place) => `${place} warning.command.deprecated`));
  const yan = await user(client, "yan@enterprise.example");
  const groups = ["All Apps", "Design", "Photoshop", "_admin_Design", "_product_admin_Adobe Photoshop"];
  assert.deepEqual([yan.lastname, [...(yan.groups ?? [])].sort()], ["Müller-李", groups]);

  const left = await run(client, [
    { user: "zoe@mail.example", do: [{ remove: "all" }, { removeFromOrg: { deleteAccount: false } }] },
    { user: "yan@enterprise.example", do: [{ removeFromOrg: { deleteAccount: true } }] },
    { usergroup: "Layout", do: [{ remove: "all" }, { updateUserGroup: { name: "Print", description: "Pages, on paper" } }] },
  ]);
  assert.deepEqual(counts(left), ["success", 3, 0, 0]);
  const deletion: Command = { usergroup: "Print", do: [{ deleteUserGroup: {} }] };
  assert.deepEqual(counts(await run(client, [deletion], true)), ["success", 0, 0, 1]);
  assert.deepEqual(counts(await run(client, [deletion])), ["success", 1, 0, 0]);
}

async function errors(client: Client<paths>): Promise<void> {
  const path = { orgId, userString: "yan@enterprise.example" };
  const gone = await client.GET("/organizations/{orgId}/users/{userString}", { params: { path } });
  assert.ok(gone.error && "result" in gone.error, JSON.stringify(gone.error));
  assert.deepEqual([gone.response.status, gone.error.result], [404, "error.user.not_found"]);

  const partial = await run(client, [
    { user: "jdoe@example.com", requestID: "good", do: [{ add: { group: ["Sales"] } }] },
    { user: "jane@example.com", requestID: "bad", do: [{ add: { group: ["Design"] } }, { add: { group: ["No such group"] } }] },
  ]);
  assert.deepEqual(counts(partial), ["partial", 1, 1, 0]);
  const found = (partial.errors ?? []).map((each) => [each.index, each.step, each.errorCode, each.requestID, each.user]);
  assert.deepEqual(found, [[1, 1, "error.group.not_found", "bad", "jane@example.com"]]);
}

async function aLimit(client: Client<paths>): Promise<void> {
  const groups = () => client.GET("/groups/{orgId}/{page}", { params: { path: { orgId, page: 0 } } });
  for (let call = 0; call < 5; call++) {
    assert.equal((await groups()).data?.lastPage, true);
  }
  const throttled = await groups();
  assert.ok(throttled.error && "error_code" in throttled.error, JSON.stringify(throttled.error));
  assert.deepEqual([throttled.response.status, throttled.error.error_code], [429, "429050"]);
  const seconds = Number(throttled.response.headers.get("Retry-After"));
  assert.equal(seconds, 60);
  const headers = { "Content-Type": "application/json" };
  const moved = await fetch(`${ready.managementUrl}/clock/advance`, { method: "POST", headers, body: JSON.stringify({ seconds }) });
  assert.equal(moved.status, 200);
  assert.equal((await groups()).response.status, 200);
}

const [oauthToken, jwtToken] = await bothLogins();
await pagesOfUsers(clientWith(jwtToken));
const client = clientWith(oauthToken);
await everyKindOfStep(client);
await errors(client);
await aLimit(client);
console.log("TypeScript: both logins, pages, every kind of step, errors and a rate limit, over TLS");
