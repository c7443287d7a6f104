"""What a running city says of itself: the page's first sight, `/health`, `/metrics`."""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import prometheus_client

import hansa
from hansa.centres.stations import NO_STATION
from hansa.clock import parse, text
from hansa.model.context import CORE
from hansa.model.entity import Entity
from hansa.model.wire import entity_out
from hansa.trust.labels import Sight

if TYPE_CHECKING:
    from hansa.serve.running import Running


def snapshot(running: "Running", sight: Sight) -> Mapping[str, Any]:
    """What the page says before any script has run: open alerts, and what has a point, as far as a sight sees it."""
    city = running.cities["open"]
    alerts = city.find("Alert", 'status=="open"', limit=500, sight=sight)
    stations: list[Entity] = []
    for kind in city.reader.types(""):
        if kind not in NO_STATION:
            stations += [one for one in city.find(kind, limit=1_000, sight=sight) if _is_point(one)]
    return {
        "alerts": [entity_out(one.doc, CORE, "concise") for one in alerts],
        "stations": [entity_out(one.doc, CORE, "concise") for one in stations],
        "now": running.clock.now(),
        "simulated": running.clock.simulated,
        "rate": running.clock.rate,
    }


def _is_point(one: Entity) -> bool:
    place = one.location
    return isinstance(place, dict) and place.get("type") == "Point"


def briefly(said: Mapping[str, Any]) -> dict[str, Any]:
    """What strangers are told of `health`: whether the city works, and by which clock."""
    return {name: said[name] for name in ("status", "now", "simulated", "rate")}


def health(running: "Running") -> dict[str, Any]:
    """What `/health` says: what works, what waits, and every cap."""
    inboxes = {realm: city.inbox for realm, city in running.cities.items() if city.inbox is not None}
    full = {realm: inbox.full for realm, inbox in inboxes.items() if inbox.full}
    unaudited = any(log["full"] for log in running.audits.told().values())
    behind = max((link.behind for link in running.acting.rules), default=0)
    rules_up = all(link.up for link in running.acting.rules)
    degraded = not rules_up or behind > running.settings.limits.rule_lag
    status = "full" if full or unaudited else "degraded" if degraded else "ok"
    return {
        "status": status,
        "version": hansa.__version__,
        "now": text(running.clock.now()),
        "simulated": running.clock.simulated,
        "rate": running.clock.rate,
        "up_s": round(time.monotonic() - running.began, 1),
        "realms": {
            realm: {
                "seq": running.cities[realm].store.head(),
                "waiting": inbox.size,
                "full": full.get(realm),
                "commits": inbox.commits,
                **running.subscriptions[realm].shown(),
            }
            for realm, inbox in inboxes.items()
        },
        "rules": {
            "behind": behind,
            "behind_s": round(max((link.behind_s for link in running.acting.rules), default=0.0), 2),
            "running": rules_up,
            "pid": next((link.pid for link in running.acting.rules if link.pid), None),
            "restarts": sum(link.restarts for link in running.acting.rules),
        },
        "apps": [{"name": one.name, "report": one.report} for one in running.acting.apps],
        "off": [{"name": one.name, "reason": one.reason} for one in running.acting.off],
        "devices": len(running.devices),
        "mqtt": {"connections": running.mqtt.connections},
        "requests": {
            "wait_s": round(running.gate.wait_s, 3),
            "refused": running.gate.refused,
            "limited": running.gate.limited + running.gate.guests.turned_away + running.shield.limited,
            "slow": running.gate.slow,
            "bodies": running.front.bodies.held,
        },
        "tls": None
        if running.certificate is None
        else {"own": running.certificate.own, "until": running.certificate.until.strftime("%Y-%m-%dT%H:%M:%SZ")},
        "audit": running.audits.told(),
        "pages": sum(live.streams for live in running.live.values()),
        "messages": {
            "taken": running.intake.messages,
            "refused": running.intake.refusals,
            "waiting": running.intake.waiting,
        },
        "channels": running.couriers.courier.shown(),
        "models": {"known": len(running.models.known), "breaches": dict(running.models.breaches)},
        "limits": running.settings.limits.shown(),
    }


def metrics(said: Mapping[str, Any]) -> bytes:
    """The figures of `/health` for Prometheus."""
    registry = prometheus_client.CollectorRegistry()
    made: dict[str, prometheus_client.Gauge] = {}

    def gauge(name: str, about: str, value: float, **labels: str) -> None:
        if name not in made:
            made[name] = prometheus_client.Gauge(f"hansa_{name}", about, list(labels), registry=registry)
        (made[name].labels(**labels) if labels else made[name]).set(value)

    for realm, state in said["realms"].items():
        gauge("log_seq", "Newest place in the log", state["seq"], realm=realm)
        gauge("inbox_waiting", "Writes that wait for the writer", state["waiting"], realm=realm)
        gauge("storage_full", "1 while the disk takes nothing", 1.0 if state["full"] else 0.0, realm=realm)
        gauge("notifications_waiting", "Notifications not delivered yet", state["notifications_waiting"], realm=realm)
    gauge("rules_behind", "Changes that the slowest app has not seen", said["rules"]["behind"])
    gauge("rules_restarts", "Times the rules process was started again", said["rules"]["restarts"])
    gauge("mqtt_connections", "Open MQTT connections", said["mqtt"]["connections"])
    gauge("requests_wait_seconds", "How long a request waits for its turn", said["requests"]["wait_s"])
    gauge("requests_refused", "Requests told to come again later", said["requests"]["refused"])
    gauge("requests_limited", "Requests and connections of those who came too often", said["requests"]["limited"])
    gauge("requests_slow", "Connections closed because nothing came, or nothing was taken", said["requests"]["slow"])
    gauge("requests_bodies_bytes", "What is held of bodies that are on their way", said["requests"]["bodies"])
    if said["tls"] is not None:
        gauge("tls_until_seconds", "When the certificate ends", parse(said["tls"]["until"]) / 1e6)
    for realm, log in said["audit"].items():
        gauge("audit_waiting", "Entries that wait for the audit log", log["waiting"], realm=realm)
        gauge("audit_full", "1 while what must be audited is refused", 1.0 if log["full"] else 0.0, realm=realm)
    for kind, channel in said["channels"].items():
        gauge("channel_up", "1 while a channel takes what it gets", float(channel["state"] == "up"), channel=kind)
        gauge("channel_waiting", "Deliveries that wait for a channel", channel["waiting"], channel=kind)
        gauge("channel_oldest_seconds", "How long the oldest of them waits", channel["oldest_s"], channel=kind)
    gauge("live_pages", "Pages that listen", said["pages"])
    gauge("messages_taken", "Messages of devices", said["messages"]["taken"])
    gauge("messages_refused", "Messages kept as dead letters", said["messages"]["refused"])
    gauge("models", "Types that have a model", said["models"]["known"])
    for kind, breaches in said["models"]["breaches"].items():
        gauge("model_breaches", "Writes that were not as the model of their type says", breaches, type=kind)
    gauge("up_seconds", "Seconds since the start", said["up_s"])
    return prometheus_client.generate_latest(registry)
