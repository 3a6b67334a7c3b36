-- The W3C traceparent of what promised a job and of what caused an event, so that work
-- done later, by whatever process, tells the same trace; '' while nothing is traced.
ALTER TABLE jobs ADD COLUMN trace text NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN trace text NOT NULL DEFAULT '';
