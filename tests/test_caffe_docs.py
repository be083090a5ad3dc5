"""docs/caffe.md says of the layers what the code says."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_table_of_layers_is_up_to_date():
    done = subprocess.run([sys.executable, "tools/caffe_layers.py"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "| `Convolution` | " in (ROOT / "docs" / "caffe.md").read_text(encoding="utf-8")
