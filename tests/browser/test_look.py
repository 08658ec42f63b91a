"""Every specimen page in a real browser: clean for axe, the content policy and the console, at both sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from playwright.sync_api import Page

from tests.design.server import Specimens, serving
from tests.design.specimens import PAGES
from tests.fixtures.browser import SIZES, Tab
from tests.fixtures.processes import wait_until

MORNING = datetime(2026, 3, 16, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def specimens() -> Iterator[Specimens]:
    with serving() as server:
        yield server


@pytest.mark.req("D14")
@pytest.mark.parametrize("name", PAGES)
def test_page_is_clean_at_both_sizes(
    name: str, specimens: Specimens, open_tab: Callable[..., Tab], sound: Callable[[Tab, str], None]
) -> None:
    tab = open_tab()
    tab.page.goto(f"{specimens.url}/{name}/")
    sound(tab, f"specimen-{name}")


def test_the_checks_themselves_notice(
    specimens: Specimens, open_tab: Callable[..., Tab], axe: Callable[[Page], list[str]],
    no_sideways_scroll: Callable[[Page], None],
) -> None:  # fmt: skip
    tab = open_tab("narrow")
    tab.page.goto(f"{specimens.url}/subjects/")
    tab.page.evaluate(
        """const image = document.createElement('img'), wide = document.createElement('canvas');
        image.src = 'https://elsewhere.invalid/x.png'; image.height = 20; wide.width = 900;
        document.querySelector('main').append(image, wide); console.error('seen')"""
    )
    tab.page.wait_for_function("window.__refused.length > 0")
    assert any(line.startswith("image-alt") for line in axe(tab.page))
    assert any("img-src" in line for line in tab.refused())
    assert "seen" in tab.errors
    with pytest.raises(AssertionError, match="px wide"):
        no_sideways_scroll(tab.page)


@pytest.mark.parametrize("width", [width for width, _ in SIZES.values()])
def test_a_fault_of_one_size_alone_is_noticed(
    width: int, specimens: Specimens, open_tab: Callable[..., Tab], sound: Callable[[Tab, str], None]
) -> None:
    tab = open_tab()
    tab.page.goto(f"{specimens.url}/subjects/")
    tab.page.evaluate(
        """width => {
          const wide = document.createElement('canvas');
          const show = () => { wide.hidden = innerWidth !== width; };
          wide.width = 3000;
          addEventListener('resize', show);
          document.querySelector('main').append(wide);
          show();
        }""",
        width,
    )
    with pytest.raises(AssertionError, match=f"px wide in a window of {width}"):
        sound(tab, "subjects")


# ---------------------------------------------------------------- laboratory grid
def open_lab(specimens: Specimens, open_tab: Callable[..., Tab]) -> Tab:
    tab = open_tab()
    tab.page.goto(f"{specimens.url}/lab-entry/")
    return tab


def test_enter_moves_to_next_and_previous_result(specimens: Specimens, open_tab: Callable[..., Tab]) -> None:
    page = open_lab(specimens, open_tab).page
    page.focus("#v_serum_m")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "v_pcli"
    page.keyboard.press("Shift+Enter")
    assert page.evaluate("document.activeElement.id") == "v_serum_m"
    page.keyboard.press("Alt+u")
    assert page.evaluate("document.activeElement.name") == "serum_m_unit"


@pytest.mark.parametrize(
    ("typed", "baseline", "nadir", "words"),
    [
        ("2.0", "−35.5%", "−31.0%", ""),
        ("3.1", "0.0%", "+6.9%", ""),
        ("nd", "", "", "Not done"),
        ("UNK", "", "", "Unknown"),
        ("na", "", "", "Not applicable"),
        ("pend", "", "", "Pending"),
        ("2,x", "", "", "Enter a number, or nd, na, unk"),
    ],
)
def test_figures_follow_the_typing(
    typed: str, baseline: str, nadir: str, words: str, specimens: Specimens, open_tab: Callable[..., Tab]
) -> None:
    page = open_lab(specimens, open_tab).page
    page.fill("#v_serum_m", typed)
    row = page.locator("tr[data-row=serum_m]")
    assert row.locator("[data-db]").inner_text() == baseline
    assert row.locator("[data-dn]").inner_text() == nadir
    assert row.locator("[data-ft]").inner_text() == words
    assert page.locator("[data-change-of=serum_m]").inner_text() == baseline


def test_position_bar_and_flag_follow(specimens: Specimens, open_tab: Callable[..., Tab]) -> None:
    page = open_lab(specimens, open_tab).page
    page.fill("#v_igg", "2000")
    row = page.locator("tr[data-row=igg]")
    assert row.locator("[data-ft]").inner_text() == "High"
    assert row.locator(".pt").get_attribute("cx") == "55.0"
    page.fill("#v_igg", "700")
    assert row.locator("[data-ft]").inner_text() == "Low"


def test_another_unit_reads_the_number_anew_and_never_rewrites_it(
    specimens: Specimens, open_tab: Callable[..., Tab]
) -> None:
    page = open_lab(specimens, open_tab).page
    page.select_option("select[name=serum_m_unit]", "g/L")
    assert page.locator("tr[data-row=serum_m] [data-db]").inner_text() == "−90.6%"
    assert page.input_value("#v_serum_m") == "2.9"
    page.select_option("select[name=serum_m_unit]", "g/dL")
    assert page.locator("tr[data-row=serum_m] [data-db]").inner_text() == "−6.5%"


def test_problems_take_the_focus_first(specimens: Specimens, open_tab: Callable[..., Tab]) -> None:
    page = open_lab(specimens, open_tab).page
    assert page.evaluate("document.activeElement.id") == "errors"
    assert page.title().startswith("Error: ")
    page.click("#errors a")
    assert page.evaluate("document.activeElement.id") == "v_ca"


# ---------------------------------------------------------------- calendar, checklist, forms, keys
def test_arrows_walk_through_the_calendar(specimens: Specimens, open_tab: Callable[..., Tab]) -> None:
    page = open_tab().page
    page.goto(f"{specimens.url}/dosing/#calendar", wait_until="networkidle")
    assert "12 March" in page.evaluate("document.activeElement.textContent")
    page.keyboard.press("ArrowDown")
    assert "19 March" in page.evaluate("document.activeElement.textContent")
    page.keyboard.press("ArrowLeft")
    assert "18 March" in page.evaluate("document.activeElement.textContent")


def test_t_and_m_record_the_open_day(specimens: Specimens, open_tab: Callable[..., Tab]) -> None:
    page = open_tab().page
    page.goto(f"{specimens.url}/dosing/#calendar", wait_until="networkidle")
    page.keyboard.press("t")
    assert page.is_checked("input[value=taken]")
    assert page.locator("[data-reason]").is_hidden()
    assert page.evaluate("document.activeElement.type") == "submit"
    page.focus("a.day[aria-current]")
    page.keyboard.press("m")
    assert page.is_checked("input[value=missed]")
    assert page.evaluate("document.activeElement.id") == "why"


def test_n_answers_the_criterion_in_focus(specimens: Specimens, open_tab: Callable[..., Tab]) -> None:
    page = open_tab().page
    page.goto(f"{specimens.url}/eligibility/", wait_until="networkidle")
    page.focus("input[name=c-answer]")
    page.keyboard.press("n")
    assert page.is_checked("input[name=c-answer][value=no]")


def test_shortcuts_leave_typing_alone(specimens: Specimens, open_tab: Callable[..., Tab]) -> None:
    page = open_lab(specimens, open_tab).page
    page.focus("#v_serum_m")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "v_serum_m"
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "jump"


@pytest.mark.parametrize(
    ("typed", "shown", "echo"),
    [
        ("12mar", "12 Mar 2026", "Thursday, day 180"),
        ("t", "16 Mar 2026", "Monday, day 184"),
        ("-3", "13 Mar 2026", "Friday, day 181"),
        ("2026-03-12", "12 Mar 2026", "Thursday, day 180"),
        ("13 sep 25", "13 Sep 2025", "Saturday, day −1"),
        ("1 apr 2026", "1 Apr 2026", "Wednesday, day 200, in the future: check the year"),
        ("31 feb 2026", "31 feb 2026", ""),
    ],
)
def test_date_box_shows_what_it_understood(
    typed: str, shown: str, echo: str, specimens: Specimens, open_tab: Callable[..., Tab]
) -> None:
    page = open_lab(specimens, open_tab).page
    page.fill("#id_collected", typed)
    page.keyboard.press("Tab")
    assert page.input_value("#id_collected") == shown
    assert page.inner_text("[data-echo=id_collected]") == echo


def test_a_second_click_sends_once_and_a_retry_goes_through(specimens: Specimens, open_tab: Callable[..., Tab]) -> None:
    page = open_tab().page
    page.clock.set_fixed_time(MORNING)
    page.goto(f"{specimens.url}/lab-entry/")
    # Asked after the page's own listeners: what they let through is sent.
    page.evaluate(
        "window.__sent = 0; addEventListener('submit', (event) => { window.__sent += !event.defaultPrevented; })"
    )
    specimens.posts.clear()
    for passed, sent in ((0.0, 1), (0.8, 1), (1.4, 1), (1.6, 2)):
        page.clock.set_fixed_time(MORNING + timedelta(seconds=passed))
        page.click("[data-draft]")
        assert page.evaluate("window.__sent") == sent, f"after {passed} s"
        wait_until(partial(has_arrived, specimens, sent), "what was sent to arrive")
    assert len(specimens.posts) == 2


def has_arrived(specimens: Specimens, count: int) -> bool:
    return len(specimens.posts) >= count


def test_session_note_appears_before_the_end(specimens: Specimens, open_tab: Callable[..., Tab]) -> None:
    page = open_tab().page
    page.clock.install()
    page.goto(f"{specimens.url}/subjects/")
    assert page.locator("#session-note").is_hidden()
    page.clock.fast_forward("25:01")
    assert page.locator("#session-note").is_visible()


def test_without_scripting_everything_is_there(specimens: Specimens, open_tab: Callable[..., Tab]) -> None:
    page = open_tab(scripting=False).page
    page.goto(f"{specimens.url}/dosing/")
    assert page.locator("[data-reason]").is_visible()
    assert page.locator("a.day").first.is_visible()
    page.goto(f"{specimens.url}/lab-entry/")
    assert page.locator("tr[data-row=serum_m] [data-db]").inner_text() == "−6.5%"
