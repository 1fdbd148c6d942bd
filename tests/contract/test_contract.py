"""The contract: how history is asked for, and how a file says it."""

from __future__ import annotations

import dataclasses

import pytest

from isr_analysis import times
from isr_analysis.answers import Fields
from isr_analysis.contract.contract import Contract, History
from isr_analysis.contract.file import overridden, to_toml
from isr_analysis.errors import UsageError
from isr_analysis.messages import Selector
from isr_analysis.times import DAY, Range

SPAN = Range(20_000 * DAY, 20_001 * DAY)
ONE = Selector(("dev",), "t/x")


def test_the_built_in_question_names_range_client_and_size():
    """Nothing is sent whose meaning is not known: the topic is picked from the answer."""
    asked = History().question(ONE, SPAN, account_id="acme", now=0)
    assert asked == {
        "start": "2024-10-04T00:00:00Z", "end": "2024-10-05T00:00:00Z", "client_id": "dev", "limit": "10000",
    }  # fmt: skip
    assert History().askable(ONE) == Selector(("dev",), "#")


def test_an_account_is_named_where_it_is_known():
    """Else the portal goes by the token alone."""
    known = History(account="tenant_id")
    assert known.question(ONE, SPAN, account_id="acme", now=0)["tenant_id"] == "acme"
    assert "tenant_id" not in known.question(ONE, SPAN, account_id=None, now=0)


@pytest.mark.parametrize(
    ("form", "start"),
    [("iso", "2024-10-04T00:00:00Z"), ("date", "2024-10-04"), ("s", "1728000000"), ("ms", "1728000000000"),
     ("us", "1728000000000000"), ("ns", "1728000000000000000"), ("%Y%m%d", "20241004"),
     ("%Y-%m-%d %H:%M:%S", "2024-10-04 00:00:00"), ("%Y-%m-%dT%H:%M:%S.%f%z", "2024-10-04T00:00:00.000000+0000"),
     ("%Y-%m-%dT%H:%M:%S.%3fZ", "2024-10-04T00:00:00.000Z")],
)  # fmt: skip
def test_instants_are_written_in_the_portals_form(form, start):
    """Each form is exact to its unit."""
    assert History(time_form=form).question(Selector(), SPAN, account_id="", now=0)["start"] == start


def test_a_range_that_the_unit_cannot_say_is_asked_for_wider():
    """Start is cut down, end is rounded up: what is asked for holds what is wanted."""
    asked = History(time_form="s").question(Selector(), Range(SPAN.start + 1, SPAN.end - 1), account_id="", now=0)
    assert (asked["start"], asked["end"]) == ("1728000000", "1728086400")


@pytest.mark.parametrize(
    ("form", "topic", "askable", "sent"),
    [
        ("filter", "t/+/x/#", "t/+/x/#", "t/+/x/#"),
        ("path filter", "t/#", "t/#", "acme/dev/t/#"),
        ("subpath", "t/x", "t/x", "t/x"),
        ("subpath", "t/#", "#", None),
        ("path", "t/x", "t/x", "acme/dev/t/x"),
        ("prefix", "t/+/x", "t/#", "t"),
        ("path prefix", "t/#", "t/#", "acme/dev/t"),
        ("prefix", "+/x", "#", None),
        (None, "t/x", "#", None),
    ],
)
def test_a_topic_is_asked_for_as_narrowly_as_the_portal_can_be_asked(form, topic, askable, sent):
    """What cannot be said is asked for wider, never wrongly."""
    known = History(topic="topic", topic_form=form)
    wider = known.askable(Selector(("dev",), topic))
    assert wider == Selector(("dev",), askable)
    assert known.question(wider, SPAN, account_id="acme", now=0).get("topic") == sent


def test_a_path_needs_its_client():
    """Without a client a whole path cannot be named; a filter has the wildcard."""
    assert History(topic="t", topic_form="path").askable(Selector(None, "a")) == Selector(None, "#")
    known = History(topic="t", topic_form="path filter")
    assert known.question(known.askable(Selector(None, "a")), SPAN, account_id="acme", now=0)["t"] == "acme/+/a"


def test_a_portal_without_a_client_parameter_is_asked_for_all():
    """The answer is picked from."""
    assert History(client=None).askable(ONE).clients is None


