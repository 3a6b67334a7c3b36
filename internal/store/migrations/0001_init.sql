-- One text for both engines: text, bigint, boolean and bytea only. Times are
-- milliseconds since 1970, 0 for none; token amounts are decimal base units.

CREATE TABLE counters (name text PRIMARY KEY, value bigint NOT NULL);

CREATE TABLE merchants (
	id          bigint PRIMARY KEY,
	name        text   NOT NULL,
	email       text   NOT NULL,
	environment text   NOT NULL,
	payout      text   NOT NULL,
	return_url  text   NOT NULL,
	created_at  bigint NOT NULL
);

CREATE TABLE api_keys (
	id          text   PRIMARY KEY,
	merchant_id bigint NOT NULL REFERENCES merchants (id),
	name        text   NOT NULL,
	scope       text   NOT NULL,
	environment text   NOT NULL,
	hash        text   NOT NULL UNIQUE,
	created_at  bigint NOT NULL,
	expires_at  bigint NOT NULL,
	revoked_at  bigint NOT NULL
);
CREATE INDEX api_keys_by_merchant ON api_keys (merchant_id);

CREATE TABLE invoices (
	id                text   PRIMARY KEY,
	merchant_id       bigint NOT NULL,
	environment       text   NOT NULL,
	type              text   NOT NULL,
	status            text   NOT NULL,
	amount            bigint NOT NULL,
	paid              bigint NOT NULL,
	customer_id       text   NOT NULL,
	customer_email    text   NOT NULL,
	description       text   NOT NULL,
	title             text   NOT NULL,
	footer            text   NOT NULL,
	metadata          text   NOT NULL,
	questions         text   NOT NULL,
	return_url        text   NOT NULL,
	receiver_override text   NOT NULL,
	payer_address     text   NOT NULL,
	payer_network     text   NOT NULL,
	order_id          text   NOT NULL,
	session_hash      text   NOT NULL UNIQUE,
	locked_network    text   NOT NULL,
	locked_token_id   bigint NOT NULL,
	created_at        bigint NOT NULL,
	expires_at        bigint NOT NULL,
	paid_at           bigint NOT NULL,
	last_payment_at   bigint NOT NULL
);
CREATE INDEX invoices_by_merchant ON invoices (merchant_id, created_at, id);
CREATE INDEX invoices_by_customer ON invoices (merchant_id, customer_id, created_at, id);

CREATE TABLE addresses (
	network     text   NOT NULL,
	address     text   NOT NULL,
	invoice_id  text   NOT NULL REFERENCES invoices (id),
	merchant_id bigint NOT NULL,
	token_id    bigint NOT NULL,
	receiver    text   NOT NULL,
	salt        text   NOT NULL,
	created_at  bigint NOT NULL,
	probe_at    bigint NOT NULL, -- when its native balance is next compared; 0 for never
	PRIMARY KEY (network, address),
	UNIQUE (invoice_id, token_id)
);
CREATE INDEX addresses_to_probe ON addresses (network, probe_at);

CREATE TABLE quotes (
	id          text   PRIMARY KEY,
	invoice_id  text   NOT NULL,
	network     text   NOT NULL,
	address     text   NOT NULL,
	token_id    bigint NOT NULL,
	units       text   NOT NULL,
	rate        text   NOT NULL,
	due         bigint NOT NULL,
	created_at  bigint NOT NULL,
	valid_until bigint NOT NULL
);
CREATE INDEX quotes_by_address ON quotes (network, address, created_at);

CREATE TABLE payments (
	id                text   PRIMARY KEY,
	invoice_id        text   NOT NULL REFERENCES invoices (id),
	merchant_id       bigint NOT NULL,
	environment       text   NOT NULL,
	network           text   NOT NULL,
	tx_hash           text   NOT NULL,
	idx               bigint NOT NULL,
	height            bigint NOT NULL,
	block_hash        text   NOT NULL,
	block_time        bigint NOT NULL,
	address           text   NOT NULL,
	token             text   NOT NULL,
	units             text   NOT NULL,
	sender            text   NOT NULL,
	token_id          bigint NOT NULL,
	asked_id          bigint NOT NULL,
	receiver          text   NOT NULL,
	sight             text   NOT NULL,
	quote_id          text   NOT NULL,
	quote_due         bigint NOT NULL,
	quote_units       text   NOT NULL,
	amount            bigint NOT NULL,
	status            text   NOT NULL,
	reason            text   NOT NULL,
	seen_at           bigint NOT NULL,
	confirmed_at      bigint NOT NULL,
	settlement_id     bigint NOT NULL,
	settlement_status text   NOT NULL,
	settlement_tx     text   NOT NULL,
	settlement_reason text   NOT NULL,
	settlement_at     bigint NOT NULL,
	UNIQUE (network, tx_hash, idx)
);
CREATE INDEX payments_by_invoice ON payments (invoice_id);
CREATE INDEX payments_by_sight ON payments (network, sight, height);
CREATE INDEX payments_by_address ON payments (network, address);
CREATE INDEX payments_by_settlement ON payments (network, settlement_status);

