-- How a person closed a delivery; NULL: nobody did.
ALTER TABLE delivery ADD COLUMN resolution TEXT;

-- What is waited for: [numbers, keys]. What waits already is decided when its time is over.
UPDATE document SET awaits = '[[],[]]' WHERE awaits IS NOT NULL;
