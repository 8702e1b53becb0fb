"""Makes the modules beside the tests importable, as they are when `rates.py` runs by itself."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
