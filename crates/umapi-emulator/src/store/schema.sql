-- The state of the emulated service. One database holds all organizations.
--
-- Enums are stored as small integers, which are defined with their Rust types (`UserKind`, `UserStatus`, `Presence`,
-- `GroupKind`, `MemberClass`, `ChangeKind`).

CREATE TABLE organization (
    id          INTEGER PRIMARY KEY,
    org_id      TEXT NOT NULL COLLATE NOCASE UNIQUE,
    name        TEXT NOT NULL,
    migrating   INTEGER NOT NULL DEFAULT 0,
    -- Bit set of the user kinds that may be created: 1 << UserKind.
    user_kinds  INTEGER NOT NULL DEFAULT 7,
    -- Whether an Enterprise or Federated ID can be created with the address of an Adobe ID.
    shared_addresses  INTEGER NOT NULL DEFAULT 1
) STRICT;

CREATE TABLE directory (
    id              INTEGER PRIMARY KEY,
    org             INTEGER NOT NULL REFERENCES organization (id),
    name            TEXT NOT NULL,
    federated       INTEGER NOT NULL,
    username_login  INTEGER NOT NULL,
    -- Another sync (e.g. a cloud directory) owns the accounts: the service creates none here.
    synced          INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX directory_org ON directory (org);

-- A domain is claimed once, by one directory of one organization.
CREATE TABLE claim (
    domain     TEXT PRIMARY KEY,
    directory  INTEGER NOT NULL REFERENCES directory (id),
    -- Adobe IDs with addresses in this domain are rejected.
    enforced   INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX claim_directory ON claim (directory);

-- The organizations that may use a directory of another one.
CREATE TABLE trust (
    directory  INTEGER NOT NULL REFERENCES directory (id),
    org        INTEGER NOT NULL REFERENCES organization (id),
    PRIMARY KEY (directory, org)
) STRICT, WITHOUT ROWID;

-- The domains of an organization's users, claimed or not: an integer instead of a text in a million rows.
CREATE TABLE domain (
    id    INTEGER PRIMARY KEY,
    org   INTEGER NOT NULL REFERENCES organization (id),
    name  TEXT NOT NULL,
    UNIQUE (org, name)
) STRICT;

-- One row for each organization that has the account. `account` is the same in all of them. `email` and `username` are
-- folded for matching; the spelling is stored only where it differs, and a username only where it is not the email.
-- AUTOINCREMENT: an id is never used again, because the ledger and `account` outlive the row.
CREATE TABLE user (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    org              INTEGER NOT NULL,
    account          INTEGER NOT NULL,
    kind             INTEGER NOT NULL,
    status           INTEGER NOT NULL,
    presence         INTEGER NOT NULL,
    technical        INTEGER NOT NULL,
    listed           INTEGER NOT NULL,
    directory        INTEGER,
    domain           INTEGER NOT NULL,
    domain_spelled   TEXT,
    email            TEXT NOT NULL,
    email_spelled    TEXT,
    username         TEXT,
    username_spelled TEXT,
    firstname        TEXT,
    lastname         TEXT,
    country          TEXT,
    phone            TEXT
) STRICT;
-- An Adobe ID and one other account may share an address.
CREATE UNIQUE INDEX user_email ON user (org, email, (kind = 0));
CREATE UNIQUE INDEX user_username ON user (org, username, directory) WHERE username IS NOT NULL;
CREATE INDEX user_account ON user (account);
CREATE INDEX user_listed ON user (org, id) WHERE listed = 1;
CREATE INDEX user_listed_domain ON user (domain, id) WHERE listed = 1;
CREATE INDEX user_technical ON user (org, domain) WHERE technical = 1;

CREATE TABLE product (
    id        INTEGER PRIMARY KEY,
    org       INTEGER NOT NULL REFERENCES organization (id),
    external_id  TEXT NOT NULL,
    code      TEXT NOT NULL,
    name      TEXT NOT NULL,
    key       TEXT NOT NULL,
    quota     INTEGER,
    users     INTEGER NOT NULL DEFAULT 0,
    admins    INTEGER NOT NULL,
    UNIQUE (org, key),
    UNIQUE (org, external_id)
) STRICT;

-- Groups of every kind; `id` is the service's `groupId`.
CREATE TABLE grp (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    org          INTEGER NOT NULL,
    kind         INTEGER NOT NULL,
    name         TEXT NOT NULL,
    key          TEXT NOT NULL,
    description  TEXT,
    read_only    INTEGER NOT NULL DEFAULT 0,
    -- The product of a profile or of product admins; the group or profile of other administrative groups.
    subject      INTEGER,
    -- Licenses of a profile; NULL is unlimited.
    quota        INTEGER,
    members      INTEGER NOT NULL DEFAULT 0,
    licensed     INTEGER NOT NULL DEFAULT 0,
    -- Whether the group is listed: administrative groups of a subject while they have members, roles over the
    -- organization (other than system administrators) from their first member on.
    visible      INTEGER NOT NULL,
    admins       INTEGER,
    developers   INTEGER,
    UNIQUE (org, key)
) STRICT;
CREATE INDEX grp_visible ON grp (org, id) WHERE visible = 1;
CREATE INDEX grp_kind ON grp (org, kind, id);
CREATE INDEX grp_subject ON grp (subject, kind) WHERE subject IS NOT NULL;

-- Which user is in which group. `class` is the kind of membership (see `MemberClass`) and part of the key, so that one
-- class of members can be paged without reading the others; `indirect` counts the user groups through which the user is
-- in the group; `since` orders the members that wait for a license.
CREATE TABLE membership (
    grp       INTEGER NOT NULL,
    class     INTEGER NOT NULL,
    usr       INTEGER NOT NULL,
    indirect  INTEGER NOT NULL,
    since     INTEGER NOT NULL,
    PRIMARY KEY (grp, class, usr)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX membership_user ON membership (usr, grp);
CREATE INDEX membership_waiting ON membership (grp, since) WHERE class & 2;

-- The profiles that are assigned to user groups.
CREATE TABLE group_profile (
    grp      INTEGER NOT NULL,
    profile  INTEGER NOT NULL,
    PRIMARY KEY (grp, profile)
) STRICT, WITHOUT ROWID;
CREATE INDEX group_profile_profile ON group_profile (profile);

CREATE TABLE integration (
    id                       INTEGER PRIMARY KEY,
    org                      INTEGER NOT NULL REFERENCES organization (id),
    client_id                TEXT NOT NULL UNIQUE,
    name                     TEXT NOT NULL,
    technical_account        TEXT NOT NULL UNIQUE,
    technical_account_email  TEXT NOT NULL,
    -- JSON arrays of strings.
    secrets                  TEXT NOT NULL,
    keys                     TEXT NOT NULL,
    scopes                   TEXT NOT NULL,
    metascopes               TEXT NOT NULL,
    jti_required             INTEGER NOT NULL,
    enabled                  INTEGER NOT NULL
) STRICT;

-- Login ids (`jti`) that were used, and access tokens that were revoked, until the time they would expire anyway.
CREATE TABLE used_id (
    kind   INTEGER NOT NULL,
    owner  TEXT NOT NULL,
    id     TEXT NOT NULL,
    until  INTEGER NOT NULL,
    PRIMARY KEY (kind, owner, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX used_id_until ON used_id (until);

-- Small values that must outlive the process: the key that signs access tokens, counters.
CREATE TABLE setting (
    name   TEXT PRIMARY KEY,
    value  BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE ledger (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    at         INTEGER NOT NULL,
    request    TEXT NOT NULL,
    command    INTEGER,
    step       INTEGER,
    org        INTEGER NOT NULL,
    kind       INTEGER NOT NULL,
    usr        INTEGER,
    user_key   TEXT,
    grp        INTEGER,
    group_key  TEXT,
    detail     TEXT
) STRICT;
CREATE INDEX ledger_user ON ledger (org, user_key) WHERE user_key IS NOT NULL;
CREATE INDEX ledger_group ON ledger (org, group_key) WHERE group_key IS NOT NULL;
CREATE INDEX ledger_usr ON ledger (usr) WHERE usr IS NOT NULL;
CREATE INDEX ledger_request ON ledger (request);
