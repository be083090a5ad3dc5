"""Makes digits.npz from scikit-learn's copy of the UCI digits. Needs scikit-learn, which nothing else here does.

python -m venv somewhere && somewhere/bin/pip install scikit-learn && somewhere/bin/python make.py
"""

import hashlib
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

digits = load_digits()
images = digits.images.astype(np.uint8)  # (1797, 8, 8), values 0 to 16
labels = digits.target.astype(np.uint8)  # (1797,), values 0 to 9
assert images.shape == (1797, 8, 8)
assert labels.shape == (1797,)
assert (images == digits.images).all()

path = Path(__file__).with_name("digits.npz")
np.savez_compressed(path, images=images, labels=labels)
print(f"{path.name}: {path.stat().st_size} bytes")
print("sha256 of the file:           ", hashlib.sha256(path.read_bytes()).hexdigest())
print("sha256 of images, then labels:", hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest())
