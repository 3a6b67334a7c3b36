-- What lists and streams of events are narrowed by. Each begins with the merchant and ends with the place in its
-- stream, so that a page costs a page; and each holds only events that have what it is about, so that others cost
-- nothing. ADR 024 has the reasons.
DROP INDEX events_by_invoice;
CREATE INDEX events_by_invoice ON events (merchant_id, invoice_id, seq) WHERE invoice_id <> '';
CREATE INDEX events_by_order ON events (merchant_id, order_id, seq) WHERE order_id <> '';
CREATE INDEX events_by_wallet ON events (merchant_id, wallet_address, seq) WHERE wallet_address <> '';
CREATE INDEX events_by_customer ON events (merchant_id, customer_id, seq) WHERE customer_id <> '';
-- Every invoice has these three, so they are found soon without.
CREATE INDEX events_by_type ON events (merchant_id, type, seq) WHERE type NOT IN ('invoice.created', 'invoice.updated', 'payment_quote.updated');
CREATE INDEX events_of_commerce ON events (merchant_id, invoice_type, seq) WHERE invoice_type = 'commerce';
