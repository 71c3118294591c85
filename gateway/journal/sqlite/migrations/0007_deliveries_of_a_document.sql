-- A comparison asks for the deliveries of one document; an interchange may hold ten thousand.
CREATE INDEX delivery_of_document ON delivery (message, document_index);
