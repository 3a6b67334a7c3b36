-- Invoices by who pays them, those that anybody does: without it who asks for a payer reads all of a merchant's.
CREATE INDEX invoices_by_payer ON invoices (merchant_id, payer_address, created_at, id) WHERE payer_address <> '';
