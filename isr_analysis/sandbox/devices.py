"""What each kind of device publishes: its topics, intervals and payloads.

The keys of iSR Clients and Station Controller modules are the known ones; ``value``, ``unit`` and ``state`` are
plausible names. The other devices are invented.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from isr_analysis.sandbox import noise, signals
from isr_analysis.sandbox.noise import Ints
from isr_analysis.times import DAY, HOUR, MINUTE, SECOND

Payloads = Callable[[Ints, Ints, Ints], list[bytes]]
"""Writes the payloads of messages from their numbers, instants (ns) and channels."""

_TRUTH = (b"false", b"true")
_SWITCH = (b"off", b"on")


@dataclass(frozen=True, slots=True)
class Published:
    """What a device publishes on one topic.

    Parameters
    ----------
    topic : str
        The subpath.
    payloads : callable
        Writes the payloads.
    interval : int
        ns from one message of a channel to the next; 0 if `instants` says when.
    channels : int
        One message a channel and interval.
    skew : int
        ns by which a channel comes after the one before it.
    instants : callable, optional
        Gives instants and channels of ``[start, end)``, for what is published on a change.
    retyped : callable, optional
        Writes the payloads in the months in which a field has another type.
    form : {"json", "text", "base64"}
        What the payloads are, so how the history writes them.
    repeats : bool
        Whether it is published with QoS 1.
    """

    topic: str
    payloads: Payloads
    interval: int = 0
    channels: int = 1
    skew: int = 0
    instants: Callable[[int, int], tuple[Ints, Ints]] | None = None
    retyped: Payloads | None = None
    form: str = "json"
    repeats: bool = False


@dataclass(frozen=True, slots=True)
class Device:
    """One device: its id, its broker login, its owner's name for it, and what it publishes."""

    client_id: str
    login: str
    label: str
    published: list[Published] = field(default_factory=list)


def roster(seed: int) -> list[Device]:
    """Give every device of a seed except the buoy, whose id changes."""
    return [
        _station(seed, "isr-shack-01", "Q1ISR", watts=(100.0, 25.0), relays=4, probes=3),
        _station(seed, "isr-hill-02", "Q2ISR", watts=(50.0,), relays=3, probes=2),
        _station(seed, "isr-island-03", "Q3ISR", watts=(10.0,), relays=2, probes=2),
        _bench(seed, "bench-sensor-01"),
        _gateway(seed, "gateway-a7c2"),
        *(_repeater(seed, f"rpt-{name}") for name in ("north", "south", "west")),
    ]


def buoy(seed: int) -> Published:
    """Give what the buoy publishes, under whichever id."""
    key = noise.key(seed, "buoy")

    def position(k: Ints, t: Ints, _: Ints) -> list[bytes]:
        lat = 47.0 + 0.02 * noise.smooth(key, t, 20 * HOUR) + 2e-5 * noise.normal(key + 1, k)
        lon = 8.5 + 0.03 * noise.smooth(key + 2, t, 26 * HOUR) + 2e-5 * noise.normal(key + 3, k)
        volts = 3.7 + 0.18 * signals.day(t, 15.0) + 0.004 * noise.normal(key + 4, k)
        return _write(b'{"lat":%.6f,"lon":%.6f,"battery_v":%.3f,"seq":%d}', lat, lon, volts, k)

    return Published("telemetry/position", position, interval=5 * MINUTE)


def _write(template: bytes, *columns: object) -> list[bytes]:
    """Fill a template for each row of the columns."""
    lists = [column.tolist() if isinstance(column, np.ndarray) else column for column in columns]
    return [template % row for row in zip(*lists, strict=True)]


def _words(which: np.ndarray, words: tuple[bytes, ...]) -> list[bytes]:
    return [words[i] for i in which.astype(np.int64).tolist()]


def _station(seed: int, client_id: str, callsign: str, *, watts: tuple[float, ...], relays: int, probes: int) -> Device:
    """Make a station: an iSR Client and the Station Controller that it relays."""
    key = noise.key(seed, client_id)
    name = client_id.encode()
    published = [*_isr_client(key, name, callsign.encode()), *_station_controller(key, name, watts, relays, probes)]
    return Device(client_id, client_id, f"Station {callsign}", published)


