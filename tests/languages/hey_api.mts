// Reads every example of the descriptions with the schemas that @hey-api/openapi-ts generates, and uses its client. The
// argument is the folder of the bundles.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createClient, createConfig } from "./umapi/client/index.js";
import { executeActions, type Command, type UserStep } from "./umapi/index.js";
import * as umapi from "./umapi/zod.gen.js";
import * as ims from "./ims/zod.gen.js";

interface Schema {
  parse(value: unknown): unknown;
}

/** The generated schema of a schema of the description. */
function schemaNamed(api: object, name: string): Schema {
  const found = (api as Record<string, Schema>)[`z${name}`];
  assert.ok(found, `there is no schema ${name}`);
  return found;
}

/** Integers of 64 bits are read as `bigint`, also from text. */
function normal(value: unknown): unknown {
  const text = JSON.stringify(value, (_, each: unknown) =>
    typeof each === "bigint" || typeof each === "number" ? `${each}` : each,
  );
  return JSON.parse(text);
}

/** Reads the examples of all bodies below `value`. Returns their number. */
function readExamples(api: object, value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  const { schema, examples } = value as { schema?: { $ref?: string }; examples?: Record<string, { value: unknown }> };
  let count = 0;
  if (schema?.$ref !== undefined && examples !== undefined) {
    const reader = schemaNamed(api, schema.$ref.split("/").at(-1) ?? "");
    for (const [name, example] of Object.entries(examples)) {
      assert.deepEqual(normal(reader.parse(example.value)), normal(example.value), name);
      count += 1;
    }
  }
  return Object.values(value).reduce((sum: number, child) => sum + readExamples(api, child), count);
}

function bundle(name: string): unknown {
  return JSON.parse(readFileSync(`${process.argv[2]}/${name}.json`, "utf8"));
}

const count = readExamples(umapi, bundle("umapi")) + readExamples(ims, bundle("ims"));
assert.ok(count >= 50, `only ${count} examples were found`);

const leave: UserStep = { remove: "all" };
// @ts-expect-error a federated user needs a country
const incomplete: UserStep = { createFederatedID: { email: "a@b.c", firstname: "A", lastname: "B" } };
const commands: Command[] = [{ user: "jdoe@example.com", do: [leave, incomplete] }];

// The request as a server would see it.
const sent: Request[] = [];
const client = createClient(
  createConfig({
    baseUrl: "https://umapi.example/v2",
    auth: () => "secret",
    fetch: async (request) => {
      sent.push(request as Request);
      return Response.json({ result: "success", completed: 1, notCompleted: 0, completedInTestMode: 0 });
    },
  }),
);
const { data } = await executeActions({ client, path: { orgId: "12345@AdobeOrg" }, query: { testOnly: true }, body: commands });
assert.equal(data?.completed, 1);
assert.equal(sent[0]?.url, "https://umapi.example/v2/action/12345%40AdobeOrg?testOnly=true");
assert.deepEqual(await sent[0]?.json(), commands);
console.log(`@hey-api/openapi-ts: client and schemas compile in strict mode and read all ${count} examples`);
