"""Weekly files of the demo market, played with the money that the plan in force gives each week."""

import json

import numpy as np

from mmm.play import play, write_week
from mmm.simulate import demo_market

MARKET = demo_market()


def plan_in(folder):
    """The weekly grid of plan.json: line to currency by week."""
    document = json.loads((folder / "plans" / "2027Q4" / "plan.json").read_text(encoding="utf-8"))
    return document["weeks"], {line["name"]: line["weekly"] for line in document["lines"]}


class Player:
    """Spends what it is told, week after week, and writes what the market answers."""

    def __init__(self, folder, shocks=()):
        self.folder, self.shocks, self.spent = folder, shocks, []

    def week(self, weekly, at, *, reserves=None, name=None):
        """Spend one week of a grid and write its file."""
        self.spent.append([weekly[channel][at] for channel in MARKET.names])
        played = play(MARKET, np.array(self.spent), self.shocks)
        left = {line: weekly[line][at] for line in weekly if line not in MARKET.names} | (reserves or {})
        path = self.folder / (name or f"week{at + 1:02d}.csv")
        write_week(played, at, left, path)
        return path
