"""How a page looks to people, measured in the browser: contrast, small screens, and the way by the keyboard."""

from __future__ import annotations

import os
from pathlib import Path

READABLE = """() => {
  const light = (color) => {
    const parts = color.match(/[\\d.]+/g).map(Number);
    const [r, g, b] = parts.slice(0, 3).map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return [0.2126 * r + 0.7152 * g + 0.0722 * b, parts[3] ?? 1];
  };
  const behind = (each) => {
    for (; each; each = each.parentElement) {
      const [light_, alpha] = light(getComputedStyle(each).backgroundColor);
      if (alpha === 1) return light_;
    }
    return 1;
  };
  const ratio = (one, other) => (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
  const faint = [...document.body.querySelectorAll("*")]
    .filter((each) => [...each.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
    .map((each) => [each.textContent.trim(), ratio(light(getComputedStyle(each).color)[0], behind(each))])
    .filter(([, found]) => found < 4.5);
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  const small = [...document.querySelectorAll("main .button, main button")]
    .map((each) => each.getBoundingClientRect()).filter((box) => box.height < 32 || box.width < 32).length;
  return { faint, wide, small };
}"""
"""Text below the contrast of WCAG 2.2 AA (4.5:1), what sticks out sideways, and buttons too small for a thumb."""
LOOKS = {
    "light": ("light", 1280, 720),
    "dark": ("dark", 1280, 720),
    "phone": ("light", 320, 640),
    "phone-dark": ("dark", 320, 640),
}


async def readable(page, name):
    """The page can be read in both colour schemes and on a small phone; ``DOORS_SCREENSHOTS`` keeps pictures of it."""
    for look, (scheme, width, height) in LOOKS.items():
        await page.set_viewport_size({"width": width, "height": height})
        await page.emulate_media(color_scheme=scheme)
        found = await page.evaluate(READABLE)
        assert found == {"faint": [], "wide": 0, "small": 0}, (name, look, found)
        if folder := os.environ.get("DOORS_SCREENSHOTS"):
            await page.screenshot(path=Path(folder) / f"{name}-{look}.png", full_page=True)


FOCUSED = "() => { const s = getComputedStyle(document.activeElement); return [s.outlineStyle, s.outlineWidth]; }"


async def press(page, name):
    """Reach a button by the keyboard alone, see that one sees where one is, and press it."""
    for _ in range(8):
        await page.keyboard.press("Tab")
        if name in await page.evaluate("() => document.activeElement.textContent"):
            assert await page.evaluate(FOCUSED) == ["solid", "3px"]
            if folder := os.environ.get("DOORS_SCREENSHOTS"):
                await page.screenshot(path=Path(folder) / f"focus-{name.split()[0]}.png")
            await page.keyboard.press("Enter")
            return
    raise AssertionError(f"no way to {name}")
