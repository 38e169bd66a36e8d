"""The version of the package.

It is also read from here when the package is built: to look it up among what is installed takes 20 ms.
"""

from __future__ import annotations

VERSION = "0.1.0"
