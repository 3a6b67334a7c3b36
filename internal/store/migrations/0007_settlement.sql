-- A payout address that is to take the place of the present one, and from when; '' and 0 for none.
ALTER TABLE merchants ADD COLUMN next_payout text NOT NULL DEFAULT '';
ALTER TABLE merchants ADD COLUMN next_payout_at bigint NOT NULL DEFAULT 0;
ALTER TABLE merchants ADD COLUMN settlement text NOT NULL DEFAULT 'tokens';
ALTER TABLE merchants ADD COLUMN settlement_token bigint NOT NULL DEFAULT 0; -- 0 for the default
ALTER TABLE merchants ADD COLUMN settlement_at bigint NOT NULL DEFAULT 0; -- when either was last said; 0 for never
