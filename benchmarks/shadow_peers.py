"""What stands around the gateway of ``bench_shadow``: a legacy system, and tenants that misbehave.

``python -m benchmarks.shadow_peers PORT KIND``: ``legacy`` answers each POST at once; ``slow`` takes a
request and says nothing; ``hostile`` answers with what no client expects, one kind after the other;
``good`` is a tenant that knows nothing and takes everything.
"""

from __future__ import annotations

import asyncio
import itertools
import sys

OK = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{"number":"L1"}'
NONE_FOUND = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n{"items": []}'
CREATED = (
    b'HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{"number":"D1"}'
)
SLOW_S = 30.0


async def _request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        (
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        ),
        0,
    )
    await reader.readexactly(length)
    return head


async def _answer(kind: str, turn: int, head: bytes, writer: asyncio.StreamWriter) -> bool:
    """Answer one request; tell whether the connection stays."""
    if kind == "legacy":
        writer.write(OK)
    elif kind == "good":
        writer.write(NONE_FOUND if head.startswith(b"GET") else CREATED)
    elif kind == "slow":
        await asyncio.sleep(SLOW_S)
        return False
    else:
        return await _hostile(turn % 5, writer)
    await writer.drain()
    return True


async def _hostile(turn: int, writer: asyncio.StreamWriter) -> bool:
    match turn:
        case 0:  # nothing at all
            writer.transport.abort()
        case 1:  # eight megabytes of zeros
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 8388608\r\n\r\n"
            )
            writer.write(bytes(8_388_608))
        case 2:  # a reply that never ends, a byte at a time
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in range(500):
                writer.write(b"1\r\n{\r\n")
                await writer.drain()
                await asyncio.sleep(0.02)
        case 3:  # no HTTP
            writer.write(b"220 mail.example.com ESMTP\r\n" * 100)
        case _:  # a promise that is not kept
            writer.write(b"HTTP/1.1 500 Oops\r\nContent-Length: 1000\r\n\r\nshort")
    await writer.drain()
    return False


async def serve(port: int, kind: str) -> None:
    """Serve until killed."""
    turns = itertools.count()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await _answer(kind, next(turns), await _request(reader), writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), sys.argv[2]))
