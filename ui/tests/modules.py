"""Core modules that run as jobs, written byte by byte: well-behaved ones, and some that mean ill."""

I32, I64 = b"\x7f", b"\x7e"
END, DROP, UNREACHABLE = b"\x0b", b"\x1a", b"\x00"
#: What functions take and return: `run`, most functions of the host, the start function, and two of the commons'.
TYPES = [(b"", I64), (I32 + I32, I32), (b"", b""), (I32 + I32, I64), (I32 + I32 + I64, I32)]


def number(value):
    """LEB128 of a number without a sign."""
    out = bytearray()
    while True:
        low, value = value & 0x7F, value >> 7
        out.append(low | (0x80 if value else 0))
        if not value:
            return bytes(out)


def i32(value):
    """Puts a number on the stack."""
    out = bytearray(b"\x41")
    while True:
        low, value = value & 0x7F, value >> 7
        done = value == (-1 if low & 0x40 else 0)
        out.append(low | (0 if done else 0x80))
        if done:
            return bytes(out)


def i64(value):
    return b"\x42" + i32(value)[1:]


def listed(items):
    return number(len(items)) + b"".join(items)


def section(id, content):
    return bytes([id]) + number(len(content)) + content


def text(string):
    return listed([bytes([byte]) for byte in string.encode()])


def function(code):
    """A body with two locals, which are i32."""
    body = listed([b"\x02" + I32]) + code + END
    return number(len(body)) + body


def module(run, imports=(), start=None, others=()):
    """A module whose `run` is this code. Imported functions come first, then `run`, the start function, and others."""
    first = len(imports)
    starts = [start] if start is not None else []
    bodies = [run, *starts, *others]
    types = [0] + [2] * (len(bodies) - 1)
    exports = [text("run") + b"\x00" + number(first), text("memory") + b"\x02\x00"]
    return b"".join([
        b"\0asm\1\0\0\0",
        section(1, listed([b"\x60" + listed([bytes([p]) for p in params]) + listed([bytes([r]) for r in results]) for params, results in TYPES])),
        section(2, listed([text("icn") + text(name) + b"\x00" + number(TYPE_OF.get(name, 1)) for name in imports])),
        section(3, listed([number(type) for type in types])),
        section(5, listed([b"\x00\x01"])),
        section(7, listed(exports)),
        section(8, number(first + 1)) if starts else b"",
        section(10, listed([function(code) for code in bodies])),
    ])


def call(index):
    return b"\x10" + number(index)


def local_get(n):
    return b"\x20" + number(n)


def local_set(n):
    return b"\x21" + number(n)


RETURN_0 = i64(0)
TAKE_INPUT, PUT_OUTPUT, TAKE_STATE, PUT_STATE = "host_take_input", "host_put_output", "host_take_state", "host_put_state"
GET_MANA, SPEND_MANA = "host_account_get_mana", "host_account_spend_mana"
TYPE_OF = {GET_MANA: 3, SPEND_MANA: 4}


def appends():
    """Adds its input to its state, and replies with the new state."""
    code = b"".join([
        i32(0), i32(1000), call(0), local_set(0),
        local_get(0), i32(1000), call(1), local_get(0), b"\x6a", local_set(0),
        i32(0), local_get(0), call(2), DROP,
        i32(0), local_get(0), call(3), DROP,
        RETURN_0,
    ])
    return module(code, [TAKE_STATE, TAKE_INPUT, PUT_STATE, PUT_OUTPUT])


def starts():
    """Takes its input in its start function, and replies with it."""
    start = i32(8) + i32(100) + call(0) + local_set(0) + i32(0) + local_get(0) + b"\x36\x02\x00"
    run = i32(8) + i32(0) + b"\x28\x02\x00" + call(1) + DROP + RETURN_0
    return module(run, [TAKE_INPUT, PUT_OUTPUT], start)


def asks():
    """Asks the commons for the balance of its principal, spends some of it, and replies with the balance."""
    code = b"".join([
        i32(0), i32(0), i32(0), call(0), b"\x37\x03\x00",
        i32(0), i32(0), i64(5), call(1), DROP,
        i32(0), i32(8), call(2), DROP,
        RETURN_0,
    ])
    return module(code, [GET_MANA, SPEND_MANA, PUT_OUTPUT])


#: Grows memory by more than any job may have, and leaves what that gave at 0.
GROW = i32(0) + i32(30_000) + b"\x40\x00" + b"\x36\x02\x00"


def greedy(then=b""):
    """Asks for much memory, and replies with what it got: -1."""
    return module(GROW + then + i32(0) + i32(4) + call(0) + DROP + RETURN_0, [PUT_OUTPUT])


def endless():
    return module(b"\x03\x40\x0c\x00\x0b" + RETURN_0)


def deep():
    """Calls itself until there is no room left, and its host before each call."""
    again = i32(0) + i32(0) + call(0) + DROP + call(2)
    return module(call(2) + RETURN_0, [TAKE_INPUT], others=[again])


MODULES = {
    "appends": appends(),
    "starts": starts(),
    "asks": asks(),
    "greedy": greedy(),
    "greedy-traps": greedy(UNREACHABLE),
    "traps": module(UNREACHABLE),
    "refuses": module(i64(-3)),
    "divides": module(i32(1) + i32(0) + b"\x6d" + DROP + RETURN_0),
    "endless": endless(),
    "deep": deep(),
}
