import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # written.py, which several tests may need
