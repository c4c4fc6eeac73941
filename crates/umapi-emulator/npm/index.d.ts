/** How to start an emulator. */
export interface StartOptions {
  /** Options of the command, for example `["--users", "1000"]`; `npx umapi-emulator --help` lists them. */
  arguments?: readonly string[];
  /** Another command than the one of this package. */
  executable?: string;
  /** The longest time until it is ready, in milliseconds. The default is a minute. */
  timeout?: number;
}

/** Public credentials for both kinds of login. They give access only to emulators. */
export interface Credentials {
  /** The client id, which is also the API key. */
  readonly clientId: string;
  readonly clientSecret: string;
  readonly technicalAccountId: string;
  /** The private key that signs JWTs, in PEM. */
  readonly privateKey: string;
  /** The scopes for the login with client credentials. */
  readonly scopes: string;
  /** The metascope for the login with a JWT. */
  readonly metascope: string;
}

/** A running emulator. It stops with `stop()`, at the end of an `await using` block, and when this process ends. */
export interface Emulator extends AsyncDisposable {
  /** The URL of the User Management API: HTTP unless it is disabled. */
  readonly umUrl: string;
  /** The URL of the login: HTTP unless it is disabled. */
  readonly imsUrl: string;
  /** The HTTPS URL of the User Management API, whose certificate `ca` verifies. */
  readonly umHttpsUrl: string | undefined;
  /** The HTTPS URL of the login, whose certificate `ca` verifies. */
  readonly imsHttpsUrl: string | undefined;
  /** The URL of the management API; see `manage()`. */
  readonly managementUrl: string | undefined;
  /** The URL of the console for a browser. */
  readonly consoleUrl: string | undefined;
  /** The id of the first organization. */
  readonly organization: string;
  readonly credentials: Credentials;
  /** The certificate that clients must trust, in PEM. */
  readonly ca: string | undefined;
  /** The file of this certificate, for example for `NODE_EXTRA_CA_CERTS` of another process. */
  readonly caFile: string | undefined;
  readonly pid: number;
  /** Calls the management API, for example `manage("GET", "/journal")`, and returns the JSON of the response. */
  manage(method: string, path: string, body?: unknown): Promise<any>;
  /** Restores the state of the start. Removes all faults, the journal and the counts of the rate limits. */
  reset(): Promise<void>;
  /** What the emulator logged. */
  log(): string;
  /** Stops the emulator and waits for its end. Rejects if it ended with an error, for example because it was killed. */
  stop(): Promise<void>;
}

/** Starts an emulator with free ports, and resolves when it is ready. Rejects with its log if it does not start. */
export function startEmulator(options?: StartOptions): Promise<Emulator>;
