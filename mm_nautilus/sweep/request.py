"""What a sweep was asked for, kept in its folder so that resuming needs nothing else."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import orjson

from mm_nautilus.analytics.jsonable import jsonable
from mm_nautilus.errors import UserError
from mm_nautilus.sweep.judged import Score
from mm_nautilus.sweep.space import Point, draws, grid, listed, parse_parameter
from mm_nautilus.sweep.walk_forward import Windows

REQUEST_FILE: Final = "request.json"


@dataclass(frozen=True, slots=True)
class Request:
    """What a sweep was asked for; it stands in the sweep's folder, so that resuming needs no more than that.

    Parameters
    ----------
    parameters : tuple of str
        As ``--param`` takes them.
    points : tuple of mapping
        Points of a list instead; empty for parameters.
    random : int or None
        Draws instead of the grid.
    seed : int
        Of the draws and of the bootstrap.
    overrides : tuple of str
        Changes to the run file before any point.
    score : str
        What runs are ranked by.
    step_s : float or None
        Length of the steps PnL is cut into, in seconds; chosen from the data's span where None.
    windows : Windows or None
        Of walking forward.
    calibrate : bool
        Whether each window of choice is calibrated, and what it says traded in the next.
    skip_invalid : bool
        Whether points that the run file cannot take are left out.
    screen : bool
        Whether the points are screened instead of run on the engine.
    confirm, sample : int
        How many of the best screened points the engine confirms, and how many others drawn at random.

    """

    parameters: tuple[str, ...] = ()
    points: tuple[Point, ...] = ()
    random: int | None = None
    seed: int = 0
    overrides: tuple[str, ...] = ()
    score: Score = Score.SHARPE
    step_s: float | None = None
    windows: Windows | None = None
    calibrate: bool = False
    skip_invalid: bool = False
    screen: bool = False
    confirm: int = 0
    sample: int = 0

    def every_point(self) -> list[Point]:
        """Return the points, none twice for the same values.

        Raises
        ------
        UserError
            For parameters that cannot be read, and where there is nothing to run.

        """
        if self.points and (self.parameters or self.random is not None):
            raise UserError("sweep: --list names every point, so it stands without --param and --random")
        if self.points:
            return list(self.points)
        if not self.parameters:
            raise UserError("sweep: nothing to try; give --param TABLE.KEY=LOW:HIGH:COUNT, or --list FILE")
        parameters = [parse_parameter(text) for text in self.parameters]
        keys = [one.key for one in parameters]
        if twice := sorted({key for key in keys if keys.count(key) > 1}):
            raise UserError(f"--param {twice[0]}: stands twice; give all of its values at once")
        return grid(parameters) if self.random is None else draws(parameters, self.random, self.seed)


def request_of(points_file: Path | None, **asked: Any) -> Request:
    """Return a request, the points read from a file where one is named."""
    points = () if points_file is None else tuple(listed(points_file))
    return Request(points=points, **asked)


def keep(folder: Path, request: Request, step_s: float, run_file: Path) -> None:
    """Write a request into the folder of its sweep, with the steps that its rows have."""
    stored = jsonable(request) | {"step_s": step_s, "run_file": str(run_file.resolve())}
    temporary = folder / f"{REQUEST_FILE}.tmp"
    temporary.write_bytes(orjson.dumps(stored, option=orjson.OPT_INDENT_2) + b"\n")
    temporary.replace(folder / REQUEST_FILE)


def resumed(folder: Path, request: Request) -> Request:
    """Return what a folder's sweep was asked for, with what is asked for anew.

    Raises
    ------
    UserError
        Where there is no request in the folder, or other steps are asked for than its rows have.

    """
    try:
        stored = orjson.loads((folder / REQUEST_FILE).read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise UserError(f"--resume {folder}: no sweep that can be resumed ({error})") from None
    if request.step_s is not None and request.step_s != stored["step_s"]:
        raise UserError(
            f"--step-s {request.step_s:g}: the rows there have steps of {stored['step_s']:g} s; leave it out"
        )
    before = Request(
        parameters=tuple(stored["parameters"]),
        points=tuple(stored["points"]),
        random=stored["random"],
        seed=stored["seed"],
        overrides=tuple(stored["overrides"]),
        score=Score(stored["score"]),
        step_s=stored["step_s"],
        windows=None if stored["windows"] is None else Windows(**stored["windows"]),
        calibrate=stored.get("calibrate", False),
        skip_invalid=stored["skip_invalid"],
        screen=stored.get("screen", False),
        confirm=stored.get("confirm", 0),
        sample=stored.get("sample", 0),
    )
    given = {
        field.name: getattr(request, field.name)
        for field in fields(Request)
        if getattr(request, field.name) != field.default
    }
    if given.keys() & {"parameters", "points"}:
        kept: dict[str, Any] = {"parameters": (), "points": (), "random": None}
    else:
        kept = {}
    merged = {field.name: getattr(before, field.name) for field in fields(Request)} | kept | given
    return Request(**merged)
