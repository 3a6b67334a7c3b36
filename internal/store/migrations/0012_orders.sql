-- Lists that are only read whole, with the thing they belong to, are JSON.
CREATE TABLE estimates (
	id             text   PRIMARY KEY,
	merchant_id    bigint NOT NULL,
	environment    text   NOT NULL,
	customer_id    text   NOT NULL,
	wallet_address text   NOT NULL,
	wallet_network text   NOT NULL,
	lines          text   NOT NULL,
	invalid        text   NOT NULL,
	pricing        text   NOT NULL,
	refund_fee     bigint NOT NULL,
	order_id       text   NOT NULL,
	address_id     text   NOT NULL,
	answer         bytea  NOT NULL, -- what the order's request was answered, sealed
	created_at     bigint NOT NULL,
	expires_at     bigint NOT NULL
);
CREATE INDEX estimates_by_age ON estimates (expires_at);

CREATE TABLE orders (
	id             text    PRIMARY KEY,
	invoice_id     text    NOT NULL UNIQUE,
	estimate_id    text    NOT NULL UNIQUE,
	merchant_id    bigint  NOT NULL,
	environment    text    NOT NULL,
	customer_id    text    NOT NULL,
	customer_addr  text    NOT NULL,
	customer_net   text    NOT NULL,
	wallet_key     text    NOT NULL, -- of the wallet that the order shows, to find it by
	wallet_network text    NOT NULL,
	retailer       text    NOT NULL,
	status         text    NOT NULL,
	substatus      text    NOT NULL,
	cancellation   text    NOT NULL,
	request        text    NOT NULL,
	simulated      boolean NOT NULL,
	body           text    NOT NULL,
	created_at     bigint  NOT NULL,
	updated_at     bigint  NOT NULL
);
CREATE INDEX orders_by_merchant ON orders (merchant_id, environment, created_at, id);
CREATE INDEX orders_by_customer ON orders (merchant_id, environment, customer_id, created_at, id);
CREATE INDEX orders_by_wallet ON orders (merchant_id, environment, wallet_key, created_at, id);
CREATE INDEX orders_by_request ON orders (request);
