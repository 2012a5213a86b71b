"""What the explorer is tried out against: real nodes, servers between that lie, and a chain that is very long."""

import http.client
import json
import subprocess
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from blake3 import blake3


def name(data):
    """The name of bytes."""
    return blake3(data).hexdigest()


def canonical(value):
    """The canonical JSON of an entry."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


class Running:
    """A process that serves, and says first where; it ends with the `with` block."""

    def __init__(self, troupe, *arguments, cwd=None):
        command = [troupe, "--json", *arguments, "--addr", "127.0.0.1:0"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=cwd)
        self.said = json.loads(self.process.stdout.readline())
        self.url = self.said["url"]
        # What it says later is not read, and must not fill the pipe.
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=30)
        self.process.stdout.close()


class Node(Running):
    """A running node."""

    def __init__(self, troupe, *arguments, cwd=None):
        super().__init__(troupe, *arguments, cwd=cwd)
        self.troupe = troupe

    def run(self, *arguments):
        """A command of the same binary, for this node."""
        command = [self.troupe, *arguments, "--node", self.url]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def get(self, path):
        with urllib.request.urlopen(self.url + path) as answer:
            return answer.read()

    def post(self, path, value):
        request = urllib.request.Request(self.url + path, canonical(value), {"content-type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)


class Server:
    """Answers on a port of its own; what is not answered otherwise, a node is asked for."""

    def __init__(self, node_url, lie):
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                status, headers, body = outer.ask(self.path)
                told = lie(self.path, body)
                body = body if told is None else told
                self.send_response(200 if told is not None else status)
                for key, value in headers.items():
                    if key.lower() not in ("transfer-encoding", "content-length", "connection", "date"):
                        self.send_header(key, value)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.node_url = node_url
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        # A browser that goes elsewhere closes what it had open.
        self.server.handle_error = lambda *_: None
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def ask(self, path):
        host = self.node_url.removeprefix("http://")
        connection = http.client.HTTPConnection(host)
        connection.request("GET", path)
        answer = connection.getresponse()
        found = answer.status, dict(answer.getheaders()), answer.read()
        connection.close()
        return found

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def entries_of(node, actor):
    """All entries of a chain, as bytes."""
    lines, start = [], 0
    while True:
        got = node.get(f"/actors/{actor}/chain?from={start}&limit=10000").splitlines()
        lines += got
        if len(got) == 0:
            return lines
        start += len(got)


class Forged:
    """The history of an actor in which an entry says something else, and every hash after it made to fit again."""

    def __init__(self, node, actor, seq, change, blobs=()):
        lines = [json.loads(line) for line in entries_of(node, actor)]
        self.blobs = {name(blob): blob for blob in blobs}
        self.lines = []
        was = lines[seq]["data"].get("state")
        parent = None
        for entry in lines:
            data = entry["data"]
            if data["seq"] == seq:
                change(data)
            if data["seq"] == seq + 1 and data.get("before") == was:
                data["before"] = lines[seq]["data"]["state"]
            if parent is not None:
                entry["parent"] = parent
            line = canonical(entry)
            self.lines.append(line)
            parent = name(line)
        self.head = parent

    def lie(self, path, _):
        parts = path.split("?")[0].split("/")
        if "chain" in parts and "from=" in path:
            query = dict(pair.split("=") for pair in path.split("?")[1].split("&"))
            start, limit = int(query["from"]), int(query.get("limit", 1000))
            return b"".join(line + b"\n" for line in self.lines[start : start + limit])
        if "chain" in parts and parts[-1].isdigit():
            return self.lines[int(parts[-1])]
        return self.blobs.get(parts[-1])


class Long:
    """A chain of the example actor `counter` that is very long, made without running it: each message adds one."""

    MESSAGE = b'{"add":1}'

    def __init__(self, component, count, genesis):
        genesis = json.loads(genesis)
        genesis["data"]["component-hash"] = name(component)
        self.component = component
        self.offsets = [0]
        out = bytearray()
        state = name(b'{"count":0}')
        data = {"at": 1_700_000_000_000, "fuel": 9000, "kind": "init", "seq": 1, "state": state, "v": 1}
        self.genesis = canonical(genesis)
        out += self.genesis + b"\n"
        self.offsets.append(len(out))
        line = canonical({"data": {**data, "at": genesis["data"]["at"]}, "parent": name(self.genesis)})
        at = genesis["data"]["at"]
        message = name(self.MESSAGE)
        for n in range(1, count - 1):
            out += line + b"\n"
            self.offsets.append(len(out))
            parent, before = name(line), state
            state = name(b'{"count":%d}' % n)
            effects = b""
            if n % 10 == 0:
                effects = b'"effects":[{"send":{"message":"%s","to":"observer"}}],' % state.encode()
            line = (
                b'{"data":{"at":%d,"before":"%s",%b"from":{"kind":"http"},"fuel":9000,"kind":"message","message":"%s",'
                b'"seq":%d,"state":"%s","v":1},"parent":"%s"}'
                % (at + n, before.encode(), effects, message.encode(), n + 1, state.encode(), parent.encode())
            )
        out += line + b"\n"
        self.offsets.append(len(out))
        self.lines, self.count, self.head = bytes(out), count, name(line)

    def lie(self, path, body):
        """Answers for the one actor `long`."""
        parts = path.split("?")[0].split("/")
        if parts[1:3] == ["actors", "long"] and len(parts) == 3:
            limits = json.loads(self.genesis)["data"]["limits"]
            return canonical({
                "actor": name(self.genesis), "name": "long", "status": "running", "component": name(self.component),
                "world": "ntwk:simple-actor/first-actor", "head": self.head, "seq": self.count - 1, "state": "",
                "engine": {}, "limits": limits, "version": "0",
            })
        if "chain" in parts and "from=" in path:
            query = dict(pair.split("=") for pair in path.split("?")[1].split("&"))
            start, limit = int(query["from"]), int(query["limit"])
            end = min(start + limit, self.count)
            return self.lines[self.offsets[start] : self.offsets[end]]
        if "blobs" in parts:
            if parts[-1] == name(self.MESSAGE):
                return self.MESSAGE
            if parts[-1] == name(self.component):
                return self.component
        return None
