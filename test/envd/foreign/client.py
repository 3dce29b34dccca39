"""Python's http.client. usage: python3 client.py HOST PORT"""

import hashlib
import http.client
import json
import sys
from concurrent.futures import ThreadPoolExecutor

host, port = sys.argv[1], int(sys.argv[2])
megabyte = b"\7" * (1024 * 1024)
connection = http.client.HTTPConnection(host, port, timeout=30)
sockets = set()


def ask(method, path, body=None, headers={}):
    connection.request(method, path, body=body, headers=headers)
    sockets.add(connection.sock.getsockname())
    response = connection.getresponse()
    return response.status, response.read()


def uploaded(data):
    parts = (data[at:at + 100_000] for at in range(0, len(data), 100_000))
    ask("POST", "/files?path=/srv/copy&username=root", parts, {"Content-Type": "application/octet-stream"})
    return hashlib.sha256(ask("GET", "/files?path=/srv/copy")[1]).hexdigest()


def fresh(_):
    other = http.client.HTTPConnection(host, port, timeout=30)
    other.request("GET", "/health")
    status = other.getresponse().status
    other.close()
    return status


results = {
    "health": json.loads(ask("GET", "/health")[1]),
    "head": ask("HEAD", "/health")[0],
    "missing": ask("GET", "/nope")[0],
    "length": ask("POST", "/unfreeze", megabyte)[0],
    # An iterator: it is sent in chunks.
    "chunks": ask("POST", "/unfreeze", iter([megabyte, b"\1", megabyte]))[0],
    "file": hashlib.sha256(ask("GET", "/files?path=/srv/data")[1]).hexdigest(),
    "upload": uploaded(ask("GET", "/files?path=/srv/data")[1]),
    "isReused": len(sockets) == 1,
}
with ThreadPoolExecutor(10) as pool:
    results["parallel"] = sorted(set(pool.map(fresh, range(50))))
print(json.dumps(results))
