-- What an event can be found by, as it was when the event happened, so that a list
-- and a stream filter alike and neither reads the object. Wallet addresses are in
-- the form of pay.WalletKey.
ALTER TABLE events ADD COLUMN invoice_type text NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN order_id text NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN wallet_address text NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN wallet_network text NOT NULL DEFAULT '';

UPDATE events SET
	invoice_type = COALESCE((SELECT i.type FROM invoices i WHERE i.id = events.invoice_id), ''),
	order_id = COALESCE((SELECT i.order_id FROM invoices i WHERE i.id = events.invoice_id), '');