def test_a_client_without_a_parameter_of_its_own_is_named_by_a_topic_filter_on_whole_paths():
    """Only with the account, as `+` in its place may be refused; and not where the user fixed the topic."""
    dev = Selector(("dev",), "#")
    known = History(client=None, topic="t", topic_form="path filter")
    assert known.askable(dev) == dev
    assert known.asks_by_path(dev)
    assert known.question(dev, SPAN, account_id="acme", now=0)["t"] == "acme/dev/#"
    assert "t" not in known.question(dev, SPAN, account_id=None, now=0)
    assert "t" not in known.question(known.askable(Selector()), SPAN, account_id="acme", now=0)
    assert dataclasses.replace(known, fixed={"t": "#"}).askable(dev).clients is None


def test_a_contract_is_written_and_read_back(tmp_path):
    """What `isr doctor` prints is a file that says the same."""
    contract = Contract(
        history=History(start="from", topic=None, longest="6h", fixed={"order": "asc"}, fields=Fields(time="ts")),
        source="somewhere",
        is_assumed=False,
    )
    file = tmp_path / "contract.toml"
    file.write_text(to_toml(contract))
    assert dataclasses.replace(overridden(Contract(), file), source="somewhere") == contract


def test_a_file_changes_only_what_it_names(tmp_path):
    """The rest stays as the portal says; the source tells of both."""
    file = tmp_path / "mine.toml"
    file.write_text('[history]\nstart = "since"\nlimit = "none"\n[history.fields]\ntime = "t"\n')
    made = overridden(Contract(history=History(end="until"), source="document"), file)
    assert (made.history.start, made.history.end, made.history.limit) == ("since", "until", None)
    assert made.history.fields.time == "t"
    assert made.source == "document, overridden by mine.toml"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = [", "no TOML"),
        ("x = " + "[" * 50_000, "no TOML"),
        ("[history]\nbegin = 's'", "history.begin is not known"),
        ("[history]\nstart = 3", "history.start"),
        ("[history]\ntime_form = 'minutes'", "none of iso, iso seconds, date"),
        ("[history]\nlongest = 'ever'", "longest"),
        ("history = 1", "history"),
        ("[history]\npage_size = '3'", "page_size"),
        ("[history]\npage_size = 0", "page_size = 0 .*>= 1"),
        ("[history]\npath = 'api/history'", "history.path = 'api/history' .*'\\^/'"),
        ("live = 'https://elsewhere.example/live'", "live = "),
        ("publishers = ''", "publishers = ''"),
        ("[history]\nlength_form = 'hours'", "length_form = 'hours' is none of s, min, h, d, w"),
    ],
)
def test_a_file_that_is_not_understood_is_named(tmp_path, text, words):
    """The error names the file, the entry and what it can be."""
    file = tmp_path / "contract.toml"
    file.write_text(text)
    with pytest.raises(UsageError, match=words) as caught:
        overridden(Contract(), file)
    assert "contract.toml" in str(caught.value)


@pytest.mark.parametrize("form", ["s", "min", "24h", "PT24H", "1h,24h,7d"])
def test_a_length_is_written_in_any_known_form(tmp_path, form):
    """Each of those that the contract describes."""
    file = tmp_path / "contract.toml"
    file.write_text(f"[history]\nlength_form = '{form}'")
    assert overridden(Contract(), file).history.length_form == form


def test_a_file_that_is_not_there_is_named(tmp_path):
    """With the setting that names it."""
    with pytest.raises(UsageError, match="ISR_CONTRACT"):
        overridden(Contract(), tmp_path / "none.toml")


def test_units_are_in_nanoseconds():
    """The finest step that can be asked for."""
    assert History(time_form="s").unit == times.SECOND
    assert History(time_form="date").unit == History(time_form="%Y%m%d").unit == DAY
    assert History(time_form="%Y-%m-%d %H:%M").unit == times.MINUTE
    assert History(time_form="%Y-%m-%d %H:%M:%S.%f").unit == 1000
    assert History(time_form="%Y-%m-%d %H:%M:%S.%3f").unit == 1_000_000


def test_a_zone_is_one_that_there_is(tmp_path):
    """A slip is an error before anything is read by it."""
    file = tmp_path / "contract.toml"
    file.write_text('[history.fields]\ntime_zone = "Europe/Zurich"\n')
    assert overridden(Contract(), file).history.fields.time_zone == "Europe/Zurich"
    file.write_text('[history.fields]\ntime_zone = "Zurich"\n')
    with pytest.raises(UsageError, match="Zurich"):
        overridden(Contract(), file)


def test_a_topic_that_is_wanted_names_the_account_or_the_client():
    """Where everything is asked for too."""
    known = History(topic="topic_prefix", topic_form="path prefix", topic_required=True)
    for clients, sent in ((None, "acme/"), (("dev",), "acme/dev/")):
        assert known.question(Selector(clients), SPAN, account_id="acme", now=0)["topic_prefix"] == sent
