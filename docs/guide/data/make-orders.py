"""Writes the orders of the guide: what five neighbours bought from each other in a spring, one file for each of them."""
import json
import pathlib
import random

SOLD = {
    "anna": [("two loaves of rye", 9), ("a dozen rolls", 6), ("a birthday cake", 28), ("a sack of flour", 22)],
    "bert": [("a bicycle chain", 18), ("new brake pads", 24), ("a wheel trued", 15), ("an hour in the workshop", 30)],
    "carla": [("a maths lesson", 20), ("a letter translated", 25), ("a tax form", 40), ("a Spanish lesson", 20)],
    "dora": [("a box of vegetables", 16), ("ten eggs", 4), ("a jar of honey", 8), ("a bunch of tulips", 7)],
    "emil": [("a tap mended", 35), ("a shelf put up", 26), ("a lock changed", 45), ("a lamp wired", 19)],
}

random.seed(20180207)
folder = pathlib.Path(__file__).parent / "orders"
folder.mkdir(exist_ok=True)
for payer in SOLD:
    lines = []
    for number in range(1, 41):
        to = random.choice([seller for seller in SOLD if seller != payer])
        what, price = random.choice(SOLD[to])
        order = {"to": to, "amount": price, "what": what, "id": f"{payer}-{number}"}
        lines.append(json.dumps({"order": order}, separators=(",", ":")))
    (folder / f"{payer}.ndjson").write_text("\n".join(lines) + "\n")
