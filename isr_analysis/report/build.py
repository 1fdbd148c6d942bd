"""Builds a report: updates the store, runs the notebook, writes the page."""

from __future__ import annotations

import ast
import dataclasses
import datetime as dt
import json
import warnings
from pathlib import Path
from typing import Any

from isr_analysis import times
from isr_analysis.disclosure import without_tokens
from isr_analysis.errors import ReportIncompleteError, StoreError, UsageError
from isr_analysis.files import path_of, replacing
from isr_analysis.messages import Clients, check_flags
from isr_analysis.portal import connection
from isr_analysis.portal.portal import Portal
from isr_analysis.progress import Report
from isr_analysis.report import kernel
from isr_analysis.report.material import bring, kept
from isr_analysis.report.outline import Problem
from isr_analysis.report.pdf import browser, print_page
from isr_analysis.settings import OFFLINE, check_texts

_HERE = Path(__file__).parent
NOTEBOOK = _HERE / "report.ipynb"
TEMPLATES = _HERE / "template"


def build_report(
    path: str | Path,
    client_id: Clients | None = None,
    topic: str = "#",
    *,
    start: times.Instant | None = None,
    end: times.Instant | None = None,
    last: str | dt.timedelta | None = None,
    tz: str | dt.tzinfo = "UTC",
    title: str | None = None,
    notebook: str | Path | None = None,
    pdf: bool = False,
    offline: bool = False,
    progress: bool | Report | None = None,
    portal: Portal | None = None,
) -> Path:
    """Write a report about a time range, as one self-contained HTML file that also works without a network.

    Parameters
    ----------
    path : str or Path
        The file to write; its folder is created if needed.
    client_id, topic, start, end, last, tz, progress, portal
        See `load_history`.
    title : str, optional
        The report's title.
    notebook : str or Path, optional
        Your own notebook instead of the built-in one. After its cell tagged ``parameters``, a cell is inserted that
        sets ``client_id``, ``topic``, ``start``, ``end`` (ISO 8601 text), ``last`` (None), ``tz``, ``title`` and
        ``offline`` (True). The notebook's own ``client_id``, ``topic``, ``tz`` and ``title`` apply if they are not
        given here. It runs in its own folder, with the Python that runs this; the file is not changed. What its cells
        are warned of is on the page. The tags ``remove-cell``, ``remove-output`` and ``raises-exception`` mean what
        they do to Jupyter.
    pdf : bool
        Also write a PDF, using Chromium or Chrome.
    offline : bool
        Use what is on disk: the report says so and, without `end`, ends where the data does. The list of publishers and
        the live state are those loaded last. The portal is asked at most which account a new token belongs to.

    Returns
    -------
    Path
        The HTML file.

    Raises
    ------
    ReportIncompleteError
        The report was written but lacks something, as it says at the top: there is no message in the range, a source or
        a section failed, or the PDF could not be written. The error's ``path`` and ``problems`` say where and what.
    UsageError
        An argument cannot be used.
    TokenMissingError, WrongAccountError
        The account is not known; nothing is written.
    MissingExtraError
        A library, or the browser for the PDF, is not installed; nothing is written.

    Examples
    --------
    >>> import isr_analysis as isr
    >>> with isr.sandbox.serve() as sandbox, sandbox.connect() as portal:
    ...     print(isr.build_report("report.html", last="6h", portal=portal))
    report.html
    """
    check_flags(pdf=pdf, offline=offline)
    check_texts(title=title)
    out = _target(path)
    portal, selector, span = connection.asked(client_id, topic, start, end, last, tz, portal, to_the_second=True)
    program = browser() if pdf else ""
    own = None if notebook is None else path_of(notebook, "notebook")
    nb = _read(own or NOTEBOOK)
    _exporter()  # before anything is fetched for nothing
    named = title or str(nb.metadata.get("title") or "Telemetry report")
    called = str(tz)  # what the kernel is told must be a name
    times.zone(called)
    _ = portal.account_id  # whose data it is must be known before anything else
    offline = offline or portal.profile.is_offline
    if offline:
        span, lacking = kept(portal, selector, span, is_open=end is None)
    else:
        lacking = bring(portal, selector, span, progress=progress)

    if title or notebook is None:  # a notebook of the user's has its own first heading
        nb.metadata["title"] = named
    nb.metadata["isr"] = {"problems": [dataclasses.asdict(one) for one in lacking]}
    selected = {"client_id": client_id is not None, "topic": topic != "#", "tz": called != "UTC",
                "title": title is not None}  # fmt: skip
    _set(nb, {
        "client_id": selector.client_id, "topic": selector.topic,
        "start": times.iso(span.start), "end": times.iso(span.end), "last": None, "tz": called, "title": named,
        "offline": True,
    }, unsaid={name for name, said in selected.items() if not said})  # fmt: skip
    folder = Path.cwd() if own is None else own.resolve().parent
    environ = {**portal.environment(), OFFLINE: str(int(offline))}
    ended = kernel.run(nb, folder=folder, environ={**environ, "PLOTLY_RENDERER": "plotly_mimetype"})
    if ended:
        nb.metadata["isr"]["problems"].append(dataclasses.asdict(Problem("", ended)))
    source, problems = render(_without(nb, environ["ISR_TOKEN"]))
    _write(out, source)
    if pdf:
        try:
            print_page(out, out.with_suffix(".pdf"), program)
        except StoreError as exc:
            problems.append(Problem("PDF", str(exc)))
    if problems:
        raise _incomplete(out, problems)
    return out


