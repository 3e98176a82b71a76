"""Ids name their kind and sort in the order in which they were made."""

from connectors.ids import new_id


def test_ids_sort_in_the_order_in_which_they_were_made_and_never_repeat() -> None:
    made = [new_id("aud") for _ in range(5_000)]

    assert made == sorted(made)
    assert len(set(made)) == 5_000
    assert {(len(id), id[:4]) for id in made} == {(30, "aud_")}
