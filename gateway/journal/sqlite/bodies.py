"""Bodies: whatever may hold a document's content, in bounded pieces, sealed one by one.

A body is written once and never changed. Its owner's row keeps the body's id, or NULL once retention
has taken it. The owner's name is part of every seal, so bodies cannot trade places in the file.
"""

from __future__ import annotations

from gateway.journal.sqlite.database import Database

PIECE_BYTES = 256 * 1024
PIECES_BITS = 16  # up to 65,536 pieces of a body, 16 GiB


def write_body(db: Database, owner: str, content: bytes) -> int:
    """Write a body and give its id."""
    body_id = next(db.body_ids)
    for number, start in enumerate(range(0, len(content), PIECE_BYTES)):
        write_piece(db, owner, body_id, number, content[start : start + PIECE_BYTES])
    return body_id


def write_piece(db: Database, owner: str, body_id: int, number: int, piece: bytes) -> None:
    """Write one piece of a body."""
    if number >> PIECES_BITS:
        raise ValueError(f"{owner}: a body has at most {PIECE_BYTES << PIECES_BITS} bytes")
    sealed = db.cipher.seal(f"{owner}#{number}", piece)
    db.run("body.insert", ((body_id << PIECES_BITS) + number, sealed))


def read_body(db: Database, owner: str, body_id: int) -> bytes:
    """Give a whole body."""
    return read_on(db, owner, body_id, db.value("body.piece", (body_id << PIECES_BITS,)))


def read_on(db: Database, owner: str, body_id: int, first: bytes | None) -> bytes:
    """Give a whole body whose first piece was looked up already, sealed as it is; None: it has none."""
    if first is None:
        return b""
    pieces = [db.cipher.open(f"{owner}#0", first)]
    # One after the other: nearly every body is one piece, and a look at all takes longer than one at that.
    while len(pieces[-1]) == PIECE_BYTES:
        piece = read_piece(db, owner, body_id, len(pieces))
        if piece is None:
            break
        pieces.append(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def read_piece(db: Database, owner: str, body_id: int, number: int) -> bytes | None:
    """Give one piece of a body, or None after the last one."""
    sealed = db.value("body.piece", ((body_id << PIECES_BITS) + number,))
    return None if sealed is None else db.cipher.open(f"{owner}#{number}", sealed)


def delete_body(db: Database, body_id: int) -> None:
    """Forget a body."""
    first = body_id << PIECES_BITS
    db.run("body.delete", (first, first + (1 << PIECES_BITS)))


def stage_piece(db: Database, owner: str, body_id: int, number: int, piece: bytes) -> None:
    """Write a piece of a body that no message owns yet; ``recover`` removes those nobody accepted."""
    if number == 0:
        db.run("body.stage", (body_id,))
    write_piece(db, owner, body_id, number, piece)


def unstage(db: Database, body_id: int) -> None:
    """Say that a message owns the body now."""
    db.run("body.unstage", (body_id,))


def drop_staged(db: Database, body_id: int) -> None:
    """Forget a staged body."""
    delete_body(db, body_id)
    unstage(db, body_id)
