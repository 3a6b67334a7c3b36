-- What is to be paid back of orders that came to nothing, and the transactions that pay it.
CREATE TABLE refunds (
	order_id    text   PRIMARY KEY,
	merchant_id bigint NOT NULL,
	environment text   NOT NULL,
	amount      bigint NOT NULL,
	destination text   NOT NULL, -- '' while nobody has named one
	state       text   NOT NULL,
	reason      text   NOT NULL,
	due_at      bigint NOT NULL,
	network     text   NOT NULL, -- from here on '' or 0 until it is first taken on
	wallet      text   NOT NULL,
	token       text   NOT NULL,
	units       text   NOT NULL,
	nonce       bigint NOT NULL,
	head        bigint NOT NULL,
	sends       text   NOT NULL, -- JSON
	taken_at    bigint NOT NULL,
	doubt_at    bigint NOT NULL
);
CREATE INDEX refunds_by_state ON refunds (environment, state, due_at);
CREATE INDEX refunds_by_time ON refunds (network, taken_at);
