"""Timestamps keep what they have: precision, offset and digits."""

import datetime
from decimal import Decimal

import pytest
from amazon.ion import simpleion
from hypothesis import given
from hypothesis import strategies as st

from qldbkit.partiql import formats, timestamps
from qldbkit.partiql.errors import EvaluationError, PartiqlError
from qldbkit.partiql.intervals import IntervalError, parse_interval
from qldbkit.partiql.times import Time, parse_time
from qldbkit.partiql.values import compare, same


def ion(text):
    return simpleion.loads(text, single_value=True)


@pytest.mark.parametrize(
    ("part", "amount", "before", "after"),
    [
        # The examples of the developer guide's page on DATE_ADD.
        ("YEAR", 5, "2010-01-01T", "2015-01-01T"),
        ("MONTH", 1, "2010T", "2010-02T"),
        ("MONTH", 13, "2010T", "2011-02T"),
        ("DAY", -1, "2017-01-10T", "2017-01-09T"),
        ("HOUR", 1, "2017-01-02T03:04Z", "2017-01-02T04:04Z"),
        ("MINUTE", 1, "2017-01-02T03:04:05.006Z", "2017-01-02T03:05:05.006Z"),
        ("SECOND", 1, "2017-01-02T03:04:05.006Z", "2017-01-02T03:04:06.006Z"),
        # And what follows from them, and from the conformance suite.
        ("HOUR", 1, "2017T", "2017-01-01T01:00-00:00"),
        ("SECOND", 1, "2017-01-02T03:04+08:00", "2017-01-02T03:04:01+08:00"),
        ("DAY", 1, "2017T", "2017-01-02T"),
        ("DAY", 1, "2017-12-31T23:59:59.123456789-05:00", "2018-01-01T23:59:59.123456789-05:00"),
        ("MINUTE", 1, "2017-01-02T03:04-00:00", "2017-01-02T03:05-00:00"),
        ("MONTH", 1, "2020-01-31T", "2020-02-29T"),
        ("YEAR", -1, "2020-02-29T", "2019-02-28T"),
    ],
)
def test_date_add(part, amount, before, after):
    result, expected = timestamps.shift(part, amount, ion(before)), ion(after)
    assert timestamps.ion_text(result) == timestamps.ion_text(expected)


@pytest.mark.parametrize(("part", "amount"), [("YEAR", 8000), ("DAY", 10**9), ("SECOND", 10**30)])
def test_date_add_stays_in_the_calendar(part, amount):
    with pytest.raises(EvaluationError):
        timestamps.shift(part, amount, ion("2020T"))
    with pytest.raises(EvaluationError):
        timestamps.shift(part, -amount, ion("2020T"))


@pytest.mark.parametrize(
    ("part", "earlier", "later", "expected"),
    [
        # The examples of the developer guide's page on DATE_DIFF.
        ("YEAR", "2010-01-01T", "2011-01-01T", 1),
        ("YEAR", "2010-12T", "2011-01T", 0),
        ("MONTH", "2010T", "2010-05T", 4),
        ("MONTH", "2010T", "2011T", 12),
        ("MONTH", "2011T", "2010T", -12),
        ("MONTH", "2010-12-31T", "2011-01-01T", 0),
        ("DAY", "2010-01-01T23:00Z", "2010-01-02T01:00Z", 0),
        ("HOUR", "2010-01-01T12:00+01:00", "2010-01-01T12:00-01:00", 2),
        ("SECOND", "2010-01-01T00:00:00.9Z", "2010-01-01T00:00:02.8Z", 1),
        ("SECOND", "2010-01-01T00:00:02.8Z", "2010-01-01T00:00:00.9Z", -1),
        ("MONTH", "2010-01-15T12:00Z", "2010-02-15T11:59Z", 0),
    ],
)
def test_date_diff(part, earlier, later, expected):
    assert timestamps.difference(part, ion(earlier), ion(later)) == expected


@given(
    st.sampled_from(["DAY", "HOUR", "MINUTE", "SECOND"]),
    st.integers(-(10**5), 10**5),
    st.datetimes(datetime.datetime(1900, 1, 1), datetime.datetime(2100, 1, 1)),
)
def test_date_diff_undoes_date_add(part, amount, moment):
    moved = timestamps.shift(part, amount, moment)
    assert timestamps.difference(part, moment, moved) == amount
    assert same(timestamps.shift(part, -amount, moved), moment)


