"""The gallery's page in a real browser: from the disk, with keys, on paper and on a phone."""

import base64
import hashlib
import json
import re

import pytest
from PIL import Image

pytest.importorskip("selenium", reason="the page is tested with Selenium")
from convlab_gallery import site
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from convlab.viz import style

HOSTILE = """</title><script>window.hacked = 1</script> & "two" 'quotes' {{ 7 * 7 }}"""
ATTRIBUTE = '"><img src="x" onerror="window.hacked = 2"><b class="'
COMMAND = """convlab render filters "my runs/<b>lenet5</b>" --classes 'a & b' -o hostile.png"""
LONG = "convlab render arithmetic --values " + "0123456789" * 12 + ".csv -o tall.png"

LIGHT, DARK = (255, 255, 255), (18, 23, 29)


def entry(name, size, **more):
    """An entry of the page with made-up texts."""
    suffix = "gif" if more.get("animated") else "png"
    return {
        "id": name,
        "title": f"Title of {name}",
        "idea": f"What {name} is about.",
        "concept": "convolution",
        "command": f"convlab render {name} -o {name}.{suffix}",
        "picture": f"pictures/{name}.{suffix}",
        "picture_dark": f"pictures/{name}-dark.{suffix}",
        "width": size[0],
        "height": size[1],
        "animated": False,
        "alt": f"What the picture {name} shows.",
        "numbers": f"data/{name}.json",
    } | more


def animation(name):
    stills = {
        "still": f"pictures/{name}-still.png",
        "still_dark": f"pictures/{name}-still-dark.png",
    }
    return entry(name, (160, 90), animated=True, concept="stride", **stills)


ENTRIES = [
    entry("wide", (320, 180), idea="Neighbouring pixels look alike."),
    animation("slide"),
    animation("scan"),
    entry("tall", (90, 480), command=LONG, concept="Receptive field"),
    entry("hostile", (200, 200), title=HOSTILE, idea=ATTRIBUTE, command=COMMAND, alt=ATTRIBUTE),
    entry("last", (320, 180), concept="pooling"),
]
CONTEXT = {
    "title": f"A gallery {HOSTILE}",
    "data": 'cats & "dogs"',
    "version": "0.1.0",
    "runs": [{"command": "convlab train --snapshots"}],
    "chapters": [
        {"id": "first", "title": "Images & more", "entries": ENTRIES[:3]},
        {"id": "second", "title": HOSTILE, "entries": ENTRIES[3:5]},
        # The same id as an entry's: each has its own place in the page.
        {"id": "last", "title": "Pooling", "entries": ENTRIES[5:]},
    ],
}
IDS = [made["id"] for made in ENTRIES]


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """The address of a page, rendered into a folder with its pictures."""
    folder = tmp_path_factory.mktemp("a gallery")
    (folder / "pictures").mkdir()
    (folder / "data").mkdir()
    for made in ENTRIES:
        size = made["width"], made["height"]
        for key, colour in (("picture", LIGHT), ("picture_dark", DARK)):
            first, *rest = [Image.new("RGB", size, colour), Image.new("RGB", size, (99, 9, 9))]
            moving = {"save_all": True, "append_images": rest, "duration": 200, "loop": 0}
            first.save(folder / made[key], **(moving if made["animated"] else {}))
        for key, colour in (("still", LIGHT), ("still_dark", DARK)):
            if key in made:
                Image.new("RGB", size, colour).save(folder / made[key])
        (folder / made["numbers"]).write_text("{}")
    (folder / "index.html").write_text(site.render(CONTEXT), encoding="utf-8")
    return (folder / "index.html").as_uri()


@pytest.fixture(scope="module")
def driver(browser):
    """The browser, given back as it was."""
    yield browser
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


