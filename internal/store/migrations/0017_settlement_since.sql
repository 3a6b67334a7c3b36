-- Since when a settlement fails: how long it rests goes by that, and not by the age of the payment.
ALTER TABLE payments ADD COLUMN settlement_since bigint NOT NULL DEFAULT 0;
UPDATE payments SET settlement_since = settlement_at WHERE settlement_status = 'failed';