def _isr_client(key: int, name: bytes, callsign: bytes) -> list[Published]:
    username = b"operator-" + callsign.lower()
    restart = noise.choose(key, 9, 7 * DAY)

    def uptime(t: Ints) -> Ints:
        up: Ints = (t - restart) % (7 * DAY) // SECOND
        return up

    def ram(k: Ints, t: Ints) -> noise.Reals:
        return 38.0 + 6.0 * noise.smooth(key + 21, t, 5 * HOUR) + 0.2 * noise.normal(key + 22, k)

    def disk(k: Ints, t: Ints) -> noise.Reals:
        # Logs grow through the day and are rotated at midnight.
        return 41.0 + 3.0 * (t % DAY) / DAY + 0.05 * noise.normal(key + 23, k)

    def heartbeat(k: Ints, t: Ints, _: Ints) -> list[bytes]:
        return _write(b'{"device_id":"%b","seq":%%d,"uptime_s":%%d}' % name, k, uptime(t))

    def summary(k: Ints, t: Ints, _: Ints) -> list[bytes]:
        template = (
            b'{"device_id":"%b","callsign":"%b","username":"%b","online":true,"version":"2.4.1","uptime_s":%%d,'
            b'"transmitting":%%b,"cpu":{"load":%%.2f},"ram":{"used_percent":%%.1f},"disk":{"used_percent":%%.2f}}'
        ) % (name, callsign, username)
        transmitting = _words(signals.keyed(key, t), _TRUTH)
        return _write(template, uptime(t), transmitting, signals.load(key, k, t), ram(k, t), disk(k, t))

    def system(k: Ints, t: Ints, _: Ints) -> list[bytes]:
        template = (
            b'{"device_id":"%b","cpu":{"load":%%.2f,"temp_c":%%.1f,"cores":4},'
            b'"ram":{"used_percent":%%.1f,"total_mb":3884},"swap":{"used_percent":%%.1f},'
            b'"disk":{"used_percent":%%.2f,"total_gb":29.7},"uptime_s":%%d}'
        ) % name
        load = signals.load(key, k, t)
        heat = 44.0 + 22.0 * load + 3.0 * signals.day(t, 15.0) + 0.3 * noise.normal(key + 24, k)
        swap = 2.0 + 1.5 * noise.smooth(key + 25, t, 11 * HOUR) + 0.1 * noise.normal(key + 26, k)
        return _write(template, load, heat, ram(k, t), swap, disk(k, t), uptime(t))

    def bandwidth(k: Ints, t: Ints, _: Ints) -> list[bytes]:
        template = b'{"device_id":"%b","rx_kbps":%%.1f,"tx_kbps":%%.1f,"rx_bytes":%%d,"tx_bytes":%%d}' % name
        level = 1.0 + 2.0 * signals.busy(key, t)
        rx = level * (22.0 + 2.0 * noise.normal(key + 27, k))
        tx = level * (48.0 + 5.0 * noise.normal(key + 28, k))
        since = t - (t - restart) % (7 * DAY)
        received, sent = (signals.counter(key + 29, t, since, each) for each in (4000.0, 9000.0))
        return _write(template, rx, tx, received, sent)

    return [
        Published("heartbeat", heartbeat, interval=2 * MINUTE),
        Published("state/summary", summary, interval=5 * MINUTE),
        Published("telemetry/system", system, interval=2 * MINUTE),
        Published("telemetry/bandwidth", bandwidth, interval=2 * MINUTE),
    ]