class Reader:
    """What a reader sees of the page and does with it."""

    def __init__(self, driver, url):
        self.driver, self.url = driver, url

    def open(self, fragment=""):
        if fragment:
            self.driver.get("about:blank")  # else nothing would be loaded
        self.driver.get(self.url + fragment)

    def js(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def find(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def visible(self, selector):
        return [element for element in self.all(selector) if element.is_displayed()]

    def keys(self, *keys):
        ActionChains(self.driver).send_keys(*keys).perform()

    def wait(self, condition):
        """Wait until a condition holds; returns what it gave."""
        return WebDriverWait(self.driver, 5, 0.05).until(lambda _: condition())

    def screen(self, width, height):
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def prefers(self, colours="light", motion="no-preference"):
        features = [("prefers-color-scheme", colours), ("prefers-reduced-motion", motion)]
        asked = [{"name": name, "value": value} for name, value in features]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": asked})

    def shows(self, selector):
        """The name of the file that a picture shows, once it is loaded."""
        picture = self.find(f"{selector} img")
        self.js("arguments[0].loading = 'eager'", picture)
        self.wait(lambda: self.js("return arguments[0].complete", picture))
        return self.js("return arguments[0].currentSrc", picture).rpartition("/")[2]

    def articles(self):
        return [article.get_attribute("id") for article in self.visible("article")]

    def found(self):
        return self.find("#page-found").text

    def large(self):
        """The entry that is shown large; None while the dialog is closed."""
        return self.js("return document.querySelector('dialog[open] picture')?.dataset.entry")

    def log(self):
        return [line["message"] for line in self.driver.get_log("browser")]


@pytest.fixture
def reader(driver, url):
    """A reader who opens the page for the first time, on a projector."""
    reader = Reader(driver, url)
    reader.screen(1600, 900)
    reader.prefers()
    reader.open()
    yield reader
    assert reader.log() == []
    reader.js("localStorage.clear()")


@pytest.mark.slow
def test_the_page_has_the_colours_of_the_figures():
    text = (site.TEMPLATE / "style.css").read_text(encoding="utf-8")
    pairs = re.findall(r"--([a-z-]+): light-dark\((#\w{6}), (#\w{6})\);", text)
    assert len(pairs) == len(re.findall(r"#[0-9A-F]{6}\b", text)) / 2 == 8
    for name, light, dark in pairs:
        role = name.replace("-", "_")
        assert getattr(style.THEMES["light"], role) == light
        assert getattr(style.THEMES["dark"], role) == dark


# --- loading ------------------------------------------------------------------------------


def test_the_page_asks_for_nothing_but_its_own_pictures(reader):
    reader.driver.get_log("performance")
    reader.open()
    for article in IDS:
        reader.js("document.getElementById(arguments[0]).scrollIntoView()", article)
        assert reader.shows(f"#{article}")
    events = [
        json.loads(line["message"])["message"] for line in reader.driver.get_log("performance")
    ]
    asked = {
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    } - {"about:blank"}
    folder = reader.url.rsplit("/", 1)[0]
    assert asked == {reader.url} | {f"{folder}/{made['picture']}" for made in ENTRIES}


@pytest.mark.slow
@pytest.mark.parametrize(
    "code",
    [
        "const i = new Image(); i.src = 'https://example.invalid/a.png'; document.body.append(i)",
        "fetch('https://example.invalid/a.json').catch(() => 0)",
        "const s = document.createElement('script'); s.src = 'a.js'; document.body.append(s)",
    ],
    ids=["picture", "fetch", "script"],
)
def test_the_policy_refuses_requests_to_elsewhere(reader, code):
    reader.js(
        "window.refused = [];"
        "addEventListener('securitypolicyviolation', (event) => refused.push(event.disposition));"
        + code
    )
    assert reader.wait(lambda: reader.js("return refused")) == ["enforce"]
    assert reader.log() != []  # the browser tells of the refusal, and of nothing else below


def test_texts_stay_texts(reader):
    hostile = reader.find("#hostile")
    # The order and form of what was written, not what it would be as markup.
    assert hostile.find_element(By.CSS_SELECTOR, "h3").get_property("textContent") == HOSTILE
    assert hostile.find_element(By.CSS_SELECTOR, ".idea").get_property("textContent") == ATTRIBUTE
    assert hostile.find_element(By.CSS_SELECTOR, "code").get_property("textContent") == COMMAND
    assert hostile.find_element(By.CSS_SELECTOR, "img").get_attribute("alt") == ATTRIBUTE
    assert reader.driver.title == f"A gallery {HOSTILE}"
    assert reader.find("h1").get_property("textContent") == f"A gallery {HOSTILE}"
    assert reader.find("#chapter-second h2").get_property("textContent") == HOSTILE
    assert 'the data set cats & "dogs"' in reader.find("main").text
    assert len(reader.all("img")) == len(ENTRIES)
    assert reader.all("b, [onerror], [onclick]") == []
    assert reader.js("return window.hacked ?? null") is None
    reader.find("#hostile .enlarge").click()
    assert reader.find("#page-large-title").text == HOSTILE


def test_every_picture_has_its_alternative_text_and_its_size(reader):
    for made in ENTRIES:
        picture = reader.find(f"#{made['id']} img")
        assert picture.get_attribute("alt") == made["alt"]
        assert int(picture.get_dom_attribute("width")) == made["width"]
        assert int(picture.get_dom_attribute("height")) == made["height"]
        assert picture.get_dom_attribute("loading") == "lazy"
        # Its place is kept while it is not yet loaded, so that nothing jumps.
        ratio = f"auto {made['width']} / {made['height']}"
        assert picture.value_of_css_property("aspect-ratio") == ratio
        box = picture.rect
        assert box["width"] / box["height"] == pytest.approx(
            made["width"] / made["height"], rel=0.03
        )
        assert box["height"] <= 640.5


@pytest.mark.slow
def test_the_trainings_can_be_read_and_copied(reader):
    assert reader.visible(".intro code") == []
    reader.find("summary").click()
    assert [code.text for code in reader.visible(".intro code")] == ["convlab train --snapshots"]
    assert len(reader.visible(".intro .copy")) == 1


@pytest.mark.slow
def test_links_lead_to_the_files_of_an_entry(reader):
    base = reader.url.rsplit("/", 1)[0]
    for made in ENTRIES:
        links = reader.all(f"#{made['id']} .links a")
        assert [(link.text, link.get_attribute("href")) for link in links] == [
            ("Picture", f"{base}/{made['picture']}"),
            ("Dark picture", f"{base}/{made['picture_dark']}"),
            ("Numbers (JSON)", f"{base}/{made['numbers']}"),
            ("Link", f"{reader.url}#{made['id']}"),
        ]


@pytest.mark.slow
def test_a_link_opens_at_its_entry(reader):
    reader.open("#tall")
    top = reader.js("return document.getElementById('tall').getBoundingClientRect().top")
    assert abs(top) < 2
    assert reader.js("return document.querySelector(':target').id") == "tall"
    # The chapter that is read is told in the navigation.
    reader.wait(lambda: reader.visible("nav [aria-current]"))
    assert reader.find("nav [aria-current]").get_property("hash") == "#chapter-second"


def test_ids_are_unique(reader):
    ids = reader.js("return [...document.querySelectorAll('[id]')].map((element) => element.id)")
    assert len(ids) == len(set(ids))


# --- search -------------------------------------------------------------------------------


SEARCHES = {
    "title of TALL": ["tall"],
    "neighbouring": ["wide"],
    "stride": ["slide", "scan"],
    "  scan   STRIDE ": ["scan"],
    "render last": ["last"],
    "receptive": ["tall"],
    "<script>window": ["hostile"],
}


def test_search_narrows_by_title_idea_concept_and_command(reader):
    assert reader.found() == "6 pictures"
    box = reader.find("#page-search")
    reader.screen(1600, 400)
    for typed, expected in SEARCHES.items():
        box.send_keys(Keys.ESCAPE)
        reader.js("scrollTo(0, 200)")
        box.send_keys(typed)
        assert reader.articles() == expected
        assert reader.found() == f"{len(expected)} of 6 pictures"
        chapters = [chapter.get_attribute("id") for chapter in reader.visible(".chapter")]
        assert chapters == [link.get_property("hash")[1:] for link in reader.visible("nav a")]
        assert len(chapters) == 1
        assert reader.js("return scrollY") == 0  # what is found is in sight


@pytest.mark.slow
def test_search_says_when_nothing_matches_and_comes_back(reader):
    box = reader.find("#page-search")
    box.send_keys("transformer")
    assert reader.articles() == []
    assert reader.found() == "no picture matches"
    assert reader.find("#page-found").get_attribute("role") == "status"
    box.send_keys(Keys.ESCAPE)
    assert (reader.articles(), reader.found()) == (IDS, "6 pictures")


@pytest.mark.slow
def test_a_link_to_an_entry_that_is_filtered_away_shows_it(reader):
    reader.find("#page-search").send_keys("stride")
    reader.js("location.hash = 'tall'")
    reader.wait(lambda: reader.articles() == IDS)
    top = reader.js("return document.getElementById('tall').getBoundingClientRect().top")
    assert abs(top) < 2


# --- one picture, large -------------------------------------------------------------------


def focused_entry(reader):
    return reader.js("return document.activeElement.closest('article')?.id ?? null")


def test_a_click_enlarges_and_escape_gives_the_focus_back(reader):
    small = reader.find("#wide img").size
    reader.find("#wide .enlarge").click()
    assert reader.large() == "wide"
    assert reader.find("#page-large-title").text == "Title of wide"
    assert reader.find("#page-large-place").text == "1 of 6"
    large = reader.find("dialog img")
    assert large.size["width"] > small["width"]
    assert large.get_attribute("alt") == "What the picture wide shows."
    reader.keys(Keys.ESCAPE)
    assert reader.large() is None
    reader.wait(lambda: focused_entry(reader) == "wide")
    assert reader.js("return document.activeElement.className") == "enlarge"


@pytest.mark.slow
def test_enter_enlarges_and_arrows_step_through_what_is_found(reader):
    reader.find("#page-search").send_keys("a")  # all but the one without that letter
    found = reader.articles()
    reader.find("#slide .enlarge").send_keys(Keys.ENTER)
    start = found.index("slide")
    assert reader.find("#page-large-place").text == f"{start + 1} of {len(found)}"
    for key, by in (
        (Keys.ARROW_RIGHT, 1),
        (Keys.PAGE_DOWN, 1),
        (Keys.ARROW_LEFT, -1),
        (Keys.PAGE_UP, -1),
        (Keys.ARROW_LEFT, -1),
        (Keys.ARROW_LEFT, -1),
    ):
        start += by
        reader.keys(key)
        assert reader.large() == found[start % len(found)]
    # The focus goes to what was looked at last.
    last = reader.large()
    reader.keys(Keys.ESCAPE)
    reader.wait(lambda: focused_entry(reader) == last)


@pytest.mark.slow
def test_the_buttons_of_the_large_picture(reader):
    reader.find("#last .enlarge").click()
    reader.find("#page-previous").click()
    assert reader.large() == "hostile"
    reader.find("#page-next").click()
    reader.find("#page-next").click()
    assert reader.large() == "wide"
    assert reader.visible("dialog .pause") == []  # a still picture
    reader.find("#page-close").click()
    assert reader.large() is None
    reader.find("#wide .enlarge").click()
    reader.find("#page-stage").click()
    assert reader.large() is None


@pytest.mark.slow
def test_focus_stays_in_the_large_picture(reader):
    reader.find("#slide .enlarge").click()
    seen = set()
    for _ in range(8):
        reader.keys(Keys.TAB)
        seen.add(reader.js("return document.activeElement.closest('dialog, main, .side')?.id"))
    assert seen <= {"page-large", None}
    assert "page-large" in seen


# --- animations ---------------------------------------------------------------------------


@pytest.mark.slow
def test_one_animation_is_paused_and_played(reader):
    assert reader.shows("#slide") == "slide.gif"
    button = reader.find("#slide .pause")
    button.click()
    assert (button.text, reader.shows("#slide")) == ("Play", "slide-still.png")
    assert reader.shows("#scan") == "scan.gif"
    # Large, it is the same picture in the same state.
    reader.find("#slide .enlarge").click()
    assert reader.shows("dialog") == "slide-still.png"
    reader.find("dialog .pause").click()
    assert reader.shows("dialog") == "slide.gif"
    reader.keys(Keys.ESCAPE)
    assert (button.text, reader.shows("#slide")) == ("Pause", "slide.gif")
    assert len(reader.all("article .pause")) == 2


@pytest.mark.slow
def test_all_animations_are_paused_and_played(reader):
    button = reader.find("#page-pause")
    assert button.text == "Pause all animations"
    button.click()
    assert (reader.shows("#slide"), reader.shows("#scan")) == ("slide-still.png", "scan-still.png")
    reader.find("#scan .pause").click()
    assert button.text == "Pause all animations"
    button.click()
    assert button.text == "Play all animations"
    button.click()
    assert (reader.shows("#slide"), reader.shows("#scan")) == ("slide.gif", "scan.gif")


@pytest.mark.slow
def test_who_wants_less_motion_starts_with_stills(reader):
    reader.prefers(motion="reduce")
    reader.open()
    assert (reader.shows("#slide"), reader.shows("#scan")) == ("slide-still.png", "scan-still.png")
    assert reader.find("#slide .pause").text == "Play"
    reader.find("#slide .pause").click()
    assert (reader.shows("#slide"), reader.shows("#scan")) == ("slide.gif", "scan-still.png")


# --- light and dark -----------------------------------------------------------------------


def ground(reader):
    colour = reader.js("return getComputedStyle(document.body).backgroundColor")
    return tuple(int(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(","))


def choose_theme(reader, name):
    reader.find(f"label:has([value={name}])").click()


@pytest.mark.slow
def test_the_page_follows_the_readers_setting(reader):
    assert (reader.shows("#wide"), ground(reader)) == ("wide.png", LIGHT)
    reader.prefers(colours="dark")
    reader.wait(lambda: reader.shows("#wide") == "wide-dark.png")
    assert ground(reader) == DARK


@pytest.mark.slow
@pytest.mark.parametrize(("setting", "chosen"), [("light", "dark"), ("dark", "light")])
def test_the_switch_changes_pictures_and_page_and_is_remembered(reader, setting, chosen):
    reader.prefers(colours=setting)
    names = {
        "light": ("wide.png", "slide.gif", LIGHT),
        "dark": ("wide-dark.png", "slide-dark.gif", DARK),
    }

    def looks():
        return (reader.shows("#wide"), reader.shows("#slide"), ground(reader))

    reader.wait(lambda: looks() == names[setting])
    choose_theme(reader, chosen)
    reader.wait(lambda: looks() == names[chosen])
    reader.open()
    assert looks() == names[chosen]
    assert reader.find(f"[value={chosen}]").is_selected()
    reader.find("#page-pause").click()
    still = {"light": "slide-still.png", "dark": "slide-still-dark.png"}
    assert reader.shows("#slide") == still[chosen]
    choose_theme(reader, "auto")
    assert reader.shows("#slide") == still[setting]


@pytest.mark.slow
def test_the_page_works_where_storage_is_refused(reader):
    refuse = "Object.defineProperty(window, 'localStorage', {get() {throw new DOMException('no')}})"
    made = reader.driver.execute_cdp_cmd(
        "Page.addScriptToEvaluateOnNewDocument", {"source": refuse}
    )
    try:
        reader.open()
        choose_theme(reader, "dark")
        reader.wait(lambda: reader.shows("#wide") == "wide-dark.png")
        assert reader.found() == "6 pictures"
    finally:
        reader.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", made)
        reader.open()


# --- copying ------------------------------------------------------------------------------


def pasted(reader):
    """What comes out of the clipboard."""
    area = reader.js("return document.body.appendChild(document.createElement('textarea'))")
    area.send_keys(Keys.CONTROL, "v")
    return area.get_property("value")


@pytest.mark.slow
@pytest.mark.parametrize("clipboard", ["offered", "refused", "missing"])
def test_a_command_is_copied(reader, clipboard):
    if clipboard == "refused":
        reader.js("navigator.clipboard.writeText = () => Promise.reject(new Error('no'))")
    if clipboard == "missing":
        reader.js("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    for made in (ENTRIES[0], ENTRIES[4]):
        button = reader.find(f"#{made['id']} .copy")
        button.send_keys(Keys.ENTER)
        reader.wait(lambda button=button: button.text == "Copied")
        status = reader.find("#page-copied")
        assert status.get_property("textContent") == "Command copied"
        assert status.get_attribute("role") == "status"
        assert pasted(reader) == made["command"]


@pytest.mark.slow
def test_a_command_that_cannot_be_copied_is_left_selected(reader):
    reader.js(
        "Object.defineProperty(navigator, 'clipboard', {value: undefined});"
        "document.execCommand = () => false"
    )
    button = reader.find("#wide .copy")
    button.click()
    reader.wait(lambda: button.text == "Press Ctrl+C")
    assert reader.js("return getSelection().toString()") == ENTRIES[0]["command"]
    reader.wait(lambda: button.text == "Copy command")


# --- keyboard -----------------------------------------------------------------------------

NAME = """
const element = document.activeElement;
const part = element.closest("nav, header, .settings, details");
const place = element.closest("article")?.id ?? part?.tagName;
const shape = getComputedStyle(element.type === "radio" ? element.nextSibling : element);
return [place ?? "page", element.id || element.className || element.name ||
        element.closest("summary")?.localName || element.textContent,
        shape.outlineStyle !== "none" && parseFloat(shape.outlineWidth) >= 2];
"""


@pytest.mark.slow
def test_tab_reaches_everything_in_order_and_shows_where_it_is(reader):
    stops = []
    for _ in range(80):
        reader.keys(Keys.TAB)
        place, name, outlined = reader.js(NAME)
        if place == "page" and stops and name != "skip":
            break
        assert outlined, (place, name)
        stops.append((place, name))
    expected = [
        ("page", "skip"),
        ("HEADER", "page-search"),
        *[("NAV", chapter["title"]) for chapter in CONTEXT["chapters"]],
        ("DIV", "theme"),
        ("DIV", "page-pause"),
        ("DETAILS", "summary"),
    ]
    for made in ENTRIES:
        pause = ["pause"] if made["animated"] else []
        links = ["Picture", "Dark picture", "Numbers (JSON)", "Link"]
        expected += [(made["id"], name) for name in ("enlarge", "copy", *pause, *links)]
    assert stops == expected


@pytest.mark.slow
def test_the_first_key_stop_skips_to_the_pictures(reader):
    reader.keys(Keys.TAB, Keys.ENTER, Keys.TAB)
    assert reader.js("return document.activeElement.closest('main') !== null")


# --- screens, paper, and no script ------------------------------------------------------------


WIDER = """
return [...document.querySelectorAll("main *, .side *")]
    .filter((element) => element.getBoundingClientRect().right > innerWidth + 0.5)
    .map((element) => element.outerHTML)
"""


@pytest.mark.slow
def test_nothing_is_wider_than_the_screen(reader):
    for width in (320, 360, 640, 991, 992, 1280, 1399, 1400, 2560):
        reader.screen(width, 740)
        assert reader.js("return document.documentElement.scrollWidth") <= width
        assert reader.js(WIDER) == []
    for width in (320, 360, 992):
        reader.screen(width, 740)
        reader.js("document.querySelector('#slide .enlarge').click()")
        assert reader.js("return document.documentElement.scrollWidth") <= width
        for button in reader.visible("dialog button"):
            assert button.rect["x"] + button.rect["width"] <= width
        reader.keys(Keys.ESCAPE)


@pytest.mark.slow
def test_paper_gets_light_stills_and_no_buttons(reader):
    choose_theme(reader, "dark")
    media = {"media": "print"}
    try:
        reader.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        reader.wait(lambda: reader.shows("#wide") == "wide.png")
        assert reader.shows("#slide") == "slide-still.png"
        assert ground(reader) == LIGHT
        assert reader.visible("button, nav, input, .links") == []
        assert reader.articles() == IDS
    finally:
        reader.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    printed = reader.driver.execute_cdp_cmd("Page.printToPDF", {})["data"]
    assert base64.b64decode(printed).startswith(b"%PDF")


@pytest.mark.slow
def test_without_script_everything_is_there(reader):
    switch = "Emulation.setScriptExecutionDisabled"
    try:
        reader.driver.execute_cdp_cmd(switch, {"value": True})
        reader.prefers(colours="dark", motion="reduce")
        reader.open()
        assert reader.visible("button, input") == []
        assert reader.articles() == IDS
        assert reader.shows("#slide") == "slide-still-dark.png"
        assert reader.shows("#wide") == "wide-dark.png"
        reader.prefers(colours="dark")
        reader.wait(lambda: reader.shows("#slide") == "slide-dark.gif")
        reader.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
        reader.wait(lambda: reader.shows("#slide") == "slide-still.png")
        # A click on a picture opens its file.
        reader.find("#wide .enlarge").click()
        assert reader.driver.current_url.endswith("pictures/wide.png")
    finally:
        reader.driver.execute_cdp_cmd(switch, {"value": False})
        reader.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_the_policy_allows_the_pages_own_script_and_style_alone():
    def digest(kind):
        text = re.search(rf"<{kind}>(.*?)</{kind}>", html, re.DOTALL)[1]
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    html = site.render(CONTEXT)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)[1].replace("&#39;", "'")
    assert dict(part.strip().split(" ", 1) for part in policy.split(";")) == {
        "default-src": "'none'",
        "script-src": digest("script"),
        "style-src": digest("style"),
        "img-src": "'self' file:",
        "media-src": "'self' file:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    markup = re.sub(r"<(script|style)\b.*?</\1>", "", html, flags=re.DOTALL)
    attributes = r'<[^<>]*\s(?:on\w+|style)="'
    assert re.findall(attributes, markup) == []
