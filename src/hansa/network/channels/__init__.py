"""Ways to tell people: web push, e-mail, SMS, webhooks, brokers. The only sockets of warnings (report section 2.1.2).

Each channel takes one `Notice` and says `Handed` or `Failed`; it opens what it needs through the egress wall, marks its
sockets for the priority queue (DSCP 46) and keeps nothing. Must not decide who is told, when, or what becomes of a
failure: that is `platform.courier`.
"""
