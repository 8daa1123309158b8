"""What agencies are called: by day, language and site; the shipped names; and the faults of a file of names."""

from datetime import date

import pytest

from shared.agency_names import NO_NAMES, AgencyNames, Called, NameStanding, read_names
from shared.codes import Actor, Agency
from shared.configuration import BadConfiguration
from shared.node.agency_file import SHIPPED, load_agency_names, names_at_hand
from shared.reasons import Code, Reason
from shared.words import Language, sentence
from tests.builders import CUSTOMS, TRANSPORT

VI, EN, ZH = Language
REST = [one for one in Agency if one is not TRANSPORT]


def entry(
    agency: str = "transport", start: str = "2024-02-02", vi: str = "Sở Giao thông vận tải", more: str = ""
) -> str:
    """Six lines of a file, and one for each of `more`."""
    lines = ["[[name]]", f'agency = "{agency}"', f"in_force_from = {start}", f'vi = "{vi}"']
    return "\n".join([*lines, 'standing = "text"', 'source = "a text"', *more.splitlines(), ""])


OTHERS = "".join(entry(one, vi=f"tên {one}") for one in REST)


def names(*entries: str) -> AgencyNames:
    return read_names("".join(entries) + OTHERS, "agencies.toml")


def findings(*entries: str) -> list[str]:
    with pytest.raises(BadConfiguration) as told:
        names(*entries)
    return [str(one) for one in told.value.findings]


TOLD = names(
    entry(more='en = "Department of Transport"\nvi_short = "GTVT"\nen_short = "Transp."'),
    entry(start="2025-03-01", vi="Sở Xây dựng", more='zh = "建设厅"'),
    entry(start="2024-06-01", vi="Tên riêng", more='site = "TT"\nen = "Own name"'),
    entry(start="2026-01-01", vi="Tên riêng mới", more='site = "TT"\nvi_short = "TRM"'),
)


@pytest.mark.parametrize(
    ("language", "on", "site", "name"),
    [
        (VI, "2024-02-02", "CKHN", "Sở Giao thông vận tải"),
        (EN, "2025-02-28", "CKHN", "Department of Transport"),
        (VI, "2025-02-28", "CKHN", "Sở Giao thông vận tải"),
        (VI, "2025-03-01", "CKHN", "Sở Xây dựng"),
        (ZH, "2026-11-23", "CKHN", "建设厅"),
        (ZH, "2024-12-31", "CKHN", "Sở Giao thông vận tải"),
        (EN, "2026-11-23", "CKHN", "Sở Xây dựng"),
        (VI, "2021-09-29", "CKHN", "Sở Giao thông vận tải"),
        (EN, "2021-09-29", "CKHN", "Department of Transport"),
        (VI, "2026-11-23", None, "Sở Xây dựng"),
        (VI, "2024-05-31", "TT", "Sở Giao thông vận tải"),
        (VI, "2024-06-01", "TT", "Tên riêng"),
        (EN, "2025-03-01", "TT", "Own name"),
        (VI, "2025-12-31", "TT", "Tên riêng"),
        (VI, "2026-01-01", "TT", "Tên riêng mới"),
        (VI, "2021-09-29", "TT", "Sở Giao thông vận tải"),
    ],
)
def test_the_name_is_that_of_day_language_and_site(
    language: Language, on: str, site: str | None, name: str
) -> None:
    assert TOLD.of(TRANSPORT, language, date.fromisoformat(on), site) == name


@pytest.mark.parametrize(
    ("language", "on", "site", "short"),
    [
        (EN, "2024-12-31", "CKHN", "Transp."),
        (ZH, "2024-12-31", "CKHN", "GTVT"),
        (VI, "2026-11-23", "CKHN", None),
        (ZH, "2026-11-23", "TT", "TRM"),
    ],
)
def test_a_short_form_goes_with_its_name_and_is_never_that_of_another(
    language: Language, on: str, site: str, short: str | None
) -> None:
    assert TOLD.short(TRANSPORT, language, date.fromisoformat(on), site) == short


def test_the_order_of_the_file_does_not_matter() -> None:
    turned = AgencyNames(TOLD.entries[::-1])
    days = [date(2021, 1, 1), date(2024, 7, 1), date(2025, 7, 1), date(2026, 7, 1)]
    asked = [(one, on, site) for one in Language for on in days for site in ("CKHN", "TT")]
    assert [turned.of(TRANSPORT, *one) for one in asked] == [TOLD.of(TRANSPORT, *one) for one in asked]


def test_who_has_no_name_is_called_by_the_code() -> None:
    assert TOLD.of("coast_guard", VI, date(2026, 1, 1)) == "coast_guard"
    assert NO_NAMES.of(CUSTOMS, VI, date(2026, 1, 1)) == "customs"
    assert NO_NAMES.short(CUSTOMS, VI, date(2026, 1, 1)) is None


# -- as a site calls them on a day


TODAY = Called(TOLD, "CKHN", date(2026, 11, 23))


