"""One question of history, and its answer: read as a page, or as the refusal that it is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from http import HTTPStatus

from isr_analysis import answers, messages, times
from isr_analysis.answers import STRINGS, Apart, Page
from isr_analysis.contract import refusals, retention
from isr_analysis.contract.contract import History
from isr_analysis.errors import AnswerError, PortalUnavailableError, QuestionRefusedError
from isr_analysis.messages import Selector
from isr_analysis.portal import clients, paging
from isr_analysis.portal.paging import Step
from isr_analysis.portal.portal import Portal
from isr_analysis.portal.wire import Answer, Waiting
from isr_analysis.reading import downloads, jobs
from isr_analysis.reading.borders import order_of
from isr_analysis.times import Range

_REVISIONS = 12
"""How often a part is asked for in another way."""

_LATELY = 30 * times.DAY
"""How far back a message is looked for that shows the form of the portal's answers."""

_FEW = 500
"""As many messages show it."""


_OTHERS = 5


def others(portal: Portal, known: History, selector: Selector) -> list[Selector]:
    """Give a few other clients, for a portal that wants one named: of the one asked for there may be nothing."""
    ids = clients.prefixes(portal.listed()) if known.client_required else ()
    return [Selector((one,)) for one in ids if one not in (selector.clients or ())][:_OTHERS]


