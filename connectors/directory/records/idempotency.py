"""What was answered to a request that may come again: the same key and input get the same answer, done once."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class IdempotencyRecord:
    """A request that was carried out: the hash of its input, and its receipt as JSON."""

    input_hash: bytes
    receipt: Any
