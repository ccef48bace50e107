"""How fast the bench is in a browser on many images, and what a thousand labels at once take.

    PLANKTON_CAMERA_RATE=0 make run            # in one terminal, on a fresh PLANKTON_HOME
    python benchmarks/page.py                  # in another: fills it with 100,000 images first

Each time is from the key press to the frame in which the last of at least 200 tiles in view has its
picture and its name, in Chromium at 1920 by 1080. Pages of arriving images and of proposals
are asked for ahead, while somebody looks: the pause before each key is `--look` seconds. Filters
and labels can't be known before.
"""

import json
import statistics
import time
import urllib.request
import uuid
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

import typer
from paging.browser import DRAWN_ANEW, NAMED, TILES, bench, timed
from paging.filling import fill

from plankton_stream.adapters.kafka.reading import KafkaLogReader
from plankton_stream.events import topics
from plankton_stream.settings import Settings, load_settings

ALL_AT_ONCE = 1_000
_TO_THE_ONE_BEFORE = """(list, value) => {
  list.value = value;
  list.selectedIndex -= 1;
  return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
}"""
PATIENCE_S = 60.0


def main(
    *,
    images: Annotated[int, typer.Option(help="Fill up to so many first.")] = 100_000,
    tries: Annotated[int, typer.Option(help="Of each.")] = 30,
    look: Annotated[float, typer.Option(help="Seconds before each key.")] = 1.0,
) -> None:
    """Print a table of times, and what became of a thousand labels."""
    settings = load_settings()
    fill(settings, images)
    print(
        f"| {images:,} images, at least {TILES} tiles in view | median, ms | p95, ms | worst, ms |"
    )
    print("|---|---|---|---|")
    with bench(settings.web_url) as page:
        for name, one in (
            ("next page of a queue", queue_pages),
            ("next screen of arriving images", arriving_screens),
            ("another camera, arriving images", filters),
            ("the next predicted taxon, queue", queue_filters),
            ("any predicted taxon, queue", queue_jumps),
            ("another camera, 500 neighbours", neighbour_filters),
            ("a name for 200", labels),
        ):
            print(row(name, one(page, tries, look)), flush=True)
    thousand(settings, 5)


def queue_pages(page: Any, tries: int, look: float) -> list[float]:
    """N in the queue of sure proposals."""
    page.goto("/?queue=predicted")
    return repeated(page, tries, look, lambda _: page.keyboard.press("n"), DRAWN_ANEW)


def arriving_screens(page: Any, tries: int, look: float) -> list[float]:
    """N through the newest images; four screens, then from the start."""
    is_there = "() => inView().every(isDrawn)"
    spent: list[float] = []
    while len(spent) < tries:
        page.goto("/")
        some = min(4, tries - len(spent))
        spent += repeated(page, some, look, lambda _: page.keyboard.press("n"), is_there)
    return spent


def filters(page: Any, tries: int, look: float) -> list[float]:
    """Arrow down in the list of cameras: each is chosen in turn."""
    page.goto("/")
    return _choose(page, "camera", tries, look)


def queue_filters(page: Any, tries: int, look: float) -> list[float]:
    """The same in the list of predicted taxa, over a queue; most images first."""
    page.goto("/?queue=predicted")
    return _choose(page, "predicted", tries, look)


def queue_jumps(page: Any, tries: int, look: float) -> list[float]:
    """The same, but to a taxon that does not lie beside the last one in the list."""
    page.goto("/?queue=predicted")
    return _choose(page, "predicted", tries, look, step=7)


def neighbour_filters(page: Any, tries: int, look: float) -> list[float]:
    """Another camera's neighbours of one image."""
    page.goto("/")
    page.wait_for_function("() => window.first()")
    page.goto(f"/?like={page.evaluate('() => window.first()')}&k=500")
    return _choose(page, "camera", tries, look, is_there="() => window.drawn()")


def labels(page: Any, tries: int, look: float) -> list[float]:
    """A number key names 200 selected tiles; between tries it is undone."""
    name = page.request.get("/api/v1/session").json()["name"]
    page.add_init_script(f"localStorage.setItem('plankton.recent-taxa.{name}', '[\"copepod\"]')")
    page.goto("/?state=unlabelled")
    page.wait_for_function("() => window.drawn()")
    spent = []
    for _ in range(tries):
        page.locator("#grid .tile").first.hover()
        page.locator("#grid .tile .pick").first.click()
        page.locator("#grid .tile").nth(TILES - 1).click(modifiers=["Shift"])
        page.wait_for_timeout(1_000 * look)
        spent.append(timed(page, lambda: page.keyboard.press("1"), NAMED))
        page.keyboard.press("u")
        page.wait_for_function("() => !document.querySelector('#grid .validated')")
    return spent


