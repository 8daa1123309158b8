"""Figures for Prometheus, read from the store and the fleet when they are asked for."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from central.centre import Centre
from central.gates import GateState


def registry(centre: Centre) -> CollectorRegistry:
    """The registry of the centre's figures."""
    figures = CollectorRegistry()
    figures.register(_Figures(centre))
    return figures


class _Figures(Collector):
    def __init__(self, centre: Centre) -> None:
        self._centre = centre

    def collect(self) -> Iterator[Metric]:
        held = GaugeMetricFamily("barie_facts_held", "Facts held, by journal", labels=["journal"])
        for journal, count in self._centre.store.count().items():
            held.add_metric([journal], count)
        yield held
        yield self._by_reason()
        yield from self._gates()

    def _by_reason(self) -> Metric:
        labels = ["place", "heading", "verdict", "code"]
        opened = CounterMetricFamily(
            "barie_opened_by_reason", "Openings by hand where the rules did not say open", labels=labels
        )
        for one in self._centre.by_reason.ever():
            opened.add_metric([one.place, one.heading, one.verdict, one.code], one.openings)
        return opened

    def _gates(self) -> Iterator[Metric]:
        where = ["site", "node"]
        alive = GaugeMetricFamily("barie_gate_alive", "1 while the gate is heard", labels=where)
        behind = GaugeMetricFamily(
            "barie_gate_behind_facts", "Facts of the gate that the centre lacks", labels=where
        )
        lags = GaugeMetricFamily(
            "barie_gate_lags_facts", "Facts of the centre that the gate lacks", labels=where
        )
        for gate in self._centre.view_gates():
            labels = [gate.site, gate.node]
            alive.add_metric(labels, float(gate.state is GateState.ALIVE))
            if gate.behind is not None:
                behind.add_metric(labels, gate.behind)
            if gate.lags is not None:
                lags.add_metric(labels, gate.lags)
        yield from (alive, behind, lags)
