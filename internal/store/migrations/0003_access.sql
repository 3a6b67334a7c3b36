-- Who may do what: people and their roles, sign-in, the life of API keys, mainnet.

ALTER TABLE merchants ADD COLUMN mainnet boolean NOT NULL DEFAULT false;
UPDATE merchants SET mainnet = true
	WHERE environment = 'mainnet' OR id IN (SELECT merchant_id FROM api_keys WHERE environment = 'mainnet');

ALTER TABLE api_keys ADD COLUMN created_by text NOT NULL DEFAULT ''; -- the wallet of who made it; '' for the operator
ALTER TABLE api_keys ADD COLUMN suspended_at bigint NOT NULL DEFAULT 0;
ALTER TABLE api_keys ADD COLUMN revoked_reason text NOT NULL DEFAULT '';
ALTER TABLE api_keys ADD COLUMN last_used_at bigint NOT NULL DEFAULT 0;

CREATE TABLE members (
	merchant_id bigint NOT NULL REFERENCES merchants (id),
	wallet_type text   NOT NULL,
	wallet      text   NOT NULL,
	role        text   NOT NULL,
	created_at  bigint NOT NULL,
	PRIMARY KEY (wallet_type, wallet, merchant_id)
);
CREATE INDEX members_by_merchant ON members (merchant_id, created_at);

-- One row for each wallet that ever signed in, locked while it does: two first
-- sign-ins at once make one merchant.
CREATE TABLE users (
	wallet_type text   NOT NULL,
	wallet      text   NOT NULL,
	seen_at     bigint NOT NULL,
	PRIMARY KEY (wallet_type, wallet)
);

-- A challenge's message and nonce are not here: they follow from the row and the
-- deployment's secret.
CREATE TABLE challenges (
	id          text   PRIMARY KEY,
	wallet_type text   NOT NULL,
	wallet      text   NOT NULL,
	tries       bigint NOT NULL,
	created_at  bigint NOT NULL,
	expires_at  bigint NOT NULL
);
CREATE INDEX challenges_by_age ON challenges (expires_at);

CREATE TABLE logins (
	id          text   PRIMARY KEY,
	wallet_type text   NOT NULL,
	wallet      text   NOT NULL,
	created_at  bigint NOT NULL,
	expires_at  bigint NOT NULL
);
CREATE INDEX logins_by_wallet ON logins (wallet_type, wallet);
CREATE INDEX logins_by_age ON logins (expires_at);

CREATE TABLE mainnet_codes (
	hash        text   PRIMARY KEY,
	merchant_id bigint NOT NULL REFERENCES merchants (id),
	created_at  bigint NOT NULL,
	used_at     bigint NOT NULL
);
