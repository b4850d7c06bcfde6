"""docs/reference/metrics.md names every metric with its kind and labels."""

import re
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge

from casare_rpa.infrastructure.orchestrator.observability import Metrics

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "metrics.md").read_text(encoding="utf-8")
ROWS = {
    match[1]: (match[2], tuple(re.findall(r"`(\w+)`", match[3])))
    for match in re.finditer(r"^\| `(casare_\w+)` \| (\w+) \|([^|]*)\|", PAGE, re.MULTILINE)
}


def labels_of(figure: object) -> tuple[str, ...]:
    return tuple(getattr(figure, "_labelnames", None) or getattr(figure, "_labels", ()))


def figures(metrics: Metrics) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Kind and labels of every metric, by its name in Prometheus."""
    found = {}
    for figure in vars(metrics).values():
        if isinstance(figure, CollectorRegistry):
            continue
        (family,) = figure.collect()
        name = family.name + ("_total" if family.type == "counter" else "")
        found[name] = (family.type, labels_of(figure))
    return found


def test_every_metric_is_named_with_its_kind_and_labels() -> None:
    assert figures(Metrics()) == ROWS


def test_undocumented_metric_is_detected() -> None:
    metrics = Metrics()
    metrics.planted = Gauge("casare_planted", "Not on the page.", ["label"], registry=metrics.registry)  # type: ignore[attr-defined]
    assert set(figures(metrics)) - set(ROWS) == {"casare_planted"}


def test_every_metric_of_the_registry_is_an_attribute() -> None:
    assert len(list(Metrics().registry.collect())) == len(figures(Metrics()))
