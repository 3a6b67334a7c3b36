-- A deposit address of an EVM network is the merchant's on all of them: it is found whatever network it was given out on.
CREATE INDEX addresses_by_address ON addresses (address);

ALTER TABLE payments ADD COLUMN expected_network text NOT NULL DEFAULT ''; -- where its address was given out, if not where it came
ALTER TABLE payments ADD COLUMN accepted boolean NOT NULL DEFAULT false;   -- by the merchant, though it did not count by itself
