"""When Python looks for garbage that refers to itself."""

import gc

_NEW_OBJECTS = 20_000
"""More than a page of a hundred members with their orders has at a time.

Python's own 700 make it look through each page five times while it is being made, and find nothing: what a request
leaves behind refers to nothing that refers back, and is gone when the request is.
"""

_RARELY = 100
"""How often what is new is looked through before all is, the documents that are kept ready among it.

Python's own 10 stopped everybody for some tens of ms whenever many new documents had come.
"""


def settle() -> None:
    """Take what is there now for what stays permanently, and look through the rest less often.

    Call it before serving.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS, 10, _RARELY)
