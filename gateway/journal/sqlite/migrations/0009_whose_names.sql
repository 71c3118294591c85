-- Whose name it is: the endpoint that told it; '' for nobody's in particular (documents, imports). Two tenants of
-- one ERP number their orders alike. Of a name from before, the delivery whose number it is tells the endpoint.
CREATE TABLE alias_told (
    order_key TEXT NOT NULL,
    kind TEXT NOT NULL,
    number TEXT NOT NULL,
    line TEXT NOT NULL,
    line_number TEXT NOT NULL,
    target TEXT NOT NULL,
    PRIMARY KEY (order_key, kind, number, line, line_number, target)
) STRICT, WITHOUT ROWID;
INSERT INTO alias_told (order_key, kind, number, line, line_number, target)
SELECT order_key, kind, number, line, line_number, CASE WHEN kind <> 'erp' THEN '' ELSE coalesce((
    SELECT min(delivery.target) FROM order_delivery JOIN delivery USING (number)
    WHERE order_delivery.order_key = alias.order_key AND delivery.target_reference = alias.number
    HAVING count(DISTINCT delivery.target) = 1
), '') END
FROM alias;
DROP TABLE alias;
ALTER TABLE alias_told RENAME TO alias;
CREATE INDEX alias_number ON alias (number, order_key);
