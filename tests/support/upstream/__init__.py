# SPDX-License-Identifier: Apache-2.0
"""A misbehaving upstream for tests: every fault is chosen by the path or by the port.

A fault is a *script*: a generator that takes the request and yields steps (bytes to send, a
pause, a reset ...).  connection.py plays the steps; it notices when the client leaves and
counts what was played to its end and what was not, so that a test can prove what did NOT
happen (no second request, no connection, the work cancelled).

    steps.py         the steps, and the table of faults they are registered in
    connection.py    one client connection: reads requests, plays scripts
    stats.py         the counters
    faults_*.py      the faults, by what they break
    control.py       /_stats, /_reset, /_wait-idle, /_ports
    tcp_ports.py     ports that fail below HTTP
    tls_ports.py     ports that fail in the handshake, with certificates made at start
    dns_server.py    a name server that takes its orders from the first label of the name
    __main__.py      the command line; prints one JSON line with the ports it took
"""
