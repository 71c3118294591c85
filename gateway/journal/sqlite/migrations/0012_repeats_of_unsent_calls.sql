-- A call that was never sent: what was taken for a repeat of it went nowhere, and is found by the message it names.
CREATE INDEX document_repeating ON document (repeats) WHERE repeats IS NOT NULL;
