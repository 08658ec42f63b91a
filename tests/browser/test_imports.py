"""Laboratory files in a real browser: clicks counted, pages sound at both sizes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from labs.models import LabResult
from tests.browser.test_labs import sign_in
from tests.fixtures.browser import Tab, count_actions
from tests.fixtures.processes import LiveApp
from tests.labs.test_import_pages import panel_of_25
from tests.world import World, new_world
from tests.world_imports import csv_of, line, upload
from tests.world_labs import laboratory, treated_subject
from trialsite.context import reading
from trialsite.models import Role


@pytest.mark.req("G1")
def test_25_results_take_four_clicks_and_every_page_is_sound(
    live_app: LiveApp, open_tab: Callable[..., Tab], sound: Callable[[Tab, str], None]
) -> None:
    world: World = new_world()
    subject = treated_subject(world, day1=date(2024, 3, 4))
    lab = laboratory(world)
    learnt = upload(world, lab, panel_of_25(subject, accession="A9", on="2024-03-20"))
    bad = upload(world, lab, csv_of(line(subject, "Creatinine", "88", ""), line("01-021", "Urate", "5", "mg/dL")))
    tab = open_tab(base_url=live_app.url)
    sign_in(tab.page)
    tab.errors.clear()
    acts = count_actions(tab)
    with tab.page.expect_navigation():
        tab.page.click("nav >> text=Lab import")
    with tab.page.expect_file_chooser() as chooser:
        tab.page.click("#id_file")
    file = {"name": "chemistry.csv", "mimeType": "text/csv", "buffer": panel_of_25(subject)}
    chooser.value.set_files(file)
    tab.page.click("button:text-is('Upload')")
    tab.page.click("text=Import 25 good rows")
    assert "25 rows imported." in tab.page.inner_text("main")
    assert acts == ["press", "press", "fill", "press", "press"], "four clicks, and a file chosen"
    assert acts.seconds <= 20
    with reading(world.person(Role.DATA_MANAGER), world.at):
        assert LabResult.objects.filter(subject=subject).count() == 25
    acts.clear()
    import_42_rows_with_4_errors(world, tab)
    assert 0 < acts.seconds <= 180
    tab.check()
    pages = {
        "list": "/labs/imports/",
        "map": f"/labs/imports/{learnt.pk}/map/",
        "visits": f"/labs/imports/{learnt.pk}/review/",
        "review": f"/labs/imports/{bad.pk}/review/",
    }
    for name, path in pages.items():
        tab.page.goto(path)
        sound(tab, f"imports-{name}")


def import_42_rows_with_4_errors(world: World, tab: Tab) -> None:
    """From the start page to the last row: two units and two dates are mended where they stand."""
    first, second = (treated_subject(world, day1=date(2024, 3, 4)) for _ in range(2))
    rows = panel_of_25(first, accession="B1").decode().split("\r\n")[:-1]
    rows += panel_of_25(second, accession="B2").decode().split("\r\n")[1:18]
    for place in (3, 4):
        rows[place] = ",".join([*rows[place].split(",")[:7], "", "F"])
    for place in (10, 11):
        rows[place] = rows[place].replace("2024-04-04", "2024-13-04")
    tab.page.goto("/my-work/")
    tab.page.click("nav >> text=Lab import")
    file = {"name": "two.csv", "mimeType": "text/csv", "buffer": "\r\n".join([*rows, ""]).encode()}
    tab.page.set_input_files("#id_file", file)
    tab.page.click("button:text-is('Upload')")
    for row in (4, 5):
        tab.page.get_by_label(f"Unit of row {row}").select_option(index=1)
    for row in (11, 12):
        tab.page.get_by_label(f"Collected of row {row}").fill("4apr24")
    tab.page.get_by_role("button", name="Check again").click()
    tab.page.click("text=Import 42 good rows")
    tab.page.get_by_text("42 rows imported.").wait_for()
