"""Every packet that MQTT can say, for Hypothesis."""

import functools

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from hansa.network.mqtt import packets as k
from hansa.network.mqtt import properties as p
from hansa.network.mqtt.properties import NONE

# A busy machine is no fault of the codec.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0+#"), min_size=1, max_size=30)
binaries = st.binary(max_size=40)
ids = st.integers(1, 65_535)
qos = st.integers(0, 2)

KINDS = {
    "flag": st.integers(0, 1),
    "two": st.integers(0, 0xFFFF),
    "two_positive": st.integers(1, 0xFFFF),
    "alias": st.integers(1, 0xFFFF),
    "four": st.integers(0, 0xFFFFFFFF),
    "four_positive": st.integers(1, 0xFFFFFFFF),
    "varint": st.integers(1, 268_435_455),
    "text": texts,
    "binary": binaries,
    "pair": st.tuples(texts, texts),
}


def _value(row, packet):
    value = st.sampled_from([]) if row.kind not in KINDS else KINDS[row.kind]
    if row.name == "response_topic":
        value = names
    if row.kind == "pair" or (row.kind == "varint" and packet == p.PUBLISH):
        return st.lists(value, min_size=1, max_size=3).map(tuple)
    return value


def listed(packet, version, without=()):
    """A property list that the packet can have."""
    if version == 4:
        return st.just(NONE)
    rows = {row.name: _value(row, packet) for row in p._TABLE if packet in row.packets and row.name not in without}
    return st.fixed_dictionaries({}, optional=rows)


@st.composite
def connects(draw, version):
    username = draw(st.none() | texts)
    password = draw(st.none() | binaries) if version == 5 or username is not None else None
    properties = dict(draw(listed(p.CONNECT, version)))
    if "authentication_method" not in properties:
        properties.pop("authentication_data", None)
    wills = st.builds(k.Will, names, binaries, qos, st.booleans(), listed(p.WILL, version))
    return k.Connect(
        draw(texts), version, draw(st.booleans()), draw(st.integers(0, 0xFFFF)), username, password,
        draw(st.none() | wills), properties or NONE,
    )  # fmt: skip


@st.composite
def publishes(draw, version):
    level = draw(qos)
    properties = draw(listed(p.PUBLISH, version))
    topic = draw(names if "topic_alias" not in properties else names | st.just(""))
    return k.Publish(
        topic, draw(st.binary(max_size=300)), level, draw(ids) if level else 0,
        level > 0 and draw(st.booleans()), draw(st.booleans()), properties,
    )  # fmt: skip


def acknowledgements(make, kind, version, codes):
    allowed = st.sampled_from(codes) if version == 5 else st.just(0)
    return st.builds(make, ids, allowed, listed(kind, version))


@st.composite
def connacks(draw, version):
    code = draw(st.sampled_from([0, 1, 2, 3, 4, 5] if version == 4 else [0, 0x80, 0x86, 0x9F]))
    return k.ConnAck(code, code == 0 and draw(st.booleans()), draw(listed(p.CONNACK, version)))


def filters(version):
    if version == 4:
        return st.builds(k.Filter, texts, qos)
    return st.builds(k.Filter, names, qos, st.just(False), st.booleans(), qos)


@functools.cache  # built anew for each example, it would take most of the time
def packets(version):
    """Any packet of a version."""
    published = [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99]
    granted = [0, 1, 2, 0x80] if version == 4 else [0, 1, 2, 0x80, 0x87, 0x8F, 0x9E]
    unsubscribed = st.just(()) if version == 4 else st.lists(st.sampled_from([0, 0x11, 0x87]), min_size=1).map(tuple)
    several = {"min_size": 1, "max_size": 4}
    kinds = [
        connects(version),
        connacks(version),
        publishes(version),
        acknowledgements(k.PubAck, p.PUBACK, version, published),
        acknowledgements(k.PubRec, p.PUBREC, version, published),
        acknowledgements(k.PubRel, p.PUBREL, version, [0, 0x92]),
        acknowledgements(k.PubComp, p.PUBCOMP, version, [0, 0x92]),
        st.builds(k.Subscribe, ids, st.lists(filters(version), **several).map(tuple), listed(p.SUBSCRIBE, version)),
        st.builds(k.SubAck, ids, st.lists(st.sampled_from(granted), **several).map(tuple), listed(p.SUBACK, version)),
        st.builds(k.Unsubscribe, ids, st.lists(texts, **several).map(tuple), listed(p.UNSUBSCRIBE, version)),
        st.builds(k.UnsubAck, ids, unsubscribed, listed(p.UNSUBACK, version)),
        st.just(k.PingReq()),
        st.just(k.PingResp()),
    ]
    if version == 4:
        kinds.append(st.just(k.Disconnect()))
    else:
        kinds.append(st.builds(k.Disconnect, st.sampled_from([0, 4, 0x81, 0x8E]), listed(p.DISCONNECT, version)))
        kinds.append(st.builds(k.Auth, st.sampled_from([0, 0x18, 0x19]), listed(p.AUTH, version)))
    return st.one_of(kinds)


versions = st.sampled_from([4, 5])
spoken = versions.flatmap(lambda version: st.tuples(st.just(version), packets(version)))
