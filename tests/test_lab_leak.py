"""Five minutes of drawing leave nothing behind on the page."""

import time

import pytest

MINUTES, WARM = 5, 60  # seconds until what is kept for speed is there
STROKE = 30  # moves of the pointer


@pytest.mark.campaign
def test_minutes_of_drawing_leave_nothing_behind(browser, lab_page):
    browser.get("about:blank")
    browser.get(lab_page.as_uri())
    browser.execute_cdp_cmd("Performance.enable", {})
    left, top, width, height = browser.execute_script("""
        const box = document.querySelector(".pad canvas").getBoundingClientRect();
        return [box.left, box.top, box.width, box.height];
    """)

    def mouse(kind, along, turn):
        place = {"x": left + (0.2 + 0.6 * along) * width, "y": top + (0.1 + 0.1 * turn) * height}
        button = {"button": "left", "buttons": 1, "clickCount": 1}
        browser.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": kind, **place, **button})

    def measured():
        time.sleep(1)
        browser.execute_cdp_cmd("HeapProfiler.collectGarbage", {})
        metrics = browser.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
        named = {each["name"]: each["value"] for each in metrics}
        return named["JSHeapUsedSize"], named["Nodes"]

    begin, after, seen = time.monotonic(), 0, []
    while after < 60 * MINUTES:
        for turn in range(8):
            mouse("mousePressed", 0, turn)
            for step in range(STROKE):
                mouse("mouseMoved", step / STROKE, turn)
            mouse("mouseReleased", 1, turn)
        clear = "document.querySelector('[aria-label=\"Clear the drawing\"]').click()"
        browser.execute_script(clear)
        browser.get_log("performance")  # Selenium's own, which is no part of the page
        after = time.monotonic() - begin
        if after > WARM * (1 + len(seen)):
            seen.append(measured())
    heaps, nodes = zip(*seen, strict=True)
    assert max(nodes) <= nodes[0] + 20, seen
    assert max(heaps) <= heaps[0] + 500_000, seen
    print(seen)