def _station_controller(key: int, name: bytes, watts: tuple[float, ...], relays: int, probes: int) -> list[Published]:
    box = f"SC-02{noise.key(key, 'mac') & 0xFFFFFFFFFF:010X}".encode()

    def reading(kind: bytes, module: bytes, address: bytes, rest: bytes) -> bytes:
        """Write the template of one channel's reading; the channel and the value are left open."""
        return b'{"station_controller_device_id":"%b","type":"%b","chan":%%d,"module":"%b","dcn":"%b",%b}' % (
            box, kind, module, address, rest,
        )  # fmt: skip

    def watt_meter(k: Ints, t: Ints, channel: Ints) -> list[bytes]:
        power = np.zeros(len(k))
        for number, most in enumerate(watts, start=1):
            mine = channel == number
            power[mine] = signals.forward(noise.key(key, "watts", number), k[mine], t[mine], most)
        return _write(reading(b"watt_meter", b"WM2", b"0x11", b'"value":%.2f,"unit":"W"'), channel, power)

    def temperature(k: Ints, t: Ints, channel: Ints) -> noise.Reals:
        # Probe 1 hangs outdoors, 2 sits on the heat sink, 3 in the room.
        degrees = signals.outdoor(key, k, t)
        indoors = 20.5 + 1.5 * signals.day(t, 17.0) + 0.15 * (degrees - 9.0)
        sink = indoors + 3.0 + 38.0 * signals.busy(noise.key(key, "watts", 1), t)
        return np.where(channel == 1, degrees, np.where(channel == 2, sink, indoors))  # noqa: PLR2004 (its number)

    def temp_probe(k: Ints, t: Ints, channel: Ints) -> list[bytes]:
        value = temperature(k * 8 + channel, t, channel)
        return _write(reading(b"temp_probe", b"TP4", b"0x20", b'"value":%.2f,"unit":"\xc2\xb0C"'), channel, value)

    def temp_state(k: Ints, t: Ints, channel: Ints) -> list[bytes]:
        high = temperature(k * 8 + channel, t, channel) > 38.0  # noqa: PLR2004 (degrees)
        words = _words(high, (b"ok", b"high"))
        return _write(reading(b"temp_probe", b"TP4", b"0x20", b'"state":"%b"'), channel, words)

    def is_on(t: Ints, channel: Ints) -> np.ndarray:
        on = np.zeros(len(t), bool)
        for number in range(1, relays + 1):
            mine = channel == number
            on[mine] = signals.relay(noise.key(key, "relay", number), t[mine])
        return on

    def changes(start: int, end: int) -> tuple[Ints, Ints]:
        each = [signals.switchings(noise.key(key, "relay", number), start, end) for number in range(1, relays + 1)]
        t = np.concatenate(each)
        channel = np.repeat(np.arange(1, relays + 1, dtype=np.int64), [len(one) for one in each])
        order = np.argsort(t, kind="stable")
        return t[order], channel[order]

    def relay(_: Ints, t: Ints, channel: Ints) -> list[bytes]:
        words = _words(is_on(t, channel), _SWITCH)
        return _write(reading(b"relay", b"RL8", b"0x01", b'"state":"%b"'), channel, words)

    def event(k: Ints, t: Ints, channel: Ints) -> list[bytes]:
        template = b'{"device_id":"%b","event":"relay","chan":%%d,"from":"%%b","to":"%%b","by":"%%b"}' % name
        on = is_on(t, channel)
        by = _words(noise.uniform(key + 31, k) < 0.4, (b"schedule", b"operator"))  # noqa: PLR2004 (a share)
        return _write(template, channel, _words(~on, _SWITCH), _words(on, _SWITCH), by)

    return [
        Published("telemetry/watt_meter", watt_meter, interval=MINUTE, channels=len(watts), repeats=True),
        Published("telemetry/temp_probe", temp_probe, interval=2 * MINUTE, channels=probes, skew=37_000_000),
        Published("state/temp_probe", temp_state, interval=30 * MINUTE, channels=probes, skew=37_000_000),
        Published("state/relay", relay, instants=changes, channels=relays),
        Published("event/change", event, instants=changes, channels=relays),
    ]


def _bench(seed: int, client_id: str) -> Device:
    """Make a sensor on a bench, which publishes bare numbers."""
    key = noise.key(seed, client_id)

    def volts(k: Ints, t: Ints, _: Ints) -> list[bytes]:
        return _write(b"%.3f", 13.8 + 0.05 * noise.smooth(key, t, 2 * HOUR) + 0.006 * noise.normal(key + 1, k))

    def lux(k: Ints, t: Ints, _: Ints) -> list[bytes]:
        daylight = 18_000.0 * np.clip(signals.day(t, 12.5), 0.0, None) * (0.6 + 0.4 * noise.smooth(key + 2, t, HOUR))
        return _write(b"%d", (daylight + 6.0 + 5.0 * noise.uniform(key + 3, k)).astype(np.int64))

    published = [Published("voltage", volts, interval=MINUTE), Published("light", lux, interval=2 * MINUTE)]
    return Device(client_id, client_id, "Bench sensor", published)


