-- Where a merchant's proceeds go, on each family of networks.
CREATE TABLE payouts (
	merchant_id bigint NOT NULL,
	family      text   NOT NULL,
	address     text   NOT NULL,
	next        text   NOT NULL, -- takes its place at a time; '' for none
	next_at     bigint NOT NULL,
	PRIMARY KEY (merchant_id, family)
);
INSERT INTO payouts (merchant_id, family, address, next, next_at)
	SELECT id, 'evm', payout, next_payout, next_payout_at FROM merchants WHERE payout <> '';
ALTER TABLE merchants DROP COLUMN payout;
ALTER TABLE merchants DROP COLUMN next_payout;
ALTER TABLE merchants DROP COLUMN next_payout_at;

-- Where the ledger keeps tokens of an address, on networks where that is not the address itself.
CREATE TABLE accounts (network text NOT NULL, account text NOT NULL, address text NOT NULL, PRIMARY KEY (network, account));

-- The first block that was watched; 0 on networks that were watched before this was kept.
ALTER TABLE chains ADD COLUMN since_height bigint NOT NULL DEFAULT 0;

-- Deposit addresses to be given out, on networks where only the holder of the keys can make them.
CREATE TABLE pool (network text NOT NULL, idx bigint NOT NULL, address text NOT NULL, PRIMARY KEY (network, idx), UNIQUE (network, address));