def test_what_happened_is_told_by_the_name_of_its_own_day() -> None:
    assert TODAY.at("2024-05-06T02:00:00.000Z#0000")(VI, TRANSPORT) == "Sở Giao thông vận tải"
    assert TODAY(VI, TRANSPORT) == "Sở Xây dựng"


@pytest.mark.parametrize(
    ("stamp", "name"),
    [
        ("2025-02-28T16:59:59.999Z#0000", "Sở Giao thông vận tải"),
        ("2025-02-28T17:00:00.000Z#0000", "Sở Xây dựng"),
    ],
)
def test_the_day_begins_at_midnight_at_the_gates(stamp: str, name: str) -> None:
    assert TODAY.at(stamp)(VI, TRANSPORT) == name


@pytest.mark.parametrize("stamp", [None, "", "yesterday"])
def test_what_has_no_stamp_is_told_by_todays_name(stamp: str | None) -> None:
    assert TODAY.at(stamp) == TODAY


@pytest.mark.parametrize("language", Language)
def test_everybody_who_acts_has_a_word_even_without_any_file(language: Language) -> None:
    for called in (Called(NO_NAMES, "CKHN", TODAY.day), Called(load_agency_names(SHIPPED), None, TODAY.day)):
        assert all(called(language, one) not in ("", one.value) for one in (*Agency, *Actor))


def test_a_reason_calls_agencies_as_it_is_told() -> None:
    awaited = Reason(Code.CONFIRMATION_MISSING, values={"agency": "transport"})
    earlier = Reason(Code.EARLIER_STEP_MISSING, values={"agencies": "customs, transport"})
    assert "Sở Xây dựng" in sentence(VI, awaited, named=TODAY)
    assert "tên customs, Sở Xây dựng" in sentence(VI, earlier, named=TODAY)


# -- the shipped names


def test_the_transport_department_has_had_two_names_and_only_the_first_stands_in_a_text() -> None:
    shipped = load_agency_names(SHIPPED)
    assert [
        (one.vi, one.in_force_from, one.standing) for one in shipped.entries if one.agency is TRANSPORT
    ] == [
        ("Sở Giao thông vận tải", date(2024, 2, 2), NameStanding.TEXT),
        ("Sở Xây dựng", date(2025, 3, 1), NameStanding.GENERAL_KNOWLEDGE),
    ]


def test_every_shipped_name_is_there_in_three_languages_long_and_short() -> None:
    for one in load_agency_names(SHIPPED).entries:
        assert all((one.en, one.zh, one.vi_short, one.en_short, one.zh_short)), one.agency


# -- faults of a file


@pytest.mark.parametrize(
    ("entries", "finding"),
    [
        ([entry(), entry(vi="Sở Xây dựng")], "agencies.toml:7: name.1: line 1 names transport from 2024-02-02 already"),
        ([entry(), *[entry(more='site = "TT"')] * 2], "agencies.toml:14: name.2: line 7 names transport from 2024-02-02"),
        ([], "agencies.toml:1: name: transport has no name; add a [[name]]"),
        ([entry(more='site = "TT"')], "agencies.toml:1: name: transport has no name"),
        ([entry("transprot")], "agencies.toml:2: name.0.agency: 'transprot' is not allowed; write one of"),
        ([entry(more='fr = "x"')], "agencies.toml:7: name.0.fr: this key is not known"),
        ([entry(start="2025-02-30")], "agencies.toml:3: TOML: "),
        ([entry(start='"soon"')], "agencies.toml:3: name.0.in_force_from: "),
        ([entry(vi=" ")], "agencies.toml:4: name.0.vi: "),
        ([entry().replace('vi = ', 'en = ')], "agencies.toml:1: name.0.vi: this key is missing; add it"),
        ([entry().replace('"text"', '"rumour"')], "agencies.toml:5: name.0.standing: 'rumour' is not allowed"),
        ([entry(more='site = "Hữu Nghị"')], "agencies.toml:7: name.0.site: "),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_its_line(entries: list[str], finding: str) -> None:
    told = findings(*entries)
    assert len(told) == 1
    assert told[0].startswith(finding)


def test_the_same_start_at_two_sites_is_no_fault() -> None:
    told = names(entry(), entry(vi="Một", more='site = "TT"'), entry(vi="Hai", more='site = "CKHN"'))
    assert told.of(TRANSPORT, VI, date(2026, 1, 1), "CKHN") == "Hai"


def test_every_agency_without_a_name_is_told_at_once() -> None:
    with pytest.raises(BadConfiguration) as told:
        read_names(entry() + entry("customs", vi="Hải quan"), "agencies.toml")
    assert [one.message.split()[0] for one in told.value.findings] == [
        one for one in Agency if one not in (TRANSPORT, CUSTOMS)
    ]


def test_a_file_that_is_not_there_leaves_no_names_and_says_why() -> None:
    missing = SHIPPED.parent / "none.toml"
    at_hand = names_at_hand(missing)
    assert at_hand.entries == ()
    assert str(at_hand.fault).startswith(f"{missing}:1: file: ")