def _gateway(seed: int, client_id: str) -> Device:
    """Make a gateway of an unknown vendor: nested objects, arrays, text, and bytes that are no JSON."""
    key = noise.key(seed, client_id)

    def up(k: Ints, t: Ints, _: Ints) -> list[bytes]:
        template = (
            b'{"gw": {"id": "a7c2", "fw": "1.9"}, "node": %d, "rx": [{"ant": 0, "rssi": %d, "snr": %.1f}, '
            b'{"ant": 1, "rssi": %d, "snr": %.1f}], "data": {"temp": %.1f, "hum": %.1f, "batt": %.2f, "ok": %b}}'
        )
        node = k % 5
        rssi = (-94.0 - 4.0 * node + 5.0 * noise.normal(key, k)).astype(np.int64)
        snr = 6.0 + 2.0 * noise.normal(key + 1, k)
        temp = signals.outdoor(key + 2, k, t) + 0.4 * node
        hum = np.clip(75.0 - 2.0 * (temp - 9.0) + noise.normal(key + 5, k), 5.0, 100.0)
        batt = 3.5 + 0.1 * noise.smooth(key + 6, t, 3 * DAY) + 0.02 * noise.normal(key + 7, k)
        ok = _words(noise.uniform(key + 8, k) < 0.97, _TRUTH)  # noqa: PLR2004 (a share)
        return _write(template, node, rssi, snr, rssi - 3, snr - 0.7, temp, hum, batt, ok)

    def spectrum(k: Ints, _t: Ints, _: Ints) -> list[bytes]:
        levels = [(-118.0 + 5.0 * noise.normal(key + 10 + band, k)).astype(np.int64) for band in range(6)]
        return _write(b"[%d,%d,%d,%d,%d,%d]", *levels)

    def status(k: Ints, t: Ints, _: Ints) -> list[bytes]:
        queue = (3.0 * noise.uniform(key + 20, k) ** 3 * 4.0).astype(np.int64)
        return _write("OK · up=%ds q=%d".encode(), t // SECOND % (9 * 86_400), queue)

    def raw(k: Ints, _t: Ints, _: Ints) -> list[bytes]:
        return [b"\x01\xfe" + value.to_bytes(8, "big") + b"\xff" for value in noise.bits(key + 21, k).tolist()]

    published = [
        Published("vendor/up", up, interval=2 * MINUTE),
        Published("vendor/spectrum", spectrum, interval=5 * MINUTE),
        Published("vendor/status", status, interval=10 * MINUTE, form="text"),
        Published("vendor/raw", raw, interval=30 * MINUTE, form="base64"),
    ]
    return Device(client_id, client_id, "Gateway (vendor unknown)", published)


def _repeater(seed: int, client_id: str) -> Device:
    """Make a repeater; all of them share one login. The one in the north changes the type of a field."""
    key = noise.key(seed, client_id)

    def rf(k: Ints, t: Ints, rssi: bytes) -> list[bytes]:
        template = b'{"rssi":%b,"deviation_khz":%%.2f,"users":%%d,"pa_temp_c":%%.1f}' % rssi
        level = (-88.0 + 6.0 * noise.smooth(key, t, 3 * HOUR) + 2.0 * noise.normal(key + 1, k)).astype(np.int64)
        deviation = 2.4 + 0.15 * noise.normal(key + 2, k)
        users = (7.0 * signals.busy(key, t) * noise.uniform(key + 3, k)).astype(np.int64)
        heat = 31.0 + 9.0 * signals.busy(key, t) + 0.4 * noise.normal(key + 4, k)
        return _write(template, level, deviation, users, heat)

    def numbers(k: Ints, t: Ints, _: Ints) -> list[bytes]:
        return rf(k, t, b"%d")

    def texts(k: Ints, t: Ints, _: Ints) -> list[bytes]:
        return rf(k, t, b'"%d dBm"')

    def link(k: Ints, _t: Ints, _: Ints) -> list[bytes]:
        loss = np.clip(0.8 + 0.5 * noise.normal(key + 5, k), 0.0, None)
        return _write(b'{"up":true,"loss_percent":%.2f,"peer":"hub"}', loss)

    published = [
        Published("telemetry/rf", numbers, interval=2 * MINUTE, repeats=True,
                  retyped=texts if client_id == "rpt-north" else None),
        Published("state/link", link, interval=10 * MINUTE),
    ]  # fmt: skip
    return Device(client_id, "repeaters", client_id.replace("rpt-", "Repeater ").title(), published)
