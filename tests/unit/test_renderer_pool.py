"""Who may use a browser."""

from __future__ import annotations

from services.renderer.engine.pool import Seat

RECYCLE = 10


def admits(seat: Seat, account: str, *, scripted: bool = False) -> bool:
    return seat.admits(account, scripted=scripted, recycle_after=RECYCLE)


def entered(*items: tuple[str, bool], pages: int = 3) -> Seat:
    seat = Seat(pages)
    for account, scripted in items:
        seat.enter(account, scripted=scripted, recycle_after=RECYCLE)
    return seat


def test_documents_without_scripts_share_a_browser_across_accounts() -> None:
    assert admits(entered(("a", False)), "b")


def test_every_page_is_used_once() -> None:
    assert not admits(entered(("a", False), ("a", False), pages=2), "a")


def test_scripts_run_beside_their_own_account_only() -> None:
    assert admits(entered(("a", False)), "a", scripted=True)
    assert not admits(entered(("a", False)), "b", scripted=True)
    assert not admits(entered(("a", True)), "b")
    assert admits(entered(("a", True)), "a")


def test_a_browser_that_ran_scripts_is_replaced_before_another_account() -> None:
    seat = entered(("a", True))
    seat.leave("a")
    assert not seat.must_go("a", RECYCLE)
    assert seat.must_go("b", RECYCLE)
    seat.enter("b", scripted=False, recycle_after=RECYCLE)
    assert seat.stale
    assert admits(seat, "c")


def test_a_browser_is_replaced_after_its_items_and_takes_no_more_before() -> None:
    seat = entered()
    for _ in range(RECYCLE):
        seat.enter("a", scripted=False, recycle_after=RECYCLE)
        seat.leave("a")
    assert seat.must_go("a", RECYCLE)
    busy = entered(("a", False))
    busy.served = RECYCLE
    assert not admits(busy, "a")
