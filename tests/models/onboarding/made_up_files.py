"""Made-up files of the same kind as five public data sets; no row of them is real."""

import csv
import io
from datetime import UTC, datetime, timedelta

import numpy as np


def adult() -> dict[str, bytes]:
    """A space after each comma, ` ?` where nothing is known; the test part's labels have a dot."""
    return {"adult.csv": _adult(300, seed=1), "adult.test.csv": _adult(60, seed=2, end=".")}


def _adult(rows: int, *, seed: int, end: str = "") -> bytes:
    random = np.random.default_rng(seed)
    names = (
        "age, workclass, fnlwgt, education, education-num, occupation, sex, capital-gain, "
        "hours-per-week, native-country, income"
    )
    lines = [names]
    for row in range(rows):
        school, years = _one(
            random, [("HS-grad", 9), ("Bachelors", 13), ("Masters", 14), ("7th-8th", 4)]
        )
        age, hours = random.integers(17, 80), random.integers(10, 80)
        rich = years * 3 + age / 4 + hours / 4 + random.normal(0, 4) > 56
        cells = [
            age,
            "?" if row % 20 == 0 else _one(random, ["Private", "State-gov", "Self-emp-inc"]),
            random.integers(20_000, 400_000),
            school,
            years,
            "?" if row % 20 == 0 else _one(random, ["Sales", "Craft-repair", "Exec-managerial"]),
            _one(random, ["Male", "Female"]),
            _one(random, [0, 0, 0, 2174]),
            hours,
            "?" if row % 50 == 7 else _one(random, ["United-States", "Mexico", "Germany"]),
            (">50K" if rich else "<=50K") + end,
        ]
        lines.append(", ".join(map(str, cells)))
    return ("\n".join(lines) + "\n\n").encode()


def bank() -> dict[str, bytes]:
    """`;` between fields, every text quoted, `unknown` as an answer."""
    random = np.random.default_rng(3)
    out = io.StringIO()
    rows = csv.writer(out, delimiter=";", quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    rows.writerow(
        [
            "age",
            "job",
            "marital",
            "default",
            "balance",
            "housing",
            "contact",
            "day",
            "month",
            "duration",
            "campaign",
            "pdays",
            "poutcome",
            "y",
        ]
    )
    for _ in range(400):
        before = _one(random, ["success", "failure", "unknown", "unknown"])
        balance = int(random.normal(1500, 1200))
        said = (before == "success") * 2 + balance / 2000 + random.normal(0, 0.5) > 1.8
        rows.writerow(
            [
                int(random.integers(18, 90)),
                _one(random, ["admin.", "blue-collar", "student", "unknown"]),
                _one(random, ["married", "single", "divorced"]),
                _one(random, ["no", "no", "no", "yes", "unknown"]),
                balance,
                _one(random, ["yes", "no"]),
                _one(random, ["cellular", "unknown"]),
                int(random.integers(1, 32)),
                _one(random, ["may", "jun", "nov"]),
                int(random.integers(5, 900)),
                int(random.integers(1, 9)),
                -1 if before == "unknown" else int(random.integers(1, 400)),
                before,
                "yes" if said else "no",
            ]
        )
    return {"bank-full.csv": out.getvalue().encode()}


def titanic() -> dict[str, bytes]:
    """Names with commas and quotes, few cabins, many ages missing, an `NA` for a harbour."""
    random = np.random.default_rng(4)
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\r\n")
    rows.writerow(
        [
            "PassengerId",
            "Survived",
            "Pclass",
            "Name",
            "Sex",
            "Age",
            "SibSp",
            "Parch",
            "Ticket",
            "Fare",
            "Cabin",
            "Embarked",
        ]
    )
    for number in range(1, 301):
        sex, fare_class = _one(random, ["male", "female"]), int(random.integers(1, 4))
        lived = (sex == "female") * 2.0 - fare_class / 2 + random.normal(0, 0.6) > 0
        rows.writerow(
            [
                number,
                int(lived),
                fare_class,
                f'Doe{number}, {"Mrs" if sex == "female" else "Mr"}. A "{number}" (B, C)',
                sex,
                "" if number % 5 == 0 else _one(random, [0.42, 22.0, 35.5, 61.0]),
                int(random.integers(0, 3)),
                int(random.integers(0, 3)),
                f"PC {number}",
                round(float(random.gamma(2, 15)), 4),
                f"C{number}" if number % 5 == 0 else "",
                "NA" if number % 100 == 3 else _one(random, ["S", "C", "Q"]),
            ]
        )
    return {"train.csv": out.getvalue().encode()}


def energy() -> dict[str, bytes]:
    """A file a month, UTF-8 with a mark; January's last two days stand in February's too."""
    january = _meters(datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 31, tzinfo=UTC))
    february = _meters(datetime(2024, 1, 29, tzinfo=UTC), datetime(2024, 3, 1, tzinfo=UTC))
    return {
        "2024-01.csv": january.encode("utf-8-sig"),
        "2024-02.csv": february.encode("utf-8-sig"),
    }


def _meters(start: datetime, end: datetime) -> str:
    lines = ["Messung;Zeitstempel;Zähler;Außentemperatur;Fläche;Verbrauch (kWh)"]
    origin, at = datetime(2024, 1, 1, tzinfo=UTC), start
    while at < end:
        for place, (meter, base) in enumerate(
            [("Büro", 1200.0), ("Werkhalle", 9000.0), ("Kühlhaus", 4000.0)]
        ):
            number = int((at - origin) / timedelta(hours=8)) * 3 + place + 100_000
            random = np.random.default_rng(number)
            outside, area = random.normal(3, 6), 500.0 + 1000 * place
            used = base - 40 * outside + random.normal(0, 30)
            lines.append(
                f"{_german(number, 0)};{at:%d.%m.%Y %H:%M};{meter};{_german(outside, 1)};"
                f"{_german(area, 2)};{_german(max(used, 1), 3)}"
            )
        at += timedelta(hours=8)
    return "\r\n".join(lines) + "\r\n"


def air() -> dict[str, bytes]:
    """Date and time apart, -200 for what was not measured, `;;` and empty rows at the end."""
    random = np.random.default_rng(5)
    lines = ["Date;Time;CO(GT);PT08.S1(CO);NMHC(GT);C6H6(GT);T;RH;;"]
    start = datetime(2004, 3, 10, 18, tzinfo=UTC)
    for hour in range(400):
        at = start + timedelta(hours=hour)
        benzene = random.gamma(3, 3)
        sensor = [
            "-200" if hour % 5 == 0 else _german(benzene / 4, 1),
            "-200" if hour % 40 == 1 else str(int(700 + 60 * benzene)),
            "-200" if hour % 10 else "150",
            "-200,0" if hour % 40 == 1 else _german(benzene, 1),
            _german(random.normal(15, 6), 1),
            _german(random.uniform(20, 80), 1),
        ]
        lines.append(f"{at:%d/%m/%Y};{at:%H.%M.%S};{';'.join(sensor)};;")
    lines += [";" * 9] * 20
    return {"AirQuality.csv": ("\r\n".join(lines) + "\r\n\r\n").encode()}


def _german(number: float, places: int) -> str:
    return f"{number:,.{places}f}".translate(str.maketrans(",.", ".,"))


def _one(random, choices):
    return choices[random.integers(len(choices))]
