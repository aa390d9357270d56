"""Where names from the chain are made safe to print: `strongroom.untrusted`, which every room may import."""

from __future__ import annotations

from strongroom.untrusted import shown

__all__ = ["shown"]
