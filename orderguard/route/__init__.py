"""Who handles a flagged order, what is held, who is told. Decides, writes nothing."""

from orderguard.route.assign import assign, due_times
from orderguard.route.clusters import link
from orderguard.route.team import Agent, Due, Manager, Team, load_team

__all__ = ["Agent", "Due", "Manager", "Team", "assign", "due_times", "link", "load_team"]