CREATE TABLE sweeps (
	network    text    NOT NULL,
	tx_hash    text    NOT NULL,
	idx        bigint  NOT NULL,
	height     bigint  NOT NULL,
	block_hash text    NOT NULL,
	block_time bigint  NOT NULL,
	address    text    NOT NULL,
	token      text    NOT NULL,
	units      text    NOT NULL,
	receiver   text    NOT NULL,
	final      boolean NOT NULL,
	PRIMARY KEY (network, tx_hash, idx)
);
CREATE INDEX sweeps_by_address ON sweeps (network, address, token);
CREATE INDEX sweeps_by_height ON sweeps (network, final, height);

CREATE TABLE chains (
	network        text   PRIMARY KEY,
	scanned_height bigint NOT NULL,
	scanned_hash   text   NOT NULL,
	scanned_time   bigint NOT NULL,
	final_height   bigint NOT NULL,
	final_hash     text   NOT NULL,
	final_time     bigint NOT NULL
);

CREATE TABLE leases (name text PRIMARY KEY, holder text NOT NULL, until bigint NOT NULL);

CREATE TABLE relays (
	id      text   PRIMARY KEY,
	network text   NOT NULL,
	nonce   bigint NOT NULL,
	items   text   NOT NULL,
	sends   text   NOT NULL,
	state   text   NOT NULL,
	reason  text   NOT NULL,
	at      bigint NOT NULL
);
CREATE INDEX relays_by_state ON relays (network, state, nonce);

CREATE TABLE streams (merchant_id bigint PRIMARY KEY, seq bigint NOT NULL, at bigint NOT NULL);

CREATE TABLE events (
	merchant_id bigint NOT NULL,
	seq         bigint NOT NULL,
	at          bigint NOT NULL,
	type        text   NOT NULL,
	environment text   NOT NULL,
	invoice_id  text   NOT NULL,
	customer_id text   NOT NULL,
	object      bytea  NOT NULL,
	previous    bytea  NOT NULL,
	request_id  text   NOT NULL,
	request_key text   NOT NULL,
	PRIMARY KEY (merchant_id, seq)
);
CREATE INDEX events_by_invoice ON events (invoice_id, seq);

CREATE TABLE endpoints (
	id          text   PRIMARY KEY,
	merchant_id bigint NOT NULL,
	url         text   NOT NULL,
	types       text   NOT NULL, -- ",a,b," so that LIKE can find one; "" for all
	environment text   NOT NULL,
	secret      bytea  NOT NULL,
	created_at  bigint NOT NULL
);
CREATE INDEX endpoints_by_merchant ON endpoints (merchant_id, created_at, id);

CREATE TABLE deliveries (
	endpoint_id text   NOT NULL,
	merchant_id bigint NOT NULL,
	seq         bigint NOT NULL,
	state       text   NOT NULL,
	attempts    bigint NOT NULL,
	due         bigint NOT NULL,
	created_at  bigint NOT NULL,
	PRIMARY KEY (endpoint_id, seq)
);
CREATE INDEX deliveries_due ON deliveries (endpoint_id, state, due);

CREATE TABLE attempts (
	endpoint_id text   NOT NULL,
	seq         bigint NOT NULL,
	number      bigint NOT NULL,
	status      bigint NOT NULL,
	error       text   NOT NULL,
	took        bigint NOT NULL,
	at          bigint NOT NULL,
	PRIMARY KEY (endpoint_id, seq, number)
);

CREATE TABLE jobs (
	kind         text   NOT NULL,
	arg          text   NOT NULL,
	due          bigint NOT NULL, -- when it may next be taken: its time, or the end of a lease
	attempt      bigint NOT NULL,
	leased_until bigint NOT NULL,
	promised     bigint NOT NULL, -- how often it was promised; a promise made during a run survives it
	PRIMARY KEY (kind, arg)
);
CREATE INDEX jobs_due ON jobs (due);

CREATE TABLE answers (
	merchant_id bigint NOT NULL,
	operation   text   NOT NULL,
	key         text   NOT NULL,
	hash        text   NOT NULL,
	answer      bytea  NOT NULL, -- sealed
	created_at  bigint NOT NULL,
	PRIMARY KEY (merchant_id, operation, key)
);
CREATE INDEX answers_by_age ON answers (created_at);
