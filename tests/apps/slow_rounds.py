"""An app whose rounds are made less often: days pass quickly in a test that is not about seconds."""

from hansa.app import App, Every


def slowly(app: App, every_s: float) -> App:
    """The same app, each of its rounds made every so many seconds at most."""
    slow = App(app.name, report=app.report, reads=set(app.reads), writes=set(app.writes), realm=app.realm)
    slow.handlers, slow.deeds, slow.views, slow.append_only = app.handlers, app.deeds, app.views, app.append_only
    slow.rounds = [Every(one.round, max(one.period, int(every_s * 1e6))) for one in app.rounds]
    return slow
