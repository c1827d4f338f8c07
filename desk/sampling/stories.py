"""What a screenshot can show: a story is a window title, rows of text, and its key words.

Only characters of the font bundled with Pillow are used, which are those of ASCII.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Literal

RowKind = Literal["heading", "text", "pair", "bubble", "bar", "button"]

CITIES = ("Lisbon", "Oslo", "Vienna", "Dublin", "Prague", "Zurich", "Madrid", "Helsinki", "Porto")
VENDORS = ("Northwind Paper", "Acme Supplies", "Bluebird Energy", "Summit Telecom", "Harbor Foods")
PEOPLE = ("Marta", "Jonas", "Priya", "Tomas", "Ingrid", "Samuel", "Leila", "Victor")
MONTHS = ("January", "February", "March", "April", "May", "June", "September", "October")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a window; ``value`` is the right column, the side of a bubble or a percentage."""

    kind: RowKind
    text: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Story:
    """The content of one screenshot and the words a fitting file name would use."""

    kind: str
    title: str
    rows: tuple[Row, ...]
    keywords: tuple[str, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """Every distinct word of three letters or more that stands in the picture."""
        texts = [self.title]
        for row in self.rows:
            texts += [row.text, row.value if row.kind == "pair" else ""]
        found = re.findall(r"[a-z0-9]{3,}", " ".join(texts).lower())
        return tuple(dict.fromkeys(found))


def tell(random: Random, count: int) -> list[Story]:
    """Tell that many stories, all of different kinds as long as there are enough kinds."""
    order = list(STORIES)
    random.shuffle(order)
    return [order[number % len(order)](random) for number in range(count)]


def _heading(text: str) -> Row:
    return Row("heading", text)


def _lines(*texts: str) -> tuple[Row, ...]:
    return tuple(Row("text", text) for text in texts)


def _pairs(**values: str) -> tuple[Row, ...]:
    return tuple(Row("pair", label.replace("_", " "), text) for label, text in values.items())


def _amount(random: Random, low: int, high: int) -> str:
    return f"{random.randrange(low, high)}.{random.randrange(100):02d}"


def _day(random: Random) -> str:
    return f"{random.randrange(1, 28)} {random.choice(MONTHS)} 2026"


def _clock(random: Random) -> str:
    return f"{random.randrange(6, 22):02d}:{random.choice((0, 5, 15, 20, 30, 45)):02d}"


def _invoice(random: Random) -> Story:
    vendor, number = random.choice(VENDORS), f"INV-{random.randrange(1000, 9999)}"
    month, day = random.randrange(len(MONTHS) - 1), random.randrange(1, 28)
    paper, chairs = random.randrange(4000, 9000), random.randrange(20000, 60000)
    issued, due = (f"{day} {MONTHS[place]} 2026" for place in (month, month + 1))
    return Story(
        "invoice",
        f"Invoice {number} - {vendor}",
        (
            _heading("INVOICE"),
            *_pairs(From=vendor, Invoice_number=number, Issued=issued, Due=due),
            *_pairs(Printer_cartridges=f"EUR {paper / 100:.2f}"),
            *_pairs(Office_chairs=f"EUR {chairs / 100:.2f}"),
            *_pairs(Total_due=f"EUR {(paper + chairs) / 100:.2f}"),
            Row("text", "Please pay within 30 days. Thank you for your business."),
        ),
        ("invoice", *vendor.lower().split(), number.lower()),
    )


def _flight(random: Random) -> Story:
    start, end = random.sample(CITIES, 2)
    airline = random.choice(("Aurora Air", "Blue Wing", "Condor Lines"))
    flight = f"{random.choice('ABK')}{random.choice('XYZ')}{random.randrange(200, 989)}"
    return Story(
        "flight",
        f"{airline} - Booking confirmation",
        (
            _heading("Your flight is confirmed"),
            *_lines(f"{start} to {end}"),
            *_pairs(Flight=flight, Date=_day(random), Departure=_clock(random)),
            *_pairs(
                Passenger=f"{random.choice(PEOPLE)} Lindholm", Seat=f"{random.randrange(9, 30)}C"
            ),
            *_pairs(Booking_reference=f"Q{random.randrange(10, 99)}T{random.randrange(10, 99)}"),
            Row("button", "Check in online"),
        ),
        ("flight", "confirmation", "booking", start.lower(), end.lower(), flight.lower()),
    )


def _error(random: Random) -> Story:
    program = random.choice(("PhotoStudio", "LedgerPro", "MailRoom", "CloudSync"))
    code, cause = random.choice(
        (
            ("0x80070057", "The parameter is incorrect."),
            ("E1042", "The disk is full."),
            ("ERR-503", "The server did not answer in time."),
        )
    )
    return Story(
        "error",
        f"{program} - Error",
        (
            _heading(f"{program} has stopped working"),
            *_lines(f"Error code {code}", cause, "Your unsaved changes may be lost."),
            *_lines(f"Details were written to {program.lower()}.log"),
            Row("button", "Close program"),
        ),
        ("error", program.lower(), *code.lower().split("-"), "stopped"),
    )


def _recipe(random: Random) -> Story:
    dish, first, second = random.choice(
        (
            ("Mushroom Risotto", "300 g risotto rice", "250 g mushrooms"),
            ("Lemon Chicken Soup", "400 g chicken breast", "2 lemons"),
            ("Banana Pancakes", "3 ripe bananas", "150 g oat flour"),
            ("Spinach Lasagna", "500 g fresh spinach", "9 lasagna sheets"),
        )
    )
    return Story(
        "recipe",
        f"Recipe: {dish}",
        (
            _heading(dish),
            *_lines(
                f"Serves {random.randrange(2, 7)}, ready in {random.randrange(25, 70)} minutes"
            ),
            *_lines("Ingredients", f"- {first}", f"- {second}", "- 1 onion, salt and pepper"),
            *_lines(
                "Method", "1. Chop the onion and fry it gently.", "2. Add the rest and simmer."
            ),
        ),
        ("recipe", *dish.lower().split()),
    )


def _chat(random: Random) -> Story:
    friend = random.choice(PEOPLE)
    topic, question, answer = random.choice(
        (
            (
                "birthday",
                "Are you coming to the birthday party on Saturday?",
                "Yes, I bring a cake",
            ),
            ("hiking", "Shall we go hiking near the lake on Sunday?", "Great, I pack the tent"),
            ("moving", "Can you help me moving the sofa tomorrow?", "Sure, I have a van"),
        )
    )
    return Story(
        "chat",
        f"Chat with {friend}",
        (
            _heading(friend),
            Row("bubble", f"Hi! {question}", "them"),
            Row("bubble", f"{answer} :)", "me"),
            Row("bubble", f"Perfect, see you at {_clock(random)}", "them"),
            Row("bubble", "Looking forward to it", "me"),
        ),
        ("chat", friend.lower(), topic),
    )


def _chart(random: Random) -> Story:
    subject = random.choice(("Revenue", "Visitors", "Energy use", "Support tickets"))
    quarters = tuple(
        Row("bar", f"Quarter {number}", str(random.randrange(12, 98))) for number in range(1, 5)
    )
    return Story(
        "chart",
        f"Dashboard - {subject}",
        (
            _heading(f"{subject} by quarter, 2025"),
            *quarters,
            *_lines(f"Change against last year: +{random.randrange(3, 19)} percent"),
        ),
        ("chart", "dashboard", "quarter", "quarterly", *subject.lower().split()),
    )


def _calendar(random: Random) -> Story:
    event = random.choice(("Budget review", "Design workshop", "Dentist appointment", "Team lunch"))
    return Story(
        "calendar",
        "Calendar",
        (
            _heading(event),
            *_pairs(
                When=f"{_day(random)} at {_clock(random)}", Where=f"Room {random.choice(CITIES)}"
            ),
            *_pairs(Organizer=random.choice(PEOPLE), Reminder="15 minutes before"),
            *_lines("Invited: " + ", ".join(random.sample(PEOPLE, 3))),
            Row("button", "Accept invitation"),
        ),
        ("calendar", "invitation", "event", *event.lower().split()),
    )


def _weather(random: Random) -> Story:
    city = random.choice(CITIES)
    sky = random.choice(("Light rain", "Heavy snow", "Sunny", "Thunderstorm"))
    days = {
        day: f"{random.randrange(2, 15)} to {random.randrange(16, 29)} degrees"
        for day in ("Monday", "Tuesday", "Wednesday", "Thursday")
    }
    return Story(
        "weather",
        f"Weather in {city}",
        (
            _heading(f"{city}: {sky}"),
            *_lines("Forecast for the next four days"),
            *_pairs(**days),
            *_pairs(Humidity=f"{random.randrange(35, 95)} percent"),
        ),
        ("weather", "forecast", city.lower(), *sky.lower().split()),
    )


def _transfer(random: Random) -> Story:
    payee, amount = random.choice(VENDORS), _amount(random, 50, 980)
    return Story(
        "transfer",
        "Harbor Bank - Online banking",
        (
            _heading("Transfer completed"),
            *_pairs(Recipient=payee, Amount=f"EUR {amount}", Date=_day(random)),
            *_pairs(Purpose=random.choice(("Rent for May", "Deposit", "Membership fee"))),
            *_pairs(Transaction=f"TX{random.randrange(100000, 999999)}"),
            *_lines("The money will arrive within one working day."),
        ),
        ("transfer", "bank", "payment", "transaction", *payee.lower().split()),
    )


def _parcel(random: Random) -> Story:
    carrier = random.choice(("SwiftParcel", "PostNordic", "RoadRunner Express"))
    return Story(
        "parcel",
        f"{carrier} - Track your parcel",
        (
            _heading("Out for delivery"),
            *_pairs(Tracking_number=f"SP{random.randrange(10**7, 10**8)}"),
            *_pairs(Arrives=f"today before {_clock(random)}", From=random.choice(CITIES)),
            *_lines("Parcel picked up", "Arrived at the sorting center", "Loaded into the vehicle"),
            Row("button", "Change delivery address"),
        ),
        ("parcel", "tracking", "delivery", "package", *carrier.lower().split()),
    )


def _code(random: Random) -> Story:
    subject = random.choice(("inventory", "payment", "scheduler", "thermostat"))
    return Story(
        "code",
        f"{subject}.py - Code Editor",
        _lines(
            f"class {subject.title()}:",
            f"    def update_{subject}(self, value):",
            "        if value is None:",
            f'            raise ValueError("{subject} is missing")',
            "        self.history.append(value)",
            f"        return len(self.history) * {random.randrange(2, 60)}",
            f"# line {random.randrange(20, 180)}, Python 3.12, no problems found",
        ),
        ("code", "python", "editor", subject),
    )


def _quiz(random: Random) -> Story:
    subject, question, answers = random.choice(
        (
            ("Geography", "Which river flows through Vienna?", ("Danube", "Rhine", "Elbe")),
            ("Biology", "Which organ pumps the blood?", ("Heart", "Liver", "Lung")),
            ("History", "Who painted the Mona Lisa?", ("Leonardo", "Raphael", "Titian")),
        )
    )
    options = (
        Row("text", f"{letter}) {text}") for letter, text in zip("ABC", answers, strict=True)
    )
    return Story(
        "quiz",
        f"{subject} quiz",
        (
            _heading(f"{subject} quiz: question {random.randrange(2, 12)} of 12"),
            *_lines(question),
            *options,
            Row("button", "Submit answer"),
        ),
        ("quiz", "question", subject.lower()),
    )


STORIES: tuple[Callable[[Random], Story], ...] = (
    _invoice,
    _flight,
    _error,
    _recipe,
    _chat,
    _chart,
    _calendar,
    _weather,
    _transfer,
    _parcel,
    _code,
    _quiz,
)
