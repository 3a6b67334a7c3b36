-- One row for each customer, locked while its cart is changed. customer is the key by
-- which a merchant names it; items are JSON.
CREATE TABLE carts (
	merchant_id    bigint NOT NULL REFERENCES merchants (id),
	environment    text   NOT NULL,
	customer       text   NOT NULL,
	customer_id    text   NOT NULL,
	wallet         text   NOT NULL,
	wallet_network text   NOT NULL,
	items          text   NOT NULL,
	created_at     bigint NOT NULL,
	updated_at     bigint NOT NULL,
	PRIMARY KEY (merchant_id, environment, customer)
);
CREATE INDEX carts_by_age ON carts (updated_at);
