-- name: last
SELECT max(piece_id) >> 16 FROM body_piece;

-- name: insert
INSERT INTO body_piece (piece_id, bytes) VALUES (?, ?);

-- name: piece
SELECT bytes FROM body_piece WHERE piece_id = ?;

-- name: delete
DELETE FROM body_piece WHERE piece_id >= ? AND piece_id < ?;

-- name: stage
INSERT INTO staged_body (body_id) VALUES (?);

-- name: unstage
DELETE FROM staged_body WHERE body_id = ?;

-- name: staged
SELECT body_id FROM staged_body;
