-- Where customers had things sent, to be used again. Orders keep copies of their own.
CREATE TABLE shipping_addresses (
	id             text   PRIMARY KEY,
	merchant_id    bigint NOT NULL,
	environment    text   NOT NULL,
	customer       text   NOT NULL, -- what identifies the customer
	customer_id    text   NOT NULL,
	wallet         text   NOT NULL,
	wallet_network text   NOT NULL,
	first_name     text   NOT NULL,
	last_name      text   NOT NULL,
	line1          text   NOT NULL,
	line2          text   NOT NULL,
	city           text   NOT NULL,
	state          text   NOT NULL,
	zip            text   NOT NULL,
	country        text   NOT NULL,
	phone          text   NOT NULL,
	email          text   NOT NULL,
	validated_at   bigint NOT NULL,
	created_at     bigint NOT NULL,
	hash           bytea  NOT NULL UNIQUE -- of the customer and the address: the same is kept once
);
CREATE INDEX shipping_addresses_by_customer ON shipping_addresses (merchant_id, environment, customer, created_at, id);
