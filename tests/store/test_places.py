"""Workspaces, wishes, and where in the pipeline money went."""

from decimal import Decimal

from factory_tui.store import PlaceRow, RunRow, Store, TrialRow


def test_a_place_is_kept_and_replaced(store: Store) -> None:
    store.add_run(RunRow("p1"))
    assert store.place("p1", "") is None
    branch = PlaceRow("p1", "r/fan@1:a", "a", "", "b" * 40, scores={"overall": {"rate": 0.5}})
    store.save_place(branch)
    store.save_place(PlaceRow("p1", "", tree="t" * 40))
    store.save_place(PlaceRow("p1", "r/fan@1:a", "a", kept=True))
    assert [(p.key, p.tree, p.kept) for p in store.places("p1")] == [
        ("", "t" * 40, False),
        ("r/fan@1:a", "", True),
    ]


def test_a_wish_stays_open_until_it_is_closed(store: Store) -> None:
    store.add_run(RunRow("p1"))
    wish = store.want("p1", "greet", 3)
    store.begin_wanted(wish, 2, 2001)
    (open_,) = store.wanted("p1")
    assert (open_.scenario, open_.iteration, open_.first, open_.trials) == ("greet", 2, 2001, 3)
    store.close_wanted(wish)
    assert store.wanted("p1") == []


def test_the_book_says_what_a_node_has_cost(store: Store) -> None:
    store.add_run(RunRow("p1"))
    book = store.book("p1")
    for visit, usd in ((1, Decimal("0.1")), (1, Decimal("0.2")), (2, None)):
        entry = book.open(
            role="builder", model="m", key="k", tokens=9, usd=usd, node="build", visit=visit
        )
        book.close(entry, state="committed", tokens=5, usd=usd, usage={})
    assert book.spent_at("build", visit=1) == (10, Decimal("0.3"), 2)
    assert book.spent_at("build", visit=2) == (5, None, 1)
    assert {row.node for row in store.ledger("p1")} == {"build"}


def test_a_kept_candidates_trials_become_the_iterations(store: Store) -> None:
    store.add_run(RunRow("p1"))
    for branch, tree in (("a", "same"), ("b", "same"), ("c", "other")):
        for n in (1, 2):
            store.save_trial(
                TrialRow(f"{branch}{n}", "p1", 1, "s", n, candidate=branch, product_tree=tree)
            )
            store.save_trial(
                TrialRow(
                    *(f"{branch}{n}", "p1", 1, "s", n),
                    candidate=branch,
                    product_tree=tree,
                    outcome="satisfied",
                )
            )
    assert store.trials("p1") == []
    assert store.adopt_trials("p1", 1, "same") == 2
    assert [(t.id, t.n) for t in store.trials("p1")] == [("a1", 1), ("a2", 2)]
    assert store.adopt_trials("p1", 1, "same") == 0
    assert len(store.trials("p1", candidate=None)) == 6
    assert len(store.trials("p1", candidate="b")) == 2
    assert len([o for o in store.export("p1") if o["type"] == "trial"]) == 6
