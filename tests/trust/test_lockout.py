"""Guessing: nobody guesses for long, and nobody is locked out by others' guessing."""

from hypothesis import given
from hypothesis import strategies as st

from hansa.errors import TooMany
from hansa.trust.lockout import ACCOUNT, ADDRESS, DEVICE, LONG, PAIR, Lockout, network_of


def lockout(most: int = 1_000) -> Lockout:
    return Lockout(b"k" * 32, most)


def tries(ours: Lockout, times: int, name="ada", address="10.0.0.1", cookie="", now=0.0, *, exists=True) -> int:
    """How many of so many guesses were let through."""
    through = 0
    for _ in range(times):
        try:
            ours.attempt(name, address, cookie, now, exists=exists)
            through += 1
        except TooMany as fault:
            through += 0 if fault.retry_after_s >= 1 else 1_000_000
    return through


def test_one_address_guesses_a_few_times_at_one_account_and_a_few_more_at_others() -> None:
    ours = lockout()
    assert tries(ours, 100) == PAIR.holds
    assert sum(tries(ours, 10, name=f"other{n}") for n in range(100)) == ADDRESS.holds - PAIR.holds


def test_a_thousand_addresses_together_guess_as_often_as_an_account_bears() -> None:
    ours = lockout()
    assert sum(tries(ours, 5, address=f"10.0.{n // 250}.{n % 250}") for n in range(1_000)) == ACCOUNT.holds
    days = sum(tries(ours, 1, address=f"10.1.{n % 200}.7", now=n * 60.0) for n in range(4_320))
    assert days <= LONG.holds + 3 * 86_400 / LONG.every_s + 1
    device = ours.device_cookie("ada")
    days = sum(tries(ours, 1, cookie=device, now=n * 60.0) for n in range(4_320))
    assert days <= LONG.holds + 3 * 86_400 / LONG.every_s + 1


def test_who_has_signed_in_before_in_this_browser_is_not_locked_out_by_others() -> None:
    ours = lockout()
    cookie = ours.device_cookie("ada")
    for n in range(200):
        tries(ours, 10, address=f"10.0.0.{n}")
    assert tries(ours, 1, address="10.9.9.9") == 0, "an unknown browser waits"
    ours.attempt("ada", "10.0.0.1", cookie, 0.0, exists=True).right(0.0)
    assert tries(ours, 50, cookie=cookie) == DEVICE.holds, "and is itself not let guess for ever"


def test_a_device_cookie_is_of_one_account_and_of_this_city() -> None:
    ours = lockout()
    cookie = ours.device_cookie("ada")
    assert ours.device_in(cookie, "ada")
    assert ours.device_in(cookie, "grace") is None
    assert Lockout(b"j" * 32, 10).device_in(cookie, "ada") is None
    assert ours.device_in(cookie[:-1] + ("0" if cookie[-1] != "0" else "1"), "ada") is None
    both = ours.remember(cookie, "grace")
    assert ours.remember(both, "ada") == both
    assert ours.device_in(both, "ada")
    assert ours.device_in(both, "grace")
    many = cookie
    for n in range(9):
        many = ours.remember(many, f"p{n}")
    assert len(many) < 400
    assert ours.device_in(many, "ada") is None, "a browser remembers a few"


@given(st.text(max_size=450))
def test_no_cookie_of_somebody_elses_opens_a_purse(cookie: str) -> None:
    assert lockout().device_in(cookie, "ada") is None


def test_who_was_right_has_lost_nothing() -> None:
    ours = lockout()
    for _ in range(100):
        ours.attempt("ada", "10.0.0.1", "", 0.0, exists=True).right(0.0)
    assert tries(ours, 100) == PAIR.holds


def test_time_fills_the_purses_again() -> None:
    ours = lockout()
    tries(ours, 100)
    assert tries(ours, 100, now=PAIR.every_s * 2.5) == 2
    assert tries(ours, 100, now=PAIR.every_s * 1_000) == PAIR.holds


def test_names_that_do_not_exist_are_refused_alike_and_push_out_nobody() -> None:
    ours = lockout(most=50)
    tries(ours, 100, name="ada")
    assert tries(ours, 100, name="nobody", address="10.0.0.2", exists=False) == PAIR.holds
    for n in range(1_000):
        tries(ours, 1, name=f"n{n}", address=f"10.1.{n // 250}.{n % 250}", exists=False)
    assert sum(tries(ours, 1, address=f"10.2.0.{n}") for n in range(100)) == ACCOUNT.holds - PAIR.holds
    assert len(ours) <= 6 * 50


def test_a_network_of_ipv6_is_one_address() -> None:
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff:1") != network_of("2001:db8:0:1::1")
    assert network_of("::ffff:10.0.0.1") == network_of("10.0.0.1") == "10.0.0.1"
    assert network_of("fe80::1%eth0") == network_of("fe80::2")
    assert network_of("") == network_of("no address") == "?"
