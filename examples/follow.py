#!/usr/bin/env python3
"""Follows a stream of events over a websocket, with the standard library alone.

    DEV_JSON=.pepay/dev.json examples/follow.py merchant [since]
    examples/follow.py payor TOKEN [since]      TOKEN is ws_connection.token of payment-addresses

Prints one line for each event: its id, its type, the status of its object. A connection
that is lost is made again from the last event, so each is printed once. The end of its
input, or COUNT events, ends it.
"""
import base64, hashlib, json, os, socket, ssl, struct, sys, threading, time
from urllib.parse import urlencode, urlsplit


def connect(url, headers):
    """Opens a websocket (RFC 6455) and returns its socket."""
    u = urlsplit(url)
    secure = u.scheme in ("https", "wss")
    s = socket.create_connection((u.hostname, u.port or (443 if secure else 80)), timeout=75)  # pings come every 30 s
    if secure:
        s = ssl.create_default_context().wrap_socket(s, server_hostname=u.hostname)
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [f"GET {u.path}?{u.query} HTTP/1.1", f"Host: {u.netloc}", "Connection: Upgrade", "Upgrade: websocket",
             "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}"] + [f"{k}: {v}" for k, v in headers.items()]
    s.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
    r = s.makefile("rb")
    status = r.readline().decode()
    answer = {}
    while (line := r.readline().decode().strip()):
        name, _, value = line.partition(":")
        answer[name.lower()] = value.strip()
    if " 101 " not in status:
        raise SystemExit(f"refused: {status.strip()} {r.read(int(answer.get('content-length', 0))).decode()}")
    want = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
    if answer.get("sec-websocket-accept") != want:
        raise SystemExit("whoever answered does not speak websocket")
    return s, r


def send(s, opcode, payload=b""):
    """Sends a frame; those of clients are masked."""
    mask = os.urandom(4)
    s.sendall(bytes([0x80 | opcode, 0x80 | len(payload)]) + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload)))


def messages(s, r):
    """Yields text messages until the connection ends, and answers pings."""
    def take(n):
        b = r.read(n)
        if len(b) < n:
            raise ConnectionError("lost")
        return b
    text = b""
    while True:
        first, size = take(2)
        if size == 126:
            size, = struct.unpack(">H", take(2))
        elif size == 127:
            size, = struct.unpack(">Q", take(8))
        payload, opcode = take(size), first & 15
        if opcode == 8:
            raise ConnectionError(f"closed with {struct.unpack('>H', payload[:2])[0] if size > 1 else 1005}")
        elif opcode == 9:
            send(s, 10, payload)
        elif opcode in (0, 1):
            text += payload
            if first & 0x80:
                yield json.loads(text)
                text = b""


def follow(url, query, headers, since, count):
    wait = 1
    while True:
        try:
            s, r = connect(url + "?" + urlencode({**query, **({"since": since} if since else {})}), headers)
            print("connected", flush=True, file=sys.stderr)
            for m in messages(s, r):
                if m["object"] == "event":
                    print(m["id"], m["type"], m["data"]["object"].get("status", "-"), flush=True)
                    since, wait, count = m["id"], 1, count - 1
                    if count == 0:
                        send(s, 8, struct.pack(">H", 1000))
                        return
                elif m["object"] == "ws_control" and m["type"] == "resync_required":
                    print("resync:", m["reason"], "newest is", m["last_event_id"], file=sys.stderr)
                elif m["object"] == "ws_error":
                    print("error:", m["code"], m["message"], file=sys.stderr)
        except OSError as e:
            print(f"{e}; again in {wait} s", flush=True, file=sys.stderr)
            time.sleep(wait)
            wait = min(2 * wait, 30)


def main():
    if len(sys.argv) < 2 or sys.argv[1] not in ("merchant", "payor") or sys.argv[1] == "payor" and len(sys.argv) < 3:
        raise SystemExit(__doc__)
    with open(os.environ.get("DEV_JSON", ".pepay/dev.json")) as f:
        dev = json.load(f)
    count = int(os.environ.get("COUNT", -1))
    if not sys.stdin.isatty() and count < 0:
        threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    if sys.argv[1] == "merchant":
        follow(dev["base_url"] + "/ws/merchant/events", {}, {"x-api-key": dev["merchant_api_key"]}, "".join(sys.argv[2:3]), count)
    else:
        follow(dev["base_url"] + "/ws/payment", {"token": sys.argv[2], "format": "event_v1"}, {}, "".join(sys.argv[3:4]), count)


main()