def _choose(
    page: Any, field: str, tries: int, look: float, *, step: int = 1, is_there: str = DRAWN_ANEW
) -> list[float]:
    page.keyboard.press("f")
    page.wait_for_function("(id) => document.getElementById(id).options.length > 1", arg=field)
    chosen = page.locator(f"#{field}")
    chosen.focus()
    values = chosen.evaluate("(list) => [...list.options].map((option) => option.value).slice(1)")
    if field == "predicted":
        values = _well_filled(page, values)

    def press(number: int) -> None:
        # To the option before the wanted one, unheard, and drawn; the key then goes one down.
        wanted = values[step * number % len(values)]
        chosen.evaluate(_TO_THE_ONE_BEFORE, wanted)
        page.keyboard.press("ArrowDown")

    return repeated(page, tries, look, press, is_there)


def _well_filled(page: Any, taxa: list[str]) -> list[str]:
    said = page.evaluate("() => fetch('/api/v1/queues').then((answer) => answer.json())")
    images = {one["taxon"]: one["images"] for one in said["predicted"]}
    return [taxon for taxon in taxa if images[taxon] > 2 * TILES]


def repeated(
    page: Any, tries: int, look: float, press: Callable[[int], None], is_there: str
) -> list[float]:
    """Times of several tries, after one that is not counted."""
    page.wait_for_function("() => window.drawn()")
    spent = []
    for number in range(tries + 1):
        page.wait_for_timeout(1_000 * look)
        spent.append(timed(page, partial(press, number), is_there))
    return spent[1:]


def row(name: str, spent: list[float]) -> str:
    """A line of the table."""
    p95 = sorted(spent)[round(0.95 * (len(spent) - 1))]
    return f"| {name} | {statistics.median(spent):.0f} | {p95:.0f} | {max(spent):.0f} |"


def thousand(settings: Settings, tries: int) -> None:
    """A thousand labels in one action, their events in the topic, and one undo."""
    api = f"{settings.web_url}/api/v1"
    some = call(f"{api}/images?state=unlabelled&limit={ALL_AT_ONCE}")
    ids = [one["image_id"] for one in some["images"]]
    reader = KafkaLogReader(settings.kafka_bootstrap)
    times = []
    for _ in range(tries):
        before = end(reader)
        start = time.perf_counter()
        body = {"image_ids": ids, "taxon": "copepod"}
        action = call(f"{api}/labels", "POST", body)["action_id"]
        times.append(time.perf_counter() - start)
        arrived = wait(partial(_has_grown, reader, before, ALL_AT_ONCE))
        start = time.perf_counter()
        back = call(f"{api}/actions/{action}", "DELETE")["images"]
        undone = time.perf_counter() - start
        named = sum(one["taxon"] is not None for one in back)
        wait(partial(_has_grown, reader, before, 2 * ALL_AT_ONCE))
        print(
            f"{len(ids):,} labels answered after {times[-1]:.2f} s, all events in the topic "
            f"{arrived:.1f} s later; undone in {undone:.2f} s, still named: {named}"
        )
    reader.close()
    print(f"{len(ids):,} labels: median {statistics.median(times):.2f} s, worst {max(times):.2f} s")


def end(reader: KafkaLogReader) -> int:
    """Records of the label topic so far."""
    return sum(span.end for span in reader.spans(topics.LABELS).values())


def _has_grown(reader: KafkaLogReader, before: int, by: int) -> bool:
    return end(reader) - before >= by


def wait(is_done: Callable[[], bool]) -> float:
    """Seconds until something is done."""
    start = time.perf_counter()
    while not is_done():
        if time.perf_counter() - start > PATIENCE_S:
            raise SystemExit("not all label events came: does the relay run?")
        time.sleep(0.02)
    return time.perf_counter() - start


def call(url: str, method: str = "GET", body: Any = None) -> Any:
    """A JSON answer."""
    headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
    data = None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request(url, data, headers, method=method)
    with urllib.request.urlopen(asked) as answer:
        return json.load(answer)


if __name__ == "__main__":
    typer.run(main)
