"""Sessions: found by a secret that nobody can guess, and ended by time, use, or their holder's roles."""

from hansa.trust.actors import PASSKEY, SINGLE
from hansa.trust.labels import named
from hansa.trust.people import Person
from hansa.trust.sessions import SECOND, Sessions

ADA = Person("ada", "Ada", frozenset({"administrator"}), frozenset({"parks"}))
NOW = 1_800_000_000 * SECOND


def begun(ours: Sessions, person=ADA, method="passkey", now=NOW):
    session, secret, gone = ours.begin(person, method, now, lasts_s=100, idle_s=10)
    return session, secret.encode(), gone


def test_a_session_says_who_its_holder_is_and_how_surely() -> None:
    ours = Sessions(named, 3)
    session, secret, _ = begun(ours)
    found = ours.find(secret, NOW)
    assert found is session
    assert found.sight is not None
    who = found.sight.who
    assert (who.id, who.roles, who.departments) == ("person:ada", ADA.roles, ADA.departments)
    assert (who.assurance, who.method, who.session) == (PASSKEY, "passkey", session.id)
    assert len(secret) == 43
    assert secret not in repr(session).encode(), "only its hash is kept"
    assert session.id.encode() != secret
    assert ours.find(secret[:-1], NOW) is None
    assert ours.find(session.id.encode(), NOW) is None
    assert ours.find(session.hash, NOW) is None


def test_a_session_ends_unused_and_in_any_case() -> None:
    ours = Sessions(named, 3)
    _, secret, _ = begun(ours)
    for second in range(0, 99, 9):
        assert ours.find(secret, NOW + second * SECOND), "used, it lives on"
    assert ours.find(secret, NOW + 100 * SECOND) is None, "but not for ever"
    _, idle, _ = begun(ours)
    assert ours.find(idle, NOW + 10 * SECOND) is None
    assert len(ours) == 2
    assert len(ours.swept(NOW + 200 * SECOND)) == 2
    assert len(ours) == 0


def test_showing_again_who_one_is_makes_the_old_secret_worthless() -> None:
    ours = Sessions(named, 3)
    session, old, _ = begun(ours, method="password")
    assert session.assurance == SINGLE
    assert session.fresh(NOW + 5 * SECOND, 6)
    assert not session.fresh(NOW + 7 * SECOND, 6)
    new = ours.renew(session, ADA, "passkey", NOW + 8 * SECOND).encode()
    assert ours.find(old, NOW + 8 * SECOND) is None
    found = ours.find(new, NOW + 8 * SECOND)
    assert found is session
    assert found.assurance == PASSKEY
    assert found.fresh(NOW + 9 * SECOND, 6)
    ours.renew(session, ADA, "password", NOW)
    assert session.method == "passkey", "the surer one counts"
    assert session.until == NOW + 100 * SECOND, "it does not live longer for it"


def test_a_person_has_so_many_sessions_and_the_one_unused_for_longest_goes() -> None:
    ours = Sessions(named, 3)
    first, *_ = [begun(ours, now=NOW + n)[0] for n in range(3)]
    _, _, gone = begun(ours, now=NOW + 5)
    assert gone == [first]
    assert len(ours) == 3
    assert ours.get(first.id) is None


def test_all_sessions_of_one_person_end_and_no_other() -> None:
    ours = Sessions(named, 9)
    here, secret, _ = begun(ours)
    begun(ours)
    _, hers, _ = begun(ours, Person("grace", "Grace", frozenset({"resident"})))
    assert len(ours.end_all("ada", but=here.id)) == 1
    assert ours.find(secret, NOW)
    assert len(ours.end_all("ada")) == 1
    assert ours.find(secret, NOW) is None
    assert ours.find(hers, NOW)
    assert ours.end_all("ada") == []
    assert ours.end("nothing") is None


def test_when_a_session_was_used_is_written_down_now_and_then() -> None:
    ours = Sessions(named, 3)
    session, secret, _ = ours.begin(ADA, "passkey", NOW, lasts_s=1_000, idle_s=1_000)
    assert not list(ours.used(NOW))
    ours.find(secret.encode(), NOW + 5 * SECOND)
    assert not list(ours.used(NOW + 6 * SECOND))
    assert list(ours.used(NOW + 66 * SECOND)) == [session]
    assert not list(ours.used(NOW + 66 * SECOND))
