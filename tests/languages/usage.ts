// What the types of the description accept and reject. Compiled, never run; `scenario.mts` is run.
import type { components } from "./umapi.js";

type Command = components["schemas"]["Command"];
type UserStep = components["schemas"]["UserStep"];

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

// @ts-expect-error a step has exactly one known key
const unknown: UserStep = { levitate: {} };
// @ts-expect-error a federated user needs a country
const incomplete: UserStep = { createFederatedID: { email: "a@b.c", firstname: "A", lastname: "B" } };

export { commands, incomplete, unknown };