def _target(path: str | Path) -> Path:
    out = path_of(path, "path")
    if out.suffix.lower() not in {".html", ".htm"}:
        also = "; pdf=True (--pdf) also writes a PDF" if out.suffix.lower() == ".pdf" else ""
        raise UsageError(f'{out} is not the name of an HTML file; give one such as "report.html"{also}')
    return out


def _incomplete(out: Path, problems: list[Problem]) -> ReportIncompleteError:
    error = ReportIncompleteError(out, [str(one) for one in problems])
    for one in problems:
        if one.detail:
            error.add_note(f"{one.where}\n{one.detail}".strip())
    return error


def _without(nb: Any, token: str) -> Any:
    """Take the token, and any other, out of what a notebook's cells showed, and say so."""
    import nbformat

    text = json.dumps(nb)
    left = without_tokens(text.replace(token, "…"))
    if left == text:
        return nb
    made = nbformat.from_dict(json.loads(left))
    which = "the token" if token in text else "a token"
    words = f"A cell showed {which}, which is left out here: remove it from the notebook too."
    made.metadata["isr"]["problems"].append(dataclasses.asdict(Problem("", words)))
    return made


def render(nb: Any) -> tuple[str, list[Problem]]:
    """Turn a notebook that has run into the page, and say what it lacks."""
    from traitlets.config import Config

    exporter = _exporter()(
        template_name="isr", extra_template_basedirs=[str(TEMPLATES)], exclude_input=True, exclude_input_prompt=True,
        exclude_output_prompt=True, config=Config(),
    )  # fmt: skip
    source, resources = exporter.from_notebook_node(nb)
    return str(source), resources["isr"].problems


def _exporter() -> Any:
    try:
        from nbconvert import HTMLExporter
    except ModuleNotFoundError as exc:
        raise kernel.needs(exc) from exc
    except RuntimeError as exc:  # it looks for templates below the user's home, when it is imported
        raise UsageError(
            f"nbconvert, which writes the page of a report, cannot be used ({exc}); where the user has no home, set "
            "HOME to a folder, which may be empty"
        ) from exc
    return HTMLExporter


def _read(path: Path) -> Any:
    try:
        import nbformat
    except ModuleNotFoundError as exc:
        raise kernel.needs(exc) from exc
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of cells without ids, which are as good as others
            nb = nbformat.read(path, as_version=4)
    except OSError as exc:
        raise UsageError(f"the notebook {path} cannot be read: {exc.strerror or exc}") from exc
    except Exception as exc:
        raise UsageError(f"{path} is not a readable notebook: {exc}") from exc
    language = nb.metadata.get("kernelspec", {}).get("language", "python")
    if language != "python":
        raise UsageError(f"{path} is a notebook in {language}; a report's notebook is run by the Python that builds it")
    return nb


def _set(nb: Any, values: dict[str, Any], *, unsaid: set[str]) -> None:
    """Put a cell with values behind the one tagged ``parameters``, but for those `unsaid` that it sets itself."""
    import nbformat

    at = next((i for i, cell in enumerate(nb.cells) if "parameters" in cell.metadata.get("tags", ())), None)
    if at is None:
        raise UsageError(
            "the notebook has no cell tagged parameters, so it would not know its range; tag the cell that sets start, "
            "end and the like (in JupyterLab: the gears at the top right, Cell Tags)"
        )
    own = unsaid & _assigned(nb.cells[at].source)
    put = {name: value for name, value in values.items() if name not in own}
    cell = nbformat.v4.new_code_cell("\n".join(f"{name} = {value!r}" for name, value in put.items()))
    cell.metadata["tags"] = ["injected-parameters"]
    nb.cells.insert(at + 1, cell)


def _assigned(source: str) -> set[str]:
    """Give the names that the source of a cell sets."""
    try:
        return {
            one.id for one in ast.walk(ast.parse(source)) if isinstance(one, ast.Name) and type(one.ctx) is ast.Store
        }
    except SyntaxError:  # a magic, perhaps
        return set()


def _write(path: Path, source: str) -> None:
    """Write a file whole or not at all."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as aside:
            aside.write_text(source, "utf-8", "backslashreplace")  # a title from a terminal may be no UTF-8
    except OSError as exc:
        raise StoreError(f"{path} cannot be written ({exc.strerror or exc})") from exc
