// What a TypeScript user writes against the description. Compiled, never run: the types are the test.
import createClient from "openapi-fetch";
import type { components as ImsComponents, paths as ImsPaths } from "./ims.js";
import type { components, paths } from "./umapi.js";

type Command = components["schemas"]["Command"];
type UserStep = components["schemas"]["UserStep"];
type Token = ImsComponents["schemas"]["TokenResponse"];

const step: UserStep = { add: { group: ["Photoshop"] } };
const leave: UserStep = { remove: "all" };
const commands: Command[] = [
  {
    user: "jdoe@example.com",
    do: [
      { createFederatedID: { email: "jdoe@example.com", firstname: "John", lastname: "Doe", country: "US" } },
      step,
      leave,
    ],
  },
  { usergroup: "Design", do: [{ add: { user: ["ann@example.com"] } }, { deleteUserGroup: {} }] },
];

// @ts-expect-error a step has exactly one key that is known
const unknown: UserStep = { levitate: {} };
// @ts-expect-error a federated user needs a country
const incomplete: UserStep = { createFederatedID: { email: "a@b.c", firstname: "A", lastname: "B" } };

export async function run(): Promise<string[]> {
  const ims = createClient<ImsPaths>({ baseUrl: "https://ims.example" });
  const login = await ims.POST("/ims/token/v3", {
    body: { grant_type: "client_credentials", client_id: "id", client_secret: "s", scope: "openid" },
  });
  const token: Token | undefined = login.data;
  const client = createClient<paths>({
    baseUrl: "https://umapi.example/v2/usermanagement",
    headers: { Authorization: `Bearer ${token?.access_token}`, "X-Api-Key": "id" },
  });
  const page = await client.GET("/users/{orgId}/{page}", {
    params: { path: { orgId: "12345@AdobeOrg", page: 0 }, query: { domain: "example.com" } },
  });
  const action = await client.POST("/action/{orgId}", {
    params: { path: { orgId: "12345@AdobeOrg" } },
    body: commands,
  });
  const refused: string[] = (action.data?.errors ?? []).map((error) => `${error.index}: ${error.errorCode}`);
  const emails = (page.data?.users ?? []).flatMap((user) => (user.email === undefined ? [] : [user.email]));
  return [...emails, ...refused, String(unknown), String(incomplete)];
}
