-- Webhooks: rotation, disablement, replays, and what receivers answered.

ALTER TABLE endpoints ADD COLUMN previous_secret bytea NOT NULL DEFAULT '';
ALTER TABLE endpoints ADD COLUMN previous_until bigint NOT NULL DEFAULT 0;
ALTER TABLE endpoints ADD COLUMN disabled_at bigint NOT NULL DEFAULT 0;
ALTER TABLE endpoints ADD COLUMN disabled_reason text NOT NULL DEFAULT '';
ALTER TABLE endpoints ADD COLUMN failing_since bigint NOT NULL DEFAULT 0;
ALTER TABLE endpoints ADD COLUMN paused_until bigint NOT NULL DEFAULT 0;

ALTER TABLE deliveries ADD COLUMN earlier bigint NOT NULL DEFAULT 0; -- attempts made before its schedule last began
ALTER TABLE attempts ADD COLUMN body text NOT NULL DEFAULT '';       -- how the receiver's answer begins
ALTER TABLE events ADD COLUMN endpoint_id text NOT NULL DEFAULT '';  -- the only endpoint it is for; '' for all that ask

CREATE TABLE replays (
	id          text   PRIMARY KEY,
	endpoint_id text   NOT NULL,
	first       bigint NOT NULL, -- sequence numbers of events, both inclusive
	last        bigint NOT NULL,
	position    bigint NOT NULL, -- what is up to here was looked at
	total       bigint NOT NULL,
	done        bigint NOT NULL,
	created_at  bigint NOT NULL,
	finished_at bigint NOT NULL
);
CREATE INDEX replays_by_endpoint ON replays (endpoint_id, created_at);
