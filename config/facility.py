"""Reads the facility file: whose service this is, where it stands, whom it falls back to (CONTRACT 2).

Decides which values are acceptable. Stores nothing: the facility's row is written when the program starts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from config.files import DEFAULTS, FileRefusedError, FileShape, read_shape
from dashboards.reports.house import (
    FEW,
    SHIFTS,
    SUMMARY_WORDS,
    WEIGHTS,
    House,
    Innovation,
    Signatory,
    TargetZone,
)
from dispatch.domain import phones
from dispatch.domain.places import Area
from dispatch.domain.questionnaire import SurveyChannel
from dispatch.domain.response_times import INTERVALS
from dispatch.domain.summaries import SMALL
from dispatch.domain.survey import Weight
from dispatch.domain.survey_rules import SurveyRules

SHIPPED = DEFAULTS / "kwamki.toml"


AROUND_DEG = 2.5
"""About 280 km: wide enough for any catchment, narrow enough to catch a lost sign."""


class FacilityError(FileRefusedError):
    """The facility file cannot be used: file, dotted key and reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FacilityConfig:
    """One health centre. Numbers are E.164, targets seconds by interval, retention days (0 for ever)."""

    code: str
    name: str
    timezone: str
    lat: float
    lon: float
    duty_phones: tuple[str, ...]
    handoff_phone: str
    handoff_name: str
    witnesses: tuple[str, ...] = ()
    service_name: str
    announce_recording: bool = True
    area: Area
    skills: tuple[str, ...] = ()
    targets: Mapping[str, float] = field(default_factory=dict)
    retention: Mapping[str, int] = field(default_factory=dict)
    report: House = field(default_factory=House)
    complaint_days: int | None = None
    survey: SurveyRules = field(default_factory=SurveyRules)

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which its days begin and its shifts are written."""
        return ZoneInfo(self.timezone)


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"{name!r} is no time zone of the IANA list (Asia/Jayapura is one)")
    return name


def _subscriber(text: str) -> str:
    number = phones.normalise(text)
    if number is None:
        raise ValueError(f"{text!r} is no telephone number")
    return number


def _once(numbers: list[str]) -> list[str]:
    for number in numbers:
        if numbers.count(number) > 1:
            raise ValueError(f"names {number} twice")
    return numbers


def _known_interval(key: str) -> str:
    known = [interval.key for interval in INTERVALS]
    if key not in known:
        raise ValueError(f"is no interval; choose from {', '.join(known)}")
    return key


Number = Annotated[str, AfterValidator(_subscriber)]
Numbers = Annotated[list[Number], AfterValidator(_once)]
Line = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\r\n]*$")
]


Skill = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]

AskedBy = Literal["keypad", "link"]

ClockTime = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


def _rising(times: list[str]) -> list[str]:
    if sorted(set(times)) != times:
        raise ValueError("should be in the order of the day, each once")
    return times


class _RetentionTable(FileShape):
    calls: int = Field(default=90, ge=0)
    recordings: int = Field(default=90, ge=0)
    incidents: int = Field(default=0, ge=0)


class _ComplaintsTable(FileShape):
    days: Annotated[int, Field(ge=1, le=365)] | None = None


class _AreaTable(FileShape):
    lat_min: float = Field(ge=-90, le=90)
    lat_max: float = Field(ge=-90, le=90)
    lon_min: float = Field(ge=-180, le=180)
    lon_max: float = Field(ge=-180, le=180)


class _SignatoryTable(FileShape):
    place: Annotated[str, Field(max_length=60)] = ""
    title: Annotated[str, Field(max_length=120)] = ""
    name: Annotated[str, Field(max_length=120)] = ""
    nip: Annotated[str, StringConstraints(pattern=r"^([0-9 ]{18,24})?$")] = ""


def _known_section(key: str) -> str:
    if key not in WEIGHTS:
        raise ValueError(f"is no section; choose from {', '.join(WEIGHTS)}")
    return key


def _whole(weights: dict[str, int]) -> dict[str, int]:
    if weights.keys() != WEIGHTS.keys():
        raise ValueError(f"should name each of {', '.join(WEIGHTS)}")
    if sum(weights.values()) != 100:
        raise ValueError(f"add up to {sum(weights.values())} instead of 100")
    return weights


class _InnovationTable(FileShape):
    name: Annotated[str, Field(max_length=120)] = ""
    began: date | None = None
    instrument: Annotated[str, Field(max_length=120)] = ""
    weights: Annotated[dict[str, Annotated[int, Field(ge=0, le=100)]], AfterValidator(_whole)] = Field(
        default_factory=lambda: dict(WEIGHTS)
    )
    limits: dict[Annotated[str, AfterValidator(_known_section)], Annotated[int, Field(ge=1, le=20_000)]] = (
        Field(default_factory=dict)
    )

    @model_validator(mode="after")
    def _says_whose_weights(self) -> Self:
        if self.weights != WEIGHTS and not self.instrument:
            raise ValueError("weights of one's own need the name of their instrument")
        return self


class _ReportTable(FileShape):
    letterhead: Annotated[list[Line], Field(max_length=4)] = Field(default_factory=list)
    address: Line | None = None
    minimum: int = Field(default=FEW, ge=1, le=SMALL)
    shifts: Annotated[list[ClockTime], AfterValidator(_rising), Field(min_length=1, max_length=8)] = Field(
        default_factory=lambda: [f"{at:%H:%M}" for at in SHIFTS]
    )
    signatory: _SignatoryTable = _SignatoryTable()
    innovation: _InnovationTable = _InnovationTable()


def _each_once(ways: list[AskedBy]) -> list[AskedBy]:
    if len(set(ways)) < len(ways):
        raise ValueError("names a way of asking twice")
    return ways


class _SurveyTable(FileShape):
    weight: Literal["1/9", "0.111", "0.11"] = "1/9"
    ask: Annotated[list[AskedBy], AfterValidator(_each_once)] = Field(default_factory=list)
    ask_after_min: int = Field(default=60, ge=0, le=1440)
    ask_again_after_days: int = Field(default=90, ge=1, le=3650)
    open_days: int = Field(default=7, ge=1, le=60)


Targets = dict[Annotated[str, AfterValidator(_known_interval)], Annotated[float, Field(gt=0)]]


class _ZoneTable(FileShape):
    name: Annotated[Line, Field(max_length=60)]
    places: Annotated[list[Line], Field(min_length=1)]
    targets: Annotated[Targets, Field(min_length=1)]


def _apart(zones: list[_ZoneTable]) -> list[_ZoneTable]:
    """Each place in one zone, each zone once: else a target would depend on which comes first."""
    for what, names in (
        ("zone", [zone.name for zone in zones]),
        ("place", [place for zone in zones for place in zone.places]),
    ):
        seen: set[str] = set()
        for name in names:
            if name.casefold() in seen:
                raise ValueError(f"names the {what} {name!r} twice")
            seen.add(name.casefold())
    return zones


class _FacilityFile(FileShape):
    code: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{2,16}$")]
    name: Line
    timezone: Annotated[str, AfterValidator(_known_zone)]
    lat: float = Field(ge=-90, le=90)
    lon: float = Field(ge=-180, le=180)
    duty_phones: Annotated[Numbers, Field(min_length=1)]
    handoff_phone: Number
    handoff_name: Annotated[Line, Field(max_length=60)] = "PSC 119"
    witnesses: Numbers = Field(default_factory=list)
    service_name: Annotated[Line, Field(max_length=60)] | None = None
    announce_recording: bool = True
    targets: Targets = Field(default_factory=dict)
    zone: Annotated[list[_ZoneTable], AfterValidator(_apart)] = Field(default_factory=list)
    retention: _RetentionTable = _RetentionTable()
    area: _AreaTable | None = None
    skills: list[Skill] = Field(default_factory=list)
    report: _ReportTable = _ReportTable()
    complaints: _ComplaintsTable = _ComplaintsTable()
    survey: _SurveyTable = _SurveyTable()


def load_facility(path: Path | None = None) -> FacilityConfig:
    """The facility in the TOML file at *path*, or Puskesmas Kwamki, which comes with the program.

    Raises:
        FacilityError: naming the file, the key and the reason.
    """
    try:
        content = read_shape(path or SHIPPED, _FacilityFile)
    except FileRefusedError as error:
        raise FacilityError(error.file, error.key, error.reason) from error
    return FacilityConfig(
        code=content.code,
        name=content.name,
        timezone=content.timezone,
        lat=content.lat,
        lon=content.lon,
        duty_phones=tuple(content.duty_phones),
        handoff_phone=content.handoff_phone,
        handoff_name=content.handoff_name,
        witnesses=tuple(content.witnesses),
        service_name=content.service_name or f"911 {content.name}",
        announce_recording=content.announce_recording,
        area=_area(content),
        skills=tuple(content.skills),
        targets=content.targets,
        retention=content.retention.model_dump(),
        report=_house(content),
        complaint_days=content.complaints.days,
        survey=_survey(content.survey),
    )


def _survey(table: _SurveyTable) -> SurveyRules:
    return SurveyRules(
        weight=Weight(table.weight),
        ask=tuple(SurveyChannel(way) for way in table.ask),
        ask_after_min=table.ask_after_min,
        ask_again_after_days=table.ask_again_after_days,
        open_days=table.open_days,
    )


def _house(content: _FacilityFile) -> House:
    table = content.report
    of_paper = table.innovation.model_dump()
    of_paper["name"] = table.innovation.name or content.service_name or f"911 {content.name}"
    of_paper["limits"] = {"summary": SUMMARY_WORDS, **table.innovation.limits}
    return House(
        letterhead=tuple(table.letterhead),
        address=table.address or "",
        few=table.minimum,
        shifts=tuple(time.fromisoformat(at) for at in table.shifts),
        signatory=Signatory(**table.signatory.model_dump()),
        innovation=Innovation(**of_paper),
        zones=tuple(
            TargetZone(name=zone.name, places=tuple(zone.places), targets=zone.targets)
            for zone in content.zone
        ),
    )


def _area(content: _FacilityFile) -> Area:
    """The box that the file names, or one of :data:`AROUND_DEG` degrees around the facility."""
    if content.area is not None:
        return Area(**content.area.model_dump())
    return Area(
        lat_min=content.lat - AROUND_DEG,
        lat_max=content.lat + AROUND_DEG,
        lon_min=content.lon - AROUND_DEG,
        lon_max=content.lon + AROUND_DEG,
    )