class Asker:
    """Asks for a range and its parts, and learns from each answer how.

    What is learned is put into the portal's contract and its habits.

    Attributes
    ----------
    known : History
        How it is asked for by now.
    zoneless : bool
        Whether instants of an answer named no zone.
    apart : Apart or None
        The message that has two times farthest apart.
    """

    def __init__(self, portal: Portal, known: History, selector: Selector, span: Range, *, wait: Waiting) -> None:
        self._portal = portal
        self._selector = selector
        self._span = span
        self._wait = wait
        self.known = known
        self.zoneless = False
        self.apart: Apart | None = None

    def question(self, span: Range) -> dict[str, str]:
        """Give the parameters that ask for a range."""
        # Inside of the range, where messages may stand close together, it begins no more than a step before.
        before = self.known.before if span.start == self._span.start else min(self.known.before, self.known.unit)
        if span.start == self._portal.habits.kept(self._selector).since:  # what is before that would be refused
            before = 0
        return self.written(self.known, Range(max(span.start - before, 0), span.end))

    def written(self, known: History, span: Range, selector: Selector | None = None) -> dict[str, str]:
        """Give the parameters that ask for just this range, in a way that may not be agreed on yet.

        They ask for the same as all others, unless another selector is given.
        """
        portal, selector = self._portal, selector or self._selector
        prefixes = clients.prefixes(portal.listed()) if known.asks_by_path(selector) else {}
        asked = known.question(selector, span, account_id=portal.named_account, now=portal.now(), prefixes=prefixes)
        if known.client in asked and known.client_field is not None:
            client = asked[known.client]
            asked[known.client] = clients.names(portal.listed(), known.client_field).get(client, client)
        return asked

    def part(self, span: Range, *, back: bool = False) -> Page:
        """Ask for a part of the range; if the portal refuses that, in the way that its words tell of.

        Where it gives no range so short, a longer one is asked for and the messages of the part are taken out of it.
        The longer one ends later, or begins earlier with `back`.
        """
        tries = 0
        # Longer on the far side: an answer that is cut, from whichever end on, must show what is next to the others.
        back = back or (span.start <= self._span.start and span.end < self._span.end)
        while True:
            wide = self.known.widened(span, self._portal.now(), back=back)
            try:
                page = self.of_range(wide, self.question(wide))
            except QuestionRefusedError as exc:
                too_old = retention.beyond(exc.status_code, exc.words)
                if too_old and back and wide != span:
                    back = False
                    continue
                tries += 1
                if too_old and tries < _REVISIONS // 2 and self._is_at_edge(span):  # which has moved on meanwhile
                    span = Range(min(span.start + times.SECOND * 2**tries, span.end), span.end)
                    continue
                new = refusals.taught(self.known, self.question(wide), exc, 0)
                if new is None or tries > _REVISIONS:
                    raise
                self.known = new
                self._portal.learn(new)
                continue
            return page if wide == span else self._cut(page, wide, span)

    def _is_at_edge(self, span: Range) -> bool:
        """Tell whether a part begins where the portal begins to keep messages, or did a moment ago."""
        edge = self._portal.habits.kept(self._selector).since
        return self._span.start <= edge and abs(span.start - edge) < times.MINUTE

    def _cut(self, page: Page, wide: Range, span: Range) -> Page:
        """Take the messages of a part out of a longer range's page.

        `rows` counts these alone if the page goes on beyond the part, and so has all of it; else it may be cut in it.
        """
        at, known = messages.instants(page.messages), self._portal.habits.pages
        slack = self.known.slack
        around = Range(wide.start - slack, wide.end + slack).holds(at)
        table = page.messages.filter(~around | span.holds(at))
        passes = {"up": (at >= span.end).any(), "down": (at < span.start).any()}
        order = order_of(page.messages)
        whole = known.by_time and order == known.order and passes.get(order or "", False)
        return dataclasses.replace(page, messages=table, rows=len(table) if whole else page.rows)

    def of_range(self, span: Range, question: dict[str, str], *, bounded: bool = False) -> Page:
        """Ask for a range by the parameters of a question; `bounded` as for `Wire.get`."""
        habits = self._portal.habits
        try:
            page = self.ask(Step(self.known.path, question), bounded=bounded)
        except QuestionRefusedError as exc:
            if not self._is_nothing(exc):
                raise
            is_new = span.start < habits.kept(self._selector).earliest
            if is_new and self._is_answered_at_its_end(span):  # else it would find nothing there, either
                raise QuestionRefusedError(str(exc), status_code=HTTPStatus.GONE, words=exc.words) from exc
            return Page()
        now = self._portal.now()
        habits.ranges.note(self._selector, span.before(now), page.messages)
        habits.note_answered(self._selector, span.start, now)
        return page

    def ask(self, step: Step, *, bounded: bool = False) -> Page:
        """Ask for a page, and learn from it.

        Raises
        ------
        QuestionRefusedError
            The portal refuses, perhaps with a good status.
        AnswerError
            The answer was not understood.
        WrongAccountError
            It holds another account's data.
        """
        page = self._page(step, bounded)
        self.zoneless = self.zoneless or page.zoneless
        if page.apart is not None and (self.apart is None or page.apart.by > self.apart.by):
            self.apart = page.apart
        self._portal.habits.remark = page.paging.remark or self._portal.habits.remark
        self._portal.habits.forms.note_strings(page.payload_form)
        fields = self.known.fields
        form = page.payload_form if fields.payload_form is None and page.payload_form not in STRINGS else None
        name = page.payload_name if fields.payload is None else None
        shown = {key: one for key, one in (("payload_form", form), ("payload", name)) if one}
        if shown:  # other answers, of a few numbers alone, would not show it, and be read in another way
            self.known = dataclasses.replace(self.known, fields=dataclasses.replace(fields, **shown))
            self._portal.learn_fields(**shown)
        return page

    def _page(self, step: Step, bounded: bool) -> Page:
        """Ask, and read what came: as a page, or as the refusal that it is."""

        def whole() -> Answer:
            given = self._portal.wire.get(step.path, step.params, bulk=True, wait=self._wait, bounded=bounded)
            return jobs.awaited(self._portal.wire, given, step.path, wait=self._wait)

        try:
            answer = whole()
        except QuestionRefusedError as exc:
            if refusals.nothing_there(exc.status_code, exc.words):
                return Page()
            raise
        answer, of_files = downloads.fetched(self._portal.wire, answer, step.path, whole, wait=self._wait)
        if answer.status == HTTPStatus.NO_CONTENT:
            return Page()
        try:
            page = self._read(answer, self._selector)
        except AnswerError as exc:
            if refusals.says_only_nothing(answer.body, answer.content_type):
                return Page()
            page = self._instead(answer, step, exc, again=whole)
        is_coded = self.known.fields.payload_form is None and page.payload_form not in (None, *STRINGS)
        shown: tuple[str | None, str | None] = (None, None)
        if is_coded:  # by the portal, or by a device that publishes such
            shown = self._shown_of_late(page)
        elif page.payload_unsure:
            shown = self.shown_by_others()
        if shown[0]:
            page = self._read(answer, self._selector, shown)
            page = dataclasses.replace(page, payload_form=shown[0], payload_name=shown[1])
        self._portal.check_accounts(page.accounts)
        said = paging.with_headers(page.paging, answer.headers, page.rows, answer.status)
        said = paging.both(said, of_files)
        return dataclasses.replace(page, paging=said)

    def _instead(self, answer: Answer, step: Step, exc: AnswerError, again: Callable[[], Answer]) -> Page:
        """Give the page of an answer that was not understood: an empty one, if it may be that.

        What may have been cut on its way is read if it comes just so once more.
        """
        if answers.MAY_BE_CUT in str(exc) and again().body == answer.body:
            return self._read(answer, self._selector, whole=True)
        asked, length = step.params or {}, self._span.end - self._span.start
        if refused := refusals.in_answer(self.known, asked, answer.body, answer.content_type, length):
            raise refused from exc
        guessed = self._portal.habits.guesses.unit  # then it is looked for further, or another thread has found it
        guessed = guessed or self._portal.contract.history.time_form != self.known.time_form
        behind = step.doubtful or step.params is None or self.known.cursor in step.params  # others came before it
        nothing = answers.nothing(answer.body, answer.content_type, behind=behind)
        if not nothing or not (guessed or nothing & self._without_rows()):
            raise exc
        return Page()

    def _read(
        self,
        answer: Answer,
        selector: Selector,
        shown: tuple[str | None, str | None] = (None, None),
        *,
        whole: bool = False,
    ) -> Page:
        fields = self.known.fields
        if shown[0]:
            fields = dataclasses.replace(fields, payload_form=shown[0], payload=fields.payload or shown[1])
        selector = self.known.askable(selector)  # what the portal was not asked for names no rows

        def page(form: str | None) -> Page:
            return answers.read_page(
                answer.body,
                content_type=answer.content_type,
                account_id=self._portal.account_id,
                client_id=selector.clients[0] if selector.clients else None,
                topic=selector.topic,
                fields=dataclasses.replace(fields, payload_form=form),
                whole=whole or answer.is_whole,
            )

        form = fields.payload_form or self._portal.habits.forms.strings
        found = page(form)
        others_say = form == "text" and fields.payload_form is None
        return page("decoded") if others_say and found.payload_form == "decoded" else found  # it shows more than they

    def _is_nothing(self, exc: QuestionRefusedError) -> bool:
        """Tell whether "not found" says that a range is empty: it does if other ranges of the question are answered."""
        of_age = retention.beyond(HTTPStatus.NOT_FOUND, exc.words)
        if exc.status_code != HTTPStatus.NOT_FOUND or of_age or answers.gives_a_reason(exc.words):
            return False
        kept = self._portal.habits.kept(self._selector)
        if kept.length < 0 and self._lately(self._selector):
            kept.length = 0
        return kept.length >= 0

    def _is_answered_at_its_end(self, span: Range) -> bool:
        """Tell whether the end of a range is answered, though the whole is not found: then its beginning is too old.

        A refusal of so short a range tells nothing of that: a longer one is asked for then.
        """
        end = Range(max(span.end - max(times.SECOND, self.known.unit), span.start), span.end)
        question = self.written(self.known, self.known.widened(end, self._portal.now()))
        try:
            self._portal.wire.get(self.known.path, question)
        except QuestionRefusedError as exc:
            new = refusals.taught(self.known, question, exc, 0)
            if new is None or new.shortest == self.known.shortest:
                return False
            self.known = new
            self._portal.learn(new)
            return self._is_answered_at_its_end(span)
        return end != span

    def _without_rows(self) -> frozenset[bytes]:
        """Give what an answer without rows looks like at this portal, by one of the last days that has some."""
        forms = self._portal.habits.forms
        with self._portal.habits.finding:
            for one in (self._selector, *others(self._portal, self.known, self._selector)):
                if not forms.without_rows and (found := self._lately(one)) and found[1].rows:
                    forms.without_rows = answers.without_rows(found[0].body, found[0].content_type)
        return forms.without_rows

    def _shown_of_late(self, page: Page) -> tuple[str | None, str | None]:
        """Give the form of payloads and their field, by answers of late, where those of a page are all coded.

        These are asked for once in a download: the portal may give payloads in another way than it did.
        """
        forms = self._portal.habits.forms
        with self._portal.habits.finding:
            if forms.coded is None:
                found = self._lately(self._widest())
                forms.coded = (found[1].payload_form if found else None) or page.payload_form
        return forms.coded, page.payload_name

    def shown_by_others(self) -> tuple[str | None, str | None]:
        """Give the form of payloads and their field, as others show them: those that came, or those of late.

        These are asked for once, of all clients if that may be; who needs them meanwhile waits. Where there are none of
        late, those up to the end of the range have to do. Both are None where they do not show it either.
        """
        forms = self._portal.habits.forms
        with self._portal.habits.finding:
            if forms.payloads is None and forms.strings in (None, "objects"):
                who, now = self._widest(), self._portal.now()
                found = self._lately(who)
                if found and not found[1].rows and self._span.end < now:
                    found = self._lately(who, until=self._span.end)
                forms.payloads = answers.shown([found[1]] if found else [])
                forms.note_strings(forms.payloads[0] or (found[1].payload_form if found else None))
            if forms.strings in ("text", "decoded"):
                return forms.strings, None
            shown: tuple[str | None, str | None] = forms.payloads or (None, None)
        return shown

    def _widest(self) -> Selector:
        """Give the selector of as much as may be asked for at once, with what this question is about."""
        named = self._selector.clients if self.known.client_required else None
        return Selector(named, self._selector.topic if self.known.topic_required else "#")

    def _lately(self, selector: Selector, until: int | None = None) -> tuple[Answer, Page] | None:
        """Give an answer about the last days that shows what the portal's answers are like; None if it refuses one.

        These are the days up to now, or to the instant `until`.
        """
        known = dataclasses.replace(self.known, page_size=min(self.known.page_size, _FEW))
        end = until or self._portal.now()
        most = times.duration(known.longest) if known.longest else _LATELY
        for length in dict.fromkeys(min(days, most) for days in (_LATELY, times.DAY)):  # it may keep less
            question = self.written(known, Range(end - length + known.unit, end), selector)
            try:
                answer = self._portal.wire.get(known.path, question, wait=self._wait, bounded=True)
                return answer, self._read(answer, selector)
            except (AnswerError, QuestionRefusedError):
                continue
            except PortalUnavailableError:  # it may only need too long for so much
                if length <= times.DAY:
                    raise
        return None