@pytest.mark.parametrize(
    ("part", "timestamp", "expected"),
    [
        ("YEAR", "2010-01-01T", 2010),
        ("MONTH", "2010T", 1),
        ("HOUR", "2017-01-02T03:04:05+07:08", 3),
        ("SECOND", "2017-01-02T03:04:05.25Z", Decimal("5.25")),
        ("TIMEZONE_HOUR", "2017-01-02T03:04:05+07:08", 7),
        ("TIMEZONE_MINUTE", "2017-01-02T03:04:05-07:08", -8),
        ("TIMEZONE_HOUR", "2017T", 0),
    ],
)
def test_extract(part, timestamp, expected):
    assert timestamps.extract(part, ion(timestamp)) == expected


@pytest.mark.parametrize(
    ("timestamp", "pattern", "text"),
    [
        # The examples of the developer guide's page on TO_STRING.
        ("1969-07-20T20:18Z", "MMMM d, y", "July 20, 1969"),
        ("1969-07-20T20:18Z", "MMM d, yyyy", "Jul 20, 1969"),
        ("1969-07-20T20:18Z", "M-d-yy", "7-20-69"),
        ("1969-07-20T20:18Z", "MM-d-y", "07-20-1969"),
        ("1969-07-20T20:18Z", "MMMM d, y h:m a", "July 20, 1969 8:18 PM"),
        ("1969-07-20T20:18Z", "y-MM-dd'T'H:m:ssX", "1969-07-20T20:18:00Z"),
        ("1969-07-20T20:18+08:00", "y-MM-dd'T'H:m:ssXXXX", "1969-07-20T20:18:00+0800"),
        ("1969-07-20T20:18+08:00", "y-MM-dd'T'H:m:ssXXXXX", "1969-07-20T20:18:00+08:00"),
        # And the rest of the page "Timestamp format strings".
        ("2020-01-02T00:04:05.060-07:30", "hh:mm:ss.SSS a xxx X", "12:04:05.060 AM -07:30 -0730"),
        ("2020-01-02T00:04:05.987654321Z", "SS x ''", "98 +00 '"),
        ("2020-01-02T00:04:05.004Z", "MMMMM n", "J 4000000"),
    ],
)
def test_to_string(timestamp, pattern, text):
    assert formats.to_string(ion(timestamp), pattern) == text


@pytest.mark.parametrize(
    ("text", "pattern", "timestamp"),
    [
        # The examples of the developer guide's page on TO_TIMESTAMP.
        ("2016", "y", "2016T"),
        ("2016", "yyyy", "2016T"),
        ("02-2016", "MM-yyyy", "2016-02T"),
        ("Feb 2016", "MMM yyyy", "2016-02T"),
        ("fEBRUARY 2016", "MMMM yyyy", "2016-02T"),
        ("70-1-2", "yy-M-d", "1970-01-02T"),
        ("69-1-2", "yy-M-d", "2069-01-02T"),
        ("2020-01-02 12:04 am", "y-MM-dd hh:mm a", "2020-01-02T00:04-00:00"),
        ("2020-01-02 3:04 PM +0730", "y-MM-dd h:mm a xx", "2020-01-02T15:04+07:30"),
        ("2020-01-02T03:04:05.060Z", "y-MM-dd'T'HH:mm:ss.SSSX", "2020-01-02T03:04:05.060Z"),
    ],
)
def test_to_timestamp(text, pattern, timestamp):
    result = formats.to_timestamp(text, pattern)
    assert timestamps.ion_text(result) == timestamps.ion_text(ion(timestamp))


@pytest.mark.parametrize(
    ("text", "pattern", "reason"),
    [
        ("2-2016", "MM-yyyy", "does not have the format"),
        ("2016 J", "yyyy MMMMM", "for writing only"),
        ("02", "MM", "without a year"),
        ("2016 3", "yyyy d", "without a month"),
        ("2016-01-01 3", "y-MM-dd h", "without a half"),
        ("2016-01-01 :04", "y-MM-dd :mm", "without a hour"),
        ("2016 2017", "yyyy yyyy", "twice"),
        ("2016", "qqqq", "unknown symbol"),
        ("2016", "'y", "quote"),
        ("2016-02-30", "y-MM-dd", "no such time"),
        ("2016-02-20 10:00+25:00", "y-MM-dd HH:mmXXX", "no offset"),
    ],
)
def test_a_text_or_format_that_makes_no_timestamp_says_why(text, pattern, reason):
    with pytest.raises(PartiqlError, match=reason):
        formats.to_timestamp(text, pattern)


@given(st.datetimes(), st.integers(-1439, 1439))
def test_a_timestamp_written_and_read_by_a_format_is_the_same(moment, minutes):
    zone = datetime.timezone(datetime.timedelta(minutes=minutes))
    timestamp = moment.replace(tzinfo=zone)
    for pattern in ("yyyy-MM-dd HH:mm:ss.SSSSSSXXX", "MMMM d, y h:m:s.SSSSSS a xx"):
        text = formats.to_string(timestamp, pattern)
        assert same(formats.to_timestamp(text, pattern), timestamp)


