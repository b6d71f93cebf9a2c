"""What rendering asks of programs outside: answers by question, and the questions that nobody has answered yet."""

from reconciler.model.clusters import ClusterFacts
from reconciler.model.inflation import Answers, ChartAnswer, ChartRender, TemplateAnswer, TemplateRender, Wanted


class Questions:
    """The questions of one pass over a schedule."""

    def __init__(self, answers: Answers) -> None:
        """Ask with these answers at hand."""
        self._answers = answers
        self.open: dict[Wanted, None] = {}
        """Questions that were asked and have no answer."""

    def chart(self, question: ChartRender) -> ChartAnswer | None:
        """What helm made of a chart; None while nobody knows."""
        answer = self._answers.get(question)
        if isinstance(answer, ChartAnswer):
            return answer
        self.open[question] = None
        return None

    def template(self, question: TemplateRender) -> TemplateAnswer | None:
        """What came of a template; None while nobody knows."""
        answer = self._answers.get(question)
        if isinstance(answer, TemplateAnswer):
            return answer
        self.open[question] = None
        return None

    def sorted(self) -> tuple[Wanted, ...]:
        """The open questions, each once, in an order that depends on nothing but them."""
        charts = sorted(one for one in self.open if isinstance(one, ChartRender))
        templates = sorted(one for one in self.open if isinstance(one, TemplateRender))
        return (*templates, *charts)


class Capabilities:
    """Kubernetes version and served kinds of clusters, as charts see them; clusters that are alike share one."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, tuple[str, ...]]] = {}
        self._alike: dict[tuple[str, tuple[str, ...]], tuple[str, tuple[str, ...]]] = {}

    def of(self, cluster: ClusterFacts) -> tuple[str, tuple[str, ...]]:
        """Version of the API server, and the kinds that it serves in sorted order."""
        known = self._known.get(cluster.id)
        if known is None:
            found = (cluster.kubernetes, tuple(sorted(cluster.apis)))
            known = self._known[cluster.id] = self._alike.setdefault(found, found)
        return known
