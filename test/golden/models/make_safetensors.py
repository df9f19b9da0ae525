"""Writes safetensors.json: a safetensors file spelled out by hand from the format's description, without any
safetensors library, and NumPy's readings of 16-bit floats.  Run: python3 make_safetensors.py"""
import base64
import json
import os
import struct

import numpy as np

tensors = [  # widest dtype first, then by name
    ("steps", "I64", np.array([-(2**53) - 1, 7], "<i8")),
    ("a.weight", "F32", np.array([[1.5, -0.0, 3e-45], [np.inf, -2.25, 1e38]], "<f4")),
    ("b.bias", "F32", np.array(0.1, "<f4")),
    ("ids", "I32", np.array([[1], [-2]], "<i4")),
    ("half", "F16", np.array([1.0, -2.5, 6e-8, 65504.0], "<f2")),
    ("empty", "U8", np.zeros((0, 3), "u1")),
    ("mask", "BOOL", np.array([True, False, True])),
]
header = '{"__metadata__":{"format":"pt","note":"é"}'
payload = b""
for name, dtype, array in tensors:
    data = array.tobytes()
    shape = ",".join(str(size) for size in array.shape)
    header += f',"{name}":{{"dtype":"{dtype}","shape":[{shape}],"data_offsets":[{len(payload)},{len(payload) + len(data)}]}}'
    payload += data
encoded = (header + "}").encode("utf-8")
encoded += b" " * (-len(encoded) % 8)
blob = struct.pack("<Q", len(encoded)) + encoded + payload

every_half = np.arange(65536, dtype="<u2")
with np.errstate(invalid="ignore"):
    widened = every_half.view("<f2").astype("<f4")
finite = np.isfinite(widened)
out = {
    "made_by": "make_safetensors.py",
    "versions": {"numpy": np.__version__},
    "file": base64.b64encode(blob).decode(),
    "half": {
        "bits": every_half[::97].tolist(),
        "values": [float(v) if ok else str(v) for v, ok in zip(widened[::97], finite[::97])],
    },
}
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "safetensors.json")
with open(path, "w") as handle:
    json.dump(out, handle)
