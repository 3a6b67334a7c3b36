-- What payors answered to an invoice's questions, as the JSON they sent it in.
CREATE TABLE responses (
	invoice_id text   PRIMARY KEY REFERENCES invoices (id),
	responses  text   NOT NULL,
	at         bigint NOT NULL
);

-- Which tokens a merchant takes. A merchant without a row takes all.
CREATE TABLE acceptance (merchant_id bigint PRIMARY KEY, policy text NOT NULL);
CREATE TABLE blocked_tokens (merchant_id bigint NOT NULL, token_id bigint NOT NULL, PRIMARY KEY (merchant_id, token_id));

-- Searches of the chain for payments of an invoice that was not credited by itself.
CREATE TABLE verifications (
	id           text   PRIMARY KEY,
	invoice_id   text   NOT NULL REFERENCES invoices (id),
	networks     text   NOT NULL, -- to look at, "a,b"; the first is the active one
	tx_hash      text   NOT NULL,
	state        text   NOT NULL,
	attempts     bigint NOT NULL,
	next_at      bigint NOT NULL,
	created_at   bigint NOT NULL,
	updated_at   bigint NOT NULL,
	completed_at bigint NOT NULL,
	outcome      text   NOT NULL,
	message      text   NOT NULL,
	payments     text   NOT NULL -- ids, "a,b"
);
CREATE INDEX verifications_by_invoice ON verifications (invoice_id, created_at, id);