@pytest.mark.parametrize(
    "text",
    ["2020", "2020-13-01T", "2020-01-01T25:00Z", "2020-01-01T00:00", "", "2020T ", "x::2020T"],
)
def test_what_is_no_ion_timestamp(text):
    assert timestamps.parse_ion(text) is None


def test_ion_timestamps_are_read_with_their_precision():
    text = "2007-02-23T12:14:33.0790-08:00"
    assert timestamps.ion_text(timestamps.parse_ion(text)) == text
    assert timestamps.parse_ion("2007-02T").precision.name == "MONTH"


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("01:02:03.123456789999", Time(1, 2, Decimal("3.123456789"))),
        ("12:00:00+05:30", Time(12, 0, Decimal("0"), 330)),
        ("12:00:00 -00:30", Time(12, 0, Decimal("0"), -30)),
        *((text, None) for text in ("24:00:00", "12:60:00", "12:00:60", "12:00", "12:00:00+24:00")),
    ],
)
def test_times_are_read(text, time):
    assert parse_time(text) == time
    if time is not None and len(text) < 17:
        assert parse_time(str(time)) == time


def test_times_round_and_wrap_around():
    assert parse_time("23:59:59.9999", 3) == Time(0, 0, Decimal("0.000"))
    assert parse_time("10:00:00.0455", 2) == Time(10, 0, Decimal("0.05"))


def test_times_compare_as_instants():
    early, late = parse_time("10:00:00+01:00"), parse_time("09:00:00")
    assert same(early, late)
    assert compare(parse_time("10:30:00+05:00"), parse_time("10:30:00-03:00")) == -1


@pytest.mark.parametrize(
    ("text", "fields", "printed"),
    [
        ("5", ("YEAR",), "5-0"),
        ("-1-11", ("YEAR", "MONTH"), "-1-11"),
        ("-10:15:30.456789", ("HOUR", "SECOND"), "-0 10:15:30.456789"),
        ("2.123456789", ("SECOND",), "0 0:00:02.123456"),
        ("999", ("HOUR", None, 3), "41 15:00:00"),
        ("999999.123456", ("SECOND", None, 6, 6), "11 13:46:39.123456"),
    ],
)
def test_intervals_are_read(text, fields, printed):
    assert str(parse_interval(text, *fields)) == printed


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("100", ("DAY",)),
        ("1 24", ("DAY", "HOUR")),
        ("1.1234567899", ("SECOND",)),
        ("1 1", ("MONTH", "DAY")),
        ("x", ("DAY",)),
        ("1", ("WEEK",)),
        ("1:1", ("SECOND", "MINUTE")),
    ],
)
def test_what_is_no_interval_is_refused(text, fields):
    with pytest.raises(IntervalError):
        parse_interval(text, *fields)


LONG = "2020-01-01T00:00:59.1234567890123456789012345678901234567890"


def test_fractions_longer_than_pythons_decimals_are_kept():
    stamp = timestamps.parse_ion(f"{LONG}Z")
    digits = LONG.partition(".")[2]
    assert str(timestamps.extract("SECOND", stamp)) == f"59.{digits}"
    assert timestamps.ion_text(timestamps.shift("SECOND", 1, stamp)).endswith(f"01:00.{digits}Z")
    assert same(stamp, timestamps.parse_ion(f"{LONG}0+00:00"))
    assert not same(stamp, timestamps.parse_ion(f"{LONG}1Z"))
    assert compare(stamp, timestamps.parse_ion(f"{LONG}1Z")) == -1


def test_a_fraction_is_cut_off_and_not_rounded_where_it_is_written():
    stamp = timestamps.parse_ion("2020-01-01T00:00:00.9999999999Z")
    assert formats.to_string(stamp, "s.SSS") == "0.999"
    interval = parse_interval("1", "SECOND")
    later = timestamps.shift_exactly(stamp, 0, interval.amount)
    assert timestamps.ion_text(later) == "2020-01-01T00:00:01.9999999999Z"


@pytest.mark.parametrize(
    "text",
    [
        *("2020T", "2020-02T", "2020-02-29", "2020-02-29T10:11Z", "2020-02-29T10:11-00:00"),
        *("2020-02-29T10:11:12+14:00", "2020-02-29T10:11:12.130-00:01"),
    ],
)
def test_ion_timestamps_are_read_as_amazon_ion_reads_them(text):
    read = timestamps.parse_ion(text)
    assert timestamps.ion_text(read) == text == timestamps.ion_text(ion(text))
    assert simpleion.dumps(read, binary=True) == simpleion.dumps(ion(text), binary=True)
